"""The command line: help, results on stdout, everything else on stderr, and what exit codes mean."""

import errno
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import typer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

import golive
from golive import errors
from golive.cli.app import build_app
from golive.cli.evidence import left_text, note_line, remarks_of
from golive.cli.output import Printer, fail, table
from golive.control.rooms import open_rooms
from golive.control.stages import Stage
from golive.domain.digest import digest_of
from golive.domain.evidence import Evidence, Measure
from golive.domain.policy import Verdict
from golive.settings import Settings

VERBS = [
    ("init",), ("up",), ("down",), ("train",), ("package",), ("schema",), ("evaluate",), ("gate",), ("serve",),
    ("deploy",), ("rollback",), ("predict",), ("bench",), ("status",), ("history",), ("monitor",), ("list",), ("show",), ("export",),
    ("key", "create"), ("key", "list"), ("key", "revoke"), ("audit", "list"), ("audit", "verify"),
]  # fmt: skip


def run(*words: str, debug: bool = False):
    return CliRunner().invoke(build_app(debug=debug), list(words))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A state folder with one evaluated bundle, as a notebook leaves it."""
    home = tmp_path_factory.mktemp("made") / "state"
    rows, species = load_iris(return_X_y=True, as_frame=True)
    model = LogisticRegression(max_iter=500).fit(rows, species)
    golive.evaluate(golive.package(model, sample=rows, target=species, name="iris", home=str(home)), rows, species)
    return home


@pytest.fixture
def state(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a copy of that state."""
    shutil.copytree(made, tmp_path / "state")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLIVE_HOME", str(tmp_path / "state"))
    return tmp_path


def rooms_of(state: Path):
    return open_rooms(settings=Settings(home=state / "state"))


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_verb_says_what_it_does(words):
    done = run(*words, "--help")
    assert done.exit_code == 0
    assert " ".join(words) in done.stdout


def test_help_lists_every_verb():
    text = run("--help").stdout
    assert all(f" {words[0]} " in text for words in VERBS)


def test_golive_alone_shows_its_help():
    assert "Usage: golive" in run().output


def test_the_version_is_that_of_the_package():
    assert run("--version").stdout == f"golive {golive.__version__}\n"


def test_a_misspelled_verb_is_answered_with_the_nearest():
    done = run("stauts")
    assert done.exit_code == 2
    assert "status" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("show", "iris"),
        ("status",),
        ("gate", "iris"),
        ("key", "list"),
        ("audit", "list"),
        ("audit", "verify"),
    ],
    ids=" ".join,
)
def test_json_is_all_there_is_on_stdout(state, words):
    done = run(*words, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout) is not None
    assert done.stderr == ""


def test_the_schema_of_golive_yaml_is_json():
    assert "properties" in json.dumps(json.loads(run("schema").stdout))


EXIT_CODES = {
    "0 done": (("gate", "iris", "--rule", "accuracy >= 0.9"), 0, ""),
    "2 bad usage": (("gate", "iris", "--rule", "accuracy is high"), 2, "'accuracy is high' cannot be read"),
    "2 no option": (("status", "--jason"), 2, "--json"),
    "2 a bundle without rows": (("evaluate", "iris"), 2, "golive evaluate iris --data FILE"),
    "2 a pair that is none": (("export", "iris", "--to", "script", "--option", "port"), 2, "KEY=VALUE"),
    "3 the gate says no": (("deploy", "iris", "sha256:{digest}"), 3, "does not hold"),
    "5 no bundle": (("show", "irsi"), 5, "there is no bundle named 'irsi'; the store holds: iris"),
    "5 no release": (("deploy", "iris", "iris@7"), 5, "'iris' has no release '7'; its releases are: none"),
    "5 nothing serves": (("rollback", "iris"), 5, "nothing serves as 'iris'"),
    "5 no history": (("history", "iris"), 5, "nothing was ever released as 'iris'"),
    "5 no key": (("key", "revoke", "k"), 5, "'k'"),
    "5 no kind of export": (("export", "iris", "--to", "dokcer"), 5, "compose, docker, kubernetes"),
    "5 no alias": (("show", "iris:live"), 5, "the aliases are ':serving' and ':latest'"),
}


@pytest.mark.parametrize("case", EXIT_CODES)
def test_an_exit_code_says_what_happened(state, case):
    words, code, sentence = EXIT_CODES[case]
    if code == 3:
        rules = "name: iris\ndata: {package: sklearn:iris}\ntarget: target\ntask: classification\n"
        (state / "golive.yaml").write_text(rules + "gate: {rules: [accuracy >= 0.999]}\n", "utf-8")
    digest = rooms_of(state).bundles.list()[0].digest.removeprefix("sha256:")
    done = run(*(word.format(digest=digest) for word in words))
    assert done.exit_code == code, done.stdout + done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_server_a_deployment_says_what_starts_one_with_exit_code_6(state):
    done = run("deploy", "iris", "iris")
    assert done.exit_code == 6
    assert "`golive up --detach` starts one" in done.stderr
    assert json.loads(run("history", "iris", "--json").stdout)["deployments"] == []


def test_an_altered_bundle_is_refused_with_exit_code_4(state):
    bundle = rooms_of(state).bundles.list()[0]
    [blob] = [
        path for path in (state / "state" / "store").rglob("*") if path.is_file() and b"ai.onnx" in path.read_bytes()
    ]
    blob.chmod(0o600)
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(content)
    done = run("export", bundle.digest, "--to", "script")
    assert done.exit_code == 4, done.stdout + done.stderr
    assert blob.name[:12] in done.stderr
    assert sorted(path.name for path in state.iterdir()) == ["state"]


def test_a_bug_is_said_to_be_one_with_a_number_to_report(capsys):
    with pytest.raises(typer.Exit) as left:
        fail(ZeroDivisionError("division by [zero]"), debug=False)
    assert left.value.exit_code == 1
    words = (
        r"error: this is a bug in golive \(ZeroDivisionError: division by \[zero\]\); please report it as [0-9a-f]{8}, "
    )
    assert re.match(words, capsys.readouterr().err)


def test_a_disk_that_refuses_is_no_bug(capsys):
    with pytest.raises(typer.Exit) as left:
        fail(PermissionError(errno.EACCES, "Permission denied", "/etc/golive"), debug=False)
    assert left.value.exit_code == 6
    assert "error: '/etc/golive' could not be written (Permission denied); give this user" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("show", "irsi", "--debug"), ("--debug", "show", "irsi")], ids=" ".join)
def test_debug_adds_the_traceback_wherever_it_stands(state, words):
    done = subprocess.run(
        [sys.executable, "-m", "golive", *words], capture_output=True, text=True, check=False, cwd=state
    )
    assert done.returncode == 5
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.rstrip().splitlines()[-1].startswith("error: there is no bundle named 'irsi'")


def test_a_piped_table_has_each_row_on_one_line_without_colors(state):
    long = "a word that is much longer than any terminal is wide " * 10
    done = subprocess.run(
        [sys.executable, "-c", f"from golive.cli.output import *; p = Printer(); table(p.out, ('a', 'b'), [({long!r}, '[x]')])"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[1].split("  ")[-1].strip() == "[x]"
    assert len(done.stdout.splitlines()) == 2
    assert "\x1b" not in done.stdout


def test_progress_goes_to_stderr_and_says_what_was_reused(capsys):
    printer = Printer()
    printer.stage(Stage(name="train", text="homes.csv: [120] rows", seconds=1.25))
    printer.stage(Stage(name="package", text="kept", seconds=0.0, reused=True))
    with printer.progress() as move:
        move(1, 2, "half [done]")
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.split("\n")[:2] == ["✓ train     homes.csv: [120] rows 1.2 s", "= package   kept unchanged"]


def test_markup_in_a_value_is_shown_as_it_is(capsys):
    table(Printer().out, ("[red]name",), [("[bold]x[/bold]",)])
    assert "[bold]x[/bold]" in capsys.readouterr().out


def test_every_error_has_an_exit_code_that_the_help_promises():
    family = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.GoliveError)]
    assert {kind.exit_code for kind in family} == {1, 2, 3, 4, 5, 6}


def test_the_verdict_is_written_as_well_formed_junit(state):
    rules = ["--rule", "accuracy >= 0.9", "--rule", "accuracy >= 0.999", "--rule", "slices.worst_auc >= 0 "]
    done = run("gate", "iris", *rules, "--junit", "verdict.xml")
    assert done.exit_code == 3
    suite = ET.parse(state / "verdict.xml").getroot()
    assert (suite.tag, suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("testsuite", "3", "1", "1")
    outcomes = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert outcomes == {"accuracy >= 0.9": [], "accuracy >= 0.999": ["failure"], "slices.worst_auc >= 0": ["error"]}


def test_a_key_is_shown_once_and_never_again(state):
    made = json.loads(run("key", "create", "shop", "--json").stdout)
    listed = run("key", "list").stdout
    assert made["id"] in listed
    assert made["key"] not in listed + run("key", "list", "--json").stdout + run("audit", "list", "--json").stdout
    assert run("key", "revoke", made["id"]).exit_code == 0
    assert json.loads(run("key", "list", "--json").stdout)[0]["revoked_at"]


def test_every_kind_of_export_is_written_and_a_full_folder_is_refused(state):
    for kind in ("script", "docker", "compose", "kubernetes"):
        done = run("export", "iris", "--to", kind, "-o", kind, "--json")
        assert done.exit_code == 0, done.stderr
        assert all(Path(path).exists() for path in json.loads(done.stdout))
    again = run("export", "iris", "--to", "script", "-o", "script")
    assert again.exit_code == 2
    assert "'script' is not empty" in again.stderr


def test_a_bundle_that_was_never_released_is_said_to_be_so_where_it_is_used(state):
    assert "released never" in " ".join(run("show", "iris").stdout.split())
    done = run("export", "iris", "--to", "script", "-o", "script", "--json")
    assert "iris was never released; its newest bundle" in done.stderr
    [bundle] = rooms_of(state).bundles.list()
    verdict = Verdict(bundle=bundle.digest, outcome="fail", policy=bundle.digest, forced="to try it")
    rooms_of(state).ledger.add_release("iris", bundle.digest, verdict, at="2026-01-01", by="ada")
    assert "iris@1 (fail, forced: to try it)" in run("show", "iris").stdout
    assert [release["version"] for release in json.loads(run("show", "iris", "--json").stdout)["releases"]] == [1]
    assert run("export", "iris", "--to", "script", "-o", "again").stderr == ""


def test_the_gate_says_which_rows_it_judged(state):
    done = run("gate", "iris", "--rule", "accuracy >= 0.9")
    assert "judged on 150 rows that were given of the data " in done.stdout
    verdict = json.loads(run("gate", "iris", "--rule", "accuracy >= 0.9", "--json").stdout)
    assert (verdict["rows"], verdict["rows_from"], verdict["data"][:7]) == (150, "given", "sha256:")


def test_a_strategy_that_is_not_built_is_no_option(state):
    done = run("deploy", "iris", "iris", "--strategy", "canary")
    assert (done.exit_code, rooms_of(state).ledger.deployments()) == (2, ())


def test_status_where_nothing_is_deployed_says_what_makes_something_live(state):
    assert run("status").stdout == "nothing is deployed; `golive up` makes something live\n"


def test_down_where_nothing_runs_says_so(state):
    assert run("down").stdout == "nothing was running\n"


def test_down_in_a_folder_that_is_no_project_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("GOLIVE_HOME", raising=False)
    for folder in (tmp_path, tmp_path / "typo"):
        done = run("down", str(folder))
        assert done.exit_code == 5
        assert f"there is no project in '{folder}'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_up_in_a_folder_that_is_no_project_leaves_nothing_there(tmp_path, monkeypatch):
    monkeypatch.delenv("GOLIVE_HOME", raising=False)
    for words in (("up",), ("up", "--no-serve")):
        assert run(*words, str(tmp_path / "typo")).exit_code == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("up",), ("evaluate",)], ids=" ".join)
def test_a_language_that_no_report_has_is_refused_before_any_work(tmp_path, words):
    done = run(*words, str(tmp_path), "--lang", "xx")
    assert done.exit_code == 2
    assert "'xx' is not one of 'en', 'zh'" in done.stderr


@pytest.mark.parametrize("words", [("--truth", "y"), ("--classes", "a,b"), ("--answer", "scores")], ids=" ".join)
def test_words_about_arrays_are_refused_for_a_project_of_rows_before_any_work(tmp_path, words):
    made = Path(__file__).parents[3] / "examples" / "iris" / "golive.yaml"
    (tmp_path / "golive.yaml").write_bytes(made.read_bytes())
    done = run("evaluate", str(tmp_path), *words)
    assert done.exit_code == 2
    assert "leave out truth, answer and classes" in done.stderr
    assert not (tmp_path / ".golive" / "store").exists()


def test_a_rule_is_said_once_with_its_value(state):
    done = run("gate", "iris", "--rule", "accuracy >= 0.9", "--rule", "slices.worst_auc >= 0", "--rule", "size_mb >= 9")
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"✓ accuracy >= 0\.9: 0\.\d+", lines[0])
    assert lines[1] == "? slices.worst_auc >= 0: slices.worst_auc was not measured"
    assert re.fullmatch(r"✗ size_mb >= 9: 0\.\d+", lines[2])


def test_a_bundle_is_measured_on_the_rows_of_a_file(state):
    rows, species = load_iris(return_X_y=True, as_frame=True)
    rows.assign(target=species).to_csv(state / "rows.csv", index=False)
    done = run("evaluate", "iris", "--data", "rows.csv", "--json")
    assert done.exit_code == 0, done.stderr
    measures = {measure["name"]: measure["value"] for measure in json.loads(done.stdout)["measures"]}
    model = golive.load("iris")
    assert measures["accuracy"] == float(np.mean(model.predict(rows) == species))
    missing = run("evaluate", "iris", "--data", "absent.csv")
    assert (missing.exit_code, "absent.csv" in missing.stderr) == (2, True)


def test_one_measure_that_is_left_out_is_said_in_the_singular():
    assert left_text(1) == "1 more measure is in the report; --all prints it"
    assert left_text(161) == "161 more measures are in the report; --all prints them"


FEW = "few rows (90): the interval may be a little too narrow; 360 rows would halve it"


@pytest.mark.parametrize(
    ("code", "below"), [("other", [FEW]), ("few_rows", []), ("grouped", [])], ids=["nowhere else", "noted", "groups"]
)
def test_what_holds_of_every_measure_is_said_once_below_the_table(code, below):
    notes = ["", "per row", f"per row; {FEW}", FEW, FEW]
    measures = tuple(Measure(name=f"m{place}", value=0.5, note=note) for place, note in enumerate(notes))
    found = Evidence(
        bundle=digest_of(b"b"), kind="evaluation", measured_at="2026-01-01T00:00:00Z", code="0.5.0",
        measures=measures, details={"notes": [{"code": code, "text": "why"}]},
    )  # fmt: skip
    assert remarks_of(measures, found) == (["", "per row", "per row", "", ""], below)


def test_a_note_names_what_was_not_looked_for():
    assert note_line({"code": "c", "text": "there are 1 test rows"}) == "· there are 1 test rows"
    note = {"code": "c", "text": "there are 1 test rows", "kinds": ["unit", "shift"]}
    assert note_line(note) == "· not looked for (unit, shift): there are 1 test rows"
