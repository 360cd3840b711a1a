"""``golive predict`` on the command line: what is printed, and the exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from offline import homes, read, rooms_with_models, write
from typer.testing import CliRunner

from golive.cli.app import build_app


@pytest.fixture
def folder(tmp_path: Path, linear_graph, monkeypatch: pytest.MonkeyPatch) -> Path:
    rooms_with_models(tmp_path / "state", linear_graph)
    write(homes(60), tmp_path, "csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLIVE_HOME", str(tmp_path / "state"))
    return tmp_path


def run(*words: str):
    return CliRunner().invoke(build_app(), ["predict", *words])


def test_the_result_is_json_where_it_is_asked_for(folder: Path) -> None:
    done = run("sold", "in.csv", "-o", "out.jsonl", "--columns", "id,city", "--no-probabilities", "--json")
    told = json.loads(done.stdout)
    assert (told["rows"], told["written"], told["refused"], told["refused_file"]) == (60, 60, 0, "")
    assert list(read(str(folder / "out.jsonl"))[0]) == ["id", "city", "prediction"]


def test_refused_rows_are_listed_where_it_is_said(folder: Path) -> None:
    (folder / "in.csv").write_text("id;area;rooms\n1;80,5;2\n2;;3\n")
    words = ("--option", "delimiter=;", "--option", "decimal=,", "--on-error", "skip", "--refused", "bad.jsonl")
    done = run("price", "in.csv", "-o", "out.csv", *words)
    assert "1 rows were left out; bad.jsonl says which and why" in done.stdout
    assert (folder / "bad.jsonl").read_text() == (
        '{"row":2,"reason":"field \'area\' is missing, but the model was trained with a value in every row; send one"}\n'
    )
    assert (folder / "out.csv").read_text() == 'id,area,rooms,prediction\n1,"80,5",2,21.375\n'


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("price", "absent.csv", "-o", "out.csv"), 2, "there is no file absent.csv"),
        (("absent", "in.csv", "-o", "out.csv"), 5, "absent"),
        (("price", "in.csv", "-o", "in.csv"), 2, "is the input"),
        (("sum", "in.csv", "-o", "out.csv"), 2, "lacks 'a', 'b', which sum reads"),
        (("price", "in.csv", "-o", "out.csv", "--option", "delimiter"), 2, "is no KEY=VALUE"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_an_exit_code(folder: Path, words, code: int, sentence: str) -> None:
    done = run(*words)
    assert done.exit_code == code
    assert sentence in done.stderr
    assert not (folder / "out.csv").exists()


def test_a_process_of_a_run_loads_no_training_library() -> None:
    script = (
        "import sys, golive.control.predict.run, golive.control.predict.worker;"
        "print(sorted({'pandas', 'sklearn', 'scipy', 'onnx', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
