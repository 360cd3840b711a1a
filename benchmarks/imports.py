"""What ``import golive`` costs: wall time beside an interpreter that imports nothing, and what it loads."""

import subprocess
import sys
import time

from benchmarks.result import spread

RUNS = 15
HEAVY = ("sklearn", "pandas", "onnxruntime", "numpy", "pyarrow", "starlette")


def measure() -> dict[str, object]:
    """Interleave both, so that a busy machine slows both."""
    bare, loaded = [], []
    for _ in range(RUNS):
        bare.append(_seconds("pass"))
        loaded.append(_seconds("import golive"))
    listing = subprocess.run(
        [sys.executable, "-c", f"import sys, golive; print([m for m in {HEAVY} if m in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        "interpreter_s": spread(bare),
        "import_golive_s": spread(loaded),
        "extra_ms": round((min(loaded) - min(bare)) * 1e3, 1),
        "target_ms": 150,
        "heavy_modules_loaded": listing.stdout.strip(),
    }


def _seconds(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started
