"""Verbs that keep: list, show, export."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from golive import plugins
from golive.cli.options import Json, Verbs, key_values
from golive.cli.output import Printer, table
from golive.domain.digest import short

_MANY, _PAIR = 10, 2

_KINDS = (
    "script",
    "docker",
    "compose",
    "kubernetes",
    "onnx",
    "ort",
    "c",
    "browser",
    "torch",
    "savedmodel",
    "tflite",
    "tensorrt",
)
"""The kinds of export that golive ships; ``golive export`` takes those of other plug-ins too."""

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
        if lineage.parent is not None:
            console.print(f"  parent   {short(lineage.parent)}, which it was optimized from", markup=False)
        console.print(f"  data     {', '.join(f'{k} {short(v)}' for k, v in lineage.data.items())}", markup=False)
        console.print(f"  made by  {lineage.code}, seed {lineage.seed}, {bundle.created_at[:19]}", markup=False)
        console.print(f"  released {', '.join(_released(release) for release in releases) or 'never'}", markup=False)
        console.print(f"  evidence {', '.join(f'{item.kind} {item.measured_at[:19]}' for item in evidence) or 'none'}")
        console.print(f"  answers  {_answers(bundle)}", markup=False)
        if bundle.signature.task == "tensors":
            table(console, ("tensor", "way", "type", "shape"), _tensor_lines(bundle.signature))
        else:
            table(console, ("field", "type", "may be missing", "seen in training"), _field_lines(bundle.signature))

    Printer(as_json=as_json).result({"bundle": bundle, "evidence": evidence, "releases": releases}, print_it)


def export(
    reference: Reference,
    *,
    to: Annotated[str, typer.Option(metavar="KIND", help=f"One of: {', '.join(_KINDS)}.")],
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


def _answers(bundle: Any) -> str:
    """Say what answers are: a number and its unit, or labels, how they are chosen, and what the data calls them."""
    signature, threshold = bundle.signature, bundle.manifest.decision.threshold
    if not signature.classes:
        return f"{signature.target or 'tensors'}{f' in {signature.unit}' if signature.unit else ''}"
    shown = signature.classes[:_MANY]
    known = [f"{label} (in the data {name})" if label != name else label
             for label, name in zip(shown, signature.data_classes, strict=False)]  # fmt: skip
    more = f" and {len(signature.classes) - _MANY} more" if len(signature.classes) > _MANY else ""
    chosen = f"; {shown[1]} where its probability is above {threshold:g}" if len(signature.classes) == _PAIR else ""
    best = f"; with the {signature.top_k} most probable" if signature.top_k else ""
    return f"{signature.target}: {', '.join(known)}{more}{chosen}{best}"


def _field_lines(signature: Any) -> list[tuple[str, ...]]:
    return [
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
        for field in signature.inputs
    ]


def _tensor_lines(signature: Any) -> list[tuple[str, ...]]:
    """Give a line a tensor; -1 is an axis of any length."""
    shape_text = plugins.attribute("golive.inference.feeds", "shape_text")
    sides = (("in", signature.tensors), ("out", signature.outputs))
    return [(tensor.name, way, tensor.dtype, shape_text(tensor.shape)) for way, tensors in sides for tensor in tensors]


def _released(release: Any) -> str:
    forced = f", forced: {release.verdict.forced}" if release.verdict.forced else ""
    return f"{release.name}@{release.version} ({release.verdict.outcome}{forced})"


VERBS: Verbs = {"list": list_bundles, "show": show, "export": export}
