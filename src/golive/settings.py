"""Settings: the environment, read once into one frozen value that is passed down."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from golive.errors import UsageError

_PLATFORM_PORT = 8080
"""Where both platforms ask unless they say otherwise."""
_LAST_PORT = 65_535
_NUMERICAL = ("OPENBLAS_", "GOTO_", "MKL_", "BLIS_", "OMP_", "KMP_", "VECLIB_", "NPY_", "LD_LIBRARY_PATH")
_PATH = re.compile(r"/[A-Za-z0-9._~:@!$&'()*+,;=/-]*")


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """A platform that runs containers, and how it reaches the server inside."""

    name: str
    port: int
    health_path: str = ""
    """Where it asks for health, besides the paths that every server has."""
    predict_path: str = ""
    """Where it posts instances, besides the paths that every server has."""


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
    collector: str = ""
    """Where OpenTelemetry spans are posted, by OTLP over HTTP: ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``, else
    ``OTEL_EXPORTER_OTLP_ENDPOINT`` and ``/v1/traces``. Nowhere when empty, or with ``OTEL_SDK_DISABLED=true`` or
    ``OTEL_TRACES_EXPORTER=none``."""
    debug: bool = False
    """``GOLIVE_DEBUG``: print tracebacks."""
    npm_registry: str = "https://registry.npmjs.org"
    """``npm_config_registry``, as npm reads it: where parts for the browser are fetched from."""
    platform: Platform | None = None
    """Vertex AI (``AIP_MODE=PREDICTION``) or SageMaker (``SAGEMAKER_BIND_TO_PORT``); None elsewhere."""


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment (or the given mapping) into a value.

    Raises:
        UsageError: a variable of a platform holds no port or no path.
    """
    env = os.environ if environ is None else environ
    return Settings(
        home=Path(env["GOLIVE_HOME"]) if env.get("GOLIVE_HOME") else None,
        api_key=env.get("GOLIVE_API_KEY", ""),
        api_key_file=Path(env["GOLIVE_API_KEY_FILE"]) if env.get("GOLIVE_API_KEY_FILE") else None,
        user=env.get("GOLIVE_USER") or env.get("USER") or "unknown",
        collector=_collector(env),
        debug=env.get("GOLIVE_DEBUG", "") not in {"", "0"},
        npm_registry=_registry(env),
        platform=_platform(env),
    )


def _collector(env: Mapping[str, str]) -> str:
    is_off = env.get("OTEL_SDK_DISABLED", "").lower() == "true" or env.get("OTEL_TRACES_EXPORTER") == "none"
    base = env.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").rstrip("/")
    return "" if is_off else env.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "") or (base and f"{base}/v1/traces")


def _registry(env: Mapping[str, str]) -> str:
    """Take npm's variable, which it reads in small and in capital letters."""
    given = env.get("npm_config_registry") or env.get("NPM_CONFIG_REGISTRY") or Settings().npm_registry
    return given.rstrip("/")


def _platform(env: Mapping[str, str]) -> Platform | None:
    """Recognize a platform by what it alone sets: an image may carry ``AIP_HTTP_PORT`` anywhere."""
    if env.get("AIP_MODE") == "PREDICTION":
        model = f"/v1/endpoints/{env.get('AIP_ENDPOINT_ID', '')}/deployedModels/{env.get('AIP_DEPLOYED_MODEL_ID', '')}"
        return Platform(
            name="Vertex AI",
            port=_port(env, "AIP_HTTP_PORT"),
            health_path=_path(env, "AIP_HEALTH_ROUTE") or model,
            predict_path=_path(env, "AIP_PREDICT_ROUTE") or f"{model}:predict",
        )
    if env.get("SAGEMAKER_BIND_TO_PORT"):
        return Platform(name="SageMaker", port=_port(env, "SAGEMAKER_BIND_TO_PORT"))
    return None


def _port(env: Mapping[str, str], name: str) -> int:
    text = env.get(name) or str(_PLATFORM_PORT)
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _LAST_PORT):
        message = f"{name} is {text[:40]!r}, which is no port; set a number from 1 to {_LAST_PORT}"
        raise UsageError(message)
    return int(text)


def _path(env: Mapping[str, str], name: str) -> str:
    text = env.get(name, "")
    if text and not _PATH.fullmatch(text):
        message = f"{name} is {text[:80]!r}, which is no path; set one such as /predict"
        raise UsageError(message)
    return text


def numerical_variables(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the variables that decide how numerical libraries compute, and where the system finds them.

    A process that is given no others computes the same bits with these.
    """
    env = os.environ if environ is None else environ
    return {name: value for name, value in env.items() if name.startswith(_NUMERICAL)}


def forbid_telemetry() -> None:
    """Tell ONNX Runtime, before it is first imported, to report nothing to its maker.

    Since 1.29 its official builds send model names and hashes and keep a device id in the home folder, unless this is
    set; its own ``disable_telemetry_events()`` comes too late, since it needs the import.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def prefer_torch_in_keras() -> None:
    """Tell Keras, before it is first imported, to compute with torch, unless the environment chose for it.

    Its own default is TensorFlow, and it reads this only while it is imported.
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")


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
