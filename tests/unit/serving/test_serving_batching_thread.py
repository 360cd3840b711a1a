"""The batcher with a real thread, a real event loop and a real graph."""

import asyncio
import time
from functools import partial
from threading import Event, current_thread, main_thread

import numpy as np
import onnx
import pytest
import uvloop
from onnx import TensorProto, helper, numpy_helper

from golive import plugins
from golive.errors import UnavailableError
from golive.ports import Session
from golive.serving.batching.batcher import Batcher
from golive.serving.batching.compute import Compute, ComputeThread, LoopHands
from golive.serving.batching.cost import measured
from golive.serving.batching.limits import BatchLimits
from golive.serving.batching.proof import follows_rows

INPUTS, HIDDEN = 6, 64


@pytest.fixture(scope="module")
def session() -> Session:
    """A multilayer perceptron in double precision."""
    rng = np.random.default_rng(3)
    weights = [
        numpy_helper.from_array(rng.normal(size=shape), name)
        for name, shape in (("W1", (INPUTS, HIDDEN)), ("B1", (HIDDEN,)), ("W2", (HIDDEN, 2)), ("B2", (2,)))
    ]
    nodes = [
        helper.make_node("Gemm", ["N", "W1", "B1"], ["H"]),
        helper.make_node("Tanh", ["H"], ["T"]),
        helper.make_node("Gemm", ["T", "W2", "B2"], ["P"]),
    ]
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("N", TensorProto.DOUBLE, ["n", INPUTS])],
        [helper.make_tensor_value_info("P", TensorProto.DOUBLE, ["n", 2])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model)
    return plugins.load("runtimes", "onnxruntime").open(model.SerializeToString(), threads=1)


def codes_of(count):
    return np.zeros((count, 0), dtype=np.int64)


def asked(batcher, numbers, **more):
    """Ask as a lane does: a future that the outcome resolves."""
    future = asyncio.get_running_loop().create_future()
    batcher.submit(numbers, codes_of(len(numbers)), done=future.set_result, **more)
    return future


async def ask_all(session, requests, in_loop):
    compute_threads = set()

    def run(numbers, codes):
        compute_threads.add(current_thread())
        return session.run(numbers, codes)

    loop = asyncio.get_running_loop()
    hands = LoopHands(loop, time.perf_counter_ns) if in_loop else ComputeThread(loop)
    compute = Compute(loop, hands, time.perf_counter_ns)
    batcher = Batcher(run, compute, BatchLimits(wait_s=60))
    futures = []
    for number, numbers in enumerate(requests):
        futures.append(asked(batcher, numbers, caller=str(number % 3)))
        if number % 7 == 0:
            await asyncio.sleep(0)
    outcomes = await asyncio.gather(*futures)
    compute.close()
    return outcomes, compute_threads, batcher


@pytest.mark.parametrize("in_loop", [False, True])
@pytest.mark.parametrize("factory", [None, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_many_requests_get_their_own_rows_from_a_real_graph(session, factory, in_loop):
    rng = np.random.default_rng(5)
    requests = [rng.normal(size=(count, INPUTS)) for count in [*rng.integers(1, 30, size=200).tolist(), 2000]]
    with asyncio.Runner(loop_factory=factory) as runner:
        outcomes, threads, batcher = runner.run(ask_all(session, requests, in_loop))
    for numbers, outcome in zip(requests, outcomes, strict=True):
        assert outcome.error is None
        np.testing.assert_allclose(outcome.outputs, session.run(numbers, codes_of(len(numbers))), rtol=1e-9, atol=1e-12)
        assert outcome.compute_ns > 0
    assert len(threads) == 1
    assert (main_thread() in threads) == in_loop
    assert batcher.counts.rows == sum(map(len, requests))


def test_a_perceptron_is_proved_to_follow_its_rows_and_its_cost_is_measured(session):
    numbers = np.random.default_rng(5).normal(size=(20, INPUTS))
    assert follows_rows(session.run, numbers, codes_of(20)).follows
    cost = measured(session.run, numbers, codes_of(20), time.perf_counter_ns)
    assert cost.of(1) > 0


def test_a_closed_thread_ends_and_its_last_run_is_delivered(session):
    async def scene():
        loop = asyncio.get_running_loop()
        compute = Compute(loop, ComputeThread(loop), time.perf_counter_ns)
        batcher = Batcher(session.run, compute, BatchLimits())
        first = asked(batcher, np.ones((1, INPUTS)))
        await asyncio.sleep(0)
        compute.close()
        with pytest.raises(UnavailableError):
            asked(batcher, np.ones((1, INPUTS)))
        return await first

    assert asyncio.run(scene()).outputs.shape == (1, 2)


def test_a_loop_that_closes_during_a_run_leaves_no_noise(session, capfd):
    """The answer comes to nobody; the thread ends by itself."""
    threads = []
    begun = Event()

    def run(numbers, codes):
        threads.append(current_thread())
        begun.set()
        time.sleep(0.05)
        return session.run(numbers, codes)

    async def scene():
        loop = asyncio.get_running_loop()
        batcher = Batcher(run, Compute(loop, ComputeThread(loop), time.perf_counter_ns), BatchLimits())
        batcher.submit(np.ones((1, INPUTS)), codes_of(1), done=partial(print, "told"))
        await asyncio.to_thread(begun.wait, 5)

    asyncio.run(scene())
    threads[0].join(5)
    assert not threads[0].is_alive()
    assert capfd.readouterr() == ("", "")
