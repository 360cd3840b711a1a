"""Result files: what was measured, when, on which machine, with which versions."""

import json
import os
import platform
import statistics
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).with_name("results")
LIBRARIES = ("golive", "numpy", "pandas", "scikit-learn", "onnxruntime", "uvicorn")


def write(name: str, figures: dict[str, object]) -> str:
    """Write one result file and give its text."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps({"measured": name, "at": _today(), **machine(), **figures}, indent=2, default=str)
    (FOLDER / f"{name}.json").write_text(text + "\n", "utf-8")
    return text


def machine() -> dict[str, object]:
    """Describe the machine without naming it."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "machine": {
            "cpu": cpu or platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(memory / (1 << 20), 1),
            "niceness": os.nice(0),
            "load_average_at_the_end": [round(load, 1) for load in os.getloadavg()],
            "python": platform.python_version(),
        },
        "versions": {library: version(library) for library in LIBRARIES},
    }


def spread(values: Iterable[float], digits: int = 3) -> dict[str, float]:
    """Give minimum, median and maximum."""
    ordered = sorted(values)
    return {
        "min": round(ordered[0], digits),
        "median": round(statistics.median(ordered), digits),
        "max": round(ordered[-1], digits),
        "runs": len(ordered),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text("utf-8").splitlines() if Path(path).exists() else []


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
