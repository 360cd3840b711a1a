"""golive beside the field: every server in turn on core 0 with one worker, ``wrk`` on core 1.

Before anything is timed, every server's answers are compared with what the fitted model says. A server that cannot be
installed, does not start or answers wrong is reported with the reason. All servers of a setting take turns, so that a
busy machine is unfair to nobody; the median round of each is reported.
"""

import http
import json
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.field import contenders as field
from benchmarks.field import overload, rpc
from benchmarks.field.contenders import Contender, place_of
from benchmarks.field.driving import drive, wrk
from benchmarks.field.environments import FOLDER as ENVIRONMENTS
from benchmarks.field.environments import CannotInstallError, versions_of
from benchmarks.field.models import Made, make_heavy_mlp, make_iris, make_mlp, make_trees
from benchmarks.field.plot import peers_svg, write_plot
from benchmarks.field.running import CannotRunError, Running
from benchmarks.result import machine, write

CLOSE = 1e-5

Figures = dict[str, float]


@dataclass(frozen=True)
class Setting:
    """One model, how many connections ask for it, and who answers."""

    name: str
    title: str
    make: Callable[[Path], Made]
    connections: tuple[int, ...]
    contenders: tuple[Contender, ...]
    rounds: int


@dataclass(frozen=True)
class Pace:
    """How long everything takes."""

    rounds: int
    warm_s: int
    timed_s: int


FULL, QUICK = Pace(rounds=2, warm_s=1, timed_s=4), Pace(rounds=1, warm_s=1, timed_s=1)

SETTINGS = (
    Setting(
        "iris",
        "A scaler and a logistic regression over 4 numbers, one row a request",
        make_iris,
        (16, 64),
        (
            field.NGINX_STATIC,
            field.GOLIVE,
            field.KEY,
            field.BARE,
            field.FASTAPI,
            field.FASTAPI_ONNX,
            field.FLASK,
            field.MLSERVER,
            field.MLSERVER_DEFAULT,
            field.BENTOML,
            field.LITSERVE,
            field.MLFLOW,
            field.PYTRITON,
            field.RAY,
        ),
        3,
    ),
    Setting(
        "mlp",
        "A network over 32 numbers where batching pays, one row a request",
        make_mlp,
        (64, 256),
        (
            field.GOLIVE,
            field.BARE,
            field.FASTAPI,
            field.FASTAPI_ONNX,
            field.MLSERVER_BATCHING,
            field.BENTOML_BATCHING,
            field.LITSERVE_BATCHING,
            field.PYTRITON,
        ),
        3,
    ),
    Setting(
        "trees",
        "LightGBM, 400 trees over 30 numbers, one row a request",
        make_trees,
        (16,),
        (
            field.GOLIVE,
            field.BARE,
            field.FASTAPI,
            field.FASTAPI_ONNX,
            field.FLASK,
            field.MLSERVER,
            field.BENTOML,
            field.LITSERVE,
            field.MLFLOW,
            field.PYTRITON,
        ),
        1,
    ),
)


def main(arguments: Sequence[str]) -> None:
    """Carry out ``peers [--quick] [SERVER ...]``; only a whole pass at full length becomes a result."""
    # Ended from outside, it still ends the server that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    quick, names = "--quick" in arguments, [one for one in arguments if one != "--quick"]
    found = measure(names, quick=quick)
    if "settings" not in found:
        raise SystemExit(str(found["measured_nothing"]))
    if quick or names:
        folder = ENVIRONMENTS / "tried"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "peers.json").write_text(json.dumps({**machine(), **found}, indent=2), "utf-8")
        (folder / "peers.svg").write_text(peers_svg(found), "utf-8")
        print(f"written to {folder}; a pass without --quick and names becomes the result")
        return
    print(write("peers", found))
    write_plot(found)


def measure(names: Sequence[str] = (), *, quick: bool = False) -> dict[str, object]:
    """Measure every setting.

    Args:
        names: the contenders that take part; all of them if there is none.
        quick: one short round: shows that everything runs, not how fast.
    """
    if wrk() is None:
        return {"measured_nothing": "wrk is not installed; apt-get install wrk brings it"}
    known = {one.name for setting in SETTINGS for one in setting.contenders}
    if unknown := set(names) - known:
        message = f"no contender is called {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}"
        raise SystemExit(message)
    pace = QUICK if quick else FULL
    with tempfile.TemporaryDirectory(prefix="golive-field-") as name:
        folder = Path(name)
        made = {setting.name: setting.make(folder / setting.name) for setting in SETTINGS}
        settings = {one.name: _setting(one, made[one.name], names, pace) for one in SETTINGS}
        settings["grpc"] = rpc.measure(made["iris"], names, rounds=pace.rounds, seconds=pace.timed_s)
        floods = [
            overload.measure(model, title, contenders, names, rounds=pace.rounds, seconds=pace.timed_s)
            for model, title, contenders in (
                (made["mlp"], "The network", (field.GOLIVE, field.FASTAPI_ONNX, field.PYTRITON)),
                (make_heavy_mlp(folder / "heavy"), "A network of a millisecond a row", (field.GOLIVE,)),
            )
        ]
    return {"quick": quick, "note": NOTE, "peers": _versions(names), "settings": settings, "overload": floods}


NOTE = (
    "One worker each, pinned to core 0; wrk with kept connections on core 1; a second is one of processor time of the "
    "server's whole process tree (for golive: supervisor, recording process, worker); only 2xx replies count, and what "
    "is in flight at the end; memory counts shared pages once; a cold start goes from the start of the process to the "
    "first right answer, on one core; golive validates every field, counts metrics and, unless said otherwise, records "
    "every prediction; peers do what their documentation shows, without records; the peers named + onnxruntime, "
    "batching or PyTriton run the graph that golive serves"
)


def _setting(setting: Setting, made: Made, names: Sequence[str], pace: Pace) -> dict[str, object]:
    wanted = [one for one in setting.contenders if not names or one.name in names]
    rounds: dict[str, list[dict[str, object]]] = {one.title: [] for one in wanted}
    failed: dict[str, str] = {}
    for number in range(min(setting.rounds, pace.rounds)):
        for one in wanted:
            if one.title in failed:
                continue
            try:
                rounds[one.title].append(_turn(one, setting, made, pace))
            except (CannotInstallError, CannotRunError) as error:
                failed[one.title] = str(error)
            found = failed.get(one.title) or rounds[one.title][-1]
            print(f"{setting.name} {number + 1}: {one.title}: {found}", flush=True)
    servers = {title: _middle(found) for title, found in rounds.items() if found}
    return {
        "title": setting.title,
        "connections": setting.connections,
        "graph_alone_us": made.cost_us,
        "servers": servers,
        "failed": failed,
    }


def _turn(contender: Contender, setting: Setting, made: Made, pace: Pace) -> dict[str, object]:
    expected = made.expected.tolist()
    place = place_of(contender, made.folder, expected[:1])
    bodies = [contender.body([row]) for row in made.rows.tolist()]
    with Running(contender.launch(place), made.folder) as server:
        cold_s = server.first_answer(bodies[0])
        if not contender.fixed:
            for body, right in zip(bodies, expected, strict=True):
                _refuse_wrong(contender, server, body, right)
        loads: dict[str, Figures] = {}
        for connections in setting.connections:
            loads[str(connections)] = _load(server, bodies, connections, pace, made.folder)
        return {"cold_start_s": round(cold_s, 2), "memory_mib": round(server.memory_mib()), "loads": loads}


def _load(server: Running, bodies: list[bytes], connections: int, pace: Pace, folder: Path) -> Figures:
    drive(server.launch, bodies, connections=connections, seconds=pace.warm_s, folder=folder)
    server.settle()
    before = server.cpu_s()
    said = drive(server.launch, bodies, connections=connections, seconds=pace.timed_s, folder=folder)
    server.settle()
    used = server.cpu_s() - before
    return {
        # What is in flight at the end is worked on too; counted as answered, it favors slow servers.
        "replies_per_cpu_s": round((said["good"] + connections) / used),
        "replies_per_s": round(said["replies_per_s"] * said["good"] / max(1, said["good"] + said["refused"])),
        "p50_ms": said["p50_ms"],
        "p99_ms": said["p99_ms"],
        "failed": said["bad"],
    }


def _refuse_wrong(contender: Contender, server: Running, body: bytes, right: list[float]) -> None:
    status, answer = server.ask(body)
    found = contender.read(json.loads(answer)) if status == http.HTTPStatus.OK else None
    if found is None or not np.allclose(np.ravel(found), right, atol=CLOSE):
        message = f"answers {status} {answer[:300]!r} to {body[:200]!r}, and the model says {right}"
        raise CannotRunError(message)


def _middle(rounds: list[dict[str, object]]) -> dict[str, object]:
    """Take the median round of each load by replies per CPU-second, and the medians of what is told once a start."""
    keys = rounds[0]["loads"]
    loads = {}
    for key in keys:
        ordered = sorted((one["loads"][key] for one in rounds), key=lambda load: load["replies_per_cpu_s"])
        spread = [ordered[0]["replies_per_cpu_s"], ordered[-1]["replies_per_cpu_s"]]
        loads[key] = {**ordered[len(ordered) // 2], "spread": spread}
    return {
        "cold_start_s": round(statistics.median(one["cold_start_s"] for one in rounds), 2),
        "memory_mib": statistics.median(one["memory_mib"] for one in rounds),
        "rounds": len(rounds),
        "loads": loads,
    }


def _versions(names: Sequence[str]) -> dict[str, dict[str, str]]:
    found = {}
    for setting in SETTINGS:
        for one in setting.contenders:
            if one.environment and one.environment not in found and (not names or one.name in names):
                try:
                    found[one.environment] = versions_of(one.environment)
                except CannotInstallError as error:
                    found[one.environment] = {"cannot be installed": str(error)}
    return found
