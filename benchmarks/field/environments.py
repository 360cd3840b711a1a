"""One virtual environment for each peer, so that none meets another's versions nor the project's."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".peers"
SKLEARN = ("scikit-learn==1.9.1", "joblib==1.6.0", "lightgbm==4.7.0")
ONNX = ("onnxruntime==1.31.1",)

# Each tuple is one call of pip, in this order.
PINS: dict[str, tuple[tuple[str, ...], ...]] = {
    "fastapi": (("fastapi==0.165.0", "uvicorn[standard]==0.54.0", *SKLEARN, *ONNX),),
    "flask": (("flask==3.1.3", "gunicorn==27.0.1", *SKLEARN),),
    # Its worker processes ask for an event loop in a way that newer uvloops refuse, and would not start.
    "mlserver": (("mlserver==1.7.1", "mlserver-sklearn==1.7.1", "uvloop==0.21.0", *SKLEARN, *ONNX),),
    # 1.4.40 asks for a certifi that is newer than what the package index had on the day of these pins.
    "bentoml": (("bentoml==1.4.39", *SKLEARN, *ONNX),),
    # LitServe brings torch; asked for first, it is the build without gigabytes of GPU libraries.
    "litserve": (("torch==2.13.0",), ("litserve==0.2.19", *SKLEARN, *ONNX)),
    # 3.18.0 asks for a mlflow-skinny that the package index did not have yet.
    "mlflow": (("mlflow==3.17.0", *SKLEARN),),
    "pytriton": (("nvidia-pytriton==0.7.0", *SKLEARN, *ONNX),),
    "ray": (("ray[serve]==2.60.0", *SKLEARN),),
}

# Triton's backend brings an older interpreter of its own, which cannot run the standard library of a newer 3.11.
BASES = {"pytriton": Path("/usr/bin/python3.11")}

LIMIT_S = 1800


class CannotInstallError(RuntimeError):
    """A peer's environment could not be made; the message is what pip said last."""


def python_of(name: str) -> Path:
    """Give the interpreter of a peer's environment; it is made, or made anew where its pins changed.

    Raises:
        CannotInstallError: with pip's own words.
    """
    place, pins = FOLDER / name, PINS[name]
    stamp, wanted = place / "pins.sha256", hashlib.sha256(json.dumps(pins).encode()).hexdigest()
    python = place / "bin" / "python"
    if stamp.is_file() and stamp.read_text("ascii") == wanted:
        return python
    base = BASES.get(name)
    _run([str(base) if base and base.exists() else sys.executable, "-m", "venv", "--clear", str(place)])
    for step in pins:
        _run([str(python), "-m", "pip", "install", "--quiet", *step])
    stamp.write_text(wanted, "ascii")
    return python


def versions_of(name: str) -> dict[str, str]:
    """Give the installed versions of what the pins name."""
    names = [pin.partition("==")[0].partition("[")[0] for step in PINS[name] for pin in step]
    code = f"import json; from importlib.metadata import version; print(json.dumps({{n: version(n) for n in {names}}}))"
    done = subprocess.run([python_of(name), "-c", code], capture_output=True, text=True, check=True)
    versions: dict[str, str] = json.loads(done.stdout)
    return versions


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if done.returncode:
        lines = [line[:300] for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise CannotInstallError(" ".join(lines) or done.stderr[-300:] or f"{command} gave {done.returncode}")
