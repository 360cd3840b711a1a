"""``golive predict`` beside a loop by hand (pyarrow and ONNX Runtime) over the same Parquet file.

``python -m benchmarks offline`` takes ten million rows; ``python -m benchmarks.offline 1000000`` prints the figures of
fewer rows and writes nothing.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression

import golive
from benchmarks.process import tree_mib
from benchmarks.result import spread

ROWS = 10_000_000
FIELDS = 10
GROUP_ROWS = 1_000_000
RUNS = 3
TARGET = 0.8
BY_HAND = Path(__file__).with_name("offline_by_hand.py")


def measure(rows: int = ROWS, runs: int = RUNS) -> dict[str, object]:
    """Run both by turns on one file, for a linear model and for boosted trees; time is from start to exit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder / "in.parquet", rows)
        models = {title: _package(title, model, folder) for title, model in _models()}
        figures = {title: _measure(title, graph, folder, rows, runs) for title, graph in models.items()}
    return {
        "rows": rows,
        "fields": FIELDS,
        "models": figures,
        "target": TARGET,
        "within": all(one["of_the_loop"] >= TARGET for one in figures.values()),
    }


def _measure(title: str, graph: Path, folder: Path, rows: int, runs: int) -> dict[str, object]:
    mine, hand, source = folder / "mine.parquet", folder / "hand.parquet", folder / "in.parquet"
    commands = {
        "golive": [sys.executable, "-m", "golive", "predict", title, str(source), "-o", str(mine), "--columns", "id",
                   "--overwrite"],
        "loop": [sys.executable, str(BY_HAND), str(graph), str(source), str(hand)],
    }  # fmt: skip
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            taken[name].append(_run(command, folder))
    one, other = (pa.parquet.read_table(path)["prediction"].to_numpy() for path in (mine, hand))
    return {
        **{
            name: {
                "seconds": spread([run["seconds"] for run in all_runs]),
                "cpu_seconds": spread([run["cpu_seconds"] for run in all_runs]),
                "rows_per_s": round(rows / spread([run["seconds"] for run in all_runs])["median"]),
                "peak_mib": round(max(run["peak_mib"] for run in all_runs)),
            }
            for name, all_runs in taken.items()
        },
        "of_the_loop": _ratio(taken, "seconds"),
        "processor_of_the_loop": _ratio(taken, "cpu_seconds"),
        # The loop runs trees on several threads, which may add the terms of a sum in another order.
        "largest_difference": float(np.abs(one - other).max()),
    }


def _ratio(taken: dict[str, list[dict[str, float]]], figure: str) -> float:
    """Give how often golive does the work in what the loop takes for it: above 1, golive takes less."""
    loop, mine = (spread([run[figure] for run in taken[name]])["median"] for name in ("loop", "golive"))
    return round(loop / mine, 2)


def _run(command: list[str], folder: Path) -> dict[str, float]:
    environment = {"PATH": "/usr/bin:/bin", "GOLIVE_HOME": str(folder / "state")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started, peak = time.perf_counter(), 0.0
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None:
        peak = max(peak, tree_mib(process.pid))
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(process.communicate()[1])
    process.communicate()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_mib": peak}


def _write(path: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    schema = pa.schema([("id", pa.int64()), *((f"n{index}", pa.float64()) for index in range(FIELDS))])
    with pa.parquet.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, GROUP_ROWS):
            count = min(GROUP_ROWS, rows - start)
            numbers = {f"n{index}": rng.normal(size=count) for index in range(FIELDS)}
            writer.write_table(pa.table({"id": np.arange(start, start + count), **numbers}, schema))


def _models() -> list[tuple[str, object]]:
    return [("linear", LinearRegression()), ("boosted-trees", HistGradientBoostingRegressor(max_iter=30, max_depth=4))]


def _package(name: str, model: object, folder: Path) -> Path:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(5_000, FIELDS))
    target = rows @ np.arange(FIELDS) + rows[:, 0] * rows[:, 1]
    sample = {f"n{index}": rows[:, index] for index in range(FIELDS)}
    frame = pa.table(sample).to_pandas()
    model.fit(frame, target)
    made = golive.package(model, sample=frame, target=target, name=name, home=str(folder / "state"))
    path = folder / f"{name}.onnx"
    path.write_bytes(made._rooms.bundles.files(made.bundle)[made.bundle.manifest.graph])  # noqa: SLF001
    return path


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS), indent=2))
