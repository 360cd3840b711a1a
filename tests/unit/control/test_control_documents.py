"""``golive report``: documents from what is stored, and nothing measured anew."""

import json
import re
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

import golive
from golive.cli.app import build_app
from golive.control.judging.documents import known_of, report, schema
from golive.control.rooms import open_rooms
from golive.domain.bundle import Manifest
from golive.domain.digest import digest_of
from golive.domain.evidence import Evidence
from golive.domain.policy import Policy
from golive.domain.preparation import Preparation
from golive.domain.signature import Signature
from golive.errors import NotFoundError, UnavailableError, UsageError
from golive.evaluation.documents.schema import EvidenceDocument
from golive.judge import judge
from golive.settings import read_settings

COLUMNS = ["income", "age"]
FORMS = ["html", "json", "card", "annex-iv", "self-assessment", "markdown"]
PUBLISHED = Path(__file__).parents[3] / "docs" / "evidence.schema.json"
STRICT = Policy(rules=("auc.lower >= 0.999",))


def rooms_at(home):
    return open_rooms(settings=msgspec.structs.replace(read_settings(), home=home))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Give a state with three bundles.

    ``payer`` is released twice, first by force; ``fresh`` is evaluated and not released; ``other`` is not evaluated.
    """
    place = tmp_path_factory.mktemp("reports") / "state"
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"income": rng.normal(30, 8, 500), "age": rng.integers(18, 80, 500).astype(float)})
    rows["sex"] = rng.choice(["f", "m"], 500)
    paid = np.where(rng.random(500) < 1 / (1 + np.exp(-(rows["income"] - 30) / 4)), "yes", "no")
    train, test = rows[:250], rows[250:]
    model = LogisticRegression().fit(train[COLUMNS], paid[:250])
    made = golive.package(model, sample=train[COLUMNS], target=paid[:250], name="payer", home=str(place))
    golive.package(model, sample=train[COLUMNS], target=paid[:250], name="other", home=str(place))
    fresh = golive.package(model, sample=train[COLUMNS], target=paid[:250], name="fresh", home=str(place))
    golive.evaluate(fresh, test, paid[250:])
    golive.evaluate(made, test, paid[250:], sensitive=["sex"])
    rooms = rooms_at(place)
    (found,) = (one for one in rooms.bundles.evidence(made.bundle.digest) if one.kind == "evaluation")
    verdict = judge(found, STRICT, forced="the auditor asked for it")
    rooms.ledger.add_release("payer", made.bundle.digest, verdict, at=rooms.now(), by="ann")
    rooms.ledger.add_release("payer", made.bundle.digest, judge(found, Policy()), at=rooms.now(), by="bob")
    return place


@pytest.fixture
def command(home, monkeypatch, tmp_path):
    """Give a function that runs the command line in an empty folder."""
    monkeypatch.setenv("GOLIVE_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(build_app(), list(words))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_form_shows_a_forced_release(home, form, lang, tmp_path):
    written = report("payer@1", rooms_at(home), form=form, output=tmp_path / "out" / "file", lang=lang)
    assert written.forced
    assert "the auditor asked for it" in written.text
    assert written.path.read_text("utf-8") == written.text


def test_figures_are_found_again_in_the_store_by_the_digest_that_is_named(home):
    text = report("payer", rooms_at(home), form="card").text
    sources = dict(re.findall(r"^\| `([EBVD]\d)` \| [^|]* \| `(sha256:[0-9a-f]{64})` \|", text, re.MULTILINE))
    stored = (home / "store" / "blobs" / "sha256" / sources["E1"].removeprefix("sha256:")).read_bytes()
    assert digest_of(stored) == sources["E1"]
    evidence = msgspec.json.decode(stored, type=Evidence)
    listed = dict(re.findall(r"^\| `\[E1 ([^\]]+)\]` \| (\S+) \|", text, re.MULTILINE))
    assert float(listed["auc"]) == evidence.find("auc").value
    assert {"rows", "baseline.auc", "auc - baseline.auc", "fairness.sex.selection_ratio"} <= set(listed)
    for name, value in listed.items():
        measure = evidence.find(name)
        assert measure is None or float(value) == measure.value


def test_the_json_is_everything_on_record(home):
    rooms = rooms_at(home)
    read = msgspec.json.decode(report("payer@1", rooms, form="json").text, type=EvidenceDocument)
    (stored,) = (one for one in rooms.bundles.evidence(read.bundle) if one.kind == "evaluation")
    assert read.evidence == stored
    assert read.releases[0].created_by == "ann"
    assert read.verdict == read.releases[0].verdict
    assert read.parity is not None
    assert read.forced


@pytest.mark.parametrize("form", ["card", "annex-iv", "self-assessment", "markdown"])
def test_a_release_that_was_once_forced_stays_so_in_every_document_about_its_bundle(home, form):
    written = report("payer", rooms_at(home), form=form)
    assert written.forced
    assert "payer@1" in written.text
    assert "the auditor asked for it" in written.text


def test_the_verdict_is_that_of_the_release_that_is_meant_else_by_the_rules_that_hold_now(home):
    rooms = rooms_at(home)
    assert known_of("payer@1", STRICT, rooms).verdict.outcome == "fail"
    assert known_of("payer", STRICT, rooms).release.version == 2
    assert known_of("payer", STRICT, rooms).verdict.outcome == "pass"
    fresh = known_of("fresh", STRICT, rooms)
    assert fresh.release is None
    assert fresh.verdict.outcome == "fail"
    assert "Not released" in report("fresh", rooms, form="card").text


def test_a_bundle_that_was_never_evaluated_is_told_how_to_be(home):
    with pytest.raises(NotFoundError, match=r"never evaluated.*golive evaluate"):
        report("other", rooms_at(home), form="card")


def test_an_unknown_form_is_refused_with_those_that_there_are(home):
    with pytest.raises(UsageError, match=r"'pdf'.*annex-iv"):
        report("payer", rooms_at(home), form="pdf")


def test_the_command_prints_text_and_keeps_a_page(command, tmp_path):
    card = command("report", "payer", "--to", "card")
    assert card.exit_code == 0, card.output
    assert card.stdout.startswith("---\nlibrary_name:")
    page = command("report", "payer", "--lang", "zh")
    assert page.exit_code == 0, page.output
    (path,) = tmp_path.glob("payer-*.html")
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert "released against the gate" in page.stderr


def test_the_program_in_a_card_runs(command, capsys):
    text = command("report", "payer", "--to", "card").stdout
    (program,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    exec(compile(program, "card", "exec"), {})
    assert re.search(r"yes|no", capsys.readouterr().out)


def test_the_published_schema_is_what_the_command_prints():
    assert PUBLISHED.read_bytes().strip() == schema("evidence").strip(), "run `make docs`"


def test_a_bundle_of_tensors_that_was_never_evaluated_has_no_report(tmp_path):
    rooms = rooms_at(tmp_path / "state")
    manifest = Manifest(
        name="digits", signature=Signature(inputs=(), task="tensors", target=""), preparation=Preparation()
    )
    rooms.bundles.write(manifest, {"model.onnx": b"graph"}, created_at=rooms.now())
    with pytest.raises(NotFoundError, match=r"--data FILE\.npz --truth ARRAY"):
        report("digits", rooms, form="card")


def test_a_place_that_cannot_be_written_is_named(home, tmp_path):
    (tmp_path / "taken").write_text("a file", "utf-8")
    with pytest.raises(UnavailableError, match="taken"):
        report("payer", rooms_at(home), form="card", output=tmp_path / "taken" / "card.md")


def test_the_command_prints_the_schema_of_the_json(command):
    printed = command("schema", "--of", "evidence")
    assert json.loads(printed.stdout)["title"] == "golive.evidence/1"
    assert json.loads(command("schema").stdout)["title"] == "golive.yaml"
    assert command("schema", "--of", "nothing").exit_code != 0
