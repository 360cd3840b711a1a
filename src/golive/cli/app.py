"""The ``golive`` command: verbs are registered here, errors become exit codes here."""

import functools
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from golive import __version__
from golive.cli import evidence, make, registry, run, trust
from golive.cli.options import Verbs
from golive.cli.output import fail
from golive.settings import read_settings


def build_app() -> typer.Typer:
    """Put the command line together."""
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
        "Judge": evidence.VERBS,
        "Run": run.VERBS,
        "Keep": registry.VERBS,
    }
    for panel, verbs in panels.items():
        for name, verb in verbs.items():
            app.command(name, rich_help_panel=panel)(_guarded(verb))
    for name, (text, verbs) in trust.GROUPS.items():
        group = typer.Typer(help=text, no_args_is_help=True)
        for verb_name, verb in verbs.items():
            group.command(verb_name)(_guarded(verb))
        app.add_typer(group, name=name, rich_help_panel="Trust")
    return app


def main() -> None:
    """Run the command line."""
    build_app()()


def _guarded(verb: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(verb)
    def run_verb(*args: Any, **options: Any) -> Any:
        try:
            return verb(*args, **options)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except Exception as error:  # noqa: BLE001 - the border between the program and the person
            fail(error, debug=read_settings().debug or "--debug" in sys.argv)

    return run_verb


def _main_options(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print a traceback with an error.")] = False,
) -> None:
    del debug  # read from the command line where the error is printed
    if version:
        typer.echo(f"golive {__version__}")
        raise typer.Exit
