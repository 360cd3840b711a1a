"""Environments for programs of others that are asked to call a server: made once, kept, and never this one.

They lie in ``.venv/clients``, so ``make clean`` takes them away too. An environment's name holds its pins and the
version of Python: other pins make another one.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

PINS = {
    "triton": ("tritonclient[http,grpc]==2.73.0", "numpy==2.4.6"),
    # pandas stays below 3, as this release of kserve asks.
    "kserve": ("kserve==0.21.0", "pandas==2.3.3", "numpy==2.4.6"),
    # The full package of the same release brings web pages, plots and a database besides; the client is here too.
    "mlflow": ("mlflow-skinny==3.17.2", "pandas==3.0.0", "scikit-learn==1.9.1", "skops==0.16.0", "numpy==2.4.6"),
    "perf": ("perf-analyzer==2.60.0",),
    # The program once came with the client, built for an older C library; it wants CUDA's runtime, never a GPU.
    "perf_older": ("tritonclient==2.48.0", "nvidia-cuda-runtime-cu12==12.9.79", "numpy==1.26.4"),
    "sagemaker": ("sagemaker-inference==1.10.1", "numpy==2.4.6"),
}
"""What is installed in each environment."""

PROGRAMS = Path(__file__).parents[1] / "heavy" / "clients"
_INSTALL_S = 600
_RUN_S = 120


def told(program: str, environment: str, **given: Any) -> dict[str, Any]:
    """Run a program of ``tests/heavy/clients`` in an environment: JSON goes in, and what it prints is JSON too."""
    done = subprocess.run(
        [folder_of(environment) / "bin" / "python", PROGRAMS / f"{program}.py"],
        input=json.dumps(given),
        capture_output=True,
        check=False,
        text=True,
        timeout=_RUN_S,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return json.loads(done.stdout)


def folder_of(environment: str) -> Path:
    """Give the folder of an environment, which is made where it is not there yet."""
    pins = PINS[environment]
    known = hashlib.sha256("\n".join((sys.version, *pins)).encode()).hexdigest()[:12]
    folder = Path(sys.prefix) / "clients" / f"{environment}-{known}"
    whole = folder / "whole"
    if not whole.exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", *pins]
        done = subprocess.run(install, check=False, timeout=_INSTALL_S, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-5000:]
        whole.touch()
    return folder
