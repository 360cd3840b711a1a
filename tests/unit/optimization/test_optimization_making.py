"""Candidates are made in a process of their own: whatever an optimizer does there is an answer."""

import os
from pathlib import Path

import harmful_optimizers
import numpy as np
import pytest

from golive.domain.preparation import Preparation
from golive.optimization.confine import MEMORY_BYTES, memory_for
from golive.optimization.loss import Judge
from golive.optimization.making import Apart, FailedError
from golive.optimization.measuring import RefusedError
from golive.optimization.search import Limits, search
from golive.ports import Subject

LITTLE_MEMORY = 3 << 30
ROWS = 40
TRUTH = np.array([0, 1] * (ROWS // 2))


@pytest.fixture(autouse=True)
def installed(tmp_path, monkeypatch):
    harmful_optimizers.install(tmp_path)
    path = [str(Path(harmful_optimizers.__file__).parent), str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))


def subject():
    return Subject(
        graph=b"a graph",
        preparation=Preparation(),
        task="classification",
        numbers=np.arange(2.0 * ROWS).reshape(ROWS, 2),
        codes=np.zeros((ROWS, 0), np.int64),
        answers=np.full((ROWS, 2), 0.5),
        seed=3,
    )


def apart(kind, limit_s=60.0):
    return Apart(kind(), limit_s=limit_s, memory_bytes=LITTLE_MEMORY)


def made(optimizer):
    """Give the names of the candidates that came, and what came at last."""
    names = []
    try:
        for candidate in optimizer.candidates(subject()):
            assert candidate.graph == b"a graph"
            names.append(candidate.name)
    except (FailedError, RefusedError) as error:
        return names, type(error), str(error)
    return names, None, ""


@pytest.mark.parametrize(
    ("kind", "error", "told"),
    [
        (harmful_optimizers.Segfault, FailedError, "ended its process (SIGSEGV)"),
        (harmful_optimizers.Flood, FailedError, "needs more memory than it may have"),
        (harmful_optimizers.Quit, FailedError, "ended its process (exit code 7)"),
        (harmful_optimizers.Bug, FailedError, "ZeroDivisionError: a bug"),
        (harmful_optimizers.Declines, RefusedError, "this graph has nothing to prune"),
        (harmful_optimizers.Chatty, None, ""),
    ],
)
def test_what_came_before_the_harm_is_kept_and_the_harm_is_told(kind, error, told):
    assert made(apart(kind)) == ([f"{kind.name}, before"], error, told)


def test_one_that_never_ends_is_ended_when_its_time_is_over():
    _, error, told = made(apart(harmful_optimizers.Hang, limit_s=1.0))
    assert (error, told) == (FailedError, "took longer than 1 seconds to make a candidate")


def test_one_that_is_not_asked_for_more_is_ended_with_its_process():
    offered = apart(harmful_optimizers.Hang).candidates(subject())
    assert next(offered).name == "harmful-hang, before"
    offered.close()
    assert next(offered, None) is None


def test_the_search_goes_on_after_each_harm():
    def measure(_candidate):
        message = "not of interest here"
        raise RefusedError(message)

    harms = (harmful_optimizers.Segfault, harmful_optimizers.Quit, harmful_optimizers.Declines)
    found = search(
        subject(),
        [apart(kind) for kind in harms],
        judge=Judge(task="classification", metric="accuracy", truth=TRUTH, original=np.full((ROWS, 2), 0.5)),
        measure=measure,
        limits=Limits(),
        has_time=lambda: True,
        told=lambda _one: None,
    )
    assert [(one.method, one.outcome) for one in found.tried] == [
        ("harmful-segfault", "refused"),
        ("harmful-segfault", "failed"),
        ("harmful-quit", "refused"),
        ("harmful-quit", "failed"),
        ("harmful-declines", "refused"),
        ("harmful-declines", "refused"),
    ]


def test_a_big_graph_may_take_more_memory():
    assert memory_for(b"") == MEMORY_BYTES
    assert memory_for(bytes(1000)) == MEMORY_BYTES + 16_000
