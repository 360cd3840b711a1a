"""Optimizers that do what plug-ins must not: crash, hang, take all memory; and one that is as it should be."""

import ctypes
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from golive.errors import NotConvertibleError
from golive.ports import Candidate, Subject


class Harmful(ABC):
    effort_s = 0.0

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        yield Candidate(name=f"{self.name}, before", graph=subject.graph)
        self.harm()

    @abstractmethod
    def harm(self) -> None: ...


class Segfault(Harmful):
    name = "harmful-segfault"

    def harm(self) -> None:
        ctypes.string_at(0)


class Hang(Harmful):
    name = "harmful-hang"

    def harm(self) -> None:
        while True:
            time.sleep(1)


class Flood(Harmful):
    name = "harmful-flood"

    def harm(self) -> None:
        held = []
        while True:
            held.append(bytes(64 << 20))


class Quit(Harmful):
    name = "harmful-quit"

    def harm(self) -> None:
        os._exit(7)


class Bug(Harmful):
    name = "harmful-bug"

    def harm(self) -> None:
        message = "a bug"
        raise ZeroDivisionError(message)


class Declines(Harmful):
    name = "harmful-declines"

    def harm(self) -> None:
        message = "this graph has nothing to prune"
        raise NotConvertibleError(message)


class Chatty(Harmful):
    name = "harmful-chatty"

    def harm(self) -> None:
        print("much text" * 10_000)


ALL = (Segfault, Hang, Flood, Quit, Bug, Declines, Chatty)


def install(folder: Path) -> None:
    """Make them known to whoever has the folder on the path, as an installed package would."""
    info = folder / "harmful_optimizers-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: harmful-optimizers\nVersion: 1\n", "utf-8")
    points = "".join(f"{kind.name} = harmful_optimizers:{kind.__name__}\n" for kind in ALL)
    (info / "entry_points.txt").write_text(f"[golive.optimizers]\n{points}", "utf-8")
