"""Hall: what all connections of one server share: limits, who may ask, and what heads were met."""

from collections.abc import Callable, Mapping

import msgspec

from golive.errors import DeniedError, TooLargeError
from golive.serving.answer import Answer, Ask, RequestIds, reply_heads
from golive.serving.aside import Aside
from golive.serving.compression import Packer
from golive.serving.switchboard import Switchboard

Authorize = Callable[[bytes | None, bytes | None], str | None]
"""Takes the values of the ``Authorization`` and ``X-API-Key`` headers; gives the caller's id, or None to refuse it."""

_KNOWN_HEADS = 1024


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection may use."""

    body_bytes: int = 16 * 2**20
    head_bytes: int = 64 * 2**10
    keep_alive_s: float = 75.0
    """A connection that is silent for so long, between requests or inside one, is closed."""
    request_s: float = 60.0
    """A request that takes longer to arrive is refused: a byte now and then does not hold a connection for ever."""
    connections: int = 10_000
    """Connections of one process; a further one is told to come back later."""
    drain_s: float = 3.0
    """How long an idle connection is kept for its last answer while the server stops."""


class Known(msgspec.Struct, frozen=True, gc=False):
    """What a head says."""

    url: bytes
    told: Mapping[bytes, bytes]
    length: int


class Hall:
    """What all connections of one server share."""

    def __init__(
        self, switchboard: Switchboard, limits: Limits, authorize: Authorize | None, request_ids: RequestIds
    ) -> None:
        self.switchboard = switchboard
        self.limits = limits
        self.authorize = authorize
        self.request_ids = request_ids
        self.heads = reply_heads()
        self.aside = Aside()
        """For what compression takes: the lanes have one of their own, for decoding may keep it for long."""
        self.pack = Packer(self.aside)
        self.known: dict[bytes, Known] = {}
        self.draining = False

    def caller(self, told: Mapping[bytes, bytes]) -> str | None:
        """Give the id of who sends these headers, or None for somebody who may not ask."""
        if self.authorize is None:
            return ""
        return self.authorize(told.get(b"authorization"), told.get(b"x-api-key"))

    def denied(self, body: bytes, ask: Ask) -> Answer:
        """Answer a caller without a valid key."""
        del body
        message = "this server wants an API key; send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'"
        return self.switchboard.rejected(DeniedError(message), ask.request_id)

    def remember(self, head: bytes, known: Known) -> None:
        """Remember what a head says; the table begins anew when it is full."""
        if len(self.known) >= _KNOWN_HEADS:
            self.known.clear()
        self.known[head] = known

    def too_large(self) -> TooLargeError:
        """Say that a body is over the limit."""
        limit = self.limits.body_bytes
        return TooLargeError(f"the body is over the limit of {limit} bytes; send fewer rows in one request")
