"""Evaluation of a network by strangers on real files: magika names the kind of a file by its first and last bytes."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import golive

pytestmark = pytest.mark.heavy

KINDS = {".py": "python", ".html": "html", ".css": "css", ".js": "javascript", ".c": "c", ".so": "elf", ".h": "c"}
MOST = 40


@pytest.fixture(scope="module")
def magika(tmp_path_factory):
    """Give the folder of the standard model, from the package index."""
    folder = tmp_path_factory.mktemp("magika")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), "magika==1.0.3"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("the package magika==1.0.3 cannot be had from the index")
    return folder / "magika" / "models" / "standard_v3_3"


def tokens(content: bytes, config) -> np.ndarray:
    """Give the first and the last bytes without blanks around them, as the model reads them."""
    head, tail = config["beg_size"], config["end_size"]
    first, last = content[: config["block_size"]].lstrip(), content[-config["block_size"] :].rstrip()
    pad = config["padding_token"]
    front = [*first[:head], *[pad] * (head - len(first[:head]))]
    back = [*[pad] * (tail - len(last[-tail:])), *last[-tail:]]
    return np.array([*front, *back], dtype=np.int32)


def test_a_detector_of_file_kinds_is_measured_on_installed_files(magika, tmp_path):
    config = json.loads((magika / "config.min.json").read_text("utf-8"))
    labels = config["target_labels_space"]
    files = sorted(path for path in Path(sysconfig.get_paths()["purelib"]).rglob("*") if path.suffix in KINDS)
    rows, truth = [], []
    for suffix, kind in KINDS.items():
        those = [path for path in files if path.suffix == suffix and path.stat().st_size > 2000][:MOST]
        rows += [tokens(path.read_bytes(), config) for path in those]
        truth += [kind] * len(those)
    bundle = golive.import_model(magika / "model.onnx", name="kinds", home=str(tmp_path / "home"))
    found = golive.evaluate(bundle, np.stack(rows), np.array(truth), classes=labels)
    assert found.evidence.rows == len(rows) > MOST
    assert found.evidence.details["tensors"]["form"] == "probabilities"
    assert found["accuracy"] > 0.9
    assert found["accuracy - baseline.accuracy"] > 0.5
