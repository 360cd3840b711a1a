"""TensorFlow in the sandbox, in an environment of its own: a model is loaded, written as ONNX, and compared with it.

Verbs: ``open`` (which file), ``convert`` (the graph, and what the comparison found out) and ``ask`` (inputs in, the
model's own answers out).
"""

import math
import resource
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.control.sandbox.arrays import pack, unpack
from golive.control.sandbox.tensorflow import Arrays, Asked, Made
from golive.errors import DataError, NotConvertibleError, ParityError

OPSET = 18
LENGTHS = (1, 8, 32, 64, 224)
"""What an axis of free length is tried with."""
TOLERANCE = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2}
"""How far apart two answers may be, relative to max(1, |answer|): two libraries add in another order."""
SCALES = (0.0, 0.1, 1.0, 30.0)
BATCHES = (1, 3, 16)
_MOST_CELLS = 1 << 22
_WIDE, _BYTE = 2, 256


class Original(msgspec.Struct, frozen=True, eq=False):
    """A loaded model: what it reads, how it is asked, and how it is written as ONNX."""

    kind: str
    inputs: dict[str, tuple[str, tuple[int | None, ...]]]
    """Name -> dtype and shape."""
    ask: Callable[[Arrays], Arrays]
    write: Callable[[], bytes]
    quantized: frozenset[str] = frozenset()
    """Outputs whose whole numbers are steps of a scale."""


def handler() -> Callable[[str, bytes], bytes]:
    """Give what answers a sandbox's questions about one file."""
    # What is loaded may not write at all, whatever its operators ask for.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    # Else a file would be written to find out where that can be done.
    tempfile.tempdir = str(Path.cwd())
    loaded: list[Original] = []

    def answer(verb: str, content: bytes) -> bytes:
        if verb == "ask":
            return pack(loaded[0].ask(unpack(content)))
        if verb == "convert":
            return msgspec.msgpack.encode(compared(loaded[0].write(), loaded[0]))
        asked = msgspec.msgpack.decode(content, type=Asked)
        loaded[:] = [_saved_model(asked) if asked.kind == "SavedModel" else _lite(asked)]
        return b""

    return answer


def compared(graph: bytes, original: Original) -> Made:
    """Ask both models for made-up inputs of several sizes and scales.

    Raises:
        ParityError: an answer is another one; the message names it.
        NotConvertibleError: the model runs on none of the inputs that were made up.
    """
    import onnxruntime  # noqa: PLC0415 - the environment's own

    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    worst, tried, steps = 0.0, 0, 0
    reason = ""
    for feeds in _feeds(original.inputs):
        try:
            wanted = original.ask(feeds)
        except Exception as error:  # noqa: BLE001 - TensorFlow raises its own; another length may do
            reason = reason or _first_line(error)
            continue
        names = list(wanted)
        found = dict(zip(names, session.run(names, feeds), strict=True))
        for name in names:
            apart = _apart(np.asarray(found[name]), np.asarray(wanted[name]), name, name in original.quantized)
            worst, steps = max(worst, apart[0]), max(steps, apart[1])
        tried += 1
    if not tried:
        message = f"it does not run on inputs made up from its signature ({reason}); convert it where its data is"
        raise NotConvertibleError(message)
    step = f" ({steps} step of a quantized output)" if steps else ""
    text = f"asked for {tried} made-up inputs, the graph and the {original.kind} were at most {worst:.2g} apart{step}"
    return Made(graph, text, worst)


def _feeds(inputs: Mapping[str, tuple[str, tuple[int | None, ...]]]) -> Iterator[Arrays]:
    rng = np.random.default_rng(0)
    is_free = any(length is None for _, shape in inputs.values() for length in shape[1:])
    for length in LENGTHS if is_free else LENGTHS[:1]:
        for batch in BATCHES:
            for scale in SCALES:
                yield {
                    name: _made_up(rng, dtype, shape, batch, length, scale) for name, (dtype, shape) in inputs.items()
                }


def _made_up(
    rng: np.random.Generator, dtype: str, shape: tuple[int | None, ...], batch: int, length: int, scale: float
) -> npt.NDArray[Any]:
    lengths = tuple(known if known is not None else length if axis else batch for axis, known in enumerate(shape))
    if math.prod(lengths) > _MOST_CELLS:
        message = f"an input of the shape {list(lengths)} is more than is made up; convert it where its data is"
        raise NotConvertibleError(message)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return (rng.normal(size=lengths) * scale).astype(kind)
    if kind.kind in "iu" and kind.itemsize == 1:
        lowest = -_BYTE // 2 if kind.kind == "i" else 0
        return rng.integers(lowest, lowest + _BYTE, lengths).astype(kind)
    # Wide whole numbers are places in a table more often than not.
    return rng.integers(0, _WIDE, lengths).astype(kind)


def _apart(found: npt.NDArray[Any], wanted: npt.NDArray[Any], name: str, is_quantized: bool) -> tuple[float, int]:
    """Say how far apart two answers are: relative to max(1, |answer|), and in steps of a quantized one."""
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        message = (
            f"the graph gives {name!r} as {found.dtype} {list(found.shape)}, and the model as {wanted.dtype} "
            f"{list(wanted.shape)}; write it as ONNX yourself, and import that"
        )
        raise ParityError(message)
    left, right = found.astype(np.float64), wanted.astype(np.float64)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    with np.errstate(all="ignore"):
        apart = np.where(same, 0.0, np.abs(left - right))
    if is_quantized:
        steps, allowed = int(apart.max(initial=0.0)), 1.0
        shown, relative = apart, 0.0
    else:
        shown = apart / np.maximum(1.0, np.abs(right))
        allowed, steps = TOLERANCE.get(wanted.dtype.name, 0.0), 0
        relative = float(shown.max(initial=0.0))
    if not float(shown.max(initial=0.0)) <= allowed:
        place = int(np.nanargmax(shown))
        message = (
            f"the graph that tf2onnx wrote gives {left.ravel()[place]:.9g} for {name!r} where the model gives "
            f"{right.ravel()[place]:.9g}; write it as ONNX yourself, and import that"
        )
        raise ParityError(message)
    return relative, steps


def _saved_model(asked: Asked) -> Original:
    tensorflow = _tensorflow()
    _check_operators(asked.operators)
    try:
        model = tensorflow.saved_model.load(asked.path)
        function = model.signatures[asked.signature]
    except Exception as error:  # TensorFlow raises anything over a stranger's file
        message = f"TensorFlow cannot load it ({_first_line(error)}); get a whole copy of the folder"
        raise DataError(message) from error
    read = function.structured_input_signature[1]
    inputs = {name: (spec.dtype.name, _shape(name, spec.shape)) for name, spec in read.items()}
    _check_types({name: dtype for name, (dtype, _) in inputs.items()})

    def ask(feeds: Arrays) -> Arrays:
        answers = function(**{name: tensorflow.constant(feeds[name]) for name in inputs})
        return {name: np.asarray(value) for name, value in answers.items()}

    return Original(asked.kind, inputs, ask, lambda: _saved_model_written(asked))


def _saved_model_written(asked: Asked) -> bytes:
    from tf2onnx import tf_loader  # noqa: PLC0415 - the environment's own

    graph, given, gives, tables, names = tf_loader.from_saved_model(
        asked.path,
        None,
        None,
        tag=["serve"],
        signatures=[asked.signature],
        return_initialized_tables=True,
        return_tensors_to_rename=True,
    )
    return _written(graph, input_names=given, output_names=gives, tensors_to_rename=names, initialized_tables=tables)


def _lite(asked: Asked) -> Original:
    tensorflow = _tensorflow()
    try:
        interpreter = tensorflow.lite.Interpreter(model_content=Path(asked.path).read_bytes(), num_threads=1)
        interpreter.allocate_tensors()
    except Exception as error:
        message = f"TensorFlow Lite cannot open it ({_first_line(error)}); get a whole copy of the file"
        raise DataError(message) from error
    read, gives = interpreter.get_input_details(), interpreter.get_output_details()
    inputs = {_plain(one): (np.dtype(one["dtype"]).name, _lite_shape(one)) for one in read}
    _check_types({name: dtype for name, (dtype, _) in inputs.items()})
    renamed = {one["name"]: _plain(one) for one in (*read, *gives)}

    def ask(feeds: Arrays) -> Arrays:
        for one in read:
            given = feeds[_plain(one)]
            interpreter.resize_tensor_input(one["index"], given.shape, strict=False)
        interpreter.allocate_tensors()
        for one in read:
            interpreter.set_tensor(one["index"], feeds[_plain(one)])
        interpreter.invoke()
        return {_plain(one): np.array(interpreter.get_tensor(one["index"])) for one in gives}

    quantized = frozenset(
        _plain(one) for one in gives if one["quantization"][0] and np.dtype(one["dtype"]).kind in "iu"
    )
    return Original(
        asked.kind,
        inputs,
        ask,
        lambda: _written(None, tflite_path=asked.path, tensors_to_rename=renamed),
        quantized,
    )


def _plain(detail: Mapping[str, Any]) -> str:
    """Give a tensor's name without what TensorFlow puts around it."""
    return str(detail["name"]).removeprefix("serving_default_").rpartition(":")[0] or str(detail["name"])


def _lite_shape(detail: Mapping[str, Any]) -> tuple[int | None, ...]:
    lengths = detail["shape_signature"] if len(detail["shape_signature"]) else detail["shape"]
    return tuple(None if length < 0 else int(length) for length in lengths)


def _shape(name: str, shape: Any) -> tuple[int | None, ...]:
    if shape.rank is None:
        message = f"the input {name!r} has no known number of axes; save the model with the shape of each input"
        raise DataError(message)
    return tuple(shape.as_list())


def _check_types(types: Mapping[str, str]) -> None:
    for name, dtype in types.items():
        if dtype not in np.sctypeDict or np.dtype(dtype).kind not in "fiub":
            message = (
                f"the input {name!r} is of the type {dtype}, which no ONNX graph of TensorFlow's reads exactly; save a "
                "function that reads numbers, and prepare them before it"
            )
            raise NotConvertibleError(message)


def _check_operators(operators: tuple[str, ...]) -> None:
    """Refuse operators that have no form in ONNX before anything is loaded."""
    import tf2onnx.tfonnx  # noqa: PLC0415 - the environment's own; it fills the table

    known = {name for table in tf2onnx.handler.tf_op.get_opsets().values() for opset in table for name in opset}
    absent = sorted(set(operators) - known - PLUMBING)
    if absent:
        message = (
            f"it needs the operators {', '.join(absent)}, for which ONNX has no form that tf2onnx knows; save a "
            "function without them (what prepares texts or reads files belongs before the model)"
        )
        raise NotConvertibleError(message)


PLUMBING = {"VarHandleOp", "ReadVariableOp", "StatefulPartitionedCall", "PartitionedCall", "NoOp", "Placeholder"}
"""Operators that are gone once functions are written out and variables have become constants."""


def _written(graph: Any, **how: Any) -> bytes:
    from tf2onnx import convert  # noqa: PLC0415 - the environment's own

    try:
        model, _ = convert._convert_common(graph, name="model", opset=OPSET, **how)  # noqa: SLF001 - from_* hide parts
    except Exception as error:
        message = f"tf2onnx cannot write it as ONNX ({_first_line(error)}); write it as ONNX yourself, and import that"
        raise NotConvertibleError(message) from error
    strange = sorted({node.op_type for node in model.graph.node if node.domain not in {"", "ai.onnx", "ai.onnx.ml"}})
    if strange:
        message = f"it needs {', '.join(strange)}, for which standard ONNX has no form; save a function without them"
        raise NotConvertibleError(message)
    # Beside the version it writes where it was built, and that is often nothing.
    model.producer_version = str(model.producer_version).split()[0] if model.producer_version.split() else ""
    return bytes(model.SerializeToString())


def _tensorflow() -> Any:
    import tensorflow as tf  # noqa: PLC0415 - the environment's own

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]
