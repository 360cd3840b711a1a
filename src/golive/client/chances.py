"""Chances: the clock, the randomness and the ids that a conversation takes from the world."""

import random
import time
import uuid
from collections.abc import Callable

import msgspec


class Chances(msgspec.Struct, frozen=True, kw_only=True):
    """Each is a function, so that a test gives its own."""

    clock: Callable[[], float]
    """Seconds on a clock that never goes back."""
    jitter: Callable[[], float]
    """A random number in [0, 1)."""
    new_id: Callable[[], str]
    """A request id that no other request has."""


def real_chances() -> Chances:
    """Give the real ones."""
    return Chances(clock=time.monotonic, jitter=random.SystemRandom().random, new_id=lambda: uuid.uuid4().hex)
