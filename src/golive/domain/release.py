"""Release and Deployment: what may serve, and the wish that it does."""

from collections.abc import Sequence
from typing import Literal, get_args

import msgspec

from golive.domain.digest import Digest
from golive.domain.policy import Verdict
from golive.errors import UsageError

Strategy = Literal["direct"]
"""How a new version takes over; the one way so far is all at once, as soon as it is ready."""
_SHARE_SLACK = 1e-9
"""Rounding of decimal shares."""


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The statement "this bundle may serve under this name"."""

    name: str
    version: int
    """Assigned by the ledger, counting from 1 for each name."""
    bundle: Digest
    verdict: Verdict
    created_at: str
    created_by: str


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the traffic of one name."""

    version: int
    share: float
    """From 0 to 1; the shares of a name sum to 1."""


class Deployment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The wish: which releases serve under a name on a target. A roll-back is one too."""

    number: int
    """Assigned by the ledger, counting over all deployments."""
    name: str
    target: str
    split: tuple[Share, ...]
    strategy: Strategy = "direct"
    reason: str = ""
    created_at: str
    created_by: str


def check_shares(name: str, split: Sequence[Share]) -> None:
    """Refuse a split of a name's traffic that is none.

    Raises:
        UsageError: a share is negative, or they do not sum to 1.
    """
    total = sum(part.share for part in split)
    if any(part.share < 0 for part in split) or abs(total - 1.0) > _SHARE_SLACK:
        shares = ", ".join(f"release {part.version}: {part.share:g}" for part in split)
        message = f"the shares of {name!r} sum to {total:g} ({shares}); each must be 0 or more, and all must sum to 1"
        raise UsageError(message)


def check_strategy(strategy: str) -> None:
    """Refuse a strategy that is not built.

    Raises:
        UsageError: there is no such strategy.
    """
    if strategy not in get_args(Strategy):
        message = f"there is no strategy {strategy!r}; the one so far is 'direct'"
        raise UsageError(message)
