"""What the commands print: results on stdout (JSON on request), progress and errors on stderr."""

import errno
import os
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from golive.control.stages import Stage
from golive.domain.policy import Reason
from golive.errors import GoliveError
from golive.store.files import refused

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS}
"""What a disk says that is full, or that this user may not write to: no bug."""
_PIPED_COLUMNS = 10_000
"""Wide enough that a program which reads a table finds each row on one line."""


class Printer:
    """One command's output: two consoles and whether the caller wants JSON."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = Console(
            highlight=False, soft_wrap=True, emoji=False, width=None if sys.stdout.isatty() else _PIPED_COLUMNS
        )
        self.err = error_console()
        self._started = time.monotonic()
        self._in_stages = 0.0

    def result(self, value: Any, show: Callable[[Console], None]) -> None:
        """Print a value: as JSON when asked, else as ``show`` says it to people."""
        if self.as_json:
            sys.stdout.write(msgspec.json.encode(value, enc_hook=str).decode() + "\n")
        else:
            show(self.out)

    def stage(self, stage: Stage) -> None:
        """Say on stderr what a stage did and how long it took."""
        self._in_stages += stage.seconds
        mark = "[dim]=[/dim]" if stage.reused else "[green]✓[/green]"
        took = (
            " [dim]unchanged[/dim]" if stage.reused else f" [dim]{stage.seconds:.1f} s[/dim]" if stage.seconds else ""
        )
        self.err.print(f"{mark} [bold]{stage.name:<9}[/bold] {escape(stage.text)}{took}")

    def total(self) -> None:
        """Say on stderr how long it took altogether, and how much of that no stage accounts for."""
        took = time.monotonic() - self._started
        beside = max(0.0, took - self._in_stages)
        text = f"{beside:.1f} s of it beside the stages, mostly loading libraries"
        self.err.print(f"  [bold]{'total':<9}[/bold] {text} [dim]{took:.1f} s[/dim]")

    @contextmanager
    def progress(self) -> Generator[Callable[[int, int, str], None]]:
        """Show a bar on stderr while work goes on; gives the function that moves it."""
        bar = Progress(
            TextColumn("  [dim]{task.description}[/dim]"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.err,
            transient=True,
            disable=not self.err.is_terminal,
        )
        with bar:
            task = bar.add_task("", total=None)

            def move(done: int, total: int, text: str) -> None:
                bar.update(task, completed=done, total=total, description=escape(text))

            yield move


def table(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*[escape(cell) for cell in row])
    console.print(shown)


def reason_text(reason: Reason) -> str:
    """Write what became of a rule: a mark, the rule, and its value or why there is none."""
    mark = {"pass": "✓", "fail": "✗"}.get(reason.outcome, "?")
    return f"{mark} {reason.rule}: {reason.text if reason.value is None else f'{reason.value:.6g}'}"


def error_console() -> Console:
    """Give a console on stderr that folds no sentence."""
    return Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def fail(error: Exception, *, debug: bool) -> NoReturn:
    """Print an error as one sentence and leave with its exit code; a traceback only when asked."""
    console = error_console()
    if debug:
        traceback.print_exception(error)
    known = _known(error)
    if known is not None:
        console.print(f"[red]error:[/red] {escape(known.message)}")
        raise typer.Exit(known.exit_code)
    ticket = uuid.uuid4().hex[:8]
    what = f"{type(error).__name__}: {error}"
    text = f"this is a bug in golive ({what}); please report it as {ticket}, with what `golive --debug` prints"
    console.print(f"[red]error:[/red] {escape(text)}")
    raise typer.Exit(GoliveError.exit_code)


def _known(error: Exception) -> GoliveError | None:
    if isinstance(error, GoliveError):
        return error
    if isinstance(error, OSError) and error.errno in _DISK and error.filename is not None:
        return refused(Path(os.fsdecode(error.filename)), error)
    return None
