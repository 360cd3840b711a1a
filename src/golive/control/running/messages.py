"""Messages: what a supervisor tells a worker, and what it answers. Each answer carries its command's number."""

import msgspec

from golive.control.running.order import WorkerOrder
from golive.domain.serving import TrafficTable


class AccessRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who may ask for predictions."""

    is_open: bool = False
    """Whether no key is needed."""
    hashes: dict[str, bytes] = {}
    """Key id -> SHA-256 of the key."""
    secret: str = ""
    """A further key, from the environment or a mounted file. It travels to workers only, never to disk."""


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag=str.lower):
    number: int


class Load(_Message, frozen=True):
    """Open, verify, warm and probe all models; answer before accepting anything."""

    order: WorkerOrder
    access: AccessRules


class Accept(_Message, frozen=True):
    """Begin to take connections."""


class Reroute(_Message, frozen=True):
    """Swap the traffic table."""

    traffic: TrafficTable


class Admit(_Message, frozen=True):
    """Swap the access rules."""

    access: AccessRules


class Probe(_Message, frozen=True):
    """Run every model once and report the counters."""


class Count(_Message, frozen=True):
    """Report the counters."""


class Drain(_Message, frozen=True):
    """Finish what is under way, report the last counters and end."""


Command = Load | Accept | Reroute | Admit | Probe | Count | Drain


class Done(_Message, frozen=True):
    """The command was carried out."""


class Counted(_Message, frozen=True):
    """The command was carried out; these are the counters since the process began."""

    counts: bytes
    """A ``golive.serving.metrics`` snapshot, as msgpack."""


class Failed(_Message, frozen=True):
    """The command could not be carried out."""

    text: str


Answer = Done | Counted | Failed


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether predictions are answered: all that those who may only read are told."""

    ready: bool


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a supervisor did not carry out a step, on its administration socket."""

    error: str
    code: str
