"""A model that runs in the event loop gets as much of it as what else is to be done there."""

from stepped import ManualClock, SteppedLoop

from golive.serving.batching.compute import LoopHands

RUN_NS = 10


class Work:
    """Runs that follow each other, each as soon as the last one has ended."""

    def __init__(self, runs):
        self.loop, self.clock = SteppedLoop(), ManualClock()
        self.hands = LoopHands(self.loop, self.clock)
        self.left, self.done = runs, 0

    def start(self):
        self.hands.start(self._run, self._ended)

    def _run(self):
        self.clock.now_ns += RUN_NS

    def _ended(self):
        self.done += 1
        self.left -= 1
        if self.left:
            self.start()

    def others(self, taken_ns):
        """Something else in the loop, before the runs have their turn."""
        self.clock.now_ns += taken_ns


def test_runs_alternate_with_a_loop_that_has_little_else_to_do():
    work = Work(runs=3)
    work.start()
    for done in (1, 2, 3):
        work.others(RUN_NS // 2)
        work.loop.turn()
        assert work.done == done


def test_runs_follow_each_other_until_they_had_as_much_of_the_loop_as_others_had():
    work = Work(runs=20)
    work.start()
    work.others(5 * RUN_NS)
    work.loop.turn()
    assert work.done == 5
    work.others(7 * RUN_NS)
    work.loop.turn()
    assert work.done == 12


def test_the_time_before_there_was_work_does_not_count():
    work = Work(runs=3)
    work.others(1000 * RUN_NS)
    work.start()
    work.loop.turn()
    assert work.done == 1


def test_a_loop_that_was_away_for_very_long_is_not_away_as_long_again():
    work = Work(runs=10**8)
    work.start()
    work.others(10**12)
    work.loop.turn()
    assert work.done == 50_000_000 // RUN_NS


def test_work_that_ends_leaves_the_loop_empty():
    work = Work(runs=2)
    work.start()
    work.others(100 * RUN_NS)
    work.loop.settle()
    assert (work.done, len(work.loop.ready)) == (2, 0)
    work.left = 1
    work.start()
    work.loop.settle()
    assert work.done == 3
