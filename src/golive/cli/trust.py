"""Verbs of trust: API keys and the audit log."""

from typing import Annotated

import typer
from rich.console import Console

from golive import plugins
from golive.cli.options import Json, Verbs
from golive.cli.output import Printer, table


def key_create(
    label: Annotated[str, typer.Argument(help="Who or what will use it.")],
    *,
    as_json: Json = False,
) -> None:
    """Make an API key and print it, this once; only its hash is kept."""
    key = plugins.verb("trust", "create_key")(label, plugins.verb("rooms", "open_rooms")())
    Printer(as_json=as_json).result(
        {"id": key.id, "key": key.secret, "label": label},
        lambda console: console.print(key.secret, markup=False),
    )


def key_list(*, as_json: Json = False) -> None:
    """List the API keys, without their secrets."""
    keys = plugins.verb("trust", "list_keys")(plugins.verb("rooms", "open_rooms")())
    rows = [(key.id, key.label, key.created_at[:19], key.revoked_at[:19] or "-") for key in keys]
    Printer(as_json=as_json).result(keys, lambda console: table(console, ("id", "label", "made", "revoked"), rows))


def key_revoke(id_: Annotated[str, typer.Argument(metavar="ID")], *, as_json: Json = False) -> None:
    """Revoke an API key; running servers stop taking it within seconds."""
    plugins.verb("trust", "revoke_key")(id_, plugins.verb("rooms", "open_rooms")())
    Printer(as_json=as_json).result({"revoked": id_}, lambda console: console.print(f"revoked {id_}", markup=False))


def audit_list(*, as_json: Json = False) -> None:
    """List every administrative act, oldest first."""
    entries = plugins.verb("trust", "audit_entries")(plugins.verb("rooms", "open_rooms")())
    rows = [(str(entry.sequence), entry.at[:19], entry.actor, entry.action, entry.subject) for entry in entries]
    columns = ("number", "at", "who", "did", "to")
    Printer(as_json=as_json).result(entries, lambda console: table(console, columns, rows))


def audit_verify(*, as_json: Json = False) -> None:
    """Check the chain of hashes: exit code 4 and the first bad entry when anything was changed or removed."""
    count = plugins.verb("trust", "verify_audit")(plugins.verb("rooms", "open_rooms")())

    def show(console: Console) -> None:
        console.print(f"the audit log holds: {count} entries, each linked to the one before")

    Printer(as_json=as_json).result({"entries": count, "intact": True}, show)


GROUPS: dict[str, tuple[str, Verbs]] = {
    "key": ("API keys of the inference listener.", {"create": key_create, "list": key_list, "revoke": key_revoke}),
    "audit": ("The append-only log of administrative acts.", {"list": audit_list, "verify": audit_verify}),
}
