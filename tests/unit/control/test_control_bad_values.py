"""Bad values: what no model can read leaves out its row, is counted and shown, and keeps no other from being measured."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from typer.testing import CliRunner

import golive
from golive.cli.app import build_app
from golive.control.judging.readable import readable, refused_rows
from golive.control.judging.refused import answered, refused_finding
from golive.control.packing.opened import open_bundle
from golive.control.rooms import open_rooms
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError
from golive.evaluation.pages.phrases import phrases
from golive.inference.road import Road
from golive.training.recipe import Cleaning

SIGNATURE = Signature(
    inputs=(Field(name="area", dtype="float64", nullable=True), Field(name="age", dtype="int64")),
    target="price",
    task="regression",
)


def homes(seed: int, rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"area": rng.normal(size=rows), "age": rng.normal(size=rows)})
    return frame.assign(price=3.0 * frame["area"] + rng.normal(size=rows))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return str(tmp_path_factory.mktemp("home") / "state")


@pytest.fixture(scope="module")
def priced(home):
    rows = homes(1)
    model = LinearRegression().fit(rows[["area", "age"]], rows["price"])
    return golive.package(model, sample=rows[["area", "age"]], target=rows["price"], name="priced", home=home)


class Picky:
    """A session that refuses what is above a limit, as a model with its own code may."""

    def __init__(self, session):
        self.session, self.questions = session, 0

    def run(self, numbers, codes):
        self.questions += 1
        if (numbers[:, 0] > 2.0).any():
            message = "the model refuses the request (no neighbors); send other values."
            raise InvalidRowError(message)
        return self.session.run(numbers, codes)


@pytest.fixture
def picky(priced, home, monkeypatch) -> Road:
    monkeypatch.setenv("GOLIVE_HOME", home)
    road = open_bundle(priced.bundle, open_rooms().bundles.files(priced.bundle))
    return Road(road.manifest, road.front, Picky(road.session))


def same_in_the_report(finding) -> bool:
    key = f"finding.{finding.kind}.{finding.code}"
    translated = phrases("zh")(key, **finding.values)
    return phrases("en")(key, **finding.values) == finding.text and translated not in {finding.text, key}


def test_of_a_column_with_one_text_the_other_texts_are_read_as_numbers():
    table = {"area": np.array(["1.5", "abc", " ", "inf", None, "n/a"], object), "age": [1, 2, 10**400, 4, 5, 6]}
    read = readable(SIGNATURE, table)
    assert [(one.column, one.rows.tolist(), one.value) for one in read.refused] == [
        ("area", [1, 5], "abc"),
        ("area", [3], "inf"),
        ("age", [2], str(10**400)),
    ]
    assert refused_rows(read.refused).tolist() == [1, 2, 3, 5]
    np.testing.assert_array_equal(read.columns["area"], [1.5, np.nan, np.nan, np.nan, np.nan, np.nan])
    assert read.emptied == ()


@pytest.mark.parametrize(("wrong_types", "emptied", "refused"), [("missing", [0], [2, 3]), ("drop", [], [0, 2, 3])])
def test_a_projects_cleaning_says_what_a_wrong_text_becomes(wrong_types, emptied, refused):
    cleaning = Cleaning(wrong_types=wrong_types, missing_codes={"area": ("n/a",)})
    table = {"area": np.array(["abc", "n/a", "-inf", "2"], object), "age": np.array(["1", "2", "3", "old"], object)}
    read = readable(SIGNATURE, table, cleaning)
    assert refused_rows(read.emptied).tolist() == emptied
    assert refused_rows(read.refused).tolist() == refused


def test_columns_without_a_wrong_value_are_taken_as_they_are():
    area = np.array([1.0, np.nan])
    read = readable(SIGNATURE, {"area": area, "age": np.array([1, 2])})
    assert np.shares_memory(read.columns["area"], area)
    assert read.refused == ()


def test_rows_that_a_model_itself_refuses_are_found_by_halving(picky):
    table = {"area": np.zeros(256), "age": np.ones(256)}
    table["area"][[7, 200]] = 9.0
    found = answered(picky, table)
    assert sorted({*range(256)} - {*found.kept.tolist()}) == [7, 200]
    assert np.isfinite(found.answers).all()
    assert picky.session.questions < 40
    finding = refused_finding(picky, table, (), found.kept)
    assert (finding.code, finding.rows, finding.severity) == ("refused_whole", (7, 200), "warn")
    assert "no neighbors" in finding.text
    assert same_in_the_report(finding)


def test_a_model_that_refuses_every_row_gives_no_answer(picky):
    found = answered(picky, {"area": np.full(5, 9.0), "age": np.ones(5)})
    assert (found.kept.tolist(), found.answers.shape) == ([], (0, 1))


def test_a_notebooks_bad_rows_are_left_out_and_the_worst_keep_their_places(priced):
    rows = homes(2)
    mixed = rows.astype({"area": object})
    mixed.loc[0, "area"], mixed.loc[9, "area"] = "abc", np.inf
    rows.loc[299, "price"] = mixed.loc[299, "price"] = 1000.0
    found = golive.evaluate(priced, mixed, mixed["price"]).evidence
    alone = golive.evaluate(priced, rows.drop(index=[0, 9]), rows["price"].drop(index=[0, 9])).evidence
    assert (found.rows, found.find("refused_rows").value) == (298, 2.0)
    assert found.find("rmse").value == alone.find("rmse").value
    left_out = next(finding for finding in found.findings if finding.code == "refused")
    assert (left_out.rows, left_out.columns) == ((0, 9), ("area",))
    assert "'abc' in 'area'" in left_out.text
    assert same_in_the_report(left_out)
    assert found.details["worst"][0]["row"] == 299


def test_a_missing_value_that_a_model_cannot_do_without_is_named(priced):
    rows = homes(3, 40)
    rows.loc[4, "age"] = np.nan
    found = golive.evaluate(priced, rows, rows["price"]).evidence
    left_out = next(finding for finding in found.findings if finding.kind == "rows")
    assert (left_out.code, left_out.rows, left_out.columns) == ("refused_missing", (4,), ("age",))
    assert same_in_the_report(left_out)


def test_where_every_row_is_refused_the_report_says_so_and_why(priced):
    rows = homes(4).assign(area="abc")
    found = golive.evaluate(priced, rows, rows["price"]).evidence
    assert (found.rows, found.find("refused_rows").value) == (0, 300.0)
    assert {("stop", "unusable"), ("warn", "refused")} <= {(one.severity, one.code) for one in found.findings}


def test_a_projects_other_rows_are_cleaned_as_its_own_and_compared_with_those(tmp_path):
    rows = homes(5, 120).round(6)
    rows.loc[1, "area"] = np.nan  # else no row may be without it
    rows.to_csv(tmp_path / "homes.csv", index=False)
    said = {
        "name": "homes",
        "data": {"file": "homes.csv"},
        "target": "price",
        "task": "regression",
        "features": {"numbers": ["area", "age"], "impute": "median"},
        "candidates": [{"model": "linear"}],
        "evaluation": {"learning_curve": False},
    }
    (tmp_path / "golive.yaml").write_text(json.dumps(said), "utf-8")
    other = rows.astype({"area": object})
    other.loc[3, "area"], other.loc[5, "area"] = "abc", "inf"
    other.to_csv(tmp_path / "other.csv", index=False)
    asked = ["evaluate", str(tmp_path), "--data", str(tmp_path / "other.csv"), "--json"]
    run = CliRunner().invoke(build_app(debug=False), asked)
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert told["rows"] == 119
    found = {finding["code"]: finding for finding in told["findings"]}
    assert found["refused"]["rows"] == [5]
    assert found["split"]["kind"] == "duplicates"
    emptied = next(one for one in told["details"]["notes"] if one["code"] == "emptied")
    assert (emptied["count"], emptied["value"], emptied["row"]) == (1, "abc", 3)
