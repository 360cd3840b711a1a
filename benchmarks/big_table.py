"""One million rows of twenty columns, as CSV, through cleaning and training of a linear model."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from benchmarks.process import run

ROWS = 1_000_000
NUMBERS, CATEGORIES = 15, 4
PROJECT = """
name: big-table
data: {file: rows.csv}
target: y
task: regression
cleaning:
  ranges: {n0: {minimum: -3, maximum: 3, outside: missing}}
  outliers: {method: iqr, factor: 5.0, action: clip}
candidates:
  - {model: linear}
validation: {folds: 2}
"""


def measure() -> dict[str, object]:
    """Write the table once, train once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = _write(folder / "rows.csv")
        (folder / "golive.yaml").write_text(PROJECT, "utf-8")
        seconds, peak = run([sys.executable, "-m", "golive", "train", "."], folder)
    return {
        "rows": ROWS,
        "columns": NUMBERS + CATEGORIES + 1,
        "csv_mb": round(size / 1e6, 1),
        "seconds": round(seconds, 1),
        "peak_mib_of_all_processes": round(peak),
        "target_mib": 4096,
        "within": peak < 4096,
    }


def _write(path: Path) -> int:
    rng = np.random.default_rng(0)
    columns = {f"n{i}": rng.normal(size=ROWS).round(4) for i in range(NUMBERS)}
    kinds = np.array([f"kind {i}" for i in range(12)])
    columns |= {f"c{i}": kinds[rng.integers(0, len(kinds), ROWS)] for i in range(CATEGORIES)}
    columns["y"] = (sum(columns[f"n{i}"] for i in range(5)) + rng.normal(size=ROWS)).round(4)
    table = pa.table({name: pa.array(values, mask=_missing(rng, name)) for name, values in columns.items()})
    csv.write_csv(table, path)
    return path.stat().st_size


def _missing(rng: np.random.Generator, name: str) -> np.ndarray | None:
    return rng.random(ROWS) < 0.01 if name in {"n1", "c1"} else None
