"""Settings: the environment, read once into one frozen value that is passed down."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from golive.errors import UsageError


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
    """Give the inference key that the environment or a mounted secret carries, or an empty text.

    Raises:
        UsageError: a file for the key is named but cannot be read or is empty; nothing is left open by mistake.
    """
    if settings.api_key_file is None:
        return settings.api_key
    try:
        key = settings.api_key_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        message = f"GOLIVE_API_KEY_FILE names {str(settings.api_key_file)!r}, which cannot be read: {reason}"
        raise UsageError(message) from error
    if not key:
        message = f"GOLIVE_API_KEY_FILE names {str(settings.api_key_file)!r}, which is empty; write the key into it"
        raise UsageError(message)
    return key
