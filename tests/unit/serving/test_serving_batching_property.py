"""Under any mix of sizes, callers, deadlines, errors and cancellations each caller gets its own unbatched answer."""

from functools import partial

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from stepped import ManualClock, SteppedHands, SteppedLoop

from golive.errors import DeadlineError
from golive.serving.batching.batcher import Batcher
from golive.serving.batching.compute import Compute
from golive.serving.batching.limits import BatchLimits
from golive.serving.batching.refusal import OverloadedError

MS = 1_000_000
QUEUE_ROWS = 40
POISON = -1

SUBMIT = st.fixed_dictionaries(
    {
        "model": st.integers(0, 1),
        "rows": st.one_of(st.integers(1, 4), st.integers(1, 30)),
        "caller": st.sampled_from("abc"),
        "time_ms": st.one_of(st.none(), st.integers(0, 60)),
        "is_bad": st.sampled_from([False] * 5 + [True]),
    }
)
ACTS = st.lists(
    st.one_of(
        SUBMIT,
        SUBMIT,
        st.just("turn"),
        st.just("finish"),
        st.integers(0, 40).map(lambda number: ("cancel", number)),
    ),
    min_size=1,
    max_size=60,
)


def answer(model, numbers, codes):
    """What the model says of rows; it refuses any company that holds a poisoned one."""
    if (numbers == POISON).any():
        raise ValueError
    return np.hstack([numbers * (model + 2), codes + numbers])


class Scene:
    def __init__(self, run_rows, joining):
        self.clock, self.loop = ManualClock(), SteppedLoop()
        self.hands = SteppedHands(self.loop)
        compute = Compute(self.loop, self.hands, self.clock)
        limits = BatchLimits(queue_rows=QUEUE_ROWS, run_rows=run_rows, wait_s=0.1)
        self.batchers = [
            Batcher(partial(self.run, model), compute, limits, is_joining=joining[model]) for model in (0, 1)
        ]
        self.given, self.told, self.cancelled, self.refused = {}, {}, set(), set()
        self.joining, self.run_rows, self.began = joining, run_rows, {}
        self.tickets = {}
        self.runs = 0

    def run(self, model, numbers, codes):
        self.clock.now_ns += (1 + len(numbers)) * MS
        assert len(numbers) == len(codes)
        assert not self.joining[model] or len(numbers) <= self.run_rows
        return answer(model, numbers, codes)

    def act(self, act):
        if act == "turn":
            self.loop.turn()
        elif act == "finish":
            self.finish()
        elif isinstance(act, tuple):
            self.cancel(act[1])
        else:
            self.submit(**act)
        for batcher in self.batchers:
            assert batcher.waiting_rows <= QUEUE_ROWS or batcher.waiting_requests == 1

    def finish(self):
        if self.hands.jobs:
            self.hands.finish()
            self.runs += 1

    def cancel(self, number):
        if number in self.tickets:
            self.tickets[number].cancel()
            if number not in self.told:
                self.cancelled.add(number)

    def submit(self, model, rows, caller, time_ms, is_bad):
        number = len(self.given)
        first = number * 1000.0
        numbers = np.arange(first, first + rows).reshape(-1, 1)
        if is_bad:
            numbers[rows // 2] = POISON
        codes = np.full((rows, 1), number)
        self.given[number] = (model, numbers, codes)
        self.began[number] = self.runs
        deadline_ns = None if time_ms is None else self.clock() + time_ms * MS
        try:
            self.tickets[number] = self.batchers[model].submit(
                numbers, codes, caller=caller, deadline_ns=deadline_ns, done=partial(self.done, number)
            )
        except OverloadedError:
            self.refused.add(number)
        except DeadlineError:
            assert time_ms is not None, "too late without a deadline"
            self.refused.add(number)

    def done(self, number, outcome):
        assert number not in self.told, "told twice"
        assert number not in self.cancelled, "told though it was cancelled"
        assert number not in self.refused, "told though it was refused"
        self.told[number] = outcome
        # All that can wait, twice over: nobody is passed by for ever.
        assert self.runs - self.began[number] <= 4 * QUEUE_ROWS + 10

    def drain(self):
        while self.loop.ready or self.hands.jobs:
            self.loop.settle()
            self.finish()

    def check(self):
        assert set(self.told) | self.cancelled | self.refused == set(self.given)
        assert all(batcher.waiting_rows == batcher.waiting_requests == 0 for batcher in self.batchers)
        assert all(batcher._queue.size_bytes == batcher._queue.turns == 0 for batcher in self.batchers)
        for number, outcome in self.told.items():
            model, numbers, codes = self.given[number]
            if isinstance(outcome.error, OverloadedError | DeadlineError):
                assert outcome.outputs is None
            elif (numbers == POISON).any():
                assert isinstance(outcome.error, ValueError)
                assert outcome.batch_rows >= 1
            else:
                assert outcome.error is None
                assert np.array_equal(outcome.outputs, answer(model, numbers, codes))
                assert outcome.compute_ns >= (1 + min(len(numbers), self.run_rows)) * MS


@settings(max_examples=150, deadline=None, derandomize=True)
@given(acts=ACTS, run_rows=st.integers(1, 9), joining=st.tuples(st.booleans(), st.booleans()))
def test_each_caller_gets_its_own_unbatched_answer_once(acts, run_rows, joining):
    scene = Scene(run_rows, joining)
    for act in acts:
        scene.act(act)
    scene.drain()
    scene.check()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    greedy=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    modest=st.integers(1, 4),
    run_rows=st.integers(4, 9),
)
def test_a_modest_caller_is_answered_after_four_runs_at_most(greedy, modest, run_rows):
    """Whatever one caller has queued, and keeps on sending."""
    scene = Scene(run_rows, (True, True))

    def flood():
        for rows in greedy:
            scene.submit(0, rows, "a", None, is_bad=False)

    flood()
    scene.loop.settle()
    flood()
    number = len(scene.given)
    scene.submit(0, modest, "b", None, is_bad=False)
    assert number not in scene.refused
    for _ in range(4):
        if number in scene.told:
            break
        scene.loop.settle()
        scene.finish()
        flood()
        scene.loop.settle()
    assert scene.told[number].error is None
