"""golive: from the notebook to production, and healthy there.

What a notebook types, each name loaded when it is first used, so that ``import golive`` stays light.
"""

from typing import Any

__version__ = "0.1.0"

__all__ = [
    "AsyncClient",
    "Bundle",
    "Client",
    "Evidence",
    "GoliveError",
    "LiveModel",
    "Policy",
    "Signature",
    "Verdict",
    "__version__",
    "deploy",
    "evaluate",
    "gate",
    "import_model",
    "load",
    "network",
    "optimize",
    "package",
    "status",
]

_WHERE = {
    "AsyncClient": ("golive.client.awaiting", "AsyncClient"),
    "Bundle": ("golive.control.notebook.handles", "BundleHandle"),
    "Client": ("golive.client.blocking", "Client"),
    "Evidence": ("golive.control.notebook.handles", "EvidenceHandle"),
    "GoliveError": ("golive.errors", "GoliveError"),
    "LiveModel": ("golive.control.notebook.handles", "LiveModel"),
    "Policy": ("golive.domain.policy", "Policy"),
    "Signature": ("golive.domain.signature", "Signature"),
    "Verdict": ("golive.domain.policy", "Verdict"),
    "deploy": ("golive.control.notebook.verbs", "deploy"),
    "evaluate": ("golive.control.notebook.verbs", "evaluate"),
    "gate": ("golive.control.notebook.verbs", "gate"),
    "import_model": ("golive.control.notebook.verbs", "import_model"),
    "load": ("golive.control.notebook.verbs", "load"),
    "network": ("golive.domain.network", "network"),
    "optimize": ("golive.control.notebook.optimized", "optimize_handle"),
    "package": ("golive.control.notebook.verbs", "package"),
    "status": ("golive.control.notebook.verbs", "status"),
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _WHERE:
        message = f"module 'golive' has no attribute {name!r}; it offers {', '.join(__all__)}"
        raise AttributeError(message)
    from golive.plugins import attribute  # noqa: PLC0415 - the one lazy door; see tests/architecture

    return attribute(*_WHERE[name])


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
