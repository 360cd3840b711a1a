"""Exports ``onnx`` and ``ort``: files that answer the same with ONNX Runtime alone, and say so."""

import json
import subprocess
import sys

import onnx
import pytest
import tensor_models
from compiled import bundle_of
from priced import keep

from golive.adapters.exports.onnx_files.onnx import OnnxExport
from golive.adapters.exports.onnx_files.ort import OrtExport, optimized
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.bundle import Manifest
from golive.domain.preparation import Preparation
from golive.domain.signature import Signature
from golive.errors import UsageError, VerificationError

KINDS = {"onnx": OnnxExport(), "ort": OrtExport()}


def check(folder, *words):
    return subprocess.run(
        [sys.executable, "-I", str(folder / "check.py"), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_the_check_beside_the_file_finds_the_same_answers(kind, task, tmp_path):
    bundle, files = keep(tmp_path / "store", task=task)
    out = tmp_path / "out"
    out.mkdir()
    KINDS[kind].write(bundle, files, out, {})
    done = check(out)
    assert done.returncode == 0, done.stderr
    assert "rows: the greatest difference is 0, 0 decisions differ" in done.stdout


def test_the_check_leaves_with_one_and_the_worst_row_where_answers_differ(tmp_path):
    bundle, files = keep(tmp_path / "store", task="classification")
    OnnxExport().write(bundle, files, tmp_path, {})
    parity = json.loads((tmp_path / "parity.json").read_text())
    parity["P"][7] = parity["P"][7][::-1]
    (tmp_path / "parity.json").write_text(json.dumps(parity))
    done = check(tmp_path)
    assert done.returncode == 1
    assert "1 decisions differ" in done.stdout
    assert f"row 7: {parity['rows'][7]} was {parity['P'][7]}, is {parity['P'][7][::-1]}" in done.stdout


def test_the_graph_stays_byte_for_byte_and_the_readme_names_its_inputs(tmp_path):
    bundle, files = keep(tmp_path / "store")
    OnnxExport().write(bundle, files, tmp_path, {})
    assert (tmp_path / "model.onnx").read_bytes() == files["model.onnx"]
    readme = (tmp_path / "README.md").read_text()
    assert "`N`, float64 `[rows, numbers]`" in readme
    assert "`C`, int64 `[rows, categories]`" in readme


def test_the_code_of_the_readme_runs(tmp_path):
    bundle, files = keep(tmp_path / "store")
    OnnxExport().write(bundle, files, tmp_path, {})
    code = (tmp_path / "README.md").read_text().split("```python\n")[1].split("```")[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("[") == 4


def test_the_operators_for_a_small_build_are_those_of_the_optimized_graph(tmp_path):
    bundle, files = keep(tmp_path / "store")
    OrtExport().write(bundle, files, tmp_path, {})
    lines = (tmp_path / "required_operators.config").read_text().splitlines()
    assert lines == ["ai.onnx;18;Add,Gather,IsNaN,MatMul,Where"]


def test_a_graph_that_the_runtime_does_not_write_is_named():
    with pytest.raises(VerificationError, match=r"does not write this graph as ORT .* export it as onnx instead"):
        optimized(b"no graph", "ORT")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("graph", [tensor_models.mlp, tensor_models.two, tensor_models.image])
def test_a_graph_of_tensors_goes_too(kind, graph, tmp_path):
    content = graph()
    session = OnnxRuntime().open_tensors(content, threads=1)
    signature = Signature(
        inputs=(), task="tensors", target="y", tensors=tuple(session.inputs), outputs=tuple(session.outputs)
    )
    bundle = bundle_of(Manifest(name="m", signature=signature, preparation=Preparation()))
    KINDS[kind].write(bundle, {"model.onnx": content}, tmp_path, {})
    done = check(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"- `{session.inputs[0].name}`: {session.inputs[0].dtype} [" in (tmp_path / "README.md").read_text()


def test_an_option_is_refused(tmp_path):
    with pytest.raises(UsageError, match="this kind of export has no option 'float'; it takes none"):
        OnnxExport().write(*keep(tmp_path / "store"), tmp_path, {"float": "1"})


def test_the_format_is_the_runtime_s_own(tmp_path):
    bundle, files = keep(tmp_path / "store")
    OrtExport().write(bundle, files, tmp_path, {})
    assert (tmp_path / "model.ort").read_bytes()[4:8] == b"ORTM"
    assert onnx.load_model_from_string(files["model.onnx"]).graph.name == "priced"
