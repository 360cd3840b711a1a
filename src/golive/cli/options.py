"""Options that several verbs share."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from golive.errors import UsageError


class Language(StrEnum):
    """Of the report."""

    EN = "en"
    ZH = "zh"


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Folder = Annotated[Path, typer.Argument(help="The project folder (or its golive.yaml).")]
Lang = Annotated[Language, typer.Option("--lang", help="Language of the report.")]
Force = Annotated[
    str, typer.Option("--force", metavar="REASON", help="Release against the gate; the reason is kept and shown.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the history and the audit log.")]

Verbs = dict[str, Callable[..., Any]]
"""Verb -> the function that carries it out."""


def key_values(pairs: Sequence[str], option: str = "--option") -> dict[str, str]:
    """Read what an option was given.

    Raises:
        UsageError: one has no equals sign.
    """
    for pair in pairs:
        if "=" not in pair:
            message = f"{option} {pair!r} is no KEY=VALUE; write the name of the option, an equals sign and its value"
            raise UsageError(message)
    return dict(pair.split("=", 1) for pair in pairs)
