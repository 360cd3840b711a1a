"""Loading: from placed versions to lanes that answer, each opened, checked, run once and measured."""

import asyncio
import logging
import time

import numpy as np

from golive import plugins
from golive.control.running.order import WorkerOrder
from golive.domain.digest import short
from golive.domain.serving import Placed
from golive.errors import GoliveError, InvalidRowError, UnavailableError
from golive.inference.road import Road, open_road
from golive.ports import Float64, Int64
from golive.serving.aside import Aside
from golive.serving.batching.batcher import Batcher
from golive.serving.batching.compute import Compute, ComputeThread, LoopHands
from golive.serving.batching.cost import measured, place_of
from golive.serving.batching.limits import BatchLimits
from golive.serving.batching.proof import follows_rows
from golive.serving.batching.refusal import OverloadedError
from golive.serving.lane import CallsCodec, Lane
from golive.serving.telemetry.recorder import Recorder
from golive.serving.telemetry.tracing import Tracer
from golive.store.bundles import BundleStore

_TRIES = 5
_HANGS_NS = 5e9
"""A model that has been in one run for so long hangs."""


class Lanes:
    """What a worker answers with.

    Args:
        order: what is placed, and its limits.
        recorder: keeps what was predicted; None for nothing.
        calls: makes the codec of a lane's infer requests over gRPC; None leaves that protocol off.
        tracer: takes the requests of sampled traces; None for nothing.
    """

    def __init__(
        self,
        order: WorkerOrder,
        recorder: Recorder | None,
        calls: CallsCodec | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._order = order
        self._tracer = tracer
        self._calls = calls
        self._recorder = recorder
        self._aside = Aside()
        loop = asyncio.get_running_loop()
        self._in_loop = Compute(loop, LoopHands(loop, time.perf_counter_ns), time.perf_counter_ns)
        self._in_thread = Compute(loop, ComputeThread(loop), time.perf_counter_ns)

    def load(self, placed: Placed, store: BundleStore) -> Lane:
        """Open a placed version, every byte checked, run it, and choose how it is run from what that costs.

        Raises:
            UnavailableError: it cannot be opened or does not answer; the text names it and says why.
        """
        road = opened(placed, store)
        tensors = example_tensors(road)
        place = place_of(_quickest_ns(road, tensors))
        if place == "inline":
            return self._lane(placed, road, None)
        if place == "thread" and self._order.threads > 1:
            road = opened(placed, store, threads=self._order.threads)
        cost = measured(road.session.run, *tensors, time.perf_counter_ns)
        proof = follows_rows(road.session.run, *tensors)
        if not proof.follows:
            logging.getLogger("golive.serving").warning("%s@%d: %s", placed.name, placed.version, proof.reason)
        limits = BatchLimits(wait_s=self._order.queue_s)
        compute = self._in_loop if place == "loop" else self._in_thread
        batcher = Batcher(road.session.run, compute, limits, cost=cost, is_joining=proof.follows)
        return self._lane(placed, road, batcher)

    async def probe(self, lane: Lane) -> None:
        """Have a lane answer an example row by the way that requests take.

        Raises:
            UnavailableError: the model hangs.
            Exception: whatever the model raises.
        """
        try:
            await lane.run([example_row(lane.road)])
        except InvalidRowError:
            # A signature without examples may have none that its own checks let pass; the checks answered.
            return
        except OverloadedError:
            # A full queue is no reason to replace the worker, as long as the model goes on.
            if self._in_thread.busy_ns() > _HANGS_NS:
                message = f"{lane.placed.name}@{lane.placed.version} does not come back from a run"
                raise UnavailableError(message) from None

    def close(self) -> None:
        """Refuse what still waits."""
        self._in_loop.close()
        self._in_thread.close()

    def _lane(self, placed: Placed, road: Road, batcher: Batcher | None) -> Lane:
        return Lane(
            placed,
            road,
            self._recorder,
            calls=self._calls,
            batcher=batcher,
            aside=self._aside,
            tracer=self._tracer,
            max_rows=self._order.max_rows,
        )


def opened(placed: Placed, store: BundleStore, *, threads: int = 1) -> Road:
    """Open a placed version, every byte checked, and run it once.

    Raises:
        UnavailableError: it cannot be opened or does not answer; the text names it and says why.
    """
    try:
        bundle = store.open(placed.bundle)
        graph = store.files(bundle)[bundle.manifest.graph]
        road = open_road(bundle.manifest, graph, plugins.load("runtimes", bundle.manifest.runtime), threads=threads)
        numbers, codes = example_tensors(road)
        road.session.run(numbers, codes)
        road.session.run(np.repeat(numbers, 2, axis=0), np.repeat(codes, 2, axis=0))
    except Exception as error:
        why = error.message if isinstance(error, GoliveError) else f"{type(error).__name__}: {error}"
        message = f"{placed.name}@{placed.version} (bundle {short(placed.bundle)}) does not load: {why}"
        raise UnavailableError(message) from error
    return road


def example_row(road: Road) -> list[float | int | bool | str | None]:
    """Give a row of a model: the examples of its signature, or plain values."""
    return [field.sample for field in road.signature.inputs]


def example_tensors(road: Road) -> tuple[Float64, Int64]:
    """Give the tensors of the example row, or zeros where the model's own checks refuse it."""
    try:
        return road.front.rows([example_row(road)])
    except InvalidRowError:
        preparation = road.manifest.preparation
        return np.zeros((1, len(preparation.numbers))), np.zeros((1, len(preparation.categories)), dtype=np.int64)


def _quickest_ns(road: Road, tensors: tuple[Float64, Int64]) -> int:
    """Give the time of the quickest of a few runs: what else the machine does at load must not decide."""
    taken = []
    for _ in range(_TRIES):
        started = time.perf_counter_ns()
        road.session.run(*tensors)
        taken.append(time.perf_counter_ns() - started)
    return min(taken)
