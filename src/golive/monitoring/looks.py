"""Looks: Records and a reference in, what moved and whether it is an alarm out. Pure.

One clock only: every look is compared with all training rows. Same-hour profiles for models whose day has a strong
rhythm are not built; see :mod:`golive.monitoring.rule` for what to do there.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from golive.domain.digest import Digest
from golive.domain.evidence import Evidence, Measure
from golive.domain.profile import ColumnProfile, Profile
from golive.errors import UsageError
from golive.monitoring.record_batch import input_column
from golive.monitoring.rule import Alarm, ColumnLook, Finding, Role, alarms, findings
from golive.statistics.bins import count_categories, count_numbers
from golive.statistics.drift import category_drift, number_drift

_MOST_LOOKS = 200
_BEFORE_FIRST = 2


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows in time order, compared with the reference."""

    number: int
    """From 0, counting all looks since the first record."""
    start_ns: int
    end_ns: int
    """Unix time of the first and the last row, in nanoseconds."""
    rows: int
    columns: tuple[ColumnLook, ...]
    findings: tuple[Finding, ...]
    alarms: tuple[Alarm, ...]
    """Those that rang at this look, worst first."""


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What the records of one release look like beside its training rows."""

    state: Literal["quiet", "alarm", "not-enough-rows"]
    text: str
    """The state in a sentence."""
    rows: int
    """All rows that are in."""
    look_rows: int
    waiting: int
    """Rows since the last look; the next look is due when they reach ``look_rows``."""
    looks: tuple[Look, ...]
    """Oldest first; the newest 200 at most."""
    alarms: tuple[Alarm, ...]
    """Those that ring now, worst first."""


def watch(
    profile: Profile, records: Mapping[str, npt.NDArray[Any]], *, look_rows: int = 1000, earlier: int = 0
) -> Watch:
    """Cut records into looks that do not overlap, and judge each.

    Args:
        profile: the reference of the release.
        records: its columns in time order, as ``read_records`` gives them; columns without a profile are passed over.
        look_rows: rows of a look; below 1,000 the rate of false alarms is higher than documented.
        earlier: rows before these, as ``passed_over`` gives them: they count, but are not looked at again.

    Raises:
        UsageError: ``look_rows`` is not positive.
    """
    if look_rows < 1:
        message = f"a look needs at least 1 row, not {look_rows}; 1000 is the default"
        raise UsageError(message)
    at: npt.NDArray[np.int64] = records["at"]
    count = len(at) // look_rows
    made: list[Look] = []
    for number in range(max(0, count - _MOST_LOOKS), count):
        span = slice(number * look_rows, (number + 1) * look_rows)
        columns = _compare(profile, records, span)
        found = findings(columns)
        made.append(
            Look(
                number=earlier // look_rows + number,
                start_ns=int(at[span][0]),
                end_ns=int(at[span][-1]),
                rows=look_rows,
                columns=columns,
                findings=found,
                alarms=alarms([*(look.findings for look in made[-_BEFORE_FIRST:]), found]),
            )
        )
    return _summary(tuple(made), rows=earlier + len(at), look_rows=look_rows)


def passed_over(rows: int, look_rows: int) -> int:
    """Give how many of so many rows, the earliest, are in no look that ``watch`` still gives; they need not be read."""
    return max(0, rows // look_rows - _MOST_LOOKS) * look_rows


def live_evidence(seen: Watch, bundle: Digest, *, at: str, code: str) -> Evidence:
    """Write the newest look as evidence that a gate can judge.

    Measures: ``drift.alarms`` (those that ring now), ``drift.looks``, ``drift.worst`` (the greatest effect over its
    threshold), and for each column ``drift.<column>.psi``, ``.w1`` (numbers), ``.missing``, and ``.outside`` or
    ``.unseen`` (rises as differences of shares). In a column's name, characters other than letters, digits, ``_`` and
    ``.`` become ``_``.

    Raises:
        UsageError: there was no look yet.
    """
    if not seen.looks:
        message = f"there is no look to report: {seen.text}"
        raise UsageError(message)
    last = seen.looks[-1]
    general = (
        _measure("drift.alarms", float(len(seen.alarms)), last.rows),
        _measure("drift.looks", float(last.number + 1), last.rows),
        _measure("drift.worst", max((finding.excess for finding in last.findings), default=0.0), last.rows),
    )
    return Evidence(
        bundle=bundle,
        kind="live",
        rows=last.rows,
        measured_at=at,
        code=code,
        measures=(*general, *(measure for column in last.columns for measure in _measures(column))),
        details={
            "state": seen.state,
            "text": seen.text,
            "alarms": [alarm.text for alarm in seen.alarms],
            "looks": [_detail(look) for look in seen.looks],
        },
    )


def _compare(profile: Profile, records: Mapping[str, npt.NDArray[Any]], span: slice) -> tuple[ColumnLook, ...]:
    parts: tuple[tuple[Role, str, ColumnProfile], ...] = (
        *(("input", input_column(column.name), column) for column in profile.inputs),
        *(("output", column.name, column) for column in profile.outputs),
    )
    return tuple(_column(name, role, column, records[name][span]) for role, name, column in parts if name in records)


def _column(name: str, role: Role, profile: ColumnProfile, values: npt.NDArray[Any]) -> ColumnLook:
    is_number = len(profile.counts) == len(profile.edges) + 2
    if is_number:
        window = count_numbers(profile.edges, values.astype(np.float64))
        drift = number_drift(profile.edges, profile.counts, window)
    else:
        # The profile does not name the values without a bin; where it had any, a new value may be one of them.
        others = None if profile.counts[len(profile.values)] > 0 else ()
        drift = category_drift(
            profile.counts, count_categories(profile.values, values.astype(np.object_), others=others)
        )
    return ColumnLook(name=name, role=role, number=is_number, importance=profile.importance, drift=drift)


def _summary(looks: tuple[Look, ...], *, rows: int, look_rows: int) -> Watch:
    waiting = rows % look_rows
    if not looks:
        text = f"{rows:,} rows are in, and a look needs {look_rows:,}: not enough rows to say anything"
        return Watch(
            state="not-enough-rows", text=text, rows=rows, look_rows=look_rows, waiting=waiting, looks=(), alarms=()
        )
    ringing = looks[-1].alarms
    earlier = sum(1 for look in looks[:-1] if look.alarms)
    before = f"; {earlier} of the {len(looks) - 1} looks before it rang" if earlier else ""
    number = f"{len(ringing)} alarm{'s' if len(ringing) > 1 else ''}" if ringing else "no alarm"
    until = datetime.fromtimestamp(looks[-1].end_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Watch(
        state="alarm" if ringing else "quiet",
        text=f"{number} at the look of {look_rows:,} rows until {until}{before}",
        rows=rows,
        look_rows=look_rows,
        waiting=waiting,
        looks=looks,
        alarms=ringing,
    )


def _measures(column: ColumnLook) -> tuple[Measure, ...]:
    name = "drift." + re.sub(r"[^A-Za-z0-9_.]", "_", column.name)
    drift = column.drift
    values = {
        "w1": drift.w1 if column.number else None,
        "psi": drift.psi,
        "missing": drift.missing.points,
        "outside": drift.outside.points if drift.outside else None,
        "unseen": drift.unseen.points if drift.unseen else None,
    }
    return tuple(_measure(f"{name}.{kind}", value, drift.rows) for kind, value in values.items() if value is not None)


def _measure(name: str, value: float, rows: int) -> Measure:
    return Measure(name=name, value=value, rows=rows, better="none" if name == "drift.looks" else "lower")


def _detail(look: Look) -> dict[str, Any]:
    return {
        "number": look.number,
        "start_ns": look.start_ns,
        "end_ns": look.end_ns,
        "rows": look.rows,
        "findings": [f"{finding.role} {finding.column}: {finding.text}" for finding in look.findings],
        "alarms": len(look.alarms),
    }
