"""Orders: what a generator process is told, and what it reports. Lines of JSON, over its own standard streams."""

import msgspec

from golive.control.load.histogram import Bins
from golive.control.load.schedule import Rate


class LoadOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything one generator process needs to know but the moment to begin."""

    host: str
    port: int
    tls: bool = False
    tls_ca: str = ""
    """The path of a PEM file to trust instead of what the system trusts."""
    requests: tuple[bytes, ...]
    """Whole HTTP requests, sent one after the other in turn; they may hold a key, so they go by no command line."""
    connections: int
    rate: Rate | None = None
    """None: a closed loop."""
    part: int = 0
    parts: int = 1
    warmup_s: float
    seconds: float
    grace_s: float
    """How long after the end an answer is waited for."""
    cores: tuple[int, ...] = ()
    """The cores to run on; empty for all."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What one generator process saw of the requests that were to start in the measured time."""

    latencies: Bins = Bins()
    """From the (intended) start to the whole answer with a status of 2xx, and the age of those still unanswered."""
    lateness: Bins = Bins()
    """Open loop: from the intended start to the moment at which the generator looked."""
    in_time: int = 0
    """Answers with a status of 2xx that came within the measured time, whenever they were asked for."""
    statuses: dict[int, int] = {}
    disconnects: int = 0
    """Requests that were cut off, and connections that could not be made."""
    unanswered: int = 0
    """Requests that were due and had no answer when the grace was over."""
    seconds: float = 0.0
    cpu_s: float = 0.0
    """What the generator itself used within the measured time."""
    fault: str = ""
    """Why a connection was given up, in the first case that has a reason of its own."""
    error: str = ""
    """Why nothing could be measured."""
