"""The ``golive`` command: verbs are registered here, errors become exit codes here."""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from golive import __version__
from golive.cli import bench, evidence, explain, make, optimize, predict, registry, report, run, trust
from golive.cli.options import Verbs
from golive.cli.output import fail
from golive.settings import read_settings

_DEBUG = "--debug"


def build_app(*, debug: bool = False) -> typer.Typer:
    """Put the command line together; with ``debug`` an error comes with its traceback."""
    app = typer.Typer(
        name="golive",
        help="Takes a machine-learning model from the notebook to production and keeps it healthy there.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback()(_main_options)
    panels: dict[str, Verbs] = {
        "Make": make.VERBS,
        "Judge": evidence.VERBS | report.VERBS | explain.VERBS | optimize.VERBS,
        "Run": run.VERBS | predict.VERBS | bench.VERBS,
        "Keep": registry.VERBS,
    }
    for panel, verbs in panels.items():
        for name, verb in verbs.items():
            app.command(name, rich_help_panel=panel)(_guarded(verb, debug=debug))
    for name, (text, verbs) in trust.GROUPS.items():
        group = typer.Typer(help=text, no_args_is_help=True)
        for verb_name, verb in verbs.items():
            group.command(verb_name)(_guarded(verb, debug=debug))
        app.add_typer(group, name=name, rich_help_panel="Trust")
    return app


def main() -> None:
    """Run the command line; ``--debug`` may stand anywhere on it."""
    words = sys.argv[1:]
    debug = _DEBUG in words or read_settings().debug
    build_app(debug=debug)([word for word in words if word != _DEBUG])


def _guarded(verb: Callable[..., Any], *, debug: bool) -> Callable[..., Any]:
    @functools.wraps(verb)
    def run_verb(*args: Any, **options: Any) -> Any:
        try:
            return verb(*args, **options)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except Exception as error:  # noqa: BLE001 - the border between the program and the person
            fail(error, debug=debug)

    return run_verb


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"golive {__version__}")
        raise typer.Exit


def _main_options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_tell_version)
    ] = False,
    debug: Annotated[
        bool, typer.Option(_DEBUG, help="Print a traceback with an error; may also stand after a verb.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("-C", help="Act as if started in this folder.", exists=True, file_okay=False)
    ] = None,
) -> None:
    if folder is not None:
        os.chdir(folder)
    # Declared for --help: main takes --debug off the command line, and --version is answered as it is read.
    del version, debug
