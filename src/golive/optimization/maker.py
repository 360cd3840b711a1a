"""Maker: the program of a making process. One optimizer and its subject in; one candidate after the other out.

It makes a candidate only when it is asked for one. An optimizer that crashes, never ends or takes all memory takes this
process with it and nothing else.
"""

import os
import sys
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from golive import plugins
from golive.domain.preparation import Preparation
from golive.domain.signature import Task
from golive.errors import GoliveError
from golive.optimization.confine import confine
from golive.ports import Optimizer, Subject

ORDER, GRAPH, CANDIDATE, ERROR = "order.json", "graph", "candidate", "error.json"
ARRAYS = ("numbers", "codes", "answers")
NEXT = b"n"
"""What is written to this process's input to ask for one more candidate."""
MADE, DONE, BROKEN = b"c", b".", b"e"
"""What it says: a candidate lies in the folder, there are no more, an error lies there."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to make candidates with, and of what."""

    optimizer: str
    preparation: Preparation
    task: Task
    seed: int
    memory_bytes: int


class Failure(msgspec.Struct, frozen=True):
    """Why an optimizer gave up."""

    outcome: Literal["refused", "failed"]
    """``refused``: it says itself what stood in the way."""
    message: str


def main(folder: Path) -> int:
    """Make candidates in a folder that :func:`golive.optimization.making.apart` has filled, until nobody asks."""
    told = os.dup(sys.stdout.fileno())
    # What libraries print is not for the one who waits for candidates.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        _make(folder, told)
    except Exception as error:  # noqa: BLE001 - the border to plug-ins: what fails there is an answer
        (folder / ERROR).write_bytes(msgspec.json.encode(_failure(error)))
        os.write(told, BROKEN)
    return 0


def _make(folder: Path, told: int) -> None:
    order = msgspec.json.decode((folder / ORDER).read_bytes(), type=Order)
    confine(order.memory_bytes)
    optimizer: Optimizer = plugins.load("optimizers", order.optimizer)
    offered = optimizer.candidates(_subject(folder, order))
    while os.read(sys.stdin.fileno(), 1) == NEXT:
        candidate = next(offered, None)
        if candidate is None:
            os.write(told, DONE)
            return
        (folder / CANDIDATE).write_bytes(msgspec.msgpack.encode(candidate))
        os.write(told, MADE)


def _subject(folder: Path, order: Order) -> Subject:
    arrays = {name: np.load(folder / f"{name}.npy") for name in ARRAYS}
    return Subject(
        graph=(folder / GRAPH).read_bytes(),
        preparation=order.preparation,
        task=order.task,
        numbers=arrays["numbers"],
        codes=arrays["codes"],
        answers=arrays["answers"],
        seed=order.seed,
    )


def _failure(error: Exception) -> Failure:
    if isinstance(error, GoliveError):
        return Failure("refused", error.message)
    if isinstance(error, MemoryError):
        return Failure("failed", "needs more memory than it may have")
    return Failure("failed", f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
