"""Cold start: from ``golive serve`` to the first answer of a small model, and the memory of one worker."""

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import golive
from benchmarks.process import tree_mib
from benchmarks.result import spread

RUNS = 7
LIMIT_S = 20.0


def measure() -> dict[str, object]:
    """Package iris once, then start a server with one worker again and again."""
    data = load_iris(as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(data.data, data.target)
    with tempfile.TemporaryDirectory() as name:
        golive.package(model, sample=data.data, target=data.target, name="iris", home=name)
        starts, memory = zip(*(_start(Path(name)) for _ in range(RUNS)), strict=True)
    return {
        "first_answer_s": spread(starts),
        "target_s": 1.0,
        "process_tree_mib": spread(memory, 0),
        "note": "supervisor, recording process and one worker together; shared pages are counted in each",
    }


def _start(home: Path) -> tuple[float, float]:
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "golive",
        "serve",
        "iris",
        "--port",
        str(port),
        "--admin-port",
        "0",
        "--workers",
        "1",
    ]
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={"GOLIVE_HOME": str(home), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                body = json.dumps({"features": [[5.1, 3.5, 1.4, 0.2]]}).encode()
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/predict", body, timeout=1) as answer:
                    answer.read()
                break
            except OSError:
                if time.perf_counter() - started > LIMIT_S:
                    raise
                time.sleep(0.005)
        return time.perf_counter() - started, tree_mib(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
