"""What a target shows and is told: placed versions, the traffic table, Observed, and the Steps between."""

import msgspec

from golive.domain.digest import Digest
from golive.domain.release import Share


class Placed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """One version of one name, and the bundle that it is."""

    name: str
    version: int
    bundle: Digest


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the traffic of one name is split."""

    name: str
    split: tuple[Share, ...]


TrafficTable = tuple[Route, ...]
"""A value, swapped whole; a request reads it once."""


class Observed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a target runs now."""

    generation: int = 0
    """0: nothing runs."""
    loaded: tuple[Placed, ...] = ()
    traffic: TrafficTable = ()
    healthy: bool = False
    """Whether every worker answered its last probe."""


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="start"):
    """Bring up a generation that holds exactly these versions; the old one drains once it is ready."""

    placed: tuple[Placed, ...]


class Shift(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="shift"):
    """Swap the whole traffic table."""

    traffic: TrafficTable


Step = Start | Shift
