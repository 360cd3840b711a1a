"""Running order: what a server that runs would have to be started again for."""

from pathlib import Path

import msgspec

from golive.control.running.journal import tell
from golive.control.running.order import SupervisorOrder
from golive.control.running.run_files import RunFolder

_SAID = {
    "host": "host",
    "port": "port",
    "admin_port": "admin_port",
    "workers": "workers",
    "max_body_bytes": "max_body_mb",
    "max_rows": "max_rows",
    "memory_mb": "memory_mb",
    "queue_s": "queue_s",
    "explain": "explain",
    "explain_s": "explain_s",
    "grpc_port": "grpc_port",
    "tls_cert": "tls_cert",
    "tls_key": "tls_key",
    "sample": "sample",
    "keep_days": "keep_days",
}
"""Settings that are fixed when a server starts -> their names in golive.yaml."""
_PORTS = {"port", "admin_port", "grpc_port"}
_NOTHING = {
    "port": "any",
    "admin_port": "any",
    "grpc_port": "none",
    "workers": "one for every core",
    "memory_mb": "no limit",
    "tls_cert": "none",
    "tls_key": "none",
}
"""What 0 and the empty text mean."""


def tell_what_waits(asked: SupervisorOrder) -> None:
    """Say in one line of the journal which settings the running server does not have; nothing when it has all."""
    text = what_waits(asked, _running_order(Path(asked.state)))
    if text:
        tell(text)


def what_waits(asked: SupervisorOrder, running: SupervisorOrder | None) -> str:
    """Compare what is asked for with how a server was started; the empty text when nothing differs.

    A port of 0 asks for any, so it never differs.
    """
    if running is None:
        return ""
    differing = [
        name
        for name in _SAID
        if getattr(asked, name) != getattr(running, name) and not (name in _PORTS and getattr(asked, name) == 0)
    ]
    if not differing:
        return ""
    wanted, had = (", ".join(_words(name, order) for name in differing) for order in (asked, running))
    return f"asked for: {wanted}; the running server has {had}: golive down, then golive up"


def _words(name: str, order: SupervisorOrder) -> str:
    value = getattr(order, name)
    if name == "max_body_bytes":
        return f"{_SAID[name]} {value / (1 << 20):g}"
    if isinstance(value, bool):
        return f"{_SAID[name]} {str(value).lower()}"
    return f"{_SAID[name]} {value or _NOTHING.get(name, value)}"


def _running_order(state: Path) -> SupervisorOrder | None:
    try:
        return msgspec.json.decode(RunFolder(state).order.read_bytes(), type=SupervisorOrder)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
