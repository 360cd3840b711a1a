"""Settings: the environment, read once into one frozen value that is passed down."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment says; everything else comes from golive.yaml or the command line."""

    home: Path | None = None
    """``GOLIVE_HOME``: where state lives instead of ``.golive`` beside golive.yaml."""
    api_key: str = ""
    """``GOLIVE_API_KEY``: a key that callers of the inference listener must show."""
    api_key_file: Path | None = None
    """``GOLIVE_API_KEY_FILE``: a file (such as a mounted secret) that holds that key."""
    user: str = "unknown"
    """Who acts, for the audit log: ``GOLIVE_USER``, else ``USER``."""
    debug: bool = False
    """``GOLIVE_DEBUG``: print tracebacks."""


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment (or the given mapping) into a value."""
    env = os.environ if environ is None else environ
    return Settings(
        home=Path(env["GOLIVE_HOME"]) if env.get("GOLIVE_HOME") else None,
        api_key=env.get("GOLIVE_API_KEY", ""),
        api_key_file=Path(env["GOLIVE_API_KEY_FILE"]) if env.get("GOLIVE_API_KEY_FILE") else None,
        user=env.get("GOLIVE_USER") or env.get("USER") or "unknown",
        debug=env.get("GOLIVE_DEBUG", "") not in {"", "0"},
    )


def forbid_telemetry() -> None:
    """Tell ONNX Runtime, before it is first imported, to report nothing to its maker.

    Since 1.29 its official builds send model names and hashes and keep a device id in the home folder, unless this is
    set; its own ``disable_telemetry_events()`` comes too late, since it needs the import.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def secret_key(settings: Settings) -> str:
    """Give the inference key that the environment or a mounted secret carries, or an empty text."""
    if settings.api_key_file is not None and settings.api_key_file.is_file():
        return settings.api_key_file.read_text("utf-8").strip()
    return settings.api_key
