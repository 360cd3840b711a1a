"""Bad rows: whatever a file holds, ``golive evaluate`` gives a report that says so or one clear sentence, and no NaN."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from typer.testing import CliRunner, Result

import golive
from golive.cli.app import build_app

ROWS, INPUTS = 300, ["area", "age", "zone"]
DECLARED = ("--training", "training.csv", "--sensitive", "sex", "--time", "day")


def homes(seed: int, rows: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "area": rng.normal(size=rows),
            "age": rng.normal(size=rows),
            "zone": rng.choice(["u", "v", "w"], rows),
            "sex": rng.choice(["f", "m"], rows),
            "day": [str(np.datetime64("2024-01-01") + place) for place in range(rows)],
        }
    )
    frame["price"] = 3.0 * frame["area"] + rng.normal(size=rows)
    return frame.assign(sold=np.where(frame["price"] > 0.0, "yes", "no"))


def prepared(last: Any) -> Pipeline:
    texts = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    return make_pipeline(make_column_transformer((StandardScaler(), ["area", "age"]), (texts, ["zone"])), last)


def packaged(model: Pipeline, name: str, target: str, home: Path) -> Pipeline:
    rows = homes(1, 600)
    golive.package(model, sample=rows[INPUTS], target=rows[target], name=name, home=str(home))
    return model


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home, rows = tmp_path_factory.mktemp("home"), homes(1, 600)
    decided = packaged(prepared(LogisticRegression()).fit(rows[INPUTS], rows["sold"]), "decided", "sold", home)
    priced = packaged(prepared(Ridge()).fit(rows[INPUTS], rows["price"]), "priced", "price", home)
    for model, name, target in ((decided, "decided-flat", "sold"), (priced, "priced-flat", "price")):
        model[-1].coef_[:] = 0.0
        packaged(model, name, target, home)
    return home


@pytest.fixture
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLIVE_HOME", str(home))
    homes(1, 600).to_csv("training.csv", index=False)
    return tmp_path


def golive_evaluate(name: str, *words: str) -> Result:
    done = CliRunner().invoke(build_app(), ["evaluate", name, *words])
    assert "Traceback" not in done.output
    assert "bug in golive" not in done.output
    return done


def told(name: str, *words: str) -> dict[str, Any]:
    """Evaluate, look that neither the report nor the numbers hold a NaN, and give the Evidence."""
    done = golive_evaluate(name, "--json", *words)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [one["name"] for one in found["measures"] if not isinstance(one["value"], int | float)] == []
    assert not re.search(r"\b(nan|NaN|Infinity)\b", done.stdout)
    pages = sorted((Path(os.environ["GOLIVE_HOME"]) / "reports").glob(f"{name}-*.html"), key=_age)
    page = pages[-1].read_text("utf-8")
    assert not re.search(r">\s*[-−]?(nan|inf)\s*<", page, re.IGNORECASE)
    return found


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


def said(found: dict[str, Any]) -> str:
    notes = [note["text"] for note in found["details"].get("notes", ())]
    return "\n".join([*notes, *(one["text"] for one in found["findings"])])


def with_column(column: str, values: Any, rows: int = ROWS) -> str:
    homes(2, rows).assign(**{column: values}).to_csv("rows.csv", index=False)
    return "rows.csv"


EVERY_FIFTH = np.arange(ROWS) % 5 == 0
SPOILT = {
    "labels are missing": (
        "decided",
        "sold",
        [None] * ROWS,
        r"300 test rows have a label that the model does not know",
    ),
    "some labels are missing": (
        "decided",
        "sold",
        np.where(EVERY_FIFTH, None, homes(2)["sold"]),
        r"60 of 300 rows \(20\.0%\) have no label that the model knows",
    ),
    "labels are numbers": (
        "decided",
        "sold",
        np.arange(ROWS) % 2,
        r"Not one label is a class of the model|not one label",
    ),
    "values are text": ("priced", "price", ["high"] * ROWS, r"300 test rows have no true value"),
    "some values are text": (
        "priced",
        "price",
        np.where(EVERY_FIFTH, "n/k", homes(2)["price"].astype(str)),
        r"60 of 300 rows \(20\.0%\) have no true value",
    ),
    "some inputs are text": (
        "decided",
        "area",
        np.where(EVERY_FIFTH, "wide", homes(2)["area"].astype(str)),
        r"60 of 300 rows are left out, .* has 'wide' in 'area'",
    ),
    "some values are huge": (
        "priced",
        "price",
        np.where(EVERY_FIFTH, 1e300, homes(2)["price"]),
        r"rmse does not exist on these test rows",
    ),
    "all values are the same": ("priced", "price", [3.0] * ROWS, r"have the same true value"),
    "one class is there": ("decided", "sold", ["yes"] * ROWS, r"are of class 'yes'"),
    "the time column is no time": ("decided", "day", ["soon"] * ROWS, r"are no dates or numbers, such as 'soon'"),
    "the time column is empty": ("decided", "day", [None] * ROWS, r"'day' is empty in all test rows"),
    "every group has one row": (
        "decided",
        "sex",
        [f"p{place}" for place in range(ROWS)],
        r"fewer than 30 rows are shown and not compared: p0, p1, .*… \(\+\d+\)",
    ),
    "an input is missing everywhere": (
        "decided",
        "area",
        [None] * ROWS,
        r"300 rows are left out, as the model's signature",
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_spoilt_rows_are_reported(case, folder):
    name, column, values, expected = SPOILT[case]
    assert re.search(expected, said(told(name, "--data", with_column(column, values), *DECLARED)))


@pytest.mark.parametrize("name", ["decided-flat", "priced-flat"])
def test_constant_answers_are_reported(name, folder):
    homes(2).to_csv("rows.csv", index=False)
    assert "the same answer for all 300 test rows" in said(told(name, "--data", "rows.csv", *DECLARED))


@pytest.mark.parametrize(("name", "rows"), [("decided", 1), ("decided", 2), ("priced", 1), ("priced", 2)])
def test_a_row_or_two_are_measured_with_what_they_do_not_allow_said(name, rows, folder):
    homes(2, rows).to_csv("rows.csv", index=False)
    assert f"weak slices are not searched for with {rows} test rows" in said(
        told(name, "--data", "rows.csv", *DECLARED)
    )


def test_declared_columns_that_are_not_there_are_reported(folder):
    homes(2).to_csv("rows.csv", index=False)
    text = said(told("decided", "--data", "rows.csv", "--sensitive", "race", "--time", "when", "--slices", "district"))
    assert "sensitive column 'race' is not among the test rows" in text
    assert "time column 'when' is not among" in text
    assert "no column district" in text


REFUSED = {
    "an empty file": ("", r"rows.csv is empty: a header line and at least one row are needed"),
    "a header alone": ("area,age,zone,sold\n", r"rows.csv has a header but no rows"),
    "an absent target": ("area,age,zone\n1,2,u\n", r"rows.csv has no column 'sold', which decided predicts"),
    "an absent input": ("age,zone,sold\n2,u,yes\n", r"column 'area' is required but not in the table"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_judged_is_refused_in_one_sentence(case, folder):
    content, expected = REFUSED[case]
    Path("rows.csv").write_text(content, "utf-8")
    done = golive_evaluate("decided", "--data", "rows.csv")
    assert done.exit_code == 2
    assert re.search(expected, done.stderr)


def test_an_evaluation_leaves_evidence_that_can_be_read_again(home, folder):
    told("priced", "--data", with_column("price", np.where(EVERY_FIFTH, 1e300, 1.0)))
    homes(2).to_csv("rows.csv", index=False)
    assert told("priced", "--data", "rows.csv")["measures"]


def graph(*nodes: onnx.NodeProto, outputs: list[Any], **constants: list[list[float]]) -> bytes:
    reads = [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, 2])]
    kept = [numpy_helper.from_array(np.array(values, np.float32), name) for name, values in constants.items()]
    made = helper.make_graph(list(nodes), "graph", reads, outputs, kept)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_a_model_that_divides_by_zero_is_not_measured_and_the_report_says_so(folder):
    quotient = graph(
        helper.make_node("MatMul", ["X", "first"], ["above"]),
        helper.make_node("MatMul", ["X", "second"], ["below"]),
        helper.make_node("Div", ["above", "below"], ["Y"]),
        outputs=[helper.make_tensor_value_info("Y", TensorProto.FLOAT, [None, 1])],
        first=[[1.0], [0.0]],
        second=[[0.0], [1.0]],
    )
    Path("quotient.onnx").write_bytes(quotient)
    rows = homes(2)[["area", "age", "price"]].astype({"area": np.float32, "age": np.float32})
    golive.import_model("quotient.onnx", name="quotient", sample=rows, target="price")
    rows.assign(age=np.where(EVERY_FIFTH, 0.0, rows["age"])).to_csv("rows.csv", index=False)
    found = told("quotient", "--data", "rows.csv")
    assert "The model gave no number for 60 of 300 rows" in said(found)
    assert "rmse" not in {one["name"] for one in found["measures"]}


def test_a_classifier_whose_outputs_are_no_probabilities_is_refused_when_it_is_imported(folder):
    raw = graph(
        helper.make_node("MatMul", ["X", "weights"], ["probabilities"]),
        helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0),
        outputs=[
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
        ],
        weights=[[-2.0, 2.0], [-0.5, 0.5]],
    )
    Path("raw.onnx").write_bytes(raw)
    rows = homes(2)[["area", "age", "sold"]].astype({"area": np.float32, "age": np.float32})
    with pytest.raises(golive.GoliveError, match="that are no probabilities"):
        golive.import_model("raw.onnx", name="raw", sample=rows, target="sold", labels={0: "no", 1: "yes"})


@pytest.mark.heavy
def test_a_thousand_classes_are_reported(folder):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(5000, 3)), columns=list("abc"))
    labels = pd.Series([f"k{place % 1000}" for place in range(5000)], name="kind")
    model = GaussianNB().fit(rows, labels)
    golive.package(model, sample=rows.iloc[:1000], target=labels.iloc[:1000], name="thousand")
    rows.assign(kind=labels).to_csv("rows.csv", index=False)
    found = told("thousand", "--data", "rows.csv")
    assert found["rows"] == 5000
    assert "fewer than 50 test rows" in said(found)


@pytest.mark.heavy
def test_thousands_of_columns_are_reported(folder):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(200, 3000)), columns=[f"c{place}" for place in range(3000)])
    label = pd.Series(np.where(rows["c0"] + rng.normal(size=200) > 0.0, "yes", "no"), name="sold")
    model = LogisticRegression(C=0.01).fit(rows, label)
    golive.package(model, sample=rows, target=label, name="wide")
    rows.assign(sold=label).to_parquet("rows.parquet")
    found = told("wide", "--data", "rows.parquet")
    assert "of 3000 inputs, stresses of one column were tried on the 6" in said(found)
