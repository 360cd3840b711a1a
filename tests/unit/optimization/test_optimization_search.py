"""Which candidates pass, which of them no other one beats, and which one is taken."""

import math

import msgspec
import numpy as np
import pytest

from golive.domain.preparation import Preparation
from golive.errors import NotConvertibleError
from golive.optimization.loss import Judge, Loss
from golive.optimization.measured import Comparison, Cost, Reading
from golive.optimization.measuring import RefusedError
from golive.optimization.search import Limits, choose, gains_of, pareto, search, verdict
from golive.optimization.tried import Tried
from golive.ports import Candidate, Subject

ORIGINAL = Cost(p50_us=10.0, p99_us=12.0, thousand_ms=4.0, load_ms=1.0, memory_mb=1.0, size_bytes=1000)


def compared(*, one_row=1.0, thousand_rows=1.0, size=1000, alone=0.0, alone_flipped=0):
    cost = msgspec.structs.replace(ORIGINAL, p50_us=10.0 / one_row, thousand_ms=4.0 / thousand_rows, size_bytes=size)
    return Comparison(
        original=ORIGINAL,
        candidate=cost,
        one_row=one_row,
        thousand_rows=thousand_rows,
        alone=alone,
        alone_flipped=alone_flipped,
    )


def lost(share=0.0, upper=None, rows=1000):
    return Loss(
        metric="accuracy",
        original=0.9,
        candidate=0.9 * (1 - share),
        share=share,
        lower=share - 0.001,
        upper=share if upper is None else upper,
        rows=rows,
    )


def tried(name, comparison, loss=None):
    loss = loss or lost()
    outcome, reason = verdict(loss, comparison, Limits())
    candidate = Candidate(name=name, graph=b"")
    return Tried(candidate=candidate, method="m", outcome=outcome, reason=reason, comparison=comparison, loss=loss)


FASTER = compared(one_row=2.0)


@pytest.mark.parametrize(
    ("loss", "comparison", "outcome", "reason"),
    [
        (lost(), FASTER, "passed", "1 row 2.0x faster"),
        (lost(0.004), compared(size=250, thousand_rows=3.0), "passed", "4.0x smaller, 1,000 rows 3.0x faster"),
        (lost(-0.01, upper=0.001), FASTER, "passed", "1 row 2.0x faster"),
        (lost(0.006), FASTER, "too-lossy", "loses 0.60% of accuracy, 0.50% is allowed"),
        (lost(math.inf), FASTER, "too-lossy", "loses inf% of accuracy, 0.50% is allowed"),
        (lost(0.001, upper=0.009), FASTER, "not-enough-data", "the loss may be as much as 0.90%"),
        (msgspec.structs.replace(lost(), upper=None), FASTER, "not-enough-data", "the loss has no interval"),
        (lost(rows=29), FASTER, "not-enough-data", "29 validation rows; 30 are needed"),
        (lost(), compared(one_row=1.05, size=990), "no-gain", "neither smaller nor faster"),
        (lost(), compared(one_row=0.2, thousand_rows=0.5, size=5000), "no-gain", "neither smaller nor faster"),
    ],
)
def test_a_candidate_passes_when_its_loss_surely_keeps_to_the_limit_and_it_gains_something(
    loss, comparison, outcome, reason
):
    found, why = verdict(loss, comparison, Limits(max_loss=0.005))
    assert found == outcome
    assert reason in why


def test_gains_are_named_in_words():
    assert gains_of(compared()) == []
    assert gains_of(compared(size=100, one_row=3.0)) == ["10.0x smaller", "1 row 3.0x faster"]


def test_the_pareto_set_holds_what_no_other_one_beats():
    small = tried("small", compared(size=100, one_row=1.5))
    quick = tried("quick", compared(size=400, one_row=4.0))
    beaten = tried("beaten", compared(size=500, one_row=1.4))
    lossy = tried("lossy", compared(size=10, one_row=9.0), lost(0.2))
    exact = tried("exact", compared(size=500, one_row=2.0))
    near = tried("near", compared(size=450, one_row=2.0), lost(0.004))
    names = [one.candidate.name for one in pareto([small, quick, beaten, lossy, near])]
    assert names == ["small", "quick"]
    assert [one.candidate.name for one in pareto([near, exact])] == ["near", "exact"]


@pytest.mark.parametrize(("prefer", "name"), [("latency", "quick"), ("size", "small"), ("throughput", "many")])
def test_the_best_is_the_best_at_what_is_preferred(prefer, name):
    front = [
        tried("small", compared(size=100, one_row=1.5, thousand_rows=1.2)),
        tried("quick", compared(size=400, one_row=4.0, thousand_rows=2.0)),
        tried("many", compared(size=600, one_row=1.2, thousand_rows=8.0)),
    ]
    assert choose(front, prefer).candidate.name == name


def test_of_two_that_are_about_as_fast_the_smaller_one_is_taken():
    front = [tried("a", compared(size=900, one_row=2.05)), tried("b", compared(size=100, one_row=2.0))]
    assert choose(front, "latency").candidate.name == "b"


def test_what_is_slower_than_the_original_is_not_taken_for_its_latency():
    front = [tried("slow but small", compared(size=10, one_row=0.5))]
    assert choose(front, "latency") is None
    assert choose(front, "size").candidate.name == "slow but small"
    assert choose([], "size") is None


TRUTH = np.array([0, 1] * 100)
ANSWERS = np.where(TRUTH[:, None] == [0, 1], 0.8, 0.2)


def subject():
    return Subject(
        graph=b"graph",
        preparation=Preparation(),
        task="classification",
        numbers=np.zeros((200, 1)),
        codes=np.zeros((200, 0), np.int64),
        answers=ANSWERS,
        seed=0,
    )


class Offers:
    """Offers candidates by name."""

    effort_s = 0.0

    def __init__(self, name, *names, then=None):
        self.name = name
        self._names = names
        self._then = then

    def candidates(self, _subject):
        for name in self._names:
            yield Candidate(name=name, graph=b"")
        if self._then is not None:
            raise self._then


def searched(optimizers, measure, *, has_time=lambda: True):
    seen = []
    found = search(
        subject(),
        optimizers,
        judge=Judge(task="classification", metric="accuracy", truth=TRUTH, original=ANSWERS),
        measure=measure,
        limits=Limits(),
        has_time=has_time,
        told=lambda one: seen.append(one.candidate.name),
    )
    assert seen == [one.candidate.name for one in found.tried]
    return found


def test_each_candidate_is_measured_judged_and_the_best_is_taken():
    readings = {
        "same": Reading(answers=ANSWERS, comparison=compared(size=500)),
        "wrong": Reading(answers=ANSWERS[:, ::-1], comparison=compared(size=10)),
        "mixed": Reading(answers=ANSWERS, comparison=compared(size=10, alone=0.3, alone_flipped=2)),
        "nan": Reading(answers=ANSWERS * [1, np.nan], comparison=compared(size=10)),
        "narrow": Reading(answers=ANSWERS[:, :1], comparison=compared(size=10)),
    }
    found = searched([Offers("a", *readings)], lambda candidate: readings[candidate.name])
    outcomes = {one.candidate.name: (one.outcome, one.reason) for one in found.tried}
    assert outcomes["same"] == ("passed", "2.0x smaller")
    assert outcomes["wrong"][0] == "too-lossy"
    told = "answers a row otherwise alone than among others, by up to 0.3, and 2 decisions change"
    assert outcomes["mixed"] == ("refused", told)
    assert outcomes["nan"] == ("refused", "gives no number for 200 rows")
    assert outcomes["narrow"][1].startswith("answers with an array of the shape (200, 1)")
    assert found.best is not None
    assert found.best.candidate.name == "same"
    assert found.left_out == ()


def test_a_crash_of_one_candidate_or_of_one_plug_in_costs_nothing_else():
    def measure(candidate):
        if candidate.name == "crash":
            message = "ended its process (SIGSEGV)"
            raise RefusedError(message)
        return Reading(answers=ANSWERS, comparison=compared(size=100))

    failing = [
        Offers("a", "crash", then=NotConvertibleError("no way")),
        Offers("b", then=ZeroDivisionError("a bug")),
        Offers("c", "good"),
    ]
    found = searched(failing, measure)
    assert [(one.candidate.name, one.outcome, one.reason) for one in found.tried] == [
        ("crash", "refused", "ended its process (SIGSEGV)"),
        ("a", "refused", "no way"),
        ("b", "failed", "ZeroDivisionError: a bug"),
        ("good", "passed", "10.0x smaller"),
    ]


def test_what_the_time_does_not_reach_is_named():
    left = iter([True, True, False, False])
    found = searched(
        [Offers("a", "one", "two", "three"), Offers("b", "four")],
        lambda _: Reading(answers=ANSWERS, comparison=compared(size=100)),
        has_time=lambda: next(left),
    )
    assert [one.candidate.name for one in found.tried] == ["one", "two"]
    assert found.left_out == ("a", "b")
