"""Search: candidates in, each of them measured and judged within a budget of loss and of time; the best one out."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
import numpy as np

from golive.errors import GoliveError
from golive.optimization.limits import Limits, Prefer
from golive.optimization.loss import Judge, Loss
from golive.optimization.making import FailedError
from golive.optimization.measured import Comparison, Reading
from golive.optimization.measuring import RefusedError
from golive.optimization.tried import Outcome, Tried
from golive.ports import Candidate, Optimizer, Subject

FASTER = 1.1
"""A candidate is faster from here on: less is within what measurements of one and the same graph differ."""
SMALLER = 1.05
ALONE = 1e-4
"""How far a row's answers alone and among others may be apart; single precision differs by about 1e-6."""
CLOSE = 1.1
"""Candidates within this factor of the best are equally good, and the next criterion decides."""

Measure = Callable[[Candidate], Reading]
"""Measures a candidate on the validation rows; raises RefusedError where it gives no measurement."""


class Searched(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a search found."""

    tried: tuple[Tried, ...]
    best: Tried | None
    """None where nothing that is good enough is smaller or faster."""
    pareto: tuple[Tried, ...]
    """Those that passed and that no other one beats in size, time and loss at once."""
    left_out: tuple[str, ...]
    """Optimizers that the time did not reach, or reached in part."""


def search(
    subject: Subject,
    optimizers: Sequence[Optimizer],
    *,
    judge: Judge,
    measure: Measure,
    limits: Limits,
    has_time: Callable[[], bool],
    told: Callable[[Tried], None],
) -> Searched:
    """Try what the optimizers offer, until they or the time are at an end.

    Args:
        subject: what is to become smaller or faster, with the rows that candidates may be made from.
        optimizers: asked in this order.
        judge: holds the rows that candidates are judged on.
        measure: see :data:`Measure`.
        limits: see :class:`Limits`.
        has_time: says whether there is time for one more candidate.
        told: is given each candidate as soon as it is judged.
    """
    tried: list[Tried] = []
    left_out: list[str] = []
    for optimizer in optimizers:
        if not has_time():
            left_out.append(optimizer.name)
            continue
        for one in _of(optimizer, subject, judge=judge, measure=measure, limits=limits):
            tried.append(one)
            told(one)
            if not has_time():
                left_out.append(optimizer.name)
                break
    front = pareto(tried)
    return Searched(
        tried=tuple(tried), best=choose(front, limits.prefer), pareto=front, left_out=tuple(dict.fromkeys(left_out))
    )


def pareto(tried: Iterable[Tried]) -> tuple[Tried, ...]:
    """Keep those that passed and that no other one beats: no worse in size, both times and loss, better in one."""
    passed = [one for one in tried if one.outcome == "passed"]
    return tuple(one for one in passed if not any(_beats(other, one) for other in passed))


def choose(front: Sequence[Tried], prefer: Prefer) -> Tried | None:
    """Give the best one: by what is preferred; among those about as good, by the other criteria in turn."""
    first: dict[Prefer, tuple[int, ...]] = {"latency": (0, 2, 1), "throughput": (1, 2, 0), "size": (2, 0, 1)}
    # None that is slower (or larger) than the original where it matters to the one who asks.
    left = [one for one in front if _criteria(one)[first[prefer][0]] <= _kept(one, prefer)]
    for place in first[prefer]:
        least = min((_criteria(one)[place] for one in left), default=0.0)
        left = [one for one in left if _criteria(one)[place] <= CLOSE * least]
    return min(left, key=lambda one: _criteria(one)[3], default=None)


def _of(optimizer: Optimizer, subject: Subject, *, judge: Judge, measure: Measure, limits: Limits) -> Iterator[Tried]:
    try:
        for candidate in optimizer.candidates(subject):
            yield _tried(candidate, optimizer.name, judge, measure, limits)
    except Exception as error:  # noqa: BLE001 - the border to plug-ins: what fails there costs its candidates only
        outcome, reason = _without_more(error)
        nothing = Candidate(name=optimizer.name, graph=b"")
        yield Tried(candidate=nothing, method=optimizer.name, outcome=outcome, reason=reason)


def _without_more(error: Exception) -> tuple[Outcome, str]:
    """Say why an optimizer gives no more candidates."""
    if isinstance(error, GoliveError):
        return "refused", error.message
    if isinstance(error, RefusedError):
        return "refused", str(error)
    return "failed", str(error) if isinstance(error, FailedError) else f"{type(error).__name__}: {error}"


def _tried(candidate: Candidate, method: str, judge: Judge, measure: Measure, limits: Limits) -> Tried:
    try:
        reading = measure(candidate)
    except RefusedError as error:
        return Tried(candidate=candidate, method=method, outcome="refused", reason=str(error))
    refusal = _refusal(reading, judge)
    if refusal:
        return Tried(
            candidate=candidate, method=method, outcome="refused", reason=refusal, comparison=reading.comparison
        )
    loss = judge.loss(reading.answers)
    outcome, reason = verdict(loss, reading.comparison, limits)
    return Tried(
        candidate=candidate, method=method, outcome=outcome, reason=reason, comparison=reading.comparison, loss=loss
    )


def _refusal(reading: Reading, judge: Judge) -> str:
    if reading.answers.shape != judge.shape:
        return f"answers with an array of the shape {reading.answers.shape}, {judge.shape} is needed"
    broken = int((~np.isfinite(reading.answers)).any(axis=1).sum())
    if broken:
        return f"gives no number for {broken} rows"
    found = reading.comparison
    if found.alone > ALONE or found.alone_flipped:
        flips = f", and {found.alone_flipped} decisions change" if found.alone_flipped else ""
        return f"answers a row otherwise alone than among others, by up to {found.alone:.1g}{flips}"
    return ""


def verdict(loss: Loss, found: Comparison, limits: Limits) -> tuple[Outcome, str]:
    """Say whether a candidate may take the original's place, and why."""
    if loss.share > limits.max_loss:
        return "too-lossy", f"loses {loss.share:.2%} of {loss.metric}, {limits.max_loss:.2%} is allowed"
    if loss.rows < limits.min_rows:
        return "not-enough-data", f"{loss.rows} validation rows; {limits.min_rows} are needed"
    if loss.upper is None or loss.upper > limits.max_loss:
        upper = "has no interval" if loss.upper is None else f"may be as much as {loss.upper:.2%}"
        return "not-enough-data", f"the loss {upper}, {limits.max_loss:.2%} is allowed; more rows would tell"
    gains = gains_of(found)
    if not gains:
        return "no-gain", "neither smaller nor faster"
    return "passed", ", ".join(gains)


def gains_of(found: Comparison) -> list[str]:
    """Say what a candidate is better at, in words."""
    smaller = found.original.size_bytes / max(found.candidate.size_bytes, 1)
    gains = []
    if smaller >= SMALLER:
        gains.append(f"{smaller:.1f}x smaller")
    if found.one_row >= FASTER:
        gains.append(f"1 row {found.one_row:.1f}x faster")
    if found.thousand_rows >= FASTER:
        gains.append(f"1,000 rows {found.thousand_rows:.1f}x faster")
    return gains


def _kept(one: Tried, prefer: Prefer) -> float:
    """Give the original's own figure of what is preferred, in the units of :func:`_criteria`."""
    if prefer != "size" or one.comparison is None:
        return CLOSE
    return float(one.comparison.original.size_bytes)


def _beats(one: Tried, other: Tried) -> bool:
    pairs = list(zip(_criteria(one), _criteria(other), strict=True))
    return all(mine <= theirs for mine, theirs in pairs) and any(mine < theirs for mine, theirs in pairs)


def _criteria(one: Tried) -> tuple[float, float, float, float]:
    """Give what is better when less: time of one row, of a thousand (both relative), bytes, loss."""
    found, loss = one.comparison, one.loss
    if found is None or loss is None:
        return (float("inf"),) * 4
    return 1 / found.one_row, 1 / found.thousand_rows, float(found.candidate.size_bytes), max(loss.share, 0.0)
