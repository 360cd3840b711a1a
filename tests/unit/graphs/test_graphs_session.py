"""Sessions of ONNX Runtime: quiet, on the processor, and of a library that reports nothing to its maker."""

import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from golive.adapters.graphs.session import optimized, session

TELLS = """
import importlib.abc, os, sys

class Spy(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "onnxruntime":
            print(os.environ.get("ORT_DISABLE_TELEMETRY"))

sys.meta_path.insert(0, Spy())
"""


def doubled_twice():
    value = helper.make_tensor_value_info
    nodes = [helper.make_node("Add", ["N", "N"], ["x"]), helper.make_node("Identity", ["x"], ["P"])]
    rows = ("N", TensorProto.DOUBLE, [None, 1]), ("P", TensorProto.DOUBLE, [None, 1])
    made = helper.make_graph(nodes, "g", [value(*rows[0])], [value(*rows[1])])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()


def test_a_graph_is_opened_with_as_many_threads_as_it_is_told():
    opened = session(doubled_twice(), threads=2)
    assert opened.get_session_options().intra_op_num_threads == 2
    assert opened.run(["P"], {"N": np.array([[1.5]])})[0].tolist() == [[3.0]]


def test_a_graph_is_rewritten_as_it_would_run():
    graph = optimized(doubled_twice(), "basic")
    assert [node.op_type for node in onnx.load_model_from_string(graph).graph.node] == ["Add"]
    assert session(graph).run(["P"], {"N": np.array([[1.5]])})[0].tolist() == [[3.0]]


def test_entries_of_the_configuration_are_passed_on():
    written = optimized(doubled_twice(), "basic", entries={"session.save_model_format": "ORT"})
    assert written[4:8] == b"ORTM"


@pytest.mark.parametrize(
    "code",
    [
        "import golive.adapters.graphs.session as s; s.onnxruntime()",
        "import golive.adapters.optimizers.quantize as q\ntry: q.static(b'', None)\nexcept Exception: pass",
        "import golive.adapters.exports.onnx_files.ort as o\ntry: o.optimized(b'', 'ORT')\nexcept Exception: pass",
    ],
    ids=["session", "quantize", "export"],
)
def test_before_its_first_import_the_library_is_told_to_report_nothing(code):
    quiet = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run([sys.executable, "-c", TELLS + code], capture_output=True, text=True, check=True, env=quiet)
    assert done.stdout.split()[0] == "1"
