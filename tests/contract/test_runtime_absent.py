"""A server on a machine without the library of a bundle's runtime says which extra brings it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from other_runtime_bundle import rewritten
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import golive
from golive import plugins
from golive.errors import MissingExtraError


@pytest.fixture
def without(tmp_path, monkeypatch):
    """Give a function that makes a library absent, for this process and those that it starts."""

    def absent(name):
        folder = tmp_path / "absent"
        folder.mkdir()
        text = f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')\n"
        (folder / f"{name}.py").write_text(text, "utf-8")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
        monkeypatch.syspath_prepend(str(folder))
        for loaded in [module for module in sys.modules if module.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, loaded)

    return absent


@pytest.mark.parametrize(
    ("runtime", "library", "extra"), [("openvino", "openvino", "openvino"), ("compiled", "onnx", "compiled")]
)
def test_opening_a_graph_names_the_extra(without, runtime, library, extra):
    without(library)
    with pytest.raises(MissingExtraError, match=rf"pip install 'golive\[{extra}\]' brings it"):
        plugins.load("runtimes", runtime).open(b"graph", threads=1)


def test_a_server_that_is_to_load_such_a_bundle_names_it_and_ends(without, tmp_path):
    rows, kinds = load_iris(return_X_y=True, as_frame=True)
    home: Path = tmp_path / "home"
    parent = golive.package(
        LogisticRegression(max_iter=500).fit(rows, kinds), sample=rows, target=kinds, name="flowers", home=str(home)
    )
    digest = rewritten(parent, "openvino")
    without("openvino")
    command = [sys.executable, "-m", "golive", "serve", digest, "--port", "0", "--admin-port", "0", "--workers", "1"]
    environment = {**os.environ, "GOLIVE_HOME": str(home)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=environment, cwd=tmp_path
    )
    assert done.returncode != 0
    assert "pip install 'golive[openvino]' brings it" in " ".join(done.stderr.split())
