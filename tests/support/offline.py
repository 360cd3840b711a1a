"""A store with two models by hand, and tables for them in every kind that golive predict reads."""

import sqlite3
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from golive.control.predict.run import Wish, predict
from golive.control.rooms import Rooms, open_rooms
from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation, Vocabulary
from golive.domain.signature import Field, Signature
from golive.settings import Settings

INPUTS = (
    Field(name="area", dtype="float64"),
    Field(name="rooms", dtype="int64", nullable=True),
    Field(name="city", dtype="string", nullable=True),
)
PREPARATION = Preparation(numbers=("area", "rooms"), categories=(Vocabulary("city", ("rome", "paris")),))


def rooms_with_models(folder: Path, linear) -> Rooms:
    """Write a regression ``price`` and a classifier ``sold`` over area, rooms and city, and a plain ``sum`` of two."""
    rooms = open_rooms(settings=Settings(home=folder))
    tables = [[3.0, 5.0, -1.0, 0.5]]
    models = {
        "price": (Signature(inputs=INPUTS, task="regression", target="price"), PREPARATION, {"tables": tables}),
        "sold": (
            Signature(inputs=INPUTS, task="classification", target="sold", classes=("no", "yes")),
            PREPARATION,
            {"tables": tables, "sigmoid": True},
        ),
        "sum": (
            Signature(inputs=tuple(Field(name=name, dtype="float64") for name in "ab"), task="regression", target="y"),
            Preparation(numbers=("a", "b")),
            {},
        ),
    }
    for name, (signature, preparation, options) in models.items():
        manifest = Manifest(name=name, signature=signature, preparation=preparation)
        graph = linear([0.25, -0.125], 1.0, **options)
        rooms.bundles.write(manifest, {manifest.graph: graph}, created_at="2026-01-01T00:00:00Z")
    return rooms


def homes(rows: int, *, missing: bool = False) -> pa.Table:
    """Rows for ``price`` and ``sold``: complete, or with gaps in ``city``."""
    rng = np.random.default_rng(rows)
    cities = np.array(["rome", "paris", "oslo, north", 'the "big" one'], dtype=object)[rng.integers(0, 4, rows)]
    gaps = rng.random(rows) < (0.2 if missing else 0.0)
    return pa.table(
        {
            "id": np.arange(rows),
            "area": rng.uniform(20, 300, rows),
            "rooms": rng.integers(1, 9, rows),
            "city": pa.array(cities, mask=gaps),
        }
    )


def write(table: pa.Table, folder: Path, kind: str) -> str:
    """Write a table as ``in.KIND`` and give the place."""
    place = folder / f"in.{kind}"
    if kind == "parquet":
        pa.parquet.write_table(table, place, row_group_size=50)
    elif kind == "csv":
        pa.csv.write_csv(table, place)
    elif kind == "jsonl":
        place.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in table.to_pylist()))
    else:
        kinds = {"int64": "INTEGER", "double": "REAL", "string": "TEXT"}
        columns = ", ".join(f"{field.name} {kinds[str(field.type)]}" for field in table.schema)
        with sqlite3.connect(place) as connection:
            connection.execute(f"CREATE TABLE homes ({columns})")
            marks = ", ".join(f":{name}" for name in table.column_names)
            connection.executemany(f"INSERT INTO homes VALUES ({marks})", table.to_pylist())
        connection.close()
        return f"sqlite:///{place}?table=homes"
    return str(place)


def read(place: str) -> list[dict[str, object]]:
    """Read what a run wrote, with types as far as its kind has them."""
    if place.startswith("sqlite"):
        with sqlite3.connect(place.removeprefix("sqlite:///").partition("?")[0]) as connection:
            connection.row_factory = sqlite3.Row
            rows = [dict(row) for row in connection.execute("SELECT * FROM out ORDER BY rowid")]
        connection.close()
        return rows
    if place.endswith(".parquet"):
        return pa.parquet.read_table(place).to_pylist()
    if place.endswith(".csv"):
        return pa.csv.read_csv(
            place, convert_options=pa.csv.ConvertOptions(strings_can_be_null=True, null_values=[""])
        ).to_pylist()
    return [orjson.loads(line) for line in Path(place).read_bytes().splitlines()]


def run(rooms: Rooms, reference: str, place: str, output: str, move=lambda *_: None, **wish):
    """Predict in this process, in pieces of fifty rows, unless told otherwise."""
    asked = Wish(**{"workers": 1, "rows": 50, **wish})
    return predict(reference, place, output, rooms, wish=asked, move=move)
