"""A target that keeps what it was told in a file of the state folder; it takes every step."""

from pathlib import Path
from typing import Self

import msgspec

from golive.domain.serving import Observed, Start, Step


class MemoryTarget:
    name = "memory"

    def __init__(self, state: Path = Path()) -> None:
        self._path = state / "memory-target.json"

    def at(self, state: Path) -> Self:
        return type(self)(state)

    def observe(self) -> Observed:
        if not self._path.exists():
            return Observed()
        return msgspec.json.decode(self._path.read_bytes(), type=Observed)

    def apply(self, step: Step) -> None:
        seen = self.observe()
        changed = (
            {"generation": seen.generation + 1, "loaded": step.placed}
            if isinstance(step, Start)
            else {"traffic": step.traffic}
        )
        self._path.write_bytes(msgspec.json.encode(msgspec.structs.replace(seen, healthy=True, **changed)))


def install(folder: Path) -> None:
    """Make the target known to whoever has the folder on the path, as an installed package would."""
    info = folder / "memory_target-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: memory-target\nVersion: 1\n", "utf-8")
    (info / "entry_points.txt").write_text("[golive.targets]\nmemory = memory_target:MemoryTarget\n", "utf-8")
