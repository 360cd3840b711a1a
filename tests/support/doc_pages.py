"""Pages: Markdown in, code blocks out, and a scratch folder in which the blocks of one page are carried out in order.

What a fence says after its three backquotes:

- ``console``: lines that begin with ``$ `` are commands for bash; the lines below each are what it prints. ``…`` stands
  for anything, and lines may be left out, but those that are shown must come in that order.
- ``sh``: a script for bash.
- ``python``: carried out in one namespace a page.
- ``yaml``: a golive.yaml, or a part of one.
- ``json``: read; with ``answer``, its keys are those of what the last command printed.
- ``toml``: read. ``text``: a drawing or a grammar; nothing is done.
- A name of a file after ``yaml``, ``toml``, ``json`` or ``python``: the block is written there.
- ``norun`` after ``console`` or ``sh``: not carried out; its first line is a comment with the reason.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from golive.control.project.read import project_of

ROOT = Path(__file__).parents[2]
LANGUAGES = {"console", "sh", "python", "yaml", "json", "toml", "text"}
_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)
_TOOK = re.compile(r" \d+\.\d s$")
_START = re.compile(r"<!-- test: starts in a copy of (?P<name>[\w/]+) -->")
_MINIMAL: dict[str, Any] = {
    "name": "documented",
    "data": {"package": "sklearn:iris"},
    "target": "target",
    "task": "classification",
}


@dataclass(frozen=True)
class Block:
    """A code block and where it stands."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def runs(self) -> bool:
        """Whether it is carried out."""
        return "norun" not in self.words

    @property
    def file(self) -> str:
        """The file that it is to be written to, or nothing."""
        return next((word for word in self.words if "." in word), "")

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """List the pages whose blocks are carried out."""
    found = [*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/README*.md")]
    return sorted(path for path in found if ".golive" not in path.parts)


def blocks(page: Path) -> list[Block]:
    """Read the code blocks of a page."""
    text = page.read_text("utf-8")
    return [
        Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            language=found["info"].partition(" ")[0],
            words=tuple(found["info"].split()[1:]),
            text="".join(line.removeprefix(found["indent"]) for line in found["text"].splitlines(keepends=True)),
        )
        for found in _FENCE.finditer(text)
    ]


def start_of(page: Path) -> str:
    """Give the project that a page says it starts in, or nothing."""
    found = _START.search(page.read_text("utf-8"))
    return found["name"] if found else ""


def free_port() -> int:
    """Find a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def in_one_process(text: str) -> str:
    """Let a golive.yaml search in one process: starting more takes longer than the searches of the documentation."""
    if "task:" not in text or "jobs:" in text:
        return text
    return (
        text.replace("\nsearch:\n", "\nsearch:\n  jobs: 1\n")
        if "\nsearch:\n" in text
        else f"{text}search: {{jobs: 1}}\n"
    )


class Scratch:
    """A folder, free ports in the places of 8080 and 8082, and a namespace for Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {"8080": str(free_port()), "8082": str(free_port())}
        self.names: dict[str, Any] = {"__name__": "__page__"}
        self.printed = ""
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GOLIVE_")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "PYTHONPATH": str(folder),
            "NO_COLOR": "1",
            "USER": "you",
        }

    def carry_out(self, block: Block) -> None:
        """Do what a block says, and fail when it does not hold."""
        if not block.runs:
            return
        text = self._with_ports(block.text)
        if block.file:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        if block.language == "console":
            self._console(block, text)
        elif block.language == "sh":
            self.printed = self.bash(text, block)
        elif block.language == "python" and not block.file:
            exec(compile(text, str(block), "exec"), self.names)
        elif block.language == "yaml":
            given = yaml.safe_load(text)
            project_of(yaml.safe_dump({**_MINIMAL, **given}).encode(), folder=self.folder, name=str(block))
        elif block.language == "json":
            shown = json.loads(text)
            if "answer" in block.words:
                assert shape(shown) == shape(json.loads(self.printed)), f"{block}: {self.printed}"
        elif block.language == "toml":
            tomllib.loads(text)

    def bash(self, script: str, block: Block) -> str:
        """Run a script where the page stands, and give what it printed."""
        self._fit_projects_for_tests()
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{block}: {script}\n{done.stdout}\n{done.stderr}"
        # Progress goes to stderr; a reader sees both in one window, progress first.
        return done.stdout if "--json" in script or "curl" in script else done.stderr + done.stdout

    def stop_servers(self) -> None:
        """End what the page left running."""
        for state in self.folder.rglob(".golive"):
            environ = {**self.environ, "GOLIVE_HOME": str(state)}
            subprocess.run([sys.executable, "-m", "golive", "down"], env=environ, capture_output=True, check=False)

    def _console(self, block: Block, text: str) -> None:
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            end = next(index for index, line in enumerate(lines) if not line.endswith("\\"))
            self.printed = self.bash("\n".join(lines[: end + 1]), block)
            missing = first_missing(lines[end + 1 :], self.printed)
            assert missing is None, f"{block}: {missing!r} is not in what `{lines[0]}` printed:\n{self.printed}"

    def _with_ports(self, text: str) -> str:
        return re.sub(r"\b(8080|8082)\b", lambda found: self.ports[found[0]], text)

    def _fit_projects_for_tests(self) -> None:
        for project in self.folder.rglob("golive.yaml"):
            text = project.read_text("utf-8")
            free = in_one_process(self._with_ports(text))
            if free != text:
                project.write_text(free, "utf-8")


def first_missing(shown: list[str], printed: str) -> str | None:
    """Give the first shown line that is not among the printed lines, in order; None when all are."""
    lines = iter([_TOOK.sub("", " ".join(line.split())) for line in printed.splitlines()])
    for line in shown:
        words = " ".join(line.split())
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in words.split("…")))
        if words and not any(pattern.fullmatch(other) for other in lines):
            return line
    return None


def shape(value: Any) -> Any:
    """Give the keys of a JSON value, at every depth; what stands in a list counts by its first entry."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__
