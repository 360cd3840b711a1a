"""Verbs that run: serve, deploy, rollback, status, history, monitor."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from golive import plugins
from golive.cli.options import Force, Json, Reason, Verbs
from golive.cli.output import Printer, table
from golive.domain.digest import short

Name = Annotated[str, typer.Argument(help="The name that a model serves under.")]


def serve(
    references: Annotated[
        list[str] | None, typer.Argument(help="Bundles to serve: name, name@version, sha256:...; else the only one.")
    ] = None,
    *,
    host: Annotated[
        str | None,
        typer.Option(help="Beyond loopback an API key is needed.", show_default="127.0.0.1; 0.0.0.0 on a platform"),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="0 takes a free one.", show_default="8080, or as the platform says")
    ] = None,
    admin_host: Annotated[str, typer.Option(help="Of metrics and health; they need no key.")] = "127.0.0.1",
    admin_port: Annotated[int, typer.Option(help="Of metrics and health; 0 takes a free one.")] = 8082,
    workers: Annotated[int, typer.Option(help="0: one for every core.")] = 0,
    memory_mb: Annotated[int, typer.Option(min=0, help="For all models together; 0: no limit.")] = 0,
    grpc_port: Annotated[
        int | None, typer.Option(help="Of the Open Inference Protocol over gRPC; off without.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key (PEM).")] = None,
) -> None:
    """Serve bundles without a ledger: no releases, no history; stop with Ctrl-C. A bare name means what serves."""
    supervisor = plugins.verb("serve", "serve")(
        tuple(references or ()),
        host=host,
        port=port,
        admin_host=admin_host,
        admin_port=admin_port,
        workers=workers,
        memory_mb=memory_mb,
        grpc_port=grpc_port,
        tls_cert=tls_cert,
        tls_key=tls_key,
    )
    calls = f", gRPC at {supervisor.grpc}" if supervisor.grpc else ""
    Printer().out.print(
        f"serving at {supervisor.url} (pages at {supervisor.url}/docs){calls}; Ctrl-C stops it", markup=False
    )
    sys.stdout.flush()
    raise typer.Exit(plugins.verb("serve", "wait_for")(supervisor))


def deploy(
    name: Name,
    reference: Annotated[str, typer.Argument(help="A release or a bundle: name@version, name, sha256:...")],
    *,
    to: Annotated[str, typer.Option(help="The target.")] = "local",
    force: Force = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Make a release (or a bundle that passes the gate) serve all traffic of a name."""
    deployed = plugins.verb("steps", "deploy_reference")(name, reference, target=to, forced=force, reason=reason)
    Printer(as_json=as_json).result(deployed, lambda console: _show_deployed(console, deployed))


def rollback(
    name: Name,
    *,
    to: Annotated[int | None, typer.Option(help="The release to go back to; else the one that served before.")] = None,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Make an earlier release serve again, without one failed request."""
    rooms = plugins.verb("rooms", "open_rooms")()
    deployed = plugins.verb("deploy", "rollback")(name, rooms, to=to, reason=reason)
    Printer(as_json=as_json).result(deployed, lambda console: _show_deployed(console, deployed))


def status(*, as_json: Json = False) -> None:
    """Say what serves now."""
    seen = plugins.verb("status", "status")(plugins.verb("rooms", "open_rooms")())

    def show(console: Console) -> None:
        if not seen.lines:
            console.print("nothing is deployed; `golive up` makes something live")
            return
        table(
            console,
            ("name", "release", "share", "state", "bundle", "verdict", "since", "by"),
            [
                (
                    line.name,
                    str(line.version),
                    f"{line.share:.0%}",
                    "live" if line.live else "not running",
                    short(line.bundle) + (f", optimized from {short(line.parent)}" if line.parent else ""),
                    line.verdict + (f" (forced: {line.forced})" if line.forced else ""),
                    line.since[:19],
                    line.by,
                )
                for line in seen.lines
            ],
        )
        if seen.url:
            console.print(f"{seen.url}, generation {seen.observed.generation}, pid {seen.pid}", markup=False)
        if seen.residence.groups:
            _show_residence(console, seen.residence)

    Printer(as_json=as_json).result(seen, show)


def history(name: Name, *, as_json: Json = False) -> None:
    """List every release and deployment of a name, oldest first."""
    seen = plugins.verb("status", "history")(name, plugins.verb("rooms", "open_rooms")())

    def show(console: Console) -> None:
        bundles = {release.version: release for release in seen.releases}
        table(
            console,
            ("deployment", "at", "release", "bundle", "verdict", "outcome", "by", "reason"),
            [
                (
                    str(deployment.number),
                    deployment.created_at[:19],
                    ", ".join(f"{share.version} ({share.share:.0%})" for share in deployment.split),
                    short(bundles[deployment.split[0].version].bundle),
                    _verdict(bundles[deployment.split[0].version].verdict),
                    seen.outcomes[deployment.number],
                    deployment.created_by,
                    deployment.reason or "-",
                )
                for deployment in seen.deployments
            ],
        )

    Printer(as_json=as_json).result(seen, show)


def monitor(
    name: Name,
    *,
    version: Annotated[str, typer.Option(help="A release; else the one that serves.")] = "",
    look_rows: Annotated[int | None, typer.Option(help="Rows that make a look due; else as golive.yaml says.")] = None,
    as_json: Json = False,
) -> None:
    """Compare recorded predictions with the training rows: drift of inputs and answers. Exit code 3 on an alarm."""
    rooms = plugins.verb("rooms", "open_rooms")()
    seen = plugins.verb("monitor", "monitor")(name, rooms, version=version, look_rows=look_rows)
    Printer(as_json=as_json).result(seen, lambda console: _show_watch(console, seen))
    if seen.watch.alarms:
        raise typer.Exit(3)


VERBS: Verbs = {
    "serve": serve,
    "deploy": deploy,
    "rollback": rollback,
    "status": status,
    "history": history,
    "monitor": monitor,
}


def _verdict(verdict: Any) -> str:
    return str(verdict.outcome) + (f" (forced: {verdict.forced})" if verdict.forced else "")


def _show_residence(console: Console, residence: Any) -> None:
    table(
        console,
        ("group", "models", "state", "memory", "pid"),
        [
            (
                str(group.number),
                ", ".join(group.models),
                group.state + (f": {group.error}" if group.error else ""),
                f"{group.memory_mb:.0f} MB",
                str(group.pid or "-"),
            )
            for group in residence.groups
        ],
    )
    used = sum(group.memory_mb for group in residence.groups if group.pid)
    console.print(f"{used:.0f} of {residence.budget_mb} MB are used by models", markup=False)


def _show_deployed(console: Console, deployed: Any) -> None:
    wish = deployed.deployment
    versions = ", ".join(f"release {share.version} ({share.share:.0%})" for share in wish.split)
    console.print(f"{wish.name}: {versions} serves on {wish.target}", markup=False)


def _show_watch(console: Console, seen: Any) -> None:
    state = seen.watch
    console.print(f"{seen.name} release {seen.version}: {state.text}", markup=False)
    for alarm in state.alarms:
        console.print(f"  ! {alarm.text}", markup=False)
