"""Cores: which ones the server and the generator run on, and the processor time of a process tree."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec


class Cores(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs where."""

    server: tuple[int, ...] = ()
    """Empty: wherever the system puts it."""
    generator: tuple[int, ...] = ()

    @property
    def apart(self) -> bool:
        """Whether the generator takes nothing from the server."""
        return bool(self.server) and bool(self.generator)


def split(allowed: tuple[int, ...], *, pin: bool) -> Cores:
    """Give the first half of the cores to the server and the rest to the generator; one core cannot be split."""
    half = len(allowed) // 2
    return Cores(server=allowed[:half], generator=allowed[half:]) if pin and half else Cores()


def allowed_cores() -> tuple[int, ...]:
    """List the cores that this process may use; empty where the system cannot pin."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """Processor seconds so far; None where the system does not tell."""

    server_s: float | None
    """By the processes of the server."""
    machine_s: float | None
    """By everything that ran on the cores that this process may use."""


def used_so_far(server_pid: int) -> Used:
    """Read what was used up to now; a server with the id 0 cannot be seen."""
    return Used(server_s=tree_cpu_s(server_pid) if server_pid else None, machine_s=_machine_cpu_s())


@contextmanager
def pinned(cores: tuple[int, ...]) -> Iterator[None]:
    """Run on these cores, as will every process started meanwhile; empty changes nothing."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def tree_cpu_s(pid: int) -> float | None:
    """Sum the processor seconds, in user and in kernel mode, that a process and its living descendants have used.

    The system counts in ticks of 10 ms. None where it does not tell (no ``/proc``), or when the process is gone.
    """
    found = [_cpu_ticks(one) for one in _tree(pid)]
    return sum(found) / os.sysconf("SC_CLK_TCK") if found else None


def cpu_model() -> str:
    """Name the processor, or give an empty text."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _machine_cpu_s() -> float | None:
    names = {f"cpu{core}" for core in allowed_cores()}
    try:
        lines = [line.split() for line in Path("/proc/stat").read_text("ascii").splitlines()]
    except OSError:
        return None
    # user, nice, system; then, after idle and waiting, interrupts and what a host took for other guests.
    ticks = [sum(map(int, (*line[1:4], *line[6:9]))) for line in lines if line[0] in names]
    return sum(ticks) / os.sysconf("SC_CLK_TCK") if ticks else None


def _tree(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        try:
            children = [(task / "children").read_text("ascii") for task in Path(f"/proc/{one}/task").iterdir()]
        except OSError:
            continue
        found.append(one)
        waiting += [int(child) for line in children for child in line.split()]
    return found


def _cpu_ticks(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return 0
    # The name in brackets may hold spaces; what follows it begins with the state, field 3.
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
