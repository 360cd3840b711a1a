"""Verbs that make: init, up, train, package, import, down, schema."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from golive import plugins
from golive.cli.options import Folder, Force, Json, Lang, Language, Verbs, key_values
from golive.cli.output import Printer, reason_text, table
from golive.errors import UsageError

_LINE = 240
"""Characters of a request that are shown on the command line; a longer one is named as a file."""

Columns = Annotated[str, typer.Option(metavar="COL,...", help="Column names, separated by commas.")]


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to start a project in.")],
    *,
    example: Annotated[str, typer.Option(help="Start from an example: house_prices or iris.")] = "",
    data: Annotated[Path | None, typer.Option(help="A CSV or Parquet file to read the columns of.")] = None,
    target: Annotated[str, typer.Option(help="The column to predict.")] = "",
    time: Annotated[str, typer.Option(help="The column that orders rows in time; test rows are then the latest.")] = "",
    sensitive: Columns = "",
    drop: Columns = "",
    as_json: Json = False,
) -> None:
    """Start a project folder with a commented golive.yaml."""
    printer = Printer(as_json=as_json)
    path, notices = plugins.verb("project.init", "init")(
        folder, example=example, data=data, target=target, time=time, sensitive=_names(sensitive), drop=_names(drop)
    )

    def show(console: Console) -> None:
        for notice in notices:
            console.print("•", notice, markup=False)
        console.print(f"wrote {path}; next: golive up {folder}", markup=False)

    printer.result({"path": str(path), "notices": list(notices)}, show)


def up(
    folder: Folder = Path(),
    *,
    detach: Annotated[bool, typer.Option("--detach", help="Leave the server running and return.")] = False,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop after the verdict; nothing goes live.")] = False,
    force: Force = "",
    lang: Lang = Language.EN,
    as_json: Json = False,
) -> None:
    """Go from data to a live, watched model; run only what changed since last time."""
    printer = Printer(as_json=as_json)
    if no_serve:
        with printer.progress() as move:
            judged = plugins.verb("up", "build_project")(
                folder, say=printer.stage, on_progress=move, forced=force, lang=lang
            )
        printer.total()
        printer.result(judged, lambda console: _show_verdict(console, judged))
        if not judged.verdict.allows:
            raise typer.Exit(3)
        return
    with printer.progress() as move:
        live = plugins.verb("up", "up")(
            folder, say=printer.stage, on_progress=move, detach=detach, forced=force, lang=lang
        )
    printer.total()
    told = {
        "name": live.release.name,
        "release": live.release,
        "deployed": live.deployed,
        "url": live.supervisor.url,
        "admin_url": live.supervisor.admin_url,
        "report": live.judged.report,
        "changes": live.judged.changes,
    }
    printer.result(told, lambda console: _show_live(console, live, folder, detach=detach))
    if not detach:
        sys.stdout.flush()
        raise typer.Exit(plugins.verb("serve", "wait_for")(live.supervisor))


def train(folder: Folder = Path(), *, as_json: Json = False) -> None:
    """Clean, split, search and fit; print every trial."""
    printer = Printer(as_json=as_json)
    with printer.progress() as move:
        trained = plugins.verb("steps", "train_project")(folder, say=printer.stage, on_progress=move)

    def show(console: Console) -> None:
        best = trained.trials[trained.chosen]
        rows = sorted(trained.trials, key=lambda trial: -trial.mean)
        table(
            console,
            ("", "candidate", "parameters", "score", "fit s"),
            [
                ("*" if trial is best else "", trial.candidate, _parameters(trial), _score(trial), f"{trial.fit_s:.2f}")
                for trial in rows
            ],
        )

    printer.result({"trials": trained.trials, "chosen": trained.chosen, "report": trained.report}, show)


def package(
    folder: Folder = Path(),
    *,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Package the model itself, with its code, for a process of its own.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Convert the trained model, prove that it answers alike, and write the bundle."""
    printer = Printer(as_json=as_json)
    with printer.progress() as move:
        bundle = plugins.verb("steps", "package_project")(
            folder, say=printer.stage, on_progress=move, isolated=isolated
        )
    printer.result(bundle, lambda console: console.print(f"{bundle.name} {bundle.digest}", markup=False))


def import_model(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A model file or folder: ONNX, joblib, MLflow, ...")],
    *,
    name: Annotated[str, typer.Option(help="What the model is called.")],
    sample: Annotated[
        Path | None,
        typer.Option(metavar="DATA", help="Rows as the model saw them, with their true answers; or an .npz of arrays."),
    ] = None,
    target: Annotated[str, typer.Option(metavar="COL", help="The column of DATA with the true answers.")] = "",
    trust: Annotated[
        bool, typer.Option("--trust", help="Load a file that runs code (joblib, pickle), in a sandbox.")
    ] = False,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Serve such a file as it is, with its code, in a process of its own.")
    ] = False,
    requirements: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --isolated: what it needs, as `pip freeze` lists it.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Of two classes, the probability above which the second is answered.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="CLASS=NAME", help="What answers call a class; may be repeated.")
    ] = None,
    top_k: Annotated[int, typer.Option(min=0, help="So many of the most probable labels are answered, too.")] = 0,
    unit: Annotated[str, typer.Option(help="The unit of what is predicted.")] = "",
    target_transform: Annotated[
        str, typer.Option(help="What the target was transformed by, undone in the graph: log, log1p or sqrt.")
    ] = "",
    output: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Of a network with arrays, what it gives, in order.")
    ] = None,
    open_axes: Annotated[
        list[str] | None,
        typer.Option(metavar="INPUT=AXIS,...", help="Of a network with arrays, axes of any length; else the first."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring in a model that was trained elsewhere; prove that it answers the same."""
    printer = Printer(as_json=as_json)
    rooms = plugins.verb("rooms", "open_rooms")()
    finish = plugins.attribute("golive.packaging.finish", "Finish")(
        threshold=threshold,
        labels=key_values(label or [], "--label"),
        top_k=top_k,
        unit=unit,
        target_transform=target_transform or None,
    )
    brought = plugins.verb("bringing.bring", "bring")(
        path,
        rooms,
        name=name,
        sample=sample,
        target=target,
        trust=trust,
        isolated=isolated,
        requirements=requirements,
        outputs=tuple(output or ()),
        open_axes=_axes(open_axes),
        finish=finish,
    )
    printer.result(brought, lambda console: _show_brought(console, brought, rooms))


def down(folder: Folder = Path(), *, as_json: Json = False) -> None:
    """End what `golive up --detach` left running."""
    ended = plugins.verb("live", "down")(folder)
    text = "stopped" if ended else "nothing was running"
    Printer(as_json=as_json).result({"stopped": ended}, lambda console: console.print(text))


def schema(
    *, of: Annotated[str, typer.Option(help="project (golive.yaml) or evidence (golive report --to json).")] = "project"
) -> None:
    """Print the JSON Schema of golive.yaml, for editors, or of the JSON that `golive report` writes."""
    sys.stdout.write(plugins.verb("judging.documents", "schema")(of).decode() + "\n")


VERBS: Verbs = {
    "init": init,
    "up": up,
    "down": down,
    "train": train,
    "package": package,
    "import": import_model,
    "schema": schema,
}


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _axes(pairs: list[str] | None) -> dict[str, tuple[int, ...]] | None:
    if not pairs:
        return None
    found = {name: _names(axes) for name, axes in key_values(pairs, "--open-axes").items()}
    for name, axes in found.items():
        if not all(axis.isdecimal() for axis in axes):
            message = f"--open-axes {name}={','.join(axes)} names no axes; write their numbers, as in {name}=0,1"
            raise UsageError(message)
    return {name: tuple(map(int, axes)) for name, axes in found.items()}


def _score(trial: Any) -> str:
    return f"failed: {trial.error}" if trial.error else f"{trial.mean:.5g}"


def _parameters(trial: Any) -> str:
    return ", ".join(f"{name}={value}" for name, value in trial.parameters.items()) or "-"


def _show_brought(console: Console, brought: Any, rooms: Any) -> None:
    bundle = brought.bundle
    for note in brought.notes:
        console.print("•", note, markup=False)
    proof = plugins.verb("packing.proof", "parity_text")(bundle, rooms)
    shape = "tensors" if brought.form == "tensors" else f"a table of {len(bundle.signature.inputs)} fields"
    console.print(f"{bundle.name} {bundle.digest}", markup=False)
    console.print(f"  {bundle.manifest.lineage.model}: {shape}; {proof}", markup=False)
    console.print(f"next: golive serve {bundle.name}", markup=False)


def _show_verdict(console: Console, judged: Any) -> None:
    for reason in judged.verdict.reasons:
        console.print(f"  {reason_text(reason)}", markup=False)
    console.print(f"verdict   {judged.verdict.outcome}{_forced(judged.verdict)}", markup=False)
    console.print(f"report    {judged.report}", markup=False)
    console.print(f"changes   {judged.changes}", markup=False)


def _forced(verdict: Any) -> str:
    return f" (forced: {verdict.forced})" if verdict.forced else ""


def _show_live(console: Console, live: Any, folder: Path, *, detach: bool) -> None:
    name, url = live.release.name, live.supervisor.url
    body = plugins.verb("live", "example_request")(live.judged.bundle)
    sent = f"'{body}'" if len(body) <= _LINE else f"@{shlex.quote(str(live.example))}"
    _show_verdict(console, live.judged)
    console.print(f"live      {name} release {live.release.version} at {url} (pages at {url}/docs)", markup=False)
    key = ' -H "X-API-Key: $GOLIVE_API_KEY"' if live.asks_for_key else ""
    console.print(f"ask       curl -s{key} {url}/v1/models/{name}:predict -d {sent}", markup=False)
    golive = _here(folder)
    console.print(
        f"watch     {golive} status; {golive} monitor {name}; {live.supervisor.admin_url}/metrics", markup=False
    )
    console.print(f"undo      {golive} rollback {name}", markup=False)
    if detach:
        console.print(f"stop      {golive} down", markup=False)


def _here(folder: Path) -> str:
    """Write the command so that the line works where the reader stands, also outside an activated environment."""
    command = "golive" if shutil.which("golive") else shlex.quote(str(Path(sys.executable).with_name("golive")))
    base = plugins.verb("project.read", "base_of")(folder)
    return command if base.resolve() == Path.cwd() else f"{command} -C {shlex.quote(str(base))}"
