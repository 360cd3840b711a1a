"""Place: one group of models and its process, when it has one; what is known of it, and what is told."""

import asyncio
from pathlib import Path
from typing import Literal

from golive.control.running.grouping import Group
from golive.control.running.member import Member
from golive.control.running.messages import GroupSeen, Standing

Phase = Literal["absent", "starting", "resident", "ending"]

FIRST_WAIT_S = 1.0
"""After a start that failed, the next one waits so long; it grows with each."""
_MB = 1 << 20


class Place:
    """A group and its process, when it has one."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.phase: Phase = "absent"
        self.member: Member | None = None
        self.path = ""
        self.serial = 0
        self.lost = 0
        """The serial that a worker could not reach."""
        self.error = ""
        self.wait_s = FIRST_WAIT_S
        self.began = 0.0
        self.size_bytes = group.need_bytes
        """Measured when it ran last; expected before."""
        self.bringing: asyncio.Task[None] | None = None
        self.keeper: asyncio.Task[None] | None = None

    def forget_path(self) -> None:
        """Remove the socket that nobody listens on any more."""
        Path(self.path).unlink(missing_ok=True)

    @property
    def words(self) -> str:
        """Name it for people."""
        return f"group {self.group.number} ({', '.join(f'{one.name}@{one.version}' for one in self.group.placed)})"

    @property
    def standing(self) -> Standing:
        """Say where it is."""
        path = self.path if self.phase == "resident" else ""
        return Standing(group=self.group.number, path=path, serial=self.serial, error=self.error)

    @property
    def seen(self) -> GroupSeen:
        """Describe it."""
        return GroupSeen(
            number=self.group.number,
            models=tuple(f"{one.name}@{one.version}" for one in self.group.placed),
            state=self.phase,
            memory_mb=round(self.size_bytes / _MB, 1),
            pid=self.member.pid if self.member is not None else 0,
            error=self.error,
        )
