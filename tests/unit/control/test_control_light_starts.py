"""What a start may not import, because a caller waits for it."""

import subprocess
import sys

import pytest

SLOW = {"sqlalchemy", "numpy", "onnxruntime", "pyarrow", "pandas", "httpx"}


@pytest.mark.parametrize(
    ("module", "beside"),
    [
        ("golive.cli.app", {"uvicorn", "asyncio"}),
        ("golive.control.serve", {"uvicorn", "asyncio"}),
        ("golive.control.running.supervisor", {"uvicorn", "starlette"}),
        ("golive.control.running.supervision", set()),
        ("golive.control.predict.hands", {"msgspec", "asyncio"}),
    ],
)
def test_what_a_server_without_a_ledger_starts_with_is_light(module: str, beside: set[str]) -> None:
    code = f"import sys, {module}; slow = {SLOW | beside} & set(sys.modules); assert not slow, slow"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.stderr
