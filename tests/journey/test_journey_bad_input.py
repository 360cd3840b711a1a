"""Bad input, as people meet it: every mistake is answered with one sentence, and nothing is lost or half-written."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from typer.testing import CliRunner

from golive.cli.app import build_app
from golive.control.rooms import open_rooms
from golive.settings import Settings

PROJECT = """
name: homes
data: {file: homes.csv}
target: price
task: regression
candidates: [{model: linear}]
validation: {folds: 3}
search: {jobs: 1}
gate: {rules: ["(rmse - baseline.rmse).upper <= 0"]}
serving: {port: 0, admin_port: 0, workers: 1, max_body_mb: 0.01}
"""


def table(rows: int = 200) -> list[str]:
    """A header and rows of homes whose price follows from the other columns."""
    rng = np.random.default_rng(0)
    lines = ["area,rooms,zone,price"]
    for row in range(rows):
        area, rooms, zone = rng.uniform(50, 200), rng.integers(1, 6), row % 3
        lines.append(f"{area:.1f},{rooms},{'abc'[zone]},{100 + 2 * area + 10 * rooms + 5 * zone + rng.normal():.3f}")
    return lines


def written(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()


def without_last(lines: list[str], instead: str) -> bytes:
    return written([lines[0]] + [line.rpartition(",")[0] + instead for line in lines[1:]])


def with_first(lines: list[str], name: str, value: str) -> bytes:
    return written([f"{name},{lines[0]}"] + [f"{value},{line}" for line in lines[1:]])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "golive.yaml").write_text(PROJECT, "utf-8")
    return tmp_path


def golive(*words: str):
    return CliRunner().invoke(build_app(), list(words))


def nothing_is_half_written(folder: Path) -> None:
    assert not [path for path in folder.rglob("*") if "unfinished" in path.name]
    rooms = open_rooms(folder, Settings())
    assert list(rooms.bundles.list()) == []
    assert rooms.ledger.releases() == ()


BINARY = bytes(range(1, 256)) * 20
BAD_TABLES = {
    "a missing file": (None, r"golive.yaml:3: .*data.file: there is no file 'homes.csv'"),
    "an empty file": (b"", r"homes.csv is empty: a header line and at least one row are needed"),
    "a header alone": (b"area,rooms,zone,price\n", r"homes.csv has a header but no rows \(area, rooms, zone, price\)"),
    "a file that is no text": (BINARY, r"homes.csv is not utf-8 text \(byte \d+\); save it as UTF-8"),
    "another encoding": ("\n".join(table()).replace(",a,", ",é,").encode("latin-1"), r"encoding: latin-1"),
    "an absent target": (written([line.rpartition(",")[0] for line in table()]), r"'price' is not a column .* 'area'"),
    "one value of the target": (without_last(table(), ",5"), r"'price' is 5.0 in every row"),
    "a text as target": (without_last(table(), ",dear"), r"target 'price'.*number"),
    "two columns of one name": (with_first(table(), "area", "1"), r"several columns named 'area'; give every column"),
    "a row that is cut": (written([*table()[:50], "1,2,a", *table()[50:]]), r"homes.csv:51: the row has 3 fields"),
    "an infinite number": (
        written([*table(), "inf,2,a,300"]),
        r"column 'area' is infinite in 1 rows .*cleaning.ranges",
    ),
    "a number beyond float64": (written([*table(), "1e400,2,a,300"]), r"column 'area' is infinite"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_table_that_cannot_be_trained_on_is_answered_with_one_sentence(folder, case):
    content, words = BAD_TABLES[case]
    if content is not None:
        (folder / "homes.csv").write_bytes(content)
    done = golive("up", "--no-serve", "--json")
    is_refused(done, words)
    nothing_is_half_written(folder)


def is_refused(done, words: str, code: int = 2) -> None:
    assert done.exit_code == code, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert re.search(words, done.stderr), done.stderr
    assert "Traceback" not in done.stderr


BAD_PROJECTS = {
    "a misspelled target": (("target: price", "target: prise"), r"'prise' is not a column .*did you mean 'price'\?"),
    "a misspelled key": (("validation:", "validtion:"), r"validtion: unknown key, did you mean 'validation'\?"),
    "an unknown model": (("model: linear", "model: lineer"), r"lineer.*did you mean 'linear'\?"),
    "a rule that is none": (("(rmse - baseline.rmse).upper <= 0", "rmse is small"), r"'rmse is small'"),
    "cleaning that leaves no row": (
        ("validation:", "cleaning: {ranges: {area: {minimum: 1000, outside: drop}}}\nvalidation:"),
        r"no rows are left after cleaning",
    ),
    "one class only": (("task: regression", "task: classification"), r"golive.yaml"),
    "a file that is no YAML": (("name: homes", "name: [homes"), r"golive.yaml:\d+"),
}


@pytest.mark.parametrize("case", BAD_PROJECTS)
def test_a_mistake_in_golive_yaml_is_answered_with_one_sentence(folder, case):
    (found, instead), words = BAD_PROJECTS[case]
    (folder / "homes.csv").write_bytes(written(table()))
    (folder / "golive.yaml").write_text(PROJECT.replace(found, instead), "utf-8")
    done = golive("up", "--no-serve")
    is_refused(done, words)
    nothing_is_half_written(folder)


def test_one_class_alone_is_refused(folder):
    (folder / "homes.csv").write_bytes(without_last(table(), ",yes"))
    project = PROJECT.replace("regression", "classification").replace("rmse", "log_loss").replace("linear", "logistic")
    (folder / "golive.yaml").write_text(project, "utf-8")
    is_refused(golive("up", "--no-serve"), r"'price' has only the class 'yes'; at least two classes are needed")
    nothing_is_half_written(folder)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (written([line.replace(",", ";") for line in table()]), "delimited by ';'"),
        (with_first(table(), "gone", ""), "pass"),
        (with_first(table(), "same", "7"), "pass"),
        (
            written([line if row % 40 else f"oops,{line.partition(',')[2]}" for row, line in enumerate(table(), 1)]),
            "pass",
        ),
    ],
    ids=["another delimiter", "an all-missing column", "a constant column", "texts in a number column"],
)
def test_a_table_with_small_faults_is_read_and_trained_on(folder, content, words):
    (folder / "homes.csv").write_bytes(content)
    done = golive("up", "--no-serve")
    assert done.exit_code == 0, done.stderr
    assert words in done.stdout + done.stderr
    [bundle] = open_rooms(folder, Settings()).bundles.list()
    assert {"area", "rooms", "zone"} <= set(bundle.signature.names)
    assert not {"gone", "same"} & set(bundle.signature.names)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("new", "--data", "absent.csv", "--target", "price"), r"there is no file 'absent.csv'"),
        (("new", "--data", "homes.csv", "--target", "prise"), r"'prise' .*did you mean 'price'\?"),
        (("new", "--data", "homes.csv"), r"--target"),
        (("new", "--example", "irsi"), r"'irsi'.*iris"),
        (("new", "--data", "homes.csv", "--target", "price", "--drop", "are"), r"'are'.*did you mean 'area'\?"),
    ],
)
def test_a_project_that_cannot_be_started_leaves_no_folder(folder, words, sentence):
    (folder / "homes.csv").write_bytes(written(table()))
    done = golive("init", *words)
    is_refused(done, sentence, done.exit_code if done.exit_code == 5 else 2)
    assert not (folder / "new").exists()


def test_a_folder_without_a_project_is_answered_with_what_starts_one(tmp_path):
    done = golive("up", str(tmp_path / "nowhere"))
    is_refused(done, r"golive.yaml.*golive init", 5)


# --- requests to a live model -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("homes")
    (folder / "golive.yaml").write_text(PROJECT, "utf-8")
    (folder / "homes.csv").write_bytes(written(table()))
    command = [sys.executable, "-m", "golive"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GOLIVE_")}
    told = subprocess.check_output([*command, "up", "--detach", "--json"], cwd=folder, env=environment)
    yield json.loads(told)["url"]
    subprocess.check_call([*command, "down"], cwd=folder, env=environment)


HOME = {"area": 120.0, "rooms": 3, "zone": "a"}
PREDICT = "/v1/models/homes:predict"


def rows(**changes) -> bytes:
    return json.dumps({"instances": [HOME, HOME | changes]}).encode()


BAD_REQUESTS = {
    "NaN": (
        "/predict/homes",
        b'{"features": [[NaN, 3, "a"]]}',
        400,
        "NaN and Infinity are not JSON: send null",
        None,
    ),
    "infinity": (
        PREDICT,
        b'{"instances": [{"area": Infinity, "rooms": 3, "zone": "a"}]}',
        422,
        "field 'area'",
        "$.instances[0].area",
    ),
    "a huge number": (PREDICT, rows().replace(b"120.0", b"1e999"), 422, "area", "$.instances[0].area"),
    "a text for a number": (PREDICT, rows(area="big"), 422, "wants a number, got a text", "$.instances[1].area"),
    "null where a value is needed": (PREDICT, rows(area=None), 422, "wants a number, got null", "$.instances[1].area"),
    "a wrong field name": (PREDICT, rows(aera=1), 422, "did you mean 'area'?", "$.instances[1].aera"),
    "a field too few": (
        PREDICT,
        b'{"instances": [{"area": 1, "zone": "a"}]}',
        422,
        "'rooms' is missing",
        "$.instances[0].rooms",
    ),
    "wrong arity": ("/predict/homes", b'{"features": [[1, 2]]}', 400, "3", "$.features[0]"),
    "broken JSON": (PREDICT, b'{"instances": [', 400, "not valid JSON", None),
    "an empty body": (PREDICT, b"", 400, "the body is empty; send a JSON object", None),
    "a list": (PREDICT, b"[]", 400, "wants an object, got a list", "$"),
    "no rows by that name": (PREDICT, b'{"instance": []}', 400, "send either 'instances'", None),
    "a body over the limit": (PREDICT, b" " * 11_000, 413, "over the limit of 10485 bytes; send fewer rows", None),
    "an unknown model": ("/v1/models/house:predict", rows(), 404, "there is no model 'house'; served are: homes", None),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_a_bad_request_is_answered_with_one_sentence_and_a_status(url, case):
    path, body, status, words, field = BAD_REQUESTS[case]
    answer = httpx.post(url + path, content=body)
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert words in told["error"], told
    assert told["field"] == field, told
    assert told["request_id"]
    assert "Traceback" not in answer.text


def test_a_category_never_seen_is_answered_as_such_and_not_refused(url):
    answer = httpx.post(url + PREDICT, content=rows(zone="never seen"))
    assert answer.status_code == 200
    seen, unseen = answer.json()["predictions"]
    assert np.isfinite(unseen)
    assert unseen != seen


def test_the_model_answers_on_after_all_of_it(url):
    for path, body, *_ in BAD_REQUESTS.values():
        httpx.post(url + path, content=body)
    answer = httpx.post(url + PREDICT, content=rows(area=121.0))
    assert answer.status_code == 200
    first, second = answer.json()["predictions"]
    assert second - first == pytest.approx(2.0, abs=0.1)
