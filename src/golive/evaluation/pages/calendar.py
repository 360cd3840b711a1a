"""Calendar: moments in, ticks of an axis of time out: years, months, days or times of day, as ISO 8601 writes them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import product

import msgspec

_MOST = 4
"""Labels of ten signs that stand beside one another below a plot."""


class _Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A way to count time."""

    count: Callable[[datetime], int]
    """The number of the unit that a moment lies in."""
    start: Callable[[int], datetime]
    """When the unit of a number begins."""
    steps: tuple[int, ...]
    form: str


def _of_month(count: int) -> datetime:
    return datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)


def _of_day(count: int) -> datetime:
    return datetime.combine(date.fromordinal(count), datetime.min.time(), tzinfo=UTC)


_UNITS = (
    _Unit(count=lambda moment: moment.toordinal(), start=_of_day, steps=(1, 2, 5, 10), form="%Y-%m-%d"),
    _Unit(count=lambda moment: 12 * moment.year + moment.month - 1, start=_of_month, steps=(1, 2, 3, 6), form="%Y-%m"),
    _Unit(
        count=lambda moment: moment.year,
        start=lambda count: datetime(count, 1, 1, tzinfo=UTC),
        steps=tuple(head * 10**zeros for zeros, head in product(range(4), (1, 2, 5))),
        form="%Y",
    ),
)


def calendar(moments: Iterable[float]) -> tuple[list[float], list[str]]:
    """Give where ticks stand among moments (seconds since 1970), and what is written there, alike in all languages."""
    known = list(moments)
    first, last = (datetime.fromtimestamp(moment, UTC) for moment in (min(known), max(known)))
    for unit in _UNITS:
        for step in unit.steps:
            ticks = _ticks(unit, step, first, last)
            if len(ticks) <= _MOST:
                return _written(ticks, unit.form) if len(ticks) > 1 else _ends(first, last)
    return _ends(first, last)


def _ticks(unit: _Unit, step: int, first: datetime, last: datetime) -> list[datetime]:
    """Give the moments in between at which a multiple of a step begins; one more than can be shown is enough."""
    low, high = unit.count(first), unit.count(last)
    begin = low if unit.start(low) >= first else low + 1
    counts = range(begin + -begin % step, high + 1, step)
    return [unit.start(count) for count in counts[: _MOST + 1]]


def _ends(first: datetime, last: datetime) -> tuple[list[float], list[str]]:
    form = "%Y-%m-%d" if first.date() != last.date() else "%H:%M:%S"
    return _written([first, last], form)


def _written(ticks: Sequence[datetime], form: str) -> tuple[list[float], list[str]]:
    return [tick.timestamp() for tick in ticks], [tick.strftime(form) for tick in ticks]
