"""A run of golive predict that is killed again and again writes each row once."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from sklearn.linear_model import LinearRegression

import golive

ROWS = 30_000
KILLS = 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(ROWS, 3))
    table = pa.table({"id": np.arange(ROWS), **{f"n{index}": rows[:, index] for index in range(3)}})
    pa.parquet.write_table(table, tmp_path / "in.parquet", row_group_size=500)
    frame = table.select(["n0", "n1", "n2"]).slice(0, 500).to_pandas()
    model = LinearRegression().fit(frame, frame.sum(axis=1))
    golive.package(model, sample=frame, target=frame.sum(axis=1), name="sums", home=str(tmp_path / "state"))
    return tmp_path


def begin(folder: Path, output: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GOLIVE_")}
    words = ["predict", "sums", "in.parquet", "-o", output, "--resume", "--rows-per-piece", "500", "--workers", "2"]
    return subprocess.Popen(
        [sys.executable, "-m", "golive", *words],
        cwd=folder,
        env={**environment, "GOLIVE_HOME": str(folder / "state")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def begun(folder: Path) -> int:
    """Slices that the journal speaks of."""
    journal = folder / "out.csv.unfinished" / "journal"
    return journal.read_bytes().count(b"\n") if journal.is_file() else 0


def test_a_run_that_is_killed_at_random_moments_repeats_and_loses_no_row(folder: Path) -> None:
    chance = random.Random(1)
    for _ in range(KILLS):
        process, before = begin(folder, "out.csv"), begun(folder)
        until = time.monotonic() + 60
        while begun(folder) <= before and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(chance.random() * 0.05)
        # The run alone, or with all its processes.
        (os.killpg if chance.random() < 0.5 else os.kill)(process.pid, signal.SIGKILL)
        process.communicate()
    process = begin(folder, "out.csv")
    said, complained = process.communicate()
    assert process.returncode == 0, complained
    assert f"wrote {ROWS:,} rows" in said
    whole = begin(folder, "whole.csv")
    assert whole.wait() == 0
    whole.communicate()
    assert (folder / "out.csv").read_bytes() == (folder / "whole.csv").read_bytes()
    assert (folder / "out.csv").read_text().count("\n") == ROWS + 1
    assert not list(folder.glob("*.unfinished"))
