"""Requests of tensors that run together: each gets the answer of its own run."""

import asyncio
import json
import time

import numpy as np
import pytest
from tensor_models import road_of

from golive.domain.serving import Placed
from golive.serving.answer import Ask
from golive.serving.batching.batcher import Batcher
from golive.serving.batching.compute import Compute, ComputeThread, LoopHands
from golive.serving.batching.limits import BatchLimits
from golive.serving.tensorial.buckets import SHAPES, Buckets
from golive.serving.tensorial.entrance import TensorLimits
from golive.serving.tensorial.tensor_lane import TensorLane

PLACED = Placed("model", 1, "sha256:" + "1" * 64)


class Counted:
    """A model that counts the rows of its runs."""

    def __init__(self, run):
        self._run = run
        self.rows = []

    def __call__(self, given, codes):
        self.rows.append(len(given))
        return self._run(given, codes)


def served(name, bodies, *, hands=LoopHands, joins=True, buckets=False, limits=None, headers=None):
    """Send all bodies at once to one lane; gives the answers, the rows of the runs, and the queue."""

    async def main():
        loop, clock = asyncio.get_running_loop(), time.perf_counter_ns
        compute = Compute(loop, hands(loop) if hands is ComputeThread else hands(loop, clock), clock)
        road = road_of(name)
        run = Counted(road.run_of(joins=joins))

        def made(*, joins=joins):
            return Batcher(run, compute, limits or BatchLimits(), is_joining=joins)

        queue = Buckets(made, made(joins=False)) if buckets else made()
        lane = TensorLane(PLACED, road.signature, run, has_rows=joins, example=None, batcher=queue)
        asks = (Ask(str(index), headers or {}, "", clock()) for index in range(len(bodies)))
        given = [lane.instances(body, ask) for body, ask in zip(bodies, asks, strict=True)]
        answers = [each if isinstance(each, tuple) else await each for each in given]
        compute.close()
        return answers, run.rows, queue

    return asyncio.run(main())


def body(rows, key="instances"):
    return json.dumps({key: rows.tolist()}).encode()


def parts(width, count, sizes, kind=np.float32):
    rng = np.random.default_rng(11)
    return [rng.integers(0, 9, size=(rng.integers(1, sizes), width)).astype(kind) for _ in range(count)]


@pytest.mark.parametrize("hands", [LoopHands, ComputeThread])
def test_each_request_gets_the_rows_of_its_own_unbatched_run(hands):
    given = parts(6, 60, 40)
    limits = BatchLimits(run_rows=24)
    answers, runs, _ = served("mlp", [body(rows) for rows in given], hands=hands, limits=limits)
    # Requests ran together, and long ones in slices.
    assert max(runs) == 24 < max(map(len, given))
    assert len(runs) < 60
    road = road_of("mlp")
    for rows, (status, _, reply) in zip(given, answers, strict=True):
        assert status == 200
        wanted = road.session.run({"x": rows})["scores"]
        np.testing.assert_allclose(json.loads(reply)["predictions"], wanted, rtol=1e-5, atol=1e-5)


def test_texts_run_together_too():
    bodies = [json.dumps({"instances": [{"x": [1, 2, n], "name": str(n)}]}).encode() for n in range(30)]
    answers, runs, _ = served("two", bodies)
    assert len(runs) < 30
    found = [json.loads(reply)["predictions"] for _, _, reply in answers]
    assert found == [[{"total": 3.0 + n, "loud": f"{n}!"}] for n in range(30)]


def test_a_model_whose_rows_are_unknown_runs_each_request_alone():
    given = parts(4, 20, 5)
    answers, runs, _ = served("mixing", [body(rows) for rows in given], joins=False)
    assert runs == [1] * 20
    for rows, (_, _, reply) in zip(given, answers, strict=True):
        np.testing.assert_allclose(json.loads(reply)["predictions"], rows - rows.mean(axis=0), atol=1e-5)


def test_only_tensors_of_one_shape_run_together():
    given = [part for width in (1, 2, 3) for part in parts(width, 10, 4, np.int64)]
    answers, runs, queue = served("lookup", [body(rows) for rows in given], buckets=True)
    road = road_of("lookup")
    for rows, (_, _, reply) in zip(given, answers, strict=True):
        wanted = road.session.run({"tokens": rows})["vectors"]
        np.testing.assert_allclose(json.loads(reply)["predictions"], wanted, rtol=1e-6)
    assert len(runs) < 30
    assert queue.counts.runs == len(runs)
    assert queue.counts.rows == sum(map(len, given))


def test_more_shapes_than_queues_are_answered_and_counted():
    given = [np.zeros((2, width), np.int64) for width in range(1, 3 * SHAPES)]
    answers, runs, queue = served("lookup", [body(rows) for rows in given], buckets=True)
    assert [status for status, _, _ in answers] == [200] * len(given)
    assert queue.counts.runs == len(runs)
    assert queue.waiting_requests == 0


def test_the_guilty_request_of_a_batch_fails_alone():
    given = [np.array([[3]]), np.array([[99]]), np.array([[4]])]
    answers, _, _ = served("lookup", [body(rows) for rows in given])
    assert [status for status, _, _ in answers] == [200, 400, 200]
    assert b"idx=99" in answers[1][2]


def test_a_full_queue_refuses_early_and_says_when_to_come_back():
    limits = BatchLimits(queue_rows=8)
    answers, _, _ = served("mlp", [body(np.zeros((4, 6)))] * 6, limits=limits)
    statuses = [status for status, _, _ in answers]
    assert statuses.count(200) == 2
    assert statuses.count(503) == 4
    assert all(b"retry-after: 1" in head for status, head, _ in answers if status == 503)


def test_a_request_past_its_deadline_is_not_run():
    answers, runs, _ = served("mlp", [body(np.zeros((1, 6)))] * 3, headers={b"x-request-timeout-ms": b"0"})
    assert [status for status, _, _ in answers] == [503] * 3
    assert runs == []


def test_an_answer_beyond_the_limit_is_refused_whatever_the_request_was():
    road = road_of("mlp")
    lane = TensorLane(
        PLACED,
        road.signature,
        road.run_of(joins=True),
        has_rows=True,
        example=None,
        limits=TensorLimits(answer_bytes=23),
    )
    assert lane.instances(body(np.zeros((1, 6))), Ask("1"))[0] == 200
    status, _, reply = lane.instances(body(np.zeros((2, 6))), Ask("2"))
    assert (status, b"the outputs have 24 bytes, and the limit of an answer is 23" in reply) == (400, True)
