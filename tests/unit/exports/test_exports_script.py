"""``predict.pyz`` as its receiver runs it: no golive on the path, only the libraries of its requirements."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from priced import ROWS, keep, road_of, values

from golive import plugins
from golive.errors import UsageError

LIBRARIES = (
    "numpy",
    "numpy.libs",
    "msgspec",
    "onnxruntime",
    "flatbuffers",
    "google",
    "packaging",
    "typing_extensions.py",
)
HEADING = "id,area,rooms,sold,hood,garden\n"


class Handed:
    """An export in a folder, beside the libraries it names and nothing else."""

    def __init__(self, folder: Path, task: str = "regression") -> None:
        self.bundle, self.files = keep(folder / "store", task=task)
        self.out = folder / "out"
        self.out.mkdir()
        plugins.load("exports", "script").write(self.bundle, self.files, self.out, {})
        self.libraries = folder / "libraries"
        self.libraries.mkdir()
        installed = Path(find_spec("numpy").origin).parent.parent
        for name in LIBRARIES:
            if (installed / name).exists():
                (self.libraries / name).symlink_to(installed / name)

    def python(self, *words: str | Path, libraries: bool = True, given: str = "") -> subprocess.CompletedProcess:
        # -S: the packages of this environment, golive among them, are not on the path.
        environment = {"PYTHONPATH": str(self.libraries)} if libraries else {}
        return subprocess.run(
            [sys.executable, "-S", *map(str, words)],
            cwd=self.out,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def predict(self, *words: str | Path, given: str = "") -> str:
        done = self.python("predict.pyz", *words, given=given)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    def refuse(self, name: str, content: str | bytes) -> str:
        (self.out / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        done = self.python("predict.pyz", name, "-o", "answers.csv")
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        assert sorted(path.name for path in self.out.iterdir()) == sorted(
            ["README.md", "predict.pyz", "requirements.txt", name]
        )
        return done.stderr

    def expected(self, rows: list[dict]) -> list[float]:
        return road_of(self.bundle, self.files).rows(values(rows))[:, 0].tolist()


@pytest.fixture(scope="module")
def handed(tmp_path_factory) -> Handed:
    return Handed(tmp_path_factory.mktemp("script"))


@pytest.fixture
def fresh(tmp_path: Path) -> Handed:
    return Handed(tmp_path)


def lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def as_csv(rows: list[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def test_the_golive_that_answers_is_the_one_in_the_archive(handed):
    code = "import sys; sys.path.insert(0, 'predict.pyz'); import golive.inference.road as road; print(road.__file__)"
    assert Path("predict.pyz") in Path(handed.python("-c", code).stdout.strip()).parents
    assert handed.python("-c", "import golive").returncode == 1


def test_json_lines_get_the_very_numbers_of_the_bundle(handed):
    answers = [json.loads(line) for line in handed.predict("-", given=lines(ROWS)).splitlines()]
    assert [row.pop("predicted_price") for row in answers] == handed.expected(ROWS)
    assert answers == ROWS


def test_fields_that_may_be_missing_may_be_left_out(handed):
    sparse = [{key: value for key, value in row.items() if value is not None} for row in ROWS]
    answers = [json.loads(line)["predicted_price"] for line in handed.predict("-", given=lines(sparse)).splitlines()]
    assert answers == handed.expected(ROWS)


@pytest.mark.parametrize("missing", ["", "NA", "NaN", "null"])
def test_csv_gets_the_very_numbers_of_the_bundle_whatever_its_gaps_are_written_as(handed, tmp_path, missing):
    filled = [{key: missing if value is None else value for key, value in row.items()} for row in ROWS]
    (tmp_path / "rows.csv").write_text(as_csv(filled), "utf-8")
    handed.predict(tmp_path / "rows.csv", "-o", tmp_path / "answers.csv")
    with (tmp_path / "answers.csv").open(encoding="utf-8", newline="") as file:
        answers = list(csv.DictReader(file))
    assert [float(row["predicted_price"]) for row in answers] == handed.expected(ROWS)
    assert [row["hood"] for row in answers] == ["north", "Atlantis", missing, "20"]


def test_a_byte_order_mark_extra_columns_and_codes_written_as_20_point_0_are_understood(handed, tmp_path):
    (tmp_path / "rows.csv").write_text("\ufeff" + HEADING + "7,0.001,1.0,2024-02-29,20.0,TRUE\n", "utf-8")
    (row,) = csv.DictReader(io.StringIO(handed.predict(tmp_path / "rows.csv")))
    assert float(row["predicted_price"]) == handed.expected([ROWS[3]])[0]
    assert row["id"] == "7"


def test_the_form_of_the_answers_follows_the_name_they_are_written_under(handed, tmp_path):
    (tmp_path / "rows.csv").write_text(HEADING + "7,120.5,4,2011-07-25,north,true\n", "utf-8")
    handed.predict(tmp_path / "rows.csv", "-o", tmp_path / "answers.jsonl")
    assert json.loads((tmp_path / "answers.jsonl").read_text())["predicted_price"] == handed.expected([ROWS[0]])[0]


def test_batches_change_nothing(handed, tmp_path):
    many = ROWS * 2600
    (tmp_path / "rows.jsonl").write_text(lines(many), "utf-8")
    found = [json.loads(line)["predicted_price"] for line in handed.predict(tmp_path / "rows.jsonl").splitlines()]
    assert found == handed.expected(ROWS) * 2600


def test_a_classifier_gives_the_label_and_every_probability(tmp_path):
    handed = Handed(tmp_path, task="classification")
    road = road_of(handed.bundle, handed.files)
    shares = road.rows(values(ROWS))
    answers = [json.loads(line) for line in handed.predict("-", given=lines(ROWS)).splitlines()]
    assert [row["predicted_sells"] for row in answers] == road.labels(shares)
    assert [[row["p_no"], row["p_yes"]] for row in answers] == shares.tolist()


REFUSED = [
    (
        "rows.csv",
        HEADING + "1,a lot,2,2011-07-25,north,true\n",
        "row 1: field 'area' is a number, but the text 'a lot'",
    ),
    (
        "rows.csv",
        HEADING + "1,5,2,2011-07-25,north,true\n2,,2,2011-07-25,north,true\n",
        "row 2: field 'area' is missing",
    ),
    ("rows.csv", HEADING + "1,5,2,25.7.2011,north,true\n", "row 1: field 'sold'"),
    ("rows.csv", HEADING + "1,1e999,2,2011-07-25,north,true\n", "row 1: field 'area' is inf"),
    ("rows.csv", HEADING + "1,5,2\n", "row 1: it has not the 6 cells of the heading"),
    ("rows.csv", HEADING + "1,5,2,2011-07-25,north,true,8\n", "row 1: it has not the 6 cells of the heading"),
    ("rows.csv", "Area,sold\n5,2011-07-25\n", "rows.csv has no 'area', which this model needs; did you mean 'Area'"),
    ("rows.csv", "", "rows.csv has no 'area', which this model needs"),
    ("rows.csv", (HEADING + "1,5,2,2011-07-25,n\xf6rd,true\n").encode("latin-1"), "utf-8"),
    ("rows.jsonl", '{"area": 5, "sold": "2011-07-25"}\n{"area": \n', "line 2 is not a JSON object"),
    ("rows.jsonl", "[1, 2]\n", "line 1 is not a JSON object"),
    ("rows.jsonl", '{"area": "5", "sold": "2011-07-25"}\n', "row 1: field 'area' is a number, but the text '5'"),
    ("rows.jsonl", '{"sold": "2011-07-25"}\n', "the row has no 'area'"),
]


@pytest.mark.parametrize(("name", "content", "said"), REFUSED)
def test_what_cannot_be_answered_is_named_in_one_sentence_and_no_answers_are_left(fresh, name, content, said):
    assert said in fresh.refuse(name, content)


def test_a_file_that_is_not_there_is_named(handed):
    done = handed.python("predict.pyz", "nowhere.csv")
    assert (done.returncode, "nowhere.csv" in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_without_its_libraries_it_says_what_to_install(handed):
    done = handed.python("predict.pyz", "-", libraries=False)
    assert done.returncode == 1
    assert "is not installed; pip install -r requirements.txt brings it" in done.stderr


def test_equal_bundles_give_equal_archives_and_no_cached_code_is_inside(handed, tmp_path):
    again = Handed(tmp_path)
    assert (again.out / "predict.pyz").read_bytes() == (handed.out / "predict.pyz").read_bytes()
    with zipfile.ZipFile(again.out / "predict.pyz") as archive:
        assert not [name for name in archive.namelist() if "__pycache__" in name or name.endswith((".pyc", ".pkl"))]


def test_an_option_it_does_not_know_is_refused(handed, tmp_path):
    with pytest.raises(UsageError, match="no option 'base'; it takes none"):
        plugins.load("exports", "script").write(handed.bundle, handed.files, tmp_path, {"base": "x"})
