"""A worker imports this room: it stays light."""

import subprocess
import sys


def test_importing_the_road_loads_no_data_frame_and_no_training_library():
    script = "import sys, golive.inference.road; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"pandas", "sklearn", "scipy", "pyarrow", "onnx", "onnxruntime", "pydantic", "sqlalchemy"}
    assert heavy.isdisjoint(loaded)
