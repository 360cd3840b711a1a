"""Order: what a supervisor is told to serve, and how. A file of JSON, without secrets."""

import os
from pathlib import Path
from typing import Annotated

import msgspec

from golive.control.running.grouping import Group
from golive.domain.serving import Placed, TrafficTable
from golive.settings import Platform

Seconds = Annotated[float, msgspec.Meta(gt=0.0)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]

_CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")
_CGROUP_V1 = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")


class SupervisorOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a supervisor needs to know at its start."""

    state: str
    """The state folder (``.golive``), as an absolute path."""
    host: str = "127.0.0.1"
    port: Port = 8080
    """Of the inference listener; 0 takes a free one."""
    admin_host: str = "127.0.0.1"
    """Of the read-only admin listener (metrics and health); beyond loopback only inside a container's network."""
    admin_port: Port = 8082
    """Of the read-only admin listener; 0 takes a free one."""
    grpc_port: Port | None = None
    """Of the Open Inference Protocol over gRPC; 0 takes a free one, None leaves it off."""
    workers: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    """Processes; 0 means one for every core this process may use."""
    max_body_bytes: Annotated[int, msgspec.Meta(gt=0)] = 16 << 20
    max_rows: Annotated[int, msgspec.Meta(gt=0)] = 100_000
    """Rows that one request may have."""
    queue_s: Seconds = 0.25
    """How long a request may wait for its model before it is refused instead."""
    memory_mb: Annotated[int, msgspec.Meta(ge=0)] = 0
    """For the processes of all models together, when not every worker can hold every model; 0 for no limit: then every
    worker holds every model."""
    group_wait_s: Seconds = 30.0
    """How long a request waits for the process of its model to start, under a memory budget."""
    explain: bool = True
    """Whether ``:explain`` is answered, by a process of its own that is started when it is first asked."""
    explain_s: Seconds = 1.0
    """How long explaining the rows of one request may take."""
    group_stay_s: Annotated[float, msgspec.Meta(ge=0.0)] = 1.0
    """A process that was started under a memory budget is left alone for so long."""
    sample: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 1.0
    """Share of predicted rows that are recorded."""
    keep_days: Annotated[int, msgspec.Meta(ge=1)] = 180
    """How long records are kept."""
    tls_cert: str = ""
    """The path of a PEM file with the certificate chain; empty for plain HTTP."""
    tls_key: str = ""
    platform: Platform | None = None
    """The platform that reaches this server and keeps everybody else away from it; None where nothing does."""
    ledger: bool = True
    """Whether the ledger says what to serve; if not, ``placed`` and ``traffic`` do."""
    placed: tuple[Placed, ...] = ()
    traffic: TrafficTable = ()
    start_s: Seconds = 120.0
    """How long the workers of a generation may take to load."""
    drain_s: Seconds = 15.0
    """How long a worker that is no longer wanted may take to finish."""
    probe_every_s: Seconds = 2.0
    probe_limit_s: Seconds = 10.0
    """How long a worker may take to answer a probe before it is replaced."""
    reconcile_s: Seconds = 5.0
    """How often the ledger is compared with what runs."""


class WorkerOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a worker needs to know; a worker is a function of it."""

    state: str
    placed: tuple[Placed, ...]
    traffic: TrafficTable
    max_body_bytes: int
    max_rows: int
    queue_s: float
    threads: int
    """Of one run of a model that is too large to run inline."""
    sample: float
    drain_s: float
    has_calls: bool
    """Whether infer requests over gRPC are answered."""
    tls_cert: str
    tls_key: str
    records: str
    """The socket path of the recording process; empty when nothing is recorded."""
    collector: str = ""
    """The URL that spans of traced requests are posted to; empty when nothing is traced."""
    groups: tuple[Group, ...] = ()
    """The placed versions that live in other processes."""
    group_wait_s: float = 30.0
    health_path: str = ""
    """A further path of the health check; none when empty."""
    predict_path: str = ""
    """A further path for the instances of the one model that is served; none when empty."""
    explain: str = ""
    """The socket path of the process that explains; empty where explanations are turned off."""
    explains: bool = False
    """Whether this is that process: it answers the workers of this server, and nobody else."""
    explain_s: float = 1.0
    """How long explaining the rows of one request may take."""
    is_group: bool = False
    """Whether this is such a process: it answers the workers of this server, and nobody else."""


def worker_count(asked: int) -> int:
    """Give the number of workers: as asked, or one for every core this process may use."""
    return asked or core_count()


def core_count() -> int:
    """Give the cores that this process may use, by its affinity and its container's limit; at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = _cgroup_cores()
    return max(1, min(cores, int(limit)) if limit is not None else cores)


def _cgroup_cores() -> float | None:
    """Give the container's CPU limit in cores, or None without one."""
    if _CGROUP_LIMIT.is_file():
        return cores_of(_CGROUP_LIMIT.read_text("ascii"))
    if _CGROUP_V1.is_file():
        period = _CGROUP_V1.with_name("cpu.cfs_period_us")
        return cores_of(f"{_CGROUP_V1.read_text('ascii')} {period.read_text('ascii')}")
    return None


def cores_of(limit: str) -> float | None:
    """Read ``quota period`` in microseconds, as a control group writes it; ``max`` or -1 mean no limit."""
    quota, period = limit.split()
    return None if quota in {"max", "-1"} else int(quota) / int(period)
