import shutil
from datetime import UTC, datetime
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest

from golive.domain.record import Records, texts_of
from golive.domain.signature import Field, Signature
from golive.errors import DataError, UnavailableError, UsageError
from golive.monitoring.record_batch import input_column
from golive.monitoring.records import RecordWriter, compact, count_records, prune, read_records

NOON = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()) * 10**9
DAY = 86_400 * 10**9
SIGNATURE = Signature(
    inputs=(
        Field(name="area", dtype="float64"),
        Field(name="rooms", dtype="int64"),
        Field(name="new", dtype="bool"),
        Field(name="street", dtype="string"),
        Field(name="id", dtype="string"),
    ),
    task="regression",
    target="price",
)
KINDS = Signature(
    inputs=(Field(name="p_yes", dtype="float64"),), task="classification", target="y", classes=("no", "yes")
)


class ManualClock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Row(NamedTuple):
    id: str
    at_ns: int
    name: str
    version: int
    inputs: tuple
    outputs: tuple
    duration_us: float


def record(number, *, at=NOON, name="houses", version=1, inputs=None):
    inputs = (number / 2, number, True, "Pave", "x") if inputs is None else inputs
    return Row(f"r{number}", at + number, name, version, inputs, (float(number),), 12.5)


def append(writer, rows):
    """Append rows as columns, those of one version that follow each other together."""
    for (name, version), together in groupby(rows, key=lambda row: (row.name, row.version)):
        some = list(together)
        writer.append(
            Records(
                name=name,
                version=version,
                ids=texts_of([row.id for row in some]),
                at_ns=np.array([row.at_ns for row in some], dtype=np.int64),
                duration_us=np.array([row.duration_us for row in some]),
                inputs=tuple(column(values) for values in zip(*(row.inputs for row in some), strict=True)),
                outputs=np.array([row.outputs for row in some]).T,
            )
        )


def column(values):
    if all(value is None for value in values):
        return None
    return texts_of(values) if any(isinstance(value, str) for value in values) else np.array(values, dtype=np.float64)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def writer(tmp_path, clock):
    return RecordWriter(tmp_path, {"houses": SIGNATURE, ("iris", 2): KINDS}, clock)


def parts(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))


def test_records_read_back_with_their_types_and_missing_values(writer, tmp_path):
    append(writer, [record(1), record(2, inputs=(None, None, None, None, None)), record(3)])
    writer.flush()
    columns = read_records(tmp_path, "houses")
    assert columns["id"].tolist() == ["r1", "r2", "r3"]
    assert columns["at"].tolist() == [NOON + 1, NOON + 2, NOON + 3]
    np.testing.assert_array_equal(columns["area"], [0.5, np.nan, 1.5])
    np.testing.assert_array_equal(columns["rooms"], [1, np.nan, 3])
    np.testing.assert_array_equal(columns["new"], [1, np.nan, 1])
    assert columns["street"].tolist() == ["Pave", None, "Pave"]
    assert columns["input.id"].tolist() == ["x", None, "x"]
    assert columns["prediction"].tolist() == [1, 2, 3]
    assert columns["version"].tolist() == [1, 1, 1]
    assert columns["duration_us"].tolist() == [12.5] * 3


def test_a_classifier_has_one_output_column_a_class_apart_from_inputs(writer, tmp_path):
    append(writer, [Row("a", NOON, "iris", 2, (0.5,), (0.25, 0.75), 1.0)])
    writer.flush()
    columns = read_records(tmp_path, "iris")
    assert {name: values.tolist() for name, values in columns.items() if "p_" in name} == {
        "input.p_yes": [0.5],
        "p_no": [0.25],
        "p_yes": [0.75],
    }


def test_parts_lie_by_name_version_and_day_and_other_tools_can_read_them(writer, tmp_path):
    append(writer, [record(1), record(2, version=2), record(3, at=NOON + DAY)])
    writer.flush()
    assert [part.rsplit("/", 1)[0] for part in parts(tmp_path)] == [
        "houses/v1/2026-03-01",
        "houses/v1/2026-03-02",
        "houses/v2/2026-03-01",
    ]
    schema = pq.read_schema(tmp_path / parts(tmp_path)[0])
    assert str(schema.field("at").type) == "timestamp[ns, tz=UTC]"


def test_records_wait_a_second_before_they_are_written(writer, tmp_path, clock):
    append(writer, [record(1)])
    clock.now = 0.9
    append(writer, [record(2)])
    writer.flush_due()
    assert parts(tmp_path) == []
    clock.now = 1.0
    writer.flush_due()
    writer.flush_due()
    assert len(parts(tmp_path)) == 1
    assert len(read_records(tmp_path, "houses")["id"]) == 2


def test_an_hour_of_steady_traffic_leaves_hundreds_of_parts_and_not_thousands(writer, tmp_path, clock):
    for second in range(3600):
        clock.now = float(second)
        append(writer, [record(second)])
        writer.flush_due()
    writer.flush()
    assert len(parts(tmp_path)) < 500
    assert count_records(tmp_path, "houses") == 3600
    clock.now = 3700.0
    append(writer, [record(3600)])
    writer.flush()
    append(writer, [record(3601)])
    clock.now = 3701.0
    writer.flush_due()
    assert count_records(tmp_path, "houses") == 3602


def test_fifty_thousand_records_are_written_at_once(writer, tmp_path):
    append(writer, [record(number) for number in range(50_000)])
    assert len(read_records(tmp_path, "houses")["id"]) == 50_000


def test_records_come_in_time_order_from_any_number_of_writers(tmp_path):
    for first in (5, 0, 3):
        writer = RecordWriter(tmp_path, {"houses": SIGNATURE})
        append(writer, [record(first + 10), record(first)])
        writer.flush()
    assert read_records(tmp_path, "houses")["prediction"].tolist() == [0, 3, 5, 10, 13, 15]


def test_one_version_or_one_time_can_be_asked_for(writer, tmp_path):
    append(writer, [record(1), record(2, version=2), record(3), record(4, at=NOON + DAY)])
    writer.flush()
    assert read_records(tmp_path, "houses", version=2)["id"].tolist() == ["r2"]
    assert read_records(tmp_path, "houses", since_ns=NOON + 3)["id"].tolist() == ["r3", "r4"]
    assert read_records(tmp_path, "houses", since_ns=NOON + DAY)["id"].tolist() == ["r4"]


def test_versions_with_other_columns_are_read_together(tmp_path):
    changed = Signature(inputs=(Field(name="area", dtype="string"),), task="regression", target="price")
    writer = RecordWriter(tmp_path, {("houses", 1): SIGNATURE, ("houses", 2): changed})
    append(writer, [record(1), record(2, version=2, inputs=("big",))])
    writer.flush()
    columns = read_records(tmp_path, "houses")
    assert columns["area"].tolist() == [0.5, "big"]
    assert columns["street"].tolist() == ["Pave", None]
    np.testing.assert_array_equal(columns["rooms"], [1, np.nan])


def test_nothing_recorded_reads_as_empty_columns(tmp_path):
    columns = read_records(tmp_path, "houses")
    assert {name: len(values) for name, values in columns.items()} == {
        "id": 0,
        "at": 0,
        "version": 0,
        "duration_us": 0,
    }


def test_a_name_that_could_leave_the_folder_is_refused(tmp_path):
    with pytest.raises(UsageError):
        read_records(tmp_path, "../secrets")


def test_records_of_an_unknown_model_are_counted_as_dropped(writer, tmp_path):
    append(writer, [record(1, name="unknown"), record(2)])
    writer.flush()
    assert writer.dropped == 1
    assert read_records(tmp_path, "houses")["id"].tolist() == ["r2"]


def test_a_refusing_disk_is_a_clear_error_and_the_writer_goes_on(writer, tmp_path):
    (tmp_path / "houses").write_text("in the way")
    append(writer, [record(1)])
    with pytest.raises(UnavailableError, match="could not be written"):
        writer.flush()
    assert writer.dropped == 1
    (tmp_path / "houses").unlink()
    append(writer, [record(2)])
    writer.flush()
    assert read_records(tmp_path, "houses")["id"].tolist() == ["r2"]


def test_a_failure_in_between_costs_no_later_record_and_is_told_by_the_next_flush(writer, tmp_path, clock):
    append(writer, [record(1, inputs=("not a number", 1, True, "x", "x"))])
    clock.now = 5.0
    append(writer, [record(2, inputs=(1.0,))])
    append(writer, [record(3)])
    with pytest.raises(DataError, match="records of 'houses' version 1 do not fit its signature"):
        writer.flush()
    writer.flush()
    assert writer.dropped == 2
    assert read_records(tmp_path, "houses")["id"].tolist() == ["r3"]


def write_parts(folder, count, at=NOON):
    writer = RecordWriter(folder, {"houses": SIGNATURE})
    for number in range(count):
        append(writer, [record(number, at=at)])
        writer.flush()


def test_small_parts_of_past_days_are_joined_and_nothing_is_lost(tmp_path):
    write_parts(tmp_path, 5)
    before = read_records(tmp_path, "houses")
    assert compact(tmp_path, before="2026-03-01") == 0
    assert compact(tmp_path, before="2026-03-02") == 5
    assert len(parts(tmp_path)) == 1
    after = read_records(tmp_path, "houses")
    assert after.keys() == before.keys()
    assert after["id"].tolist() == before["id"].tolist()
    assert compact(tmp_path, before="2026-03-02") == 0


def test_the_latest_records_are_read_without_opening_older_days(tmp_path):
    for day in range(3):
        write_parts(tmp_path, 4, at=NOON + day * DAY)
    oldest = next((tmp_path / "houses/v1/2026-03-01").iterdir())
    oldest.write_bytes(b"not Parquet: whoever opens it fails")
    columns = read_records(tmp_path, "houses", newest=6)
    assert columns["at"].tolist() == [NOON + DAY + 2, NOON + DAY + 3, *(NOON + 2 * DAY + n for n in range(4))]
    assert columns["prediction"].tolist() == [2, 3, 0, 1, 2, 3]


def test_the_latest_records_of_all_versions_are_read_together(writer, tmp_path):
    for number in range(1, 7):
        append(writer, [record(number, version=1 + number % 2)])
        writer.flush()
    assert read_records(tmp_path, "houses", newest=3)["prediction"].tolist() == [4, 5, 6]
    assert read_records(tmp_path, "houses", newest=2, version=1)["prediction"].tolist() == [4, 6]
    assert len(read_records(tmp_path, "houses", newest=100)["id"]) == 6


def test_records_are_counted_without_those_that_were_joined(writer, tmp_path):
    append(writer, [record(1), record(2, version=2), record(3)])
    writer.flush()
    assert (count_records(tmp_path, "houses"), count_records(tmp_path, "houses", version=2)) == (3, 1)
    assert count_records(tmp_path, "nothing") == 0


def test_a_crash_between_joining_and_removing_counts_no_row_twice(tmp_path):
    folder = tmp_path / "records"
    write_parts(folder, 3)
    shutil.copytree(folder, tmp_path / "copy")
    compact(folder, before="2026-03-02")
    for path in (tmp_path / "copy").rglob("*.parquet"):
        shutil.copy(path, folder / path.relative_to(tmp_path / "copy"))
    assert len(parts(folder)) == 4
    assert count_records(folder, "houses") == 3
    assert read_records(folder, "houses")["id"].tolist() == ["r0", "r1", "r2"]
    write_parts(folder, 1, at=NOON + 100)
    compact(folder, before="2026-03-02")
    assert read_records(folder, "houses")["prediction"].tolist() == [0, 1, 2, 0]
    assert len(parts(folder)) == 1


def test_parts_with_another_encoding_are_read_and_joined_with_new_ones(tmp_path):
    write_parts(tmp_path, 2)
    (new,) = {path.parent for path in tmp_path.rglob("*.parquet")}
    write_parts(tmp_path / "other", 1, at=NOON + 50)
    (other,) = (tmp_path / "other").rglob("*.parquet")
    pq.write_table(pq.ParquetFile(other).read(), new / "1-1-1.parquet", compression="zstd")
    before = read_records(tmp_path, "houses")
    assert before["at"].tolist() == [NOON, NOON + 1, NOON + 50]
    assert compact(tmp_path, before="2026-03-02") == 3
    after = read_records(tmp_path, "houses")
    assert {name: values.tolist() for name, values in after.items()} == {
        name: values.tolist() for name, values in before.items()
    }


def test_records_around_midnight_lie_in_the_folders_of_their_days(writer, tmp_path):
    midnight = NOON + DAY // 2
    append(writer, [record(-1, at=midnight), record(0, at=midnight), record(-2, at=midnight, inputs=(None,) * 5)])
    writer.flush()
    assert [part.split("/")[2] for part in parts(tmp_path)] == ["2026-03-01", "2026-03-02"]
    columns = read_records(tmp_path, "houses")
    assert columns["id"].tolist() == ["r-2", "r-1", "r0"]
    assert columns["street"].tolist() == [None, "Pave", "Pave"]


def test_days_that_are_too_old_are_removed(tmp_path):
    for day in range(4):
        write_parts(tmp_path, 1, at=NOON + day * DAY)
    removed = prune(tmp_path, 2, datetime(2026, 3, 4, 23, tzinfo=UTC))
    assert [path.name for path in removed] == ["2026-03-01"]
    assert len(read_records(tmp_path, "houses")["id"]) == 3


@pytest.mark.parametrize(
    ("name", "column"), [("area", "area"), ("at", "input.at"), ("p_x", "input.p_x"), ("input.a", "input.input.a")]
)
def test_an_input_never_takes_the_column_of_something_else(name, column):
    assert input_column(name) == column
