"""``golive evaluate`` on 100,000 x 30 rows beside as many training rows: seconds, memory and the size of the report.

``python -m benchmarks evidence``; ``python -m benchmarks.evidence 10000`` prints the figures of fewer rows and writes
nothing.
"""

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import golive
from benchmarks.process import tree_mib

ROWS = 100_000
NUMBERS, CATEGORIES = 24, 6
TITLES = ("boosted trees, two classes", "logistic, five classes", "boosted trees, a number")
MOST_S, MOST_MIB, MOST_MB = 60.0, 4096.0, 2.0


def measure(rows: int = ROWS) -> dict[str, object]:
    """Evaluate three models with everything on, each in a process of its own; time is from start to exit."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = {title: _one(title, folder, rows) for title in TITLES}
    return {
        "rows": rows,
        "columns": NUMBERS + CATEGORIES,
        "models": figures,
        "target": {"seconds": MOST_S, "mib": MOST_MIB, "report_mb": MOST_MB},
        "within": all(
            one["seconds"] <= MOST_S and one["peak_mib"] <= MOST_MIB and one["report_mb"] <= MOST_MB
            for one in figures.values()
        ),
    }


def _one(title: str, folder: Path, rows: int) -> dict[str, Any]:
    name = re.sub(r"[^a-z]+", "-", title)
    classes = 5 if "five" in title else 2 if "two" in title else 0
    train, test = (_rows(rows, classes, seed) for seed in (1, 2))
    inputs = [column for column in train.columns if column not in {"target", "group"}]
    golive.package(
        _model(classes, title).fit(train[inputs], train["target"]),
        sample=train[inputs].iloc[:20_000],
        target=train["target"].iloc[:20_000],
        name=name,
        home=str(folder / "state"),
    )
    train.to_parquet(folder / "train.parquet")
    test.to_parquet(folder / "test.parquet")
    command = [sys.executable, "-m", "golive", "evaluate", name, "--data", "test.parquet", "--training",
               "train.parquet", "--sensitive", "group"]  # fmt: skip
    return _run(command, folder)


def _run(command: list[str], folder: Path) -> dict[str, Any]:
    environment = {"PATH": "/usr/bin:/bin", "GOLIVE_HOME": str(folder / "state")}
    started, peak, cpu = time.perf_counter(), 0.0, _cpu_of_children()
    with (folder / "told.txt").open("w+") as told:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=told, stderr=subprocess.PIPE, text=True)
        while process.poll() is None:
            peak = max(peak, tree_mib(process.pid))
            time.sleep(0.05)
        seconds = time.perf_counter() - started
        if process.returncode:
            raise RuntimeError(process.communicate()[1])
        process.communicate()
        told.seek(0)
        report = Path(re.search(r"^report +(\S+)", told.read(), re.MULTILINE)[1])  # type: ignore[index]
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(_cpu_of_children() - cpu, 1),
        "peak_mib": round(peak),
        "report_mb": round((folder / report).stat().st_size / 1e6, 2),
    }


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _rows(rows: int, classes: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"n{index}": rng.normal(size=rows) for index in range(NUMBERS)})
    for index in range(CATEGORIES):
        frame[f"c{index}"] = rng.choice([f"v{value}" for value in range(4 + 3 * index)], rows)
    frame["group"] = rng.choice(["a", "b", "c"], rows)
    score = frame["n0"] + 0.7 * frame["n1"] * frame["n2"] + 0.5 * (frame["c0"] == "v1")
    noise = rng.logistic(size=rows)
    if not classes:
        return frame.assign(target=3.0 * score + noise)
    cuts = np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1])
    labels = np.array([f"class {label}" for label in range(classes)])
    return frame.assign(target=labels[np.searchsorted(cuts, score + noise)])


def _model(classes: int, title: str) -> Any:
    texts = [f"c{index}" for index in range(CATEGORIES)]
    numbers = [f"n{index}" for index in range(NUMBERS)]
    prepared = make_column_transformer(
        (StandardScaler(), numbers), (OneHotEncoder(sparse_output=False, handle_unknown="ignore"), texts)
    )
    if "logistic" in title:
        return make_pipeline(prepared, LogisticRegression(max_iter=200))
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    return make_pipeline(prepared, kind(max_iter=100, random_state=0))


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS), indent=2))
