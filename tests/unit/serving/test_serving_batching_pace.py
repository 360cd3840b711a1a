"""What waits for a loop that is busy with other things too is promised no more than it gets."""

from contextlib import suppress

import numpy as np
from stepped import ManualClock, SteppedHands, SteppedLoop

from golive.serving.batching.batcher import Batcher
from golive.serving.batching.compute import Compute
from golive.serving.batching.limits import BatchLimits
from golive.serving.batching.pace import Pace
from golive.serving.batching.refusal import OverloadedError

MS = 1_000_000
ROW_MS, WAIT_MS = 10, 1000


def test_what_passed_over_what_was_predicted_is_the_stretch():
    pace = Pace()
    assert pace.stretch == 1.0
    for number in range(200):
        pace.learn((10, 30, 20)[number % 3] * MS, 10 * MS)
    assert 1.9 < pace.stretch < 2.1


def test_a_stretch_is_never_below_one_and_learns_nothing_where_nothing_was_predicted():
    pace = Pace()
    for _ in range(100):
        pace.learn(5 * MS, 10 * MS)
        pace.learn(1000 * MS, 0)
    assert pace.stretch == 1.0


def test_one_run_that_was_interrupted_changes_little_and_not_for_long():
    pace = Pace()
    pace.learn(10_000 * MS, 10 * MS)
    assert pace.stretch < 2.0
    for _ in range(100):
        pace.learn(10 * MS, 10 * MS)
    assert pace.stretch < 1.05


def test_a_quiet_second_makes_up_for_a_busy_one():
    pace = Pace()
    for _ in range(100):
        pace.learn(30 * MS, 10 * MS)
    assert pace.stretch > 2.9
    for _ in range(100):
        pace.learn(10 * MS, 10 * MS)
    assert pace.stretch < 1.1


def test_a_full_queue_is_as_long_as_the_limit_though_the_loop_has_other_things_to_do():
    """Of twelve runs in a row the first waits for the loop for as long as twenty-four take."""
    clock, loop = ManualClock(), SteppedLoop()
    hands = SteppedHands(loop)
    waits = []

    def run(numbers, codes):
        del codes
        clock.now_ns += ROW_MS * MS * len(numbers)
        return numbers

    batcher = Batcher(run, Compute(loop, hands, clock), BatchLimits(run_rows=1, wait_s=WAIT_MS / 1000))

    def ask():
        with suppress(OverloadedError):
            batcher.submit(np.zeros((1, 1)), np.zeros((1, 0), dtype=np.int64), done=waits.append)

    for number in range(600):
        for _ in range(10):
            ask()
        loop.settle()
        if number % 12 == 0:
            clock.now_ns += 24 * ROW_MS * MS
        hands.finish()
        loop.settle()
    longest_ms = max(outcome.queue_ns for outcome in waits[-200:]) / MS
    assert 0.5 * WAIT_MS < longest_ms < 1.5 * WAIT_MS
