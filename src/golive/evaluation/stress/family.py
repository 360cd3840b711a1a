"""Family: one kind of stress at several strengths."""

from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from golive.ports import Column

Changed = Mapping[str, Column]
"""The columns that a stress changes, in the canonical form."""


class Family(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A kind of stress; every strength changes the same rows in the same way, only more of it."""

    name: str
    strengths: tuple[float, ...]
    columns: tuple[str, ...]
    """The columns that it may change; empty where a server would refuse all that it does."""
    change: Callable[[float], Changed]
    form: Literal["share", "plain"] = "share"
    """How strengths are written: a share in percent (``missing_10``), else as they are (``noise_0_1``)."""
    refused: Callable[[float], float] | None = None
    """Share of rows that a server would refuse under this stress, which are then not among the changed ones."""


def level_name(family: str, form: str, strength: float) -> str:
    """Name a stress as gate rules do, such as ``missing_10`` or ``noise_0_1``."""
    return f"{family}_{plain_name(100 * strength if form == 'share' else strength)}"


def plain_name(number: float) -> str:
    """Write a number as a part of a measure's name: 0.05 is ``0_05``."""
    return f"{number:g}".replace(".", "_")
