"""Verbs that keep: list, show, export."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from golive import plugins
from golive.cli.options import Json, Verbs, key_values
from golive.cli.output import Printer, table
from golive.domain.digest import short

Reference = Annotated[str, typer.Argument(help="A bundle: name, name@version, name:serving, sha256:...")]


def list_bundles(*, as_json: Json = False) -> None:
    """List the bundles in the store, newest first."""
    rooms = plugins.verb("rooms", "open_rooms")()
    bundles = sorted(rooms.bundles.list(), key=lambda bundle: bundle.created_at, reverse=True)
    rows = [
        (
            bundle.name,
            short(bundle.digest),
            bundle.manifest.lineage.model or "-",
            f"{bundle.size_bytes / 1e6:.2f}",
            bundle.created_at[:19],
        )
        for bundle in bundles
    ]
    columns = ("name", "digest", "model", "MB", "made")
    Printer(as_json=as_json).result(bundles, lambda console: table(console, columns, rows))


def show(reference: Reference, *, as_json: Json = False) -> None:
    """Show one bundle: signature, lineage, releases, evidence; a bare name means the newest, released or not."""
    rooms = plugins.verb("rooms", "open_rooms")()
    bundle = plugins.verb("refs", "find_bundle")(reference, rooms)
    evidence = rooms.bundles.evidence(bundle.digest)
    releases = [release for release in rooms.ledger.releases(bundle.name) if release.bundle == bundle.digest]

    def print_it(console: Console) -> None:
        lineage = bundle.manifest.lineage
        console.print(f"{bundle.name} {bundle.digest}", markup=False)
        console.print(f"  model    {lineage.model} {lineage.parameters or ''}", markup=False)
        console.print(f"  data     {', '.join(f'{k} {short(v)}' for k, v in lineage.data.items())}", markup=False)
        console.print(f"  made by  {lineage.code}, seed {lineage.seed}, {bundle.created_at[:19]}", markup=False)
        console.print(f"  released {', '.join(_released(release) for release in releases) or 'never'}", markup=False)
        console.print(f"  evidence {', '.join(f'{item.kind} {item.measured_at[:19]}' for item in evidence) or 'none'}")
        fields = bundle.signature.inputs
        table(
            console,
            ("field", "type", "may be missing", "seen in training"),
            [
                (
                    field.name,
                    field.format or field.dtype,
                    "yes" if field.nullable else "no",
                    f"{len(field.categories)} categories"
                    if field.categories
                    else f"{field.minimum:g} to {field.maximum:g}"
                    if field.minimum is not None and field.maximum is not None
                    else "",
                )
                for field in fields
            ],
        )

    Printer(as_json=as_json).result({"bundle": bundle, "evidence": evidence, "releases": releases}, print_it)


def export(
    reference: Reference,
    *,
    to: Annotated[str, typer.Option(help="script, docker, compose or kubernetes.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A new or empty folder.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="KEY=VALUE for the kind; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Write a bundle in a form that runs elsewhere; a bare name means what serves."""
    rooms = plugins.verb("rooms", "open_rooms")()
    folder = output or Path(f"{reference.replace(':', '-').replace('@', '-')}-{to}")
    options = key_values(option or [])
    paths = plugins.verb("export", "export")(reference, to, folder, rooms, options=options)

    def print_it(console: Console) -> None:
        readme = next((path for path in paths if path.name == "README.md" and path.parent == folder), None)
        more = f"; {readme} says how to go on" if readme else ""
        console.print(f"wrote {len(paths)} files to {folder}{more}", markup=False)

    Printer(as_json=as_json).result([str(path) for path in paths], print_it)


def _released(release: Any) -> str:
    forced = f", forced: {release.verdict.forced}" if release.verdict.forced else ""
    return f"{release.name}@{release.version} ({release.verdict.outcome}{forced})"


VERBS: Verbs = {"list": list_bundles, "show": show, "export": export}
