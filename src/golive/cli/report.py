"""The verb that writes documents: report."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from golive import plugins
from golive.cli.options import Lang, Language, Verbs
from golive.cli.output import error_console

Reference = Annotated[
    str, typer.Argument(help="A project folder, or a bundle: name, name@version, name:serving, sha256:...")
]


def report(
    reference: Reference = ".",
    *,
    to: Annotated[
        str, typer.Option(metavar="FORM", help="html, json, card, annex-iv, self-assessment or markdown.")
    ] = "html",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; else HTML goes into this folder, the rest to stdout.")
    ] = None,
    lang: Lang = Language.EN,
) -> None:
    """Write what is on record about a bundle as a page, a model card or a draft for an office; measures nothing."""
    written = plugins.verb("judging.documents", "report")(reference, form=to, output=output, lang=lang)
    console = error_console()
    if written.path is None:
        sys.stdout.write(written.text)
    else:
        console.print(f"report    {written.path}", markup=False)
    if written.forced:
        console.print("! this bundle was released against the gate's verdict; the report says why", markup=False)


VERBS: Verbs = {"report": report}
