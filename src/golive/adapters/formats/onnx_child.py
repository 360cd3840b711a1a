"""ONNX in the sandbox: a stranger's file is parsed, checked, opened and run here first; a crash is this process's own.

Verbs: ``check`` (content and folder in, what it reads and gives out), ``open`` and ``run`` (rows in, answers out).
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, defs, external_data_helper

from golive.adapters.formats.onnx_old import NEWER, OLDEST, opset_of, upgraded
from golive.adapters.graphs.session import FATAL_ONLY, onnxruntime, session
from golive.control.sandbox.arrays import pack, unpack
from golive.errors import DataError
from golive.packaging.onnx_file import Value

MOST_NODES = 2_000_000
MOST_DEPTH = 16
MOST_CELLS = 1 << 28
"""Of a tensor whose shape is declared in full; two gigabytes in float64."""
_NEWEST_OPERATORS = ("", "ai.onnx", "ai.onnx.ml")
_RUNTIME_OPERATORS = {"com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc", "ai.onnx.preview.training"}
_TRIED_LENGTHS = (1, 32, 64, 224)
"""Lengths that are given to open axes when a graph is tried with nothing but zeros."""
_TRIED_CELLS = 1 << 22
_INTERNAL = re.compile(r"^\[ONNXRuntimeError\] : \d+ : |/onnxruntime_src/\S+ .*?[)>] (?=[A-Z])")


_PACKED = {"INT4", "UINT4", "FLOAT4E2M1", "INT2", "UINT2"}
"""Several values a byte; ONNX Runtime checks their lengths."""


class Sent(msgspec.Struct, frozen=True):
    """A file, and the folder that files it names may stand in (empty: there is none)."""

    content: bytes
    folder: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    producer: str = ""
    content: bytes = b""
    """The graph with its outside data inside; empty where there is none, so that the file itself is the graph."""
    notes: tuple[str, ...] = ()


class Feeds(msgspec.Struct, frozen=True):
    """Arrays for one run of one opened graph, and the outputs that are wanted."""

    session: int
    arrays: bytes
    outputs: tuple[str, ...]


def handler() -> Callable[[str, bytes], bytes]:
    """Give what answers a sandbox's questions; sessions stay open as long as the process."""
    sessions: list[Any] = []

    def answer(verb: str, content: bytes) -> bytes:
        if verb == "check":
            return msgspec.msgpack.encode(check(msgspec.msgpack.decode(content, type=Sent)))
        if verb == "open":
            sessions.append(opened(content))
            return msgspec.msgpack.encode(len(sessions) - 1)
        feeds = msgspec.msgpack.decode(content, type=Feeds)
        found = _run(sessions[feeds.session], list(feeds.outputs), unpack(feeds.arrays))
        return pack(dict(zip(feeds.outputs, map(np.asarray, found), strict=True)))

    return answer


def check(sent: Sent) -> Facts:
    """Parse, check and open a file, and try it once with zeros.

    Raises:
        DataError: it is no ONNX graph that can be served; the message says why and what to do.
    """
    model = _parsed(sent.content)
    outside = _check_outside(model, Path(sent.folder) if sent.folder else None)
    _check_depth(model)
    _check_operators(model)
    _check_sizes(model)
    content = sent.content
    if outside:
        external_data_helper.load_external_data_for_model(model, sent.folder)
        _check_sizes(model)
        content = bytes(model.SerializeToString())
    content, is_old = _newer_where_needed(model, content)
    if is_old:
        model = onnx.load_model_from_string(content)
    session = opened(content)
    inputs = tuple(_value(node) for node in session.get_inputs())
    outputs, notes = _tried(session, inputs, model)
    if outside:
        notes = (*notes, f"{len(outside)} tensors that stood in other files were put into the graph")
    if is_old:
        notes = (*notes, f"it was brought from an opset below {OLDEST} to {NEWER}, and answers alike on made-up inputs")
    return Facts(
        inputs=inputs,
        outputs=outputs,
        producer=f"{model.producer_name} {model.producer_version}".strip(),
        content=content if outside or is_old else b"",
        notes=notes,
    )


def _newer_where_needed(model: onnx.ModelProto, content: bytes) -> tuple[bytes, bool]:
    """Bring a graph of an old opset to a newer one, where its operators are too old for ONNX Runtime."""
    if opset_of(model) >= OLDEST:
        return content, False
    try:
        opened(content)
    except DataError:
        return upgraded(model, lambda graph, feeds: _run(opened(graph), None, feeds)), True
    return content, False


def _run(session: Any, outputs: list[str] | None, arrays: dict[str, npt.NDArray[Any]]) -> list[Any]:
    """Run once.

    Raises:
        ValueError: it does not run on these arrays; the message is ONNX Runtime's reason.
    """
    try:
        return list(session.run(outputs, arrays))
    except Exception as error:  # ONNX Runtime raises a dozen classes of its own, with Exception as their root
        raise ValueError(_reason(error)) from error


def _reason(error: Exception) -> str:
    """Give the last part of ONNX Runtime's sentence: before it stand numbers and places of its source."""
    text = " ".join(str(error).split()) or type(error).__name__
    return _INTERNAL.sub("", text.rpartition("Status Message: ")[2].rpartition(" was false. ")[2])


def opened(content: bytes) -> Any:
    """Open a graph with ONNX Runtime.

    Raises:
        DataError: it cannot run this graph; the message is its reason.
    """
    try:
        return session(content, says=FATAL_ONLY)
    except Exception as error:  # ONNX Runtime raises a dozen classes of its own, with Exception as their root
        message = (
            f"ONNX Runtime {onnxruntime().__version__} cannot open it ({_reason(error)}); "
            "export the model again for a current opset, with standard operators"
        )
        raise DataError(message) from error


def _parsed(content: bytes) -> onnx.ModelProto:
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:
        message = f"its {len(content)} bytes are no ONNX file, or one that was cut short ({error}); fetch it again"
        raise DataError(message) from error
    if not model.graph.output or not (model.graph.node or model.graph.initializer):
        message = f"its {len(content)} bytes hold no graph, so it is no ONNX model; check which file was meant"
        raise DataError(message)
    return model


def _graphs(model: onnx.ModelProto) -> Iterator[tuple[Any, int]]:
    """Give the main graph, the functions and every graph inside them, each with its depth."""
    waiting: list[tuple[Any, int]] = [(model.graph, 0), *((function, 0) for function in model.functions)]
    while waiting:
        graph, depth = waiting.pop()
        yield graph, depth
        for node in graph.node:
            for attribute in node.attribute:
                inner = [attribute.g] if attribute.HasField("g") else []
                waiting += [(one, depth + 1) for one in (*inner, *attribute.graphs)]


def _tensors(model: onnx.ModelProto) -> Iterator[TensorProto]:
    for graph, _ in _graphs(model):
        yield from getattr(graph, "initializer", ())
        for sparse in getattr(graph, "sparse_initializer", ()):
            yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors
                for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                    yield from (sparse.values, sparse.indices)


def _check_outside(model: onnx.ModelProto, folder: Path | None) -> list[TensorProto]:
    """Refuse tensors whose data stands in a file outside the folder; give those whose data stands inside it."""
    outside = [tensor for tensor in _tensors(model) if tensor.data_location == TensorProto.EXTERNAL]
    for tensor in outside:
        location = {entry.key: entry.value for entry in tensor.external_data}.get("location", "")
        if folder is None:
            message = f"the tensor {tensor.name!r} stands in another file ({location!r}); save the model in one file"
            raise DataError(message)
        place = (folder / location).resolve()
        if not location or not place.is_relative_to(folder.resolve()) or not place.is_file():
            message = (
                f"the tensor {tensor.name!r} stands in the file {location!r}, which is not a file in the model's own "
                "folder; save the model in one file, or with its data beside it"
            )
            raise DataError(message)
    return outside


def _check_depth(model: onnx.ModelProto) -> None:
    nodes = 0
    for graph, depth in _graphs(model):
        nodes += len(graph.node)
        if depth > MOST_DEPTH or nodes > MOST_NODES:
            message = (
                f"it has graphs {depth} deep inside each other and at least {nodes} nodes, more than the "
                f"{MOST_DEPTH} and {MOST_NODES:,} that are accepted; it was made to do harm, or export it anew"
            )
            raise DataError(message)
    calls = {_function(function): {_function(node) for node in function.node} for function in model.functions}
    if circular := _circular(calls):
        message = f"its function {circular!r} calls itself, so it has no end; export the model again"
        raise DataError(message)


def _function(item: Any) -> str:
    name = getattr(item, "op_type", None) or item.name
    return f"{item.domain}:{name}"


def _circular(calls: Mapping[str, set[str]]) -> str:
    """Give a function that reaches itself, or an empty text."""
    left = {name: found & set(calls) for name, found in calls.items()}
    while left:
        ends = {name for name, found in left.items() if not found}
        if not ends:
            return min(left)
        left = {name: found - ends for name, found in left.items() if name not in ends}
    return ""


def _check_operators(model: onnx.ModelProto) -> None:
    known = {"": defs.onnx_opset_version(), "ai.onnx": defs.onnx_opset_version()}
    own = {function.domain for function in model.functions}
    for entry in model.opset_import:
        if entry.domain in known and entry.version > known[entry.domain]:
            message = (
                f"it is written for opset {entry.version}, and the newest one known here is {known[entry.domain]}; "
                "export it for an earlier opset"
            )
            raise DataError(message)
    used = {node.domain for graph, _ in _graphs(model) for node in graph.node}
    strange = used - set(_NEWEST_OPERATORS) - _RUNTIME_OPERATORS - own
    if strange:
        message = (
            f"it uses operators of {', '.join(sorted(map(repr, strange)))}, which need a library of their own; "
            "export it with standard operators"
        )
        raise DataError(message)


def _check_sizes(model: onnx.ModelProto) -> None:
    for tensor in _tensors(model):
        cells = math.prod(tensor.dims)
        if any(length < 0 for length in tensor.dims) or (tensor.raw_data and not _fits(tensor, cells)):
            message = (
                f"its tensor {tensor.name!r} declares the shape {list(tensor.dims)} but holds "
                f"{len(tensor.raw_data)} bytes; the file is damaged, fetch or export it again"
            )
            raise DataError(message)
        if cells > MOST_CELLS * 8:
            _huge(tensor.name, list(tensor.dims))
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        # Some exporters write an open axis as -1.
        lengths = [axis.dim_value for axis in value.type.tensor_type.shape.dim if axis.dim_value > 0]
        if math.prod(lengths) > MOST_CELLS:
            _huge(value.name, lengths)


def _huge(name: str, lengths: list[int]) -> None:
    message = (
        f"its tensor {name!r} declares the shape {lengths}, more than the {MOST_CELLS:,} values that are accepted; "
        "export the model with smaller or open axes"
    )
    raise DataError(message)


def _fits(tensor: TensorProto, cells: int) -> bool:
    try:
        name = TensorProto.DataType.Name(tensor.data_type)
        size = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    except (KeyError, ValueError):
        return False
    return name in _PACKED or len(tensor.raw_data) == cells * size


def _value(node: Any) -> Value:
    shape = node.shape
    if shape is None:
        return Value(name=node.name, kind=node.type, shape=None)
    known = tuple(length if isinstance(length, int) and length > 0 else None for length in shape)
    return Value(name=node.name, kind=node.type, shape=known)


def _tried(
    session: Any, inputs: tuple[Value, ...], model: onnx.ModelProto
) -> tuple[tuple[Value, ...], tuple[str, ...]]:
    """Run once with zeros, to see that it runs and that it gives the shapes that the file declares."""
    outputs = tuple(_value(node) for node in session.get_outputs())
    reason = ""
    for length in _TRIED_LENGTHS:
        if not (feeds := _zeros(inputs, length)) and inputs:
            break
        try:
            found = _run(session, None, feeds)
        except ValueError as error:
            reason = reason or str(error)
            if "alloc" in reason:
                message = f"it does not run in the memory there is ({reason}); it was made to do harm, or is too big"
                raise DataError(message) from error
            continue
        came = list(zip(outputs, map(_declared, model.graph.output), found, strict=True))
        return tuple(_seen(*one) for one in came), tuple(note for one in came for note in _misdeclared(*one))
    why = f" ({reason})" if reason else ""
    return outputs, (f"it could not be tried with made-up zeros{why}; try it with real values once it serves",)


def _zeros(inputs: tuple[Value, ...], length: int) -> dict[str, npt.NDArray[Any]]:
    feeds: dict[str, npt.NDArray[Any]] = {}
    for value in inputs:
        if value.dtype is None or value.shape is None:
            return {}
        shape = tuple(length if one is None else one for one in value.shape)
        if math.prod(shape) > _TRIED_CELLS:
            return {}
        feeds[value.name] = np.full(shape, "", object) if value.dtype == "string" else np.zeros(shape, value.dtype)
    return feeds


def _declared(value: onnx.ValueInfoProto) -> tuple[int | None, ...] | None:
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return tuple(axis.dim_value if axis.dim_value > 0 else None for axis in kind.shape.dim)


def _seen(value: Value, declared: tuple[int | None, ...] | None, array: Any) -> Value:
    """Take a number of axes that is not declared from what came; a declared one must be that of what came."""
    if not isinstance(array, np.ndarray) or value.dtype is None:
        return value
    if declared is not None and len(declared) != array.ndim:
        message = (
            f"its output {value.name!r} is declared as {_text(declared)} but comes as {_text(array.shape)}; "
            "export the model again, with the shapes that it really has"
        )
        raise DataError(message)
    known = value.shape if value.shape and len(value.shape) == array.ndim else (None,) * array.ndim
    return msgspec.structs.replace(value, shape=known)


def _misdeclared(value: Value, declared: tuple[int | None, ...] | None, array: Any) -> Iterator[str]:
    """Tell where another length came than the file declares."""
    if isinstance(array, np.ndarray) and declared is not None:
        pairs = zip(declared, array.shape, strict=True)
        if any(length not in (None, came) for length, came in pairs):
            yield f"the file declares {value.name!r} as {_text(declared)}, but it comes as {_text(array.shape)}"


def _text(shape: tuple[int | None, ...]) -> str:
    return f"[{', '.join('?' if length is None else str(length) for length in shape)}]"
