"""Exchange: what a client asks to have done, and what came of it; values between deciding and doing."""

from collections.abc import Generator, Mapping
from typing import TypeVar

import msgspec


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Send a request and read the whole answer."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    timeout_s: float


class Wait(msgspec.Struct, frozen=True):
    """Let time go by."""

    seconds: float


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer; the names of its headers are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Lost(msgspec.Struct, frozen=True):
    """No answer came: the connection failed."""

    reason: str


class Late(msgspec.Struct, frozen=True):
    """No answer came in time."""


Outcome = Reply | Lost | Late | None
"""What came of a step; of waiting, nothing."""

_Given = TypeVar("_Given")
Flow = Generator[Send | Wait, Outcome, _Given]
"""A conversation: yields what is to be done, is sent what came of it, and returns its result."""
