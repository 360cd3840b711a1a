"""Explain: what an explanation of boosted trees takes, and what predictions notice of explanations.

Predictions are timed in turns, without explanations and while others ask for them without a pause; the ratio of each
pair of turns says more than any of its times, for whatever else the machine does meets both.
"""

import http.client
import json
import multiprocessing
import statistics
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd

import golive
from golive.control.running.order import SupervisorOrder
from golive.control.running.processes import start_supervisor, stop
from golive.domain.digest import Digest
from golive.domain.release import Share
from golive.domain.serving import Placed, Route

NAME = "boosted"
FEATURES, TREES, LEAVES, ROWS = 30, 200, 31, 5000
EXPLAINED, PAIRS, TURN_S, TARGET_MS = 400, 5, 2.5, 50.0
HEADERS = {"content-type": "application/json"}


def measure() -> dict[str, object]:
    """Package a model of boosted trees, serve it with one worker, and ask."""
    with tempfile.TemporaryDirectory(prefix="golive-explain-") as name:
        state = Path(name) / "state"
        bundle, rows = _packaged(state)
        try:
            server = _started(state, bundle.bundle.digest)
            port = int(server.url.rpartition(":")[2])
            first_ms = _asked(port, "explain", rows[:1], 1)[0]
            _asked(port, "explain", rows, 20)
            latencies = _asked(port, "explain", rows, EXPLAINED)
            changes = _asked(port, "explain", rows, 50, counterfactual=True)
            return {
                "model": f"LightGBM, {TREES} trees of {LEAVES} leaves, {FEATURES} numbers",
                "method": _method(port, rows[0]),
                "target_p99_ms": TARGET_MS,
                "first_ms": round(first_ms, 1),
                "explain": _spread(latencies),
                "with_counterfactual": _spread(changes),
                "predict_beside": _beside(port, rows),
            }
        finally:
            stop(state, timeout_s=30)


def _packaged(state: Path) -> tuple[Any, list[dict[str, float]]]:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(10.0, 1.0, (ROWS, FEATURES)), columns=[f"x{index}" for index in range(FEATURES)])
    score = (table.x0 - 10) + (table.x1 - 10) * (table.x2 - 10) + np.abs(table.x3 - 10) + rng.normal(size=ROWS)
    answers = pd.Series(np.where(score > 1, "yes", "no"), name="buys")
    model = lightgbm.LGBMClassifier(n_estimators=TREES, num_leaves=LEAVES, n_jobs=1, verbose=-1).fit(table, answers)
    bundle = golive.package(model, sample=table, name=NAME, target=answers, home=str(state))
    return bundle, [dict(zip(table.columns, row, strict=True)) for row in table.head(64).to_numpy().tolist()]


def _started(state: Path, digest: Digest) -> Any:
    order = SupervisorOrder(
        state=str(state),
        port=0,
        admin_port=0,
        workers=1,
        sample=0.0,
        ledger=False,
        placed=(Placed(NAME, 1, digest),),
        traffic=(Route(NAME, (Share(1, 1.0),)),),
    )
    return start_supervisor(order, detach=True, log=state / "run" / "supervisor.log", timeout_s=120)


def _asked(port: int, verb: str, rows: list[dict[str, float]], count: int, **options: Any) -> list[float]:
    """Ask one row after the other over one connection; gives the milliseconds of each."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    bodies = [json.dumps({"instances": [row], **options}) for row in rows]
    taken = []
    for number in range(count):
        began = time.perf_counter()
        connection.request("POST", f"/v1/models/{NAME}:{verb}", bodies[number % len(bodies)], HEADERS)
        answer = connection.getresponse()
        content = answer.read()
        taken.append((time.perf_counter() - began) * 1e3)
        if answer.status != http.client.OK:
            raise RuntimeError(content.decode())
    connection.close()
    return taken


def _method(port: int, row: dict[str, float]) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", f"/v1/models/{NAME}:explain", json.dumps({"instances": [row]}), HEADERS)
    told = json.loads(connection.getresponse().read())
    return str(told["method"])


def _beside(port: int, rows: list[dict[str, float]]) -> dict[str, object]:
    """Time predictions in turns: without explanations, and while another process asks for them without a pause."""
    ratios: dict[str, list[float]] = {"p50": [], "p99": []}
    alone, beside = [], []
    context = multiprocessing.get_context("spawn")
    for _ in range(PAIRS):
        quiet = _turn(port, rows)
        over, ready = context.Event(), context.Event()
        asking = context.Process(target=_explain_until, args=(port, rows, over, ready))
        asking.start()
        ready.wait(60)
        busy = _turn(port, rows)
        over.set()
        asking.join()
        for name, share in (("p50", 50), ("p99", 99)):
            ratios[name].append(float(np.percentile(busy, share) / np.percentile(quiet, share)))
        alone.append(float(np.percentile(quiet, 99)))
        beside.append(float(np.percentile(busy, 99)))
    return {
        "turns": PAIRS,
        "seconds_a_turn": TURN_S,
        "p99_alone_ms": round(statistics.median(alone), 3),
        "p99_beside_ms": round(statistics.median(beside), 3),
        "median_ratio": {name: round(statistics.median(values), 2) for name, values in ratios.items()},
        "note": "one connection predicts, another process asks for explanations all the time, on the same cores",
    }


def _turn(port: int, rows: list[dict[str, float]]) -> list[float]:
    until = time.monotonic() + TURN_S
    taken: list[float] = []
    while time.monotonic() < until:
        taken += _asked(port, "predict", rows, 200)
    return taken


def _explain_until(port: int, rows: list[dict[str, float]], over: Event, ready: Event) -> None:
    while not over.is_set():
        _asked(port, "explain", rows, 5)
        ready.set()


def _spread(taken: list[float]) -> dict[str, float]:
    return {
        "requests": len(taken),
        "p50_ms": round(float(np.percentile(taken, 50)), 2),
        "p99_ms": round(float(np.percentile(taken, 99)), 2),
    }
