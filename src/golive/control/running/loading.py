"""Loading: from placed versions to lanes that answer, each opened, checked, run once and measured."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from golive import plugins
from golive.control.home import Home
from golive.control.running.order import WorkerOrder
from golive.domain.bundle import Bundle
from golive.domain.digest import short
from golive.domain.serving import Placed
from golive.errors import GoliveError, InvalidRowError, UnavailableError
from golive.inference.road import Road, open_road
from golive.ports import Float64, Int64, Runtime
from golive.serving.aside import Aside
from golive.serving.batching.batcher import Batcher
from golive.serving.batching.compute import Compute, ComputeThread, LoopHands
from golive.serving.batching.cost import Place, Run, measured, place_of
from golive.serving.batching.limits import BatchLimits
from golive.serving.batching.proof import RowProof, follows_rows
from golive.serving.batching.refusal import OverloadedError
from golive.serving.handling import Handling, Queue
from golive.serving.lane import Lane
from golive.serving.served import CallsCodecs
from golive.serving.telemetry.recorder import Recorder
from golive.serving.telemetry.tracing import Tracer
from golive.serving.tensorial.buckets import SHAPES, Buckets
from golive.serving.tensorial.examples import has_open_axes
from golive.serving.tensorial.tensor_lane import TensorLane
from golive.serving.tensorial.tensor_road import TensorRoad, open_tensor_road
from golive.serving.tensorial.trial import Trial, cost_of, trial_of
from golive.store.bundles import BundleStore

_TRIES = 5
_HANGS_NS = 5e9
"""A model that has been in one run for so long hangs."""


class Lanes:
    """What a worker answers with.

    Args:
        order: what is placed, and its limits.
        recorder: keeps what was predicted; None for nothing.
        calls: makes the codecs of a lane's infer requests over gRPC; None leaves that protocol off.
        tracer: takes the requests of sampled traces; None for nothing.
    """

    def __init__(
        self,
        order: WorkerOrder,
        recorder: Recorder | None,
        calls: CallsCodecs | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._order = order
        self._tracer = tracer
        self._calls = calls
        self._recorder = recorder
        self._aside = Aside()
        # A group has its models to itself, and its memory is counted.
        self._graphs = None if order.is_group else Home(Path(order.state)).cache / "graphs"
        loop = asyncio.get_running_loop()
        self._in_loop = Compute(loop, LoopHands(loop, time.perf_counter_ns), time.perf_counter_ns)
        self._in_thread = Compute(loop, ComputeThread(loop), time.perf_counter_ns)

    def load(self, placed: Placed, store: BundleStore) -> Lane | TensorLane:
        """Open a placed version, every byte checked, run it, and choose how it is run from what that costs.

        Raises:
            UnavailableError: it cannot be opened or does not answer; the text names it and says why.
        """
        if _bundle(placed, store).signature.task == "tensors":
            return self._load_tensors(placed, store)
        road = opened(placed, store, graphs=self._graphs)
        tensors = example_tensors(road)
        # A model in a process of its own may hang, however quick it is.
        quickest = _quickest_ns(partial(road.session.run, *tensors))
        place: Place = "thread" if road.manifest.runtime == "isolated" else place_of(quickest)
        if place == "inline":
            return self._lane(placed, road, None)
        if place == "thread" and self._order.threads > 1:
            road = opened(placed, store, threads=self._order.threads, graphs=self._graphs)
        cost = measured(road.session.run, *tensors, time.perf_counter_ns)
        proof = follows_rows(road.session.run, *tensors)
        _tell(placed, proof)
        batcher = Batcher(road.session.run, self._compute(place), self._limits(), cost=cost, is_joining=proof.follows)
        return self._lane(placed, road, batcher)

    async def probe(self, lane: Handling) -> None:
        """Have a lane answer an example by the way that requests take.

        Raises:
            UnavailableError: the model hangs.
            Exception: whatever the model raises.
        """
        try:
            if isinstance(lane, Lane):
                await lane.run([example_row(lane.road)])
            elif isinstance(lane, TensorLane):
                await lane.probe()
        except InvalidRowError:
            # A signature without examples may have none that its own checks let pass; the checks answered.
            return
        except OverloadedError:
            # A full queue is no reason to replace the worker, as long as the model goes on.
            if self._in_thread.busy_ns() > _HANGS_NS:
                message = f"{lane.placed.name}@{lane.placed.version} does not come back from a run"
                raise UnavailableError(message) from None
        except UnavailableError:
            # A model in a process of its own has that one replaced; this one is well.
            if not isinstance(lane, Lane) or lane.road.manifest.runtime != "isolated":
                raise

    def close(self) -> None:
        """Refuse what still waits."""
        self._in_loop.close()
        self._in_thread.close()

    def _lane(self, placed: Placed, road: Road, batcher: Batcher | None) -> Lane:
        return Lane(
            placed,
            road,
            self._recorder,
            calls=None if self._calls is None else self._calls.codec,
            batcher=batcher,
            aside=self._aside,
            tracer=self._tracer,
            max_rows=self._order.max_rows,
        )

    def _load_tensors(self, placed: Placed, store: BundleStore) -> TensorLane:
        road = opened_tensors(placed, store, graphs=self._graphs)
        trial = trial_of(road)
        if trial.example is None:
            text = "%s@%d runs on nothing made up from its signature; its first request will be its first run"
            logging.getLogger("golive.serving").warning(text, placed.name, placed.version)
        else:
            _tell(placed, trial.proof)
        if trial.place == "thread" and self._order.threads > 1:
            road = opened_tensors(placed, store, threads=self._order.threads, graphs=self._graphs)
            if trial.example is not None:
                road.whole(trial.example)
        run = road.run_of(joins=trial.proof.follows)
        return TensorLane(
            placed,
            road.signature,
            run,
            has_rows=trial.proof.follows,
            example=trial.example,
            calls=None if self._calls is None else self._calls.tensor_codec,
            batcher=None if trial.place == "inline" else self._queue(road, run, trial),
            aside=self._aside,
            tracer=self._tracer,
            max_rows=self._order.max_rows,
        )

    def _queue(self, road: TensorRoad, run: Run, trial: Trial) -> Queue:
        compute, limits = self._compute(trial.place), self._limits()
        if not (trial.proof.follows and has_open_axes(road.signature)):
            cost = None if trial.example is None else cost_of(run, trial.example, joins=trial.proof.follows)
            return Batcher(run, compute, limits, cost=cost, is_joining=trial.proof.follows)
        # What one shape costs says nothing about another.
        part = msgspec.structs.replace(limits, queue_bytes=limits.queue_bytes // SHAPES)
        return Buckets(lambda: Batcher(run, compute, part), Batcher(run, compute, part, is_joining=False))

    def _compute(self, place: Place) -> Compute:
        return self._in_loop if place == "loop" else self._in_thread

    def _limits(self) -> BatchLimits:
        return BatchLimits(wait_s=self._order.queue_s)


def opened(placed: Placed, store: BundleStore, *, threads: int = 1, graphs: Path | None = None) -> Road:
    """Open a placed version, every byte checked, and run it once; big graphs are shared by way of a folder, if given.

    Raises:
        UnavailableError: it cannot be opened or does not answer; the text names it and says why.
    """
    with _loading(placed):
        bundle = _bundle(placed, store)
        graph = store.files(bundle)[bundle.manifest.graph]
        road = open_road(bundle.manifest, graph, _runtime(bundle, graphs), threads=threads)
        numbers, codes = example_tensors(road)
        road.session.run(numbers, codes)
        road.session.run(np.repeat(numbers, 2, axis=0), np.repeat(codes, 2, axis=0))
        return road


def opened_tensors(placed: Placed, store: BundleStore, *, threads: int = 1, graphs: Path | None = None) -> TensorRoad:
    """Open a placed version whose inputs are tensors, every byte checked.

    Raises:
        UnavailableError: it cannot be opened; the text names it and says why.
    """
    with _loading(placed):
        bundle = _bundle(placed, store)
        graph = store.files(bundle)[bundle.manifest.graph]
        return open_tensor_road(bundle.manifest, graph, _runtime(bundle, graphs), threads=threads)


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


@contextmanager
def _loading(placed: Placed) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        why = error.message if isinstance(error, GoliveError) else f"{type(error).__name__}: {error}"
        message = f"{placed.name}@{placed.version} (bundle {short(placed.bundle)}) does not load: {why}"
        raise UnavailableError(message) from error


def _bundle(placed: Placed, store: BundleStore) -> Bundle:
    with _loading(placed):
        return store.open(placed.bundle)


def _runtime(bundle: Bundle, graphs: Path | None) -> Runtime:
    runtime: Runtime = plugins.load("runtimes", bundle.manifest.runtime)
    return runtime if graphs is None else runtime.sharing(graphs)


def _tell(placed: Placed, proof: RowProof) -> None:
    if not proof.follows:
        logging.getLogger("golive.serving").warning("%s@%d: %s", placed.name, placed.version, proof.reason)


def _quickest_ns(run: Callable[[], object]) -> int:
    """Give the time of the quickest of a few runs: what else the machine does at load must not decide."""
    taken = []
    for _ in range(_TRIES):
        started = time.perf_counter_ns()
        run()
        taken.append(time.perf_counter_ns() - started)
    return min(taken)
