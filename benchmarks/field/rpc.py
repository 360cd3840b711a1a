"""gRPC: golive beside MLServer, the Open Inference Protocol, raw tensors, asked by Python's own asynchronous client."""

import json
import subprocess
from collections.abc import Sequence

import numpy as np

from benchmarks.field.contenders import GOLIVE, MLSERVER, Contender, place_of
from benchmarks.field.environments import CannotInstallError, python_of
from benchmarks.field.models import Made
from benchmarks.field.running import CannotRunError, Running

CONCURRENT, WARM_S = 16, 1
CLOSE = 1e-5
# How each calls the tensor of all fields and the tensor of probabilities.
TENSORS = ((GOLIVE, "input", "probabilities"), (MLSERVER, "features", "predict_proba"))


def measure(made: Made, names: Sequence[str], *, rounds: int, seconds: int) -> dict[str, object]:
    """Take turns; give the median round of each, as the other settings do."""
    found: dict[str, list[dict[str, float]]] = {}
    failed: dict[str, str] = {}
    for _ in range(rounds):
        for contender, asked, answered in TENSORS:
            if contender.title in failed or (names and contender.name not in names):
                continue
            try:
                one = _turn(contender, made, {"input": asked, "output": answered, "seconds": seconds})
            except (CannotInstallError, CannotRunError) as error:
                failed[contender.title] = str(error)
            else:
                found.setdefault(contender.title, []).append(one)
            print(f"grpc: {contender.title}: {failed.get(contender.title) or found[contender.title][-1]}", flush=True)
    ordered = {title: sorted(all_, key=lambda one: one["replies_per_cpu_s"]) for title, all_ in found.items()}
    return {
        "title": "The first model over gRPC, one row a call as raw numbers",
        "connections": (CONCURRENT,),
        "servers": {
            title: {"rounds": len(all_), "loads": {str(CONCURRENT): all_[len(all_) // 2]}}
            for title, all_ in ordered.items()
        },
        "failed": failed,
    }


def _turn(contender: Contender, made: Made, order: dict[str, object]) -> dict[str, float]:
    rows = made.rows.tolist()
    place = place_of(contender, made.folder, made.expected.tolist()[:1])
    with Running(contender.launch(place), made.folder) as server:
        server.first_answer(contender.body(rows[:1]))
        order = {**order, "port": place.ports[1], "rows": rows, "concurrent": CONCURRENT}
        warm = _ask(made, {**order, "seconds": WARM_S})
        if not np.allclose(warm["first"], made.expected, atol=CLOSE):
            message = f"answers {warm['first'][:2]}, and the model says {made.expected[:2].tolist()}"
            raise CannotRunError(message)
        server.settle()
        before = server.cpu_s()
        said = _ask(made, order)
        server.settle()
        return {
            # The answers to each row, which are compared first, were also made.
            "replies_per_cpu_s": round((said["good"] + len(rows)) / (server.cpu_s() - before)),
            "replies_per_s": round(said["good"] / said["seconds"]),
            "p50_ms": said["p50_ms"],
            "p99_ms": said["p99_ms"],
            "failed": said["bad"],
        }


def _ask(made: Made, order: dict[str, object]) -> dict[str, object]:
    command = ["taskset", "-c", "1", str(python_of("mlserver")), "grpc_load.py", json.dumps(order)]
    done = subprocess.run(command, cwd=made.folder, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        message = f"gave no answer: {(done.stderr.strip() or 'the caller said nothing').splitlines()[-1]}"
        raise CannotRunError(message)
    return {**json.loads(done.stdout), "seconds": order["seconds"]}
