"""Hub: what all gRPC connections of one server share: limits, who may call, the first frames of each."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from golive.serving.answer import Handler
from golive.serving.aside import Aside
from golive.serving.grpc import frames
from golive.serving.grpc.heads import LIST_BYTES, HeadWriter
from golive.serving.grpc.service import Service

CONNECTION_WINDOW = 8 * 2**20
STREAM_WINDOW = 2**20


class GrpcLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection may use. Sizes in bytes, times in seconds."""

    message_bytes: int = 16 * 2**20
    """A longer message is refused."""
    streams: int = 256
    """Calls at a time; the client holds further ones back."""
    keep_alive_s: float = 75.0
    """After such a silence the client is pinged, and left if it does not answer in as long."""
    request_s: float = 60.0
    """A request that takes longer to arrive is refused."""
    connections: int = 10_000
    """Connections of one process; a further one is closed."""


class Gate(msgspec.Struct, frozen=True):
    """Who may call, and what a call is named; as on the HTTP road."""

    caller: Callable[[Mapping[bytes, bytes]], str | None]
    """Takes the metadata that decides something; gives the id of who sends it, or None to refuse it."""
    denied: Handler
    """Answers a caller who is refused."""
    request_id: Callable[[bytes | None], str]


class Open(Protocol):
    """A connection, as far as a server that stops is concerned with it."""

    def drain(self) -> None:
        """Tell the client to send further calls elsewhere."""
        ...

    def finish(self) -> None:
        """Take no further call, and close once those that run are answered."""
        ...

    def cut(self) -> None:
        """Close at once."""
        ...


class Hub:
    """What all connections of one server share."""

    def __init__(self, service: Service, gate: Gate, limits: GrpcLimits) -> None:
        self.service = service
        self.gate = gate
        self.limits = limits
        self.writer = HeadWriter()
        self.aside = Aside()
        self.connections: set[Open] = set()
        self.empty = asyncio.Event()
        """Set while there is no connection."""
        self.empty.set()
        self.log = logging.getLogger("golive.serving")
        self.greeting = frames.settings(
            {
                frames.MAX_CONCURRENT_STREAMS: limits.streams,
                frames.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                frames.MAX_HEADER_LIST_SIZE: LIST_BYTES,
            }
        ) + frames.window_update(0, CONNECTION_WINDOW - frames.WINDOW)
