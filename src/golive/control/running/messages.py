"""Messages: what a supervisor tells a worker, and what it answers. Each answer carries its command's number."""

import msgspec

from golive.control.running.grouping import Group
from golive.control.running.order import WorkerOrder
from golive.domain.serving import Placed, TrafficTable


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


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a group of models is now."""

    group: int
    path: str = ""
    """Its socket; empty while it does not run."""
    serial: int = 0
    """Counts starts of groups; 0 before the first one."""
    error: str = ""
    """Why it cannot be started now; empty otherwise."""


Standings = tuple[Standing, ...]
"""A value, swapped whole."""


class Point(_Message, frozen=True):
    """Swap the table of groups; once this is answered, nothing is sent to one that the table does not have."""

    table: Standings


class Regroup(_Message, frozen=True):
    """Hand on to these groups from now on, instead of those before; no model is opened for it."""

    placed: tuple[Placed, ...]
    groups: tuple[Group, ...]
    traffic: TrafficTable


class Tally(_Message, frozen=True):
    """Report when each group was last needed."""


class Drain(_Message, frozen=True):
    """Finish what is under way, report the last counters and end."""


Command = Load | Accept | Reroute | Admit | Probe | Count | Regroup | Point | Tally | Drain


class Done(_Message, frozen=True):
    """The command was carried out."""


class Counted(_Message, frozen=True):
    """The command was carried out; these are the counters since the process began."""

    counts: bytes
    """A ``golive.serving.telemetry.metrics`` snapshot, as msgpack."""


class Tallied(_Message, frozen=True):
    """The groups that this worker knows."""

    idle_s: dict[int, float]
    """Group -> seconds since it was last needed."""


class Wanted(_Message, frozen=True):
    """A note that answers no command (its number is 0): a request waits for a group that is not there."""

    group: int
    lost: int
    """The serial of the start that cannot be reached any more; 0 when none was known."""


class Failed(_Message, frozen=True):
    """The command could not be carried out."""

    text: str


Answer = Done | Counted | Tallied | Wanted | Failed


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether predictions are answered: all that those who may only read are told."""

    ready: bool


class GroupSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A group of models, for people."""

    number: int
    models: tuple[str, ...]
    """``name@version``."""
    state: str
    """``absent``, ``starting``, ``resident`` or ``ending``."""
    memory_mb: float
    """Measured; of a group that does not run, what it took last or is expected to take."""
    pid: int = 0
    error: str = ""


class Residence(msgspec.Struct, frozen=True, kw_only=True):
    """How the memory budget is used."""

    budget_mb: int = 0
    """0: no limit, and every worker holds every model."""
    groups: tuple[GroupSeen, ...] = ()


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a supervisor did not carry out a step, on its administration socket."""

    error: str
    code: str


class Born(msgspec.Struct, frozen=True, tag=True):
    """A worker was forked, or could not be."""

    number: int
    """That of the order."""
    pid: int = 0
    error: str = ""


class Died(msgspec.Struct, frozen=True, tag=True):
    """A worker ended."""

    pid: int
    code: int
    """Its exit code, or a signal's number below zero."""
