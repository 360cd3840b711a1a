"""Old ONNX: graphs for opsets below 7, which ONNX Runtime no longer opens, brought to a newer one and proved.

Before opset 7 broadcasting was an attribute, and layers were told that they are not being trained. ONNX's own converter
knows what that became; ONNX's reference evaluator, which reads the old graph as it is, says whether the new one answers
alike. What either of them cannot do is refused: called in the sandbox only.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import version_converter
from onnx.reference import ReferenceEvaluator

from golive.errors import DataError

OLDEST = 7
NEWER = 13
_TOLERANCE = 1e-4
_LENGTHS = (2, 8, 32, 224)
_CELLS = 1 << 22
_MOST_TEXT = 200

Arrays = dict[str, npt.NDArray[Any]]
Run = Callable[[bytes, Arrays], list[Any]]
"""Opens a graph with ONNX Runtime and runs it once."""


def opset_of(model: onnx.ModelProto) -> int:
    """Give the version of ONNX's own operators that a model is written for."""
    return max((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), default=1)


def upgraded(model: onnx.ModelProto, run: Run) -> bytes:
    """Bring a model to a newer opset, and prove that it answers as it did.

    Raises:
        DataError: that is not possible, or does not hold; the message says why.
    """
    plain = _without_training(model)
    try:
        content = bytes(version_converter.convert_version(plain, NEWER).SerializeToString())
    except Exception as error:  # the converter raises what its C++ does
        raise _refused(model, f"cannot be brought to a newer one ({_last(error)})") from error
    try:
        expected, feeds = _first_answered(plain)
        found = run(content, feeds)
    except Exception as error:  # the evaluator has a class of errors for each operator
        raise _refused(model, f"cannot be compared with a newer one ({_last(error)})") from error
    if not all(_alike(*pair) for pair in zip(found, expected, strict=True)):
        raise _refused(model, "answers otherwise once it is brought to a newer one")
    return content


def _without_training(model: onnx.ModelProto) -> onnx.ModelProto:
    """Give a copy without the dropouts of inference, which let everything through."""
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    for node in plain.graph.node:
        if node.op_type == "Dropout" and any(entry.name == "is_test" and entry.i for entry in node.attribute):
            node.op_type = "Identity"
            del node.attribute[:], node.output[1:]
    return plain


def _first_answered(model: onnx.ModelProto) -> tuple[list[Any], Arrays]:
    """Give the answers to made-up inputs of the first lengths of open axes that the graph takes.

    Raises:
        Exception: whatever the evaluator says of the last ones.
    """
    evaluator = ReferenceEvaluator(model)
    failed: Exception = ValueError("its inputs have no shapes")
    for feeds in _feeds(model):
        try:
            return list(evaluator.run(None, feeds)), feeds
        except Exception as error:  # noqa: BLE001 - the evaluator has a class of errors for each operator
            failed = error
    raise failed


def _feeds(model: onnx.ModelProto) -> Iterator[Arrays]:
    held = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in held]
    for length in _LENGTHS:
        random = np.random.default_rng(length)
        feeds: Arrays = {}
        for value in inputs:
            kind = value.type.tensor_type
            shape = [axis.dim_value if axis.dim_value > 0 else length for axis in kind.shape.dim]
            if np.prod(shape) > _CELLS:
                return
            dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
            drawn = random.normal(size=shape) if dtype.kind == "f" else random.integers(0, 2, size=shape)
            feeds[value.name] = drawn.astype(dtype)
        yield feeds


def _alike(found: Any, expected: Any) -> bool:
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape or expected.dtype.kind != "f":
        return found.shape == expected.shape and bool((found == expected).all())
    largest = max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0)))
    return bool(np.allclose(found, expected, rtol=0, atol=_TOLERANCE * largest, equal_nan=True))


def _refused(model: onnx.ModelProto, what: str) -> DataError:
    return DataError(
        f"it is written for opset {opset_of(model)} (before ONNX 1.2), which ONNX Runtime does not run, and {what}; "
        f"export the model again for opset {NEWER} or newer"
    )


def _last(error: Exception) -> str:
    """Give the end of an error's sentence: before it stand files and lines of the library's own source."""
    text = " ".join(str(error).split())
    return text.rpartition("failed: ")[2][:_MOST_TEXT] or type(error).__name__
