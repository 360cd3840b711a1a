"""The models of the onnx package's own backend tests: served with the expected answers beside them, or refused."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from golive.adapters.formats.onnx_child import Sent, check
from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.errors import DataError
from golive.packaging.onnx_file import OnnxFile, tensor_signature

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
MODELS = sorted([*DATA.glob("simple/*/model.onnx"), *DATA.glob("pytorch-*/*/model.onnx")])


def array(path):
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    found = numpy_helper.to_array(tensor)
    texts = [text.decode() if isinstance(text, bytes) else text for text in found.ravel().tolist()]
    return np.array(texts, object).reshape(found.shape) if found.dtype == object else found


def is_expected(given, wanted):
    if wanted.dtype == object:
        return given.tolist() == wanted.tolist()
    return given.shape == wanted.shape and np.allclose(given, wanted, 1e-3, 1e-5, equal_nan=True)


def served(path):
    """Give whether a model answers as it should, or the sentence with which it is refused."""
    content = path.read_bytes()
    try:
        facts = check(Sent(content))
    except DataError as error:
        return error.message
    content = facts.content or content
    signature = tensor_signature(OnnxFile(content=content, inputs=facts.inputs, outputs=facts.outputs))
    session = OnnxRuntime().open_tensors(content, threads=1)
    folder = path.parent / "test_data_set_0"
    given = session.run({one.name: array(folder / f"input_{place}.pb") for place, one in enumerate(signature.tensors)})
    wanted = [array(folder / f"output_{place}.pb") for place in range(len(signature.outputs))]
    return all(is_expected(given[one.name], right) for one, right in zip(signature.outputs, wanted, strict=True))


def test_models_of_the_backend_tests_answer_as_expected_or_are_refused_with_the_reason():
    found = {path.parent.name: served(path) for path in MODELS}
    if not found:
        pytest.skip("this onnx package carries no backend test data")
    wrong = [name for name, told in found.items() if told is False]
    refused = {name: told for name, told in found.items() if isinstance(told, str)}
    assert not wrong
    assert len(found) - len(refused) > 90
    assert all("export the model again" in told and "/onnxruntime" not in told for told in refused.values()), refused
    kinds = ("which ONNX Runtime does not run", "is not a registered function/op", "locale")
    assert all(any(kind in told for kind in kinds) for told in refused.values()), refused
