"""Release and Deployment: what may serve, and the wish that it does."""

from typing import Literal

import msgspec

from golive.domain.digest import Digest
from golive.domain.policy import Verdict

Strategy = Literal["direct"]
"""How a new version takes over; the one way so far is all at once, as soon as it is ready."""


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
