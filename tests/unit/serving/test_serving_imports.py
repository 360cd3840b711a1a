"""A worker's memory and start are kept small by what serving does not import."""

import subprocess
import sys

HEAVY = (
    "pandas",
    "sklearn",
    "scipy",
    "pyarrow",
    "pydantic",
    "fastapi",
    "onnxruntime",
    "sqlalchemy",
    "matplotlib",
    "httpx",
)


def test_serving_imports_nothing_heavy():
    code = f"import sys, golive.serving.server; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
