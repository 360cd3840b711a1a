"""golive explain: the rows of any table explained, on the terminal, as a table, as JSON and in a notebook."""

import io
import sys

import numpy as np
import orjson
import pyarrow as pa
import pytest
from offline import homes, read, rooms_with_models, write
from typer.testing import CliRunner

from golive.cli.app import build_app
from golive.control.judging.explain import Wish, account_of, explain, explain_rows
from golive.control.notebook.explained import ExplanationHandle
from golive.control.refs import find_bundle
from golive.domain.preparation import Preparation
from golive.domain.signature import Field, Signature
from golive.errors import DataError, RequestError, UnexplainableError, UsageError
from golive.inference.explaining.background import BACKGROUND, background_file
from golive.inference.goal import Goal
from golive.inference.table import columns_of
from golive.packaging.build import assemble
from golive.ports import Converted

NAMES = ("area", "rooms", "city")
HOME = {"area": 120.0, "rooms": 3, "city": "rome"}


@pytest.fixture
def rooms(tmp_path, linear_graph):
    """Two models by hand with background rows, and one without."""
    made = rooms_with_models(tmp_path / "state", linear_graph)
    for name in ("price", "sold"):
        bundle = find_bundle(name, made)
        seen = columns_of(bundle.signature, {column: homes(60)[column].to_numpy() for column in NAMES})
        files = made.bundles.files(bundle) | {BACKGROUND: background_file(bundle.signature, seen)}
        made.bundles.write(bundle.manifest, files, created_at="2026-02-01T00:00:00Z")
    return made


def asked(rooms, reference, place, **wish):
    return explain(reference, place, rooms, wish=Wish(**wish))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "db"])
def test_every_kind_of_table_is_explained_and_adds_up(rooms, tmp_path, kind):
    table = homes(30, missing=True)
    done = asked(rooms, "price", write(table, tmp_path, kind))
    assert (done.model, done.rows, done.scale) == ("price", 30, "value")
    assert done.additivity_error < 1e-9
    for row, one in zip(table.to_pylist(), done.explanations, strict=True):
        assert one["values"] == {name: row[name] for name in NAMES}
        assert one["base"] + sum(one["contributions"].values()) == pytest.approx(one["prediction"])


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_explanations_are_written_with_a_column_for_each_input(rooms, tmp_path, kind):
    place = write(homes(700), tmp_path, "csv")
    output = str(tmp_path / f"out.{kind}")
    done = explain("sold", place, rooms, wish=Wish(), output=output)
    assert (done.rows, done.output, done.explanations) == (700, output, ())
    found = read(output)
    told = asked(rooms, "sold", place).explanations
    assert [row["prediction"] for row in found] == [one["prediction"] for one in told]
    for name in NAMES:
        expected = [one["contributions"][name] for one in told]
        np.testing.assert_allclose([row[f"contribution_{name}"] for row in found], expected, rtol=1e-12)
    assert [row["reason_1"] for row in found] == [one["reasons"][0]["text"] for one in told]
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", f"out.{kind}", "state"}


def test_one_row_is_picked_from_any_piece(rooms, tmp_path):
    table = homes(40)
    (one,) = asked(rooms, "price", write(table, tmp_path, "csv"), row=37).explanations
    assert one["values"]["area"] == pytest.approx(table["area"][37].as_py())
    with pytest.raises(DataError, match="has no row 40"):
        asked(rooms, "price", str(tmp_path / "in.csv"), row=40)


@pytest.mark.parametrize(
    "text",
    [
        orjson.dumps(HOME).decode(),
        orjson.dumps([HOME]).decode(),
        orjson.dumps({"instances": [HOME]}).decode(),
        orjson.dumps([list(HOME.values())]).decode(),
    ],
)
def test_rows_may_be_written_as_json(rooms, text):
    (one,) = asked(rooms, "price", text).explanations
    assert one["values"] == HOME


def test_a_pipe_brings_a_row_on_each_line(rooms, monkeypatch):
    lines = b"\n".join(orjson.dumps(HOME | {"rooms": count}) for count in (1, 2, 3))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert [one["values"]["rooms"] for one in asked(rooms, "price", "-").explanations] == [1, 2, 3]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"rooms: 3")))
    with pytest.raises(DataError, match="is no JSON"):
        asked(rooms, "price", "-")


def test_a_bad_row_and_a_lacking_column_are_named(rooms, tmp_path):
    with pytest.raises(RequestError, match="wants a number, got a text"):
        asked(rooms, "price", '{"area": "wide"}')
    place = tmp_path / "in.csv"
    place.write_text("rooms,city\n1,rome\n")
    with pytest.raises(DataError, match="lacks 'area'"):
        asked(rooms, "price", str(place))
    place.write_text("area,rooms,city\n1.5,2,rome\nwide,2,rome\n")
    with pytest.raises(DataError, match="wide"):
        asked(rooms, "price", str(place))


def test_what_does_not_fit_the_model_is_refused(rooms, tmp_path):
    place = write(homes(3), tmp_path, "csv")
    with pytest.raises(UsageError, match="the answers are: no, yes"):
        asked(rooms, "sold", place, output="perhaps")
    with pytest.raises(UsageError, match="it answers numbers"):
        asked(rooms, "price", place, output="yes")
    with pytest.raises(UsageError, match="no input 'age'"):
        asked(rooms, "price", place, immutable=("age",))
    with pytest.raises(UnexplainableError, match="package the model again"):
        asked(rooms, "sum", '{"a": 1.0, "b": 2.0}')
    with pytest.raises(UsageError, match="is there already"):
        explain("price", place, rooms, wish=Wish(), output=place)


def test_the_class_that_is_named_is_explained(rooms):
    text = orjson.dumps(HOME).decode()
    (yes,), (no,) = (asked(rooms, "sold", text, output=label).explanations for label in ("yes", "no"))
    assert (yes["output"], no["output"]) == ("yes", "no")
    assert yes["answer"] + no["answer"] == pytest.approx(1.0)
    for name in NAMES:
        assert yes["contributions"][name] == pytest.approx(-no["contributions"][name])


def test_a_counterfactual_gets_its_answer_and_leaves_alone_what_is_immutable(rooms):
    bundle = find_bundle("price", rooms)
    account = account_of(bundle, rooms)
    rows = {name: [value] for name, value in HOME.items()}
    before = account.road.columns(rows)[0, 0]
    told = explain_rows(bundle, account, rows, Wish(goal=Goal(at_least=before + 10), immutable=("city",)))
    for found in told.explanations[0]["counterfactual"]["found"]:
        changed = HOME | {change["input"]: change["after"] for change in found["changes"]}
        assert changed["city"] == "rome"
        again = account.road.columns({name: [value] for name, value in changed.items()})
        assert again[0, 0] == found["prediction"] >= before + 10


def test_declared_immutable_columns_travel_with_the_bundle(linear_graph):
    fields = tuple(Field(name=name, dtype="float64") for name in ("age", "income"))
    signature = Signature(inputs=fields, task="regression", target="limit")
    converted = Converted(
        graph=linear_graph([1.0, 2.0]), preparation=Preparation(numbers=("age", "income")), signature=signature
    )
    manifest = assemble("credit", converted, immutable=("income_group", "age"))
    # A declared column that the model does not read is nothing that could be changed.
    assert manifest.immutable == ("age",)


def test_a_notebook_sees_a_waterfall_of_one_row_and_a_table_of_several(rooms):
    bundle = find_bundle("price", rooms)
    account = account_of(bundle, rooms)
    table = {name: homes(3)[name].to_pylist() for name in NAMES}
    several = ExplanationHandle(explain_rows(bundle, account, table, Wish()))
    assert len(several) == 3
    assert "<table>" in several._repr_html_()
    total = several.base + sum(several.contributions.values())
    np.testing.assert_allclose(total, several.answers)
    row = {name: [value] for name, value in HOME.items()}
    one = ExplanationHandle(explain_rows(bundle, account, row, Wish(goal=Goal(at_least=1000.0))))
    assert "data:image/png" in one._repr_html_()
    assert "no counterfactual: " in one._repr_html_()
    assert [text.get_text() for text in one.plot().axes[0].get_yticklabels()]
    with pytest.raises(UsageError, match="no rows"):
        explain_rows(bundle, account, {name: [] for name in NAMES}, Wish())


def test_the_terminal_shows_one_row_as_a_waterfall_and_several_by_their_reasons(rooms, tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(rooms.home.folder))
    place = write(homes(25), tmp_path, "csv")
    shell = CliRunner()
    one = shell.invoke(build_app(), ["explain", "sold:latest", place, "--row", "3", "--counterfactual"])
    assert one.exit_code == 0, one.output
    for part in ("moves by", "usually", "area", "this row for yes", "prediction: ", "no counterfactual: "):
        assert part in one.stdout
    (price,) = asked(rooms, "price", place, row=3).explanations
    wanted = str(price["prediction"] - 1)
    one = shell.invoke(build_app(), ["explain", "price:latest", place, "--row", "3", "--at-most", wanted])
    assert " instead of " in one.stdout
    several = shell.invoke(build_app(), ["explain", "price:latest", place])
    assert "raises price by" in several.stdout
    assert "and 5 more; -o FILE writes all" in several.stdout
    told = shell.invoke(build_app(), ["explain", "price:latest", place, "--row", "0", "--at-least", "1", "--json"])
    assert orjson.loads(told.stdout)["explanations"][0]["counterfactual"].keys() == {"found", "reason"}
    wrong = shell.invoke(build_app(), ["explain", "price:latest", place, "--immutable", "age"])
    assert wrong.exit_code == UsageError.exit_code


def test_a_table_of_no_rows_is_refused(rooms, tmp_path):
    place = tmp_path / "in.parquet"
    pa.parquet.write_table(homes(5).slice(0, 0), place)
    with pytest.raises(DataError):
        asked(rooms, "price", str(place))


def test_who_waits_is_told_how_many_rows_of_all_are_explained(rooms, tmp_path):
    told = []
    place = write(homes(30), tmp_path, "csv")
    explain("price", place, rooms, wish=Wish(), move=lambda done, total, what: told.append((done, total, what)))
    assert [total for _, total, _ in told] == [30] * len(told)
    assert [done for done, *_ in told] == [0, 10, 20, 30]
    assert {what for *_, what in told} == {"rows explained"}
