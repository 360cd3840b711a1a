"""golive beside two textbook servers: iris, one row a request, JSON, one worker, and what a CPU-second buys.

The server has core 0 to itself and the load generator (``wrk``) core 1. Before anything is timed every server's
answer is compared with what the fitted pipeline says.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np

from benchmarks.iris import QUESTION, fitted_iris, package_iris
from benchmarks.process import Server, free_port, tree_cpu_s, tree_mib
from golive.control.home import Home
from golive.store.bundles import BundleStore

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
WANTED = ("fastapi", "uvicorn[standard]", "joblib", "scikit-learn", "onnxruntime", "numpy")
CONNECTIONS = 16
WARM_S, TIMED_S, ROUNDS = 1, 4, 3
WRK = 'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\nwrk.body = [=[{body}]=]\n'
CLOSE = 1e-5
IDLE_LOOKS, IDLE_CPU_S = 30, 0.03

Contender = tuple[list[str], dict[str, str]]


def measure() -> dict[str, object]:
    """Take turns, so that a busy machine is unfair to nobody; report the median round of each."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return {"measured_nothing": "wrk is not installed; apt-get install wrk brings it"}
    python = _peers()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package_iris(folder)
        # The peer's pipeline is fitted on a plain array, so that it need not warn about missing column names.
        model, rows, target = fitted_iris()
        joblib.dump(model.fit(rows.to_numpy(), target), folder / "iris.joblib")
        expected = model.predict_proba(np.array(json.loads(QUESTION)["features"]))[0]
        store = BundleStore(Home(folder).store)
        bundle = store.list()[0]
        (folder / "iris.onnx").write_bytes(store.files(bundle)[bundle.manifest.graph])
        (folder / "ask.lua").write_text(WRK.format(body=QUESTION.decode()), "utf-8")
        contenders = _contenders(folder, python)
        rounds: dict[str, list[dict[str, float]]] = {title: [] for title in contenders}
        for _ in range(ROUNDS):
            for title, make in contenders.items():
                rounds[title].append(_round(make, folder, wrk, expected))
    figures = {title: _middle(found) for title, found in rounds.items()}
    ours = figures["golive"]["replies_per_cpu_s"]
    return {
        "setting": f"iris, 1 row a request, JSON, {CONNECTIONS} kept connections, 1 worker on core 0, wrk on core 1",
        "peers": _versions(python),
        "servers": figures,
        "golive_replies_per_cpu_second_over": {
            title: round(ours / found["replies_per_cpu_s"], 2) for title, found in figures.items() if title != "golive"
        },
        "note": "CPU seconds are those of the server's whole process tree (for golive: supervisor, recording "
        "process, worker); golive validates every field, counts metrics and, unless said otherwise, records "
        "every prediction; the peers do what their textbooks show: a pydantic list of lists, no metrics, no records; "
        "with joblib, predict and predict_proba each run the pipeline",
    }


def _contenders(folder: Path, python: str) -> dict[str, Callable[[int], Contender]]:
    def ours(sample: float) -> Callable[[int], Contender]:
        def make(port: int) -> Contender:
            home = {"GOLIVE_HOME": str(folder)}
            program = HERE / "serve_sampled.py"
            return [sys.executable, str(program), str(folder), str(port), str(sample)], home

        return make

    def peer(module: str) -> Callable[[int], Contender]:
        def make(port: int) -> Contender:
            command = [python, "-m", "uvicorn", f"{module}:app", "--port", str(port), "--no-access-log"]
            return command, {"PYTHONPATH": str(HERE / "peers")}

        return make

    return {
        "golive": ours(1.0),
        "golive, recording off": ours(0.0),
        "FastAPI + joblib": peer("fastapi_joblib"),
        "FastAPI + onnxruntime": peer("fastapi_onnx"),
    }


def _round(make: Callable[[int], Contender], folder: Path, wrk: str, expected: np.ndarray) -> dict[str, float]:
    port = free_port()
    command, environment = make(port)
    with Server(["taskset", "-c", "0", *command], folder, port, environment) as server:
        _refuse_wrong(json.loads(server.wait_for_answer()), expected, command)
        _wrk(wrk, folder, server.url, WARM_S)
        _wait_until_idle(server.pid)
        before = tree_cpu_s(server.pid)
        said = _wrk(wrk, folder, server.url, TIMED_S)
        _wait_until_idle(server.pid)
        used = tree_cpu_s(server.pid) - before
        memory = tree_mib(server.pid)
    replies = float(_found(r"(\d+) requests in", said))
    if re.search("Non-2xx|Socket errors", said):
        message = f"{command}: not every request was answered\n{said}"
        raise RuntimeError(message)
    return {
        "replies_per_s": round(float(_found(r"Requests/sec:\s+([\d.]+)", said))),
        "replies_per_cpu_s": round(replies / used),
        "p50_ms": _milliseconds(_found(r"\n\s+50%\s+(\S+)", said)),
        "p99_ms": _milliseconds(_found(r"\n\s+99%\s+(\S+)", said)),
        "process_tree_mib": round(memory),
    }


def _wait_until_idle(pid: int) -> None:
    """Wait until what was begun is done: libraries that load after the first answer, records not yet written."""
    used = tree_cpu_s(pid)
    for _ in range(IDLE_LOOKS):
        time.sleep(1)
        before, used = used, tree_cpu_s(pid)
        if used - before <= IDLE_CPU_S:
            return
    message = f"the server (pid {pid}) was not idle after {IDLE_LOOKS} s"
    raise RuntimeError(message)


def _refuse_wrong(answer: dict[str, list[list[float]]], expected: np.ndarray, command: list[str]) -> None:
    if not np.allclose(answer["probabilities"][0], expected, atol=CLOSE):
        message = f"{command} answers {answer}, and the pipeline says {expected}"
        raise RuntimeError(message)


def _wrk(wrk: str, folder: Path, url: str, seconds: int) -> str:
    command = ["taskset", "-c", "1", wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    done = subprocess.run(
        [*command, "-s", str(folder / "ask.lua"), url], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def _middle(rounds: list[dict[str, float]]) -> dict[str, float]:
    return sorted(rounds, key=lambda one: one["replies_per_cpu_s"])[len(rounds) // 2]


def _peers() -> str:
    """Give the peers' interpreter, in an environment of their own."""
    python = str(PEERS / "bin" / "python")
    if not Path(python).exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *WANTED], check=True)
    return python


def _versions(python: str) -> dict[str, str]:
    names = [name.partition("[")[0] for name in WANTED]
    code = f"import json; from importlib.metadata import version; print(json.dumps({{n: version(n) for n in {names}}}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    versions: dict[str, str] = json.loads(done.stdout)
    return versions


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        message = f"wrk did not print {pattern!r}:\n{text}"
        raise RuntimeError(message)
    return match[1]


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return round(float(number) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[unit], 3)
