"""Measuring: a candidate in, what a process of its own told about it out; a crash or a hang is an answer too."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import numpy as np

from golive.optimization import meter
from golive.optimization.confine import memory_for
from golive.optimization.measured import Comparison, Reading
from golive.ports import Float64, Int64


class RefusedError(Exception):
    """A candidate gave no measurement; the message says why, to follow its name."""


class Graph(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A graph with the rows that it reads, as it reads them."""

    content: bytes
    runtime: str
    numbers: Float64
    codes: Int64


def compare(original: Graph, candidate: Graph, *, threshold: float, is_classification: bool, limit_s: float) -> Reading:
    """Measure a candidate against its original in a process that keeps to one core.

    Raises:
        RefusedError: the candidate cannot be opened, crashes, or takes longer than ``limit_s`` seconds.
    """
    order = meter.Order(
        original_runtime=original.runtime,
        candidate_runtime=candidate.runtime,
        core=_one_core(),
        threshold=threshold,
        is_classification=is_classification,
        memory_bytes=max(memory_for(original.content), memory_for(candidate.content)),
    )
    with tempfile.TemporaryDirectory(prefix="golive-meter-") as name:
        folder = Path(name)
        (folder / meter.ORDER).write_bytes(msgspec.json.encode(order))
        _lay_out(folder, meter.ORIGINAL, original)
        _lay_out(folder, meter.CANDIDATE, candidate)
        _run(folder, limit_s)
        answers = np.load(folder / meter.ANSWERS)
        told = msgspec.json.decode((folder / meter.COMPARISON).read_bytes(), type=Comparison)
    return Reading(answers=answers, comparison=told)


def _lay_out(folder: Path, who: str, graph: Graph) -> None:
    (folder / f"{who}.onnx").write_bytes(graph.content)
    np.save(folder / f"{who}.numbers.npy", graph.numbers)
    np.save(folder / f"{who}.codes.npy", graph.codes)


def _run(folder: Path, limit_s: float) -> None:
    command = [sys.executable, "-m", "golive.optimization.meter", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit_s, check=False)  # noqa: S603 - our own program
    except subprocess.TimeoutExpired as error:
        message = f"took longer than {limit_s:.0f} seconds to be measured"
        raise RefusedError(message) from error
    if done.returncode == 0:
        return
    told = folder / meter.ERROR
    raise RefusedError(told.read_text("utf-8") if told.exists() else _end_of(done))


def _end_of(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        return f"ended its process ({signal.Signals(-done.returncode).name})"
    last = done.stderr.decode(errors="replace").strip().splitlines()
    return f"failed while it was measured ({last[-1] if last else f'exit code {done.returncode}'})"


def _one_core() -> int | None:
    """Give a core that this process may use, or None where cores cannot be chosen."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
