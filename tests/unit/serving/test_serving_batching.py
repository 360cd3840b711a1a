"""A batcher, stepped by hand: who runs when, with whom, and what each caller is told."""

from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from stepped import ManualClock, SteppedHands, SteppedLoop

from golive.errors import DeadlineError, GoliveError, RequestError, UnavailableError
from golive.serving.batching.batcher import Batcher
from golive.serving.batching.compute import Compute
from golive.serving.batching.cost import Cost
from golive.serving.batching.limits import BatchLimits
from golive.serving.batching.refusal import OverloadedError

MS = 1_000_000


class Room:
    """A batcher whose model doubles its input and fails on 666; it notes how many rows each run had."""

    def __init__(self, limits=None, *, row_ms=1, fixed_ms=0, is_joining=True, batchers=1):
        self.clock, self.loop = ManualClock(), SteppedLoop()
        self.hands = SteppedHands(self.loop)
        self.compute = Compute(self.loop, self.hands, self.clock)
        self.runs = []
        self.told = {}
        self.order = []
        self.started_before_told = []
        self._price = (fixed_ms, row_ms)
        limits = limits or BatchLimits(run_rows=4)
        self.batchers = [
            Batcher(partial(self._run, index), self.compute, limits, is_joining=is_joining) for index in range(batchers)
        ]

    def _run(self, index, numbers, codes):
        fixed_ms, row_ms = self._price
        self.clock.now_ns += int((fixed_ms + row_ms * len(numbers)) * MS)
        self.runs.append((index, numbers[:, 0].astype(int).tolist()))
        if (numbers == 666).any():
            raise ValueError
        assert len(codes) == len(numbers)
        return numbers * 2

    def submit(self, name, *values, index=0, **more):
        numbers = np.array(values, dtype=float).reshape(-1, 1)
        done = partial(self._done, name)
        return self.batchers[index].submit(numbers, np.zeros((len(values), 0), dtype=np.int64), done=done, **more)

    def _done(self, name, outcome):
        assert name not in self.told
        self.told[name] = outcome
        self.order.append(name)
        self.started_before_told.append(len(self.hands.jobs))

    def warm(self):
        """Let each batcher see what a row costs."""
        for index in range(len(self.batchers)):
            for number in range(8):
                self.submit(f"warm {index}.{number}", 1, index=index)
                self.drain()
        self.told.clear()
        self.runs.clear()

    def step(self):
        """One run: what stands in the loop, the work, its delivery."""
        self.loop.settle()
        self.hands.finish()
        self.loop.settle()

    def drain(self):
        self.loop.settle()
        while self.hands.jobs:
            self.hands.finish()
            self.loop.settle()

    def values(self, name):
        return self.told[name].outputs[:, 0].tolist()


def test_a_request_alone_starts_at_once_and_gets_its_rows():
    room = Room()
    room.submit("a", 1, 2)
    room.loop.turn()
    assert len(room.hands.jobs) == 1
    room.drain()
    outcome = room.told["a"]
    assert outcome.outputs.tolist() == [[2.0], [4.0]]
    assert (outcome.error, outcome.queue_ns, outcome.compute_ns, outcome.batch_rows) == (None, 0, 2 * MS, 2)


def test_done_is_never_called_from_within_submit():
    room = Room(BatchLimits(queue_rows=1, run_rows=4))
    room.submit("a", 1, caller="x")
    assert room.told == {}


def test_what_came_in_one_turn_of_the_loop_and_what_comes_during_a_run_go_together():
    room = Room()
    room.submit("a", 1)
    room.submit("b", 2)
    room.loop.settle()
    room.submit("c", 3)
    room.submit("d", 4)
    room.drain()
    assert room.runs == [(0, [1, 2]), (0, [3, 4])]
    assert [room.values(name) for name in "abcd"] == [[2.0], [4.0], [6.0], [8.0]]
    # c came when the first run had begun and waited for its end.
    assert (room.told["c"].queue_ns, room.told["c"].compute_ns) == (2 * MS, 2 * MS)


def test_the_next_run_starts_before_the_answers_of_the_last_one_are_written():
    room = Room()
    room.submit("a", 1)
    room.loop.settle()
    room.submit("b", 2)
    room.hands.finish()
    room.loop.turn()
    assert room.order == ["a"]
    assert room.started_before_told == [1]


def test_a_long_request_is_cut_and_short_ones_pass_it():
    room = Room()
    room.submit("long", *range(12))
    room.loop.settle()
    for name, value in (("b", 100), ("c", 101)):
        room.submit(name, value)
    room.drain()
    assert [rows for _, rows in room.runs] == [[0, 1, 2, 3], [4, 5, 6, 7], [100, 101, 8, 9], [10, 11]]
    assert room.order == ["b", "c", "long"]
    assert room.values("long") == [2.0 * value for value in range(12)]
    assert room.told["long"].compute_ns == 14 * MS
    assert room.told["long"].batch_rows == 4


def test_a_request_that_does_not_fit_the_rest_of_a_run_goes_on_in_the_next():
    room = Room()
    room.submit("a", 1, 2, 3)
    room.submit("b", 4, 5, 6)
    room.submit("c", 7)
    room.drain()
    assert [rows for _, rows in room.runs] == [[1, 2, 3, 4], [5, 6, 7]]
    assert room.values("b") == [8.0, 10.0, 12.0]


def test_callers_share_a_run_whatever_each_has_waiting():
    room = Room()
    room.submit("first", 0)
    room.loop.settle()
    for number in range(20):
        room.submit(f"greedy{number}", number, caller="greedy")
    room.submit("m", 100, caller="modest")
    room.submit("n", 101, caller="modest")
    room.step()
    room.step()
    assert room.runs[1] == (0, [0, 1, 100, 101])


def test_only_the_guilty_request_of_a_batch_fails():
    room = Room()
    room.submit("a", 1)
    room.submit("bad", 666)
    room.submit("c", 3)
    room.drain()
    assert (room.values("a"), room.values("c")) == ([2.0], [6.0])
    assert isinstance(room.told["bad"].error, ValueError)
    assert room.told["bad"].outputs is None


def test_a_failed_batch_teaches_nothing_about_cost():
    room = Room()
    room.submit("a", 1)
    room.submit("bad", 666)
    room.drain()
    assert room.batchers[0].cost.runs == 0


def test_a_long_request_that_fails_in_one_slice_fails_once_and_leaves_the_queue():
    room = Room()
    room.submit("bad", 1, 2, 3, 666, 5, 6, 7, 8, 9)
    room.drain()
    assert isinstance(room.told["bad"].error, ValueError)
    assert room.batchers[0].waiting_rows == 0
    assert len(room.runs) <= 2


@pytest.mark.parametrize(
    "run",
    [lambda n, c: n[:1], lambda n, c: n.T, lambda n, c: np.float64(1)],
    ids=["one row", "the other axis", "no axis"],
)
def test_outputs_that_are_not_one_row_a_row_are_an_error(run):
    room = Room()
    batcher = Batcher(run, room.compute, BatchLimits())
    batcher.submit(np.ones((2, 1)), np.zeros((2, 0), dtype=np.int64), done=partial(room._done, "a"))
    room.drain()
    assert isinstance(room.told["a"].error, GoliveError)
    assert "for 2 rows" in room.told["a"].error.message


def test_slices_of_different_widths_are_an_error():
    room = Room()
    batcher = Batcher(lambda n, c: np.ones((len(n), len(n))), room.compute, BatchLimits(run_rows=2))
    batcher.submit(np.ones((3, 1)), np.zeros((3, 0), dtype=np.int64), done=partial(room._done, "a"))
    room.drain()
    assert "outputs have one width" in room.told["a"].error.message


def test_a_cancelled_request_leaves_the_queue_and_hears_nothing():
    room = Room()
    room.submit("a", 1)
    room.loop.settle()
    ticket = room.submit("b", 2)
    room.submit("c", 3)
    ticket.cancel()
    ticket.cancel()
    assert room.batchers[0].waiting_rows == 1
    room.drain()
    assert room.runs == [(0, [1]), (0, [3])]
    assert set(room.told) == {"a", "c"}


def test_a_request_that_nobody_waits_for_any_more_is_not_run_though_it_was_not_cancelled_yet():
    room, gone = Room(), set()
    room.submit("a", 1)
    room.loop.settle()
    room.submit("b", 2, is_gone=lambda: "b" in gone)
    room.submit("c", 3, is_gone=lambda: "c" in gone)
    gone.add("b")
    room.drain()
    assert room.runs == [(0, [1]), (0, [3])]
    assert set(room.told) == {"a", "c"}
    assert room.batchers[0].waiting_requests == 0


def test_the_result_of_a_request_cancelled_while_it_runs_is_ignored():
    room = Room()
    ticket = room.submit("a", 1)
    room.submit("b", 2)
    room.loop.settle()
    ticket.cancel()
    room.drain()
    assert set(room.told) == {"b"}


def test_cancelling_a_long_request_saves_its_remaining_slices():
    room = Room()
    ticket = room.submit("long", *range(100))
    room.loop.settle()
    ticket.cancel()
    room.drain()
    assert len(room.runs) == 1
    assert room.batchers[0].waiting_requests == 0


def test_a_request_is_refused_when_the_rows_of_the_queue_are_full():
    room = Room(BatchLimits(queue_rows=3, run_rows=4))
    room.submit("a", 1)
    room.loop.settle()
    for name in "bcd":
        room.submit(name, 1)
    with pytest.raises(OverloadedError, match="3 rows wait for this model already") as caught:
        room.submit("e", 1)
    assert (caught.value.status, caught.value.code, caught.value.retry_after_s) == (503, "overloaded", 1)
    assert isinstance(caught.value, UnavailableError)
    room.drain()
    assert set(room.told) == set("abcd")
    assert room.batchers[0].counts.overloaded == 1


def test_a_request_is_refused_when_the_bytes_of_the_queue_are_full():
    room = Room(BatchLimits(queue_bytes=20, run_rows=4))
    for name in "ab":
        room.submit(name, 1)
    with pytest.raises(OverloadedError):
        room.submit("c", 1)


def test_a_request_that_finds_the_queue_empty_may_be_longer_than_the_queue():
    room = Room(BatchLimits(queue_rows=3, queue_bytes=8, wait_s=0, run_rows=4))
    room.submit("a", *range(10))
    room.drain()
    assert room.values("a") == [2.0 * value for value in range(10)]


def test_a_cold_server_refuses_nothing_for_its_wait():
    room = Room(BatchLimits(run_rows=4, wait_s=0.001), row_ms=1000)
    for number in range(100):
        room.submit(number, number)
    room.drain()
    assert all(outcome.error is None for outcome in room.told.values())


def test_a_request_is_refused_when_its_wait_would_be_too_long_and_told_when_to_come_back():
    room = Room(BatchLimits(run_rows=1, wait_s=5), row_ms=1000)
    room.warm()
    for number in range(6):
        room.submit(number, number)
    with pytest.raises(OverloadedError, match="come back in 6 s") as caught:
        room.submit("more", 1)
    assert caught.value.retry_after_s == 6


def test_after_a_refusal_the_next_request_is_turned_away_before_it_is_read_until_something_has_run():
    room = Room(BatchLimits(run_rows=1, queue_rows=2), row_ms=10)
    room.warm()
    (batcher,) = room.batchers
    room.submit("runs", 1)
    room.loop.settle()
    room.submit("a", 1, caller="greedy")
    assert batcher.turned_away("greedy", None) is None
    room.submit("b", 2, caller="greedy")
    with pytest.raises(OverloadedError):
        room.submit("c", 3, caller="greedy")
    assert isinstance(batcher.turned_away("greedy", None), OverloadedError)
    assert batcher.turned_away("modest", None) is None
    room.step()
    assert batcher.turned_away("greedy", None) is None


def test_who_has_less_time_than_one_that_was_refused_is_turned_away_and_who_has_more_is_not():
    room = Room(row_ms=10)
    room.warm()
    (batcher,) = room.batchers
    for number in range(8):
        room.submit(number, number)
    now = room.clock()
    with pytest.raises(DeadlineError):
        room.submit("late", 1, deadline_ns=now + 50 * MS)
    assert isinstance(batcher.turned_away("", now + 40 * MS), DeadlineError)
    assert batcher.turned_away("", now + 500 * MS) is None
    assert batcher.turned_away("", None) is None


def test_one_huge_request_does_not_make_the_queue_full_for_short_ones():
    room = Room(BatchLimits(run_rows=4, wait_s=1), row_ms=10)
    room.warm()
    room.submit("huge", *range(1000))
    room.submit("b", 1)
    room.step()
    room.step()
    assert "b" in room.told
    assert room.told["b"].error is None


def test_a_full_queue_refuses_the_greediest_caller_first():
    room = Room(BatchLimits(queue_rows=4, run_rows=4))
    room.submit("running", 0)
    room.loop.settle()
    for number in range(4):
        room.submit(f"g{number}", number, caller="greedy")
    room.submit("modest", 100, caller="modest")
    with pytest.raises(OverloadedError):
        room.submit("g4", 4, caller="greedy")
    room.drain()
    assert isinstance(room.told["g3"].error, OverloadedError)
    assert room.told["modest"].error is None
    assert [room.told[f"g{number}"].error for number in range(3)] == [None] * 3


def test_a_caller_gets_no_room_from_one_who_would_then_hold_less():
    room = Room(BatchLimits(queue_rows=4, run_rows=4))
    room.submit("running", 0)
    room.loop.settle()
    for name in ("x1", "x2"):
        room.submit(name, 1, caller="x")
    for name in ("y1", "y2"):
        room.submit(name, 1, caller="y")
    with pytest.raises(OverloadedError):
        room.submit("x3", 1, caller="x")
    room.submit("z", 1, caller="z")
    room.drain()
    assert [name for name, outcome in room.told.items() if outcome.error] == ["x2"]


def test_the_tables_are_not_turned_on_a_caller_that_makes_room():
    room = Room(BatchLimits(queue_rows=6, run_rows=4))
    room.submit("running", 0)
    room.loop.settle()
    for number in range(4):
        room.submit(f"x{number}", 1, caller="x")
    room.submit("y", 1, 2, caller="y")
    with pytest.raises(OverloadedError):
        room.submit("y2", 1, 2, caller="y")
    room.submit("y3", 1, caller="y")
    room.drain()
    assert [name for name, outcome in room.told.items() if outcome.error] == ["x3"]


def test_a_request_that_was_refused_for_another_and_then_cancelled_hears_nothing():
    room = Room(BatchLimits(queue_rows=2, run_rows=4))
    room.submit("running", 0)
    room.loop.settle()
    room.submit("x1", 1, caller="x")
    refused = room.submit("x2", 1, caller="x")
    room.submit("y", 1, caller="y")
    refused.cancel()
    room.drain()
    assert set(room.told) == {"running", "x1", "y"}


def test_a_deadline_that_has_passed_is_refused_at_once():
    room = Room()
    room.clock.now_ns = 10 * MS
    with pytest.raises(DeadlineError, match="after the request's deadline"):
        room.submit("a", 1, deadline_ns=10 * MS)
    assert room.batchers[0].counts.late == 1


def test_a_deadline_that_the_queue_cannot_keep_is_refused_at_once():
    room = Room(row_ms=10)
    room.warm()
    room.submit("a", *range(4))
    room.loop.settle()
    room.submit("b", *range(4))
    with pytest.raises(DeadlineError):
        room.submit("c", 1, deadline_ns=room.clock() + 60 * MS)
    room.submit("d", 1, deadline_ns=room.clock() + 120 * MS)
    room.drain()
    assert room.told["d"].error is None


def test_a_modest_caller_is_not_refused_for_the_queue_of_a_greedy_one():
    room = Room(row_ms=10)
    room.warm()
    for number in range(40):
        room.submit(number, number, caller="greedy")
    ticket_time = room.clock()
    room.submit("m", 1, caller="modest", deadline_ns=ticket_time + 60 * MS)
    room.drain()
    assert room.told["m"].error is None


def test_a_request_whose_deadline_passes_in_the_queue_is_not_run():
    room = Room(row_ms=10)
    room.submit("a", 1)
    room.loop.settle()
    room.submit("b", 2, deadline_ns=5 * MS)
    room.submit("c", 3)
    room.drain()
    assert room.runs == [(0, [1]), (0, [3])]
    assert isinstance(room.told["b"].error, DeadlineError)
    assert room.told["b"].error.status == 503


def test_a_too_low_prediction_of_one_run_does_not_shut_out_tight_deadlines_for_good():
    room = Room(row_ms=10)
    room.warm()
    room._price = (0, 1)
    for number in range(40):
        room.submit(number, number, deadline_ns=room.clock() + 2 * MS)
        room.drain()
    assert all(outcome.error is None for outcome in room.told.values())
    assert room.batchers[0].cost.of(1) < 4 * MS


def test_when_all_were_predicted_to_be_late_the_next_ones_are_run():
    room = Room(row_ms=10)
    room.warm()
    room.submit("slow", 1)
    room.loop.settle()
    for name in ("a", "b"):
        room.submit(name, 1, deadline_ns=room.clock() + 45 * MS)
    room._price = (0, 40)
    room.drain()
    assert [type(room.told[name].error) for name in ("slow", "a", "b")] == [type(None), DeadlineError, DeadlineError]
    room._price = (0, 1)
    room.submit("c", 1, deadline_ns=room.clock() + 5 * MS)
    room.submit("d", 1)
    room.drain()
    assert room.told["c"].error is None


def test_models_take_turns_on_the_thread():
    room = Room(BatchLimits(run_rows=2), batchers=3)
    for index in range(3):
        room.submit(index, *range(4), index=index)
    room.drain()
    assert [index for index, _ in room.runs] == [0, 1, 2, 0, 1, 2]


def test_a_model_with_a_long_queue_does_not_fill_the_queue_of_another():
    room = Room(BatchLimits(run_rows=1, wait_s=1), row_ms=100, batchers=2)
    room.warm()
    with suppress(OverloadedError):
        for number in range(100):
            room.submit(number, number, index=0)
    assert room.batchers[0].waiting_rows < 100
    room.submit("x", 1, index=1)
    room.submit("y", 1, index=1)
    room.drain()
    assert room.told["y"].error is None


def test_a_model_whose_outputs_mix_rows_runs_each_request_alone_and_whole():
    room = Room(is_joining=False)
    room.submit("a", *range(10))
    room.submit("b", 1)
    room.submit("c", 2)
    room.drain()
    assert [rows for _, rows in room.runs] == [list(range(10)), [1], [2]]


def test_closing_refuses_what_waits_and_delivers_what_runs():
    room = Room()
    room.submit("a", 1)
    room.loop.settle()
    room.submit("b", 2)
    room.compute.close()
    room.drain()
    assert room.values("a") == [2.0]
    assert isinstance(room.told["b"].error, UnavailableError)
    with pytest.raises(UnavailableError, match="ending"):
        room.submit("c", 3)
    assert room.hands.is_closed


def test_a_request_without_rows_is_refused():
    with pytest.raises(RequestError, match="no rows"):
        Room().submit("a")


def test_a_callback_that_raises_costs_no_other_caller_its_answer(caplog):
    room = Room()
    numbers, codes = np.ones((1, 1)), np.zeros((1, 0), dtype=np.int64)

    def broken(outcome):
        raise RuntimeError

    room.batchers[0].submit(numbers, codes, done=broken)
    room.submit("b", 1)
    room.drain()
    assert room.values("b") == [2.0]
    assert "could not be handed over" in caplog.text


def test_a_run_says_how_long_it_has_lasted():
    room = Room()
    assert room.compute.busy_ns() == 0
    room.submit("a", 1)
    room.loop.settle()
    room.clock.now_ns += 7 * MS
    assert room.compute.busy_ns() == 7 * MS
    room.drain()
    assert room.compute.busy_ns() == 0


def test_a_busy_model_finds_its_best_length_from_a_wrong_start():
    """It was thought to cost the same for every row; in truth one row costs as much as a hundred."""
    room = Room(fixed_ms=1, row_ms=0.01)
    wrong = Cost()
    for rows in (1, 16) * 20:
        wrong.learn(rows, rows * 60_000)
    room.batchers[0] = Batcher(partial(room._run, 0), room.compute, BatchLimits(wait_s=1000), cost=wrong)
    for number in range(3000):
        room.submit(number, 1)
    room.drain()
    assert len(room.runs[0][1]) == 16
    assert max(len(rows) for _, rows in room.runs) == 256


def test_at_three_times_the_load_the_goodput_stays_at_the_peak():
    """Requests of one row come three times as fast as they can run, each with 50 ms of time."""
    room = Room(BatchLimits(), row_ms=0.1, fixed_ms=0.5)
    good = wasted = 0
    spacing = int(0.1 * MS / 3)

    def told(deadline, outcome):
        nonlocal good, wasted
        on_time = room.clock() <= deadline
        good += outcome.error is None and on_time
        wasted += outcome.error is None and not on_time

    arrives = 0
    end = 1_000 * MS
    while room.clock.now_ns < end:
        while arrives <= room.clock.now_ns:
            deadline = arrives + 50 * MS
            one = np.ones((1, 1)), np.zeros((1, 0), dtype=np.int64)
            with suppress(UnavailableError):
                room.batchers[0].submit(*one, done=partial(told, deadline), deadline_ns=deadline)
            arrives += spacing
        room.loop.settle()
        room.hands.finish() if room.hands.jobs else None
        room.loop.settle()
    busiest = rows_of_peak(room, end)
    assert good >= 0.95 * busiest
    assert wasted <= 0.01 * good


def rows_of_peak(room, duration_ns):
    """What full runs would have answered in that time."""
    most = room.batchers[0]._most
    return duration_ns / ((0.5 + 0.1 * most) * MS) * most
