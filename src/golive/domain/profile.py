"""Reference profile: counts over fixed bins of what a model saw in training; drift is measured against it.

Layout of a number column (statistics room, ``bins``): up to 30 inner bins between ``edges``, so counts are
``[under, inner..., over, missing]``. Of a category column: ``[values..., other, unseen, missing]``.
"""

import msgspec


class ColumnProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One column's counts. Either ``edges`` (numbers) or ``values`` (categories) is filled."""

    name: str
    edges: tuple[float, ...] = ()
    values: tuple[str, ...] = ()
    counts: tuple[int, ...]
    importance: float = 1.0
    """Weight in the ranking of alarms."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The reference of a bundle: its inputs, as callers send them, and its own predictions."""

    rows: int
    inputs: tuple[ColumnProfile, ...]
    outputs: tuple[ColumnProfile, ...]
    timed: bool = False
    """Whether the reference rows carried timestamps (needed for same-hour profiles)."""
