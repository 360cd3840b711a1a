"""Networks: the table form of a neural network, whichever library runs it.

``N`` (float64) -> what stands before the network -> cast to what it reads -> its shape -> the network as its own
library writes it -> cast to float64 -> softmax, sigmoid or scale -> ``P``. The network stays in its own precision.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pandas as pd
from onnx import TensorProto, inliner

from golive.adapters.frameworks import columns, numbers
from golive.adapters.frameworks.asking import as_trained, missing_markers
from golive.adapters.frameworks.emitter import Emitter, on_blocks
from golive.adapters.frameworks.graph import OPSETS, PAIR, Block, Graph, nested
from golive.adapters.frameworks.inputs import Columns, Inputs, frame_of
from golive.domain.network import Network
from golive.domain.signature import DType, Signature
from golive.errors import NotConvertibleError
from golive.ports import Converted, Float64

Array = npt.NDArray[Any]

Ask = Callable[[Array], Array]
"""Ask the network in inference mode: rows as it reads them in, its answers out."""

Write = Callable[[Array], bytes]
"""Write the network as ONNX with one input and one output; the rows are an example of its input."""

TOLERANCE = {"float64": 1e-9}
"""How far a graph may be from a network that reads this: probabilities absolutely, values relatively."""
SINGLE = 1e-5
"""The same for all others, which compute in single precision."""
SCALED = 1e-3
"""The same for values that ``scale`` and ``shift`` made: near zero they are a small difference of large numbers, whose
rounding is 1e-5 of the network's own output still."""
PIECE = 512
"""Rows asked at once: a convolution over all boundary rows would take gigabytes."""
EXAMPLES = 3
"""Rows that the network is written with: not 1, which exporters take for a constant."""
TYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
}


def table_form(network: Network, sample: Any, *, target: str, reads: str, ask: Ask, write: Write) -> Converted:
    """Put a network between ``N`` and ``P``.

    Args:
        network: The declaration.
        sample: Rows as ``before``, or else the network, saw them in training.
        target: The name of what is predicted.
        reads: The dtype of the network's input.
        ask: Asks the original.
        write: Writes it as ONNX.

    Raises:
        NotConvertibleError: the network cannot be asked or written, or does not give what is declared.
    """
    frame = frame_of(sample)
    if len(frame) == 0:
        message = "the sample has no rows; give some, as the network saw them in training"
        raise NotConvertibleError(message)
    inputs = Inputs(frame, {} if network.before is None else missing_markers(network.before))
    emitter = _emitter(inputs)
    flow = Columns(inputs.names)
    entering = emitter.transform(network.before, flow) if network.before is not None else _numbers(emitter, flow)
    examples = _entering(network, frame.iloc[np.arange(EXAMPLES) % len(frame)], reads)
    width = _width(network, _asked(ask, examples))
    tolerance = _tolerance(network, reads)
    written = ready_to_splice(write(examples), network)
    answer = _answer(emitter.graph, network, entering, written, reads, width)
    preparation = inputs.preparation()
    note = f"the network answers in its own precision; the proof allows a difference of {tolerance:g}"
    return Converted(
        graph=emitter.graph.finish(answer, numbers=len(preparation.numbers), categories=len(preparation.categories)),
        preparation=preparation,
        signature=_signature(network, inputs, target),
        thresholds=emitter.graph.thresholds(),
        notes=(note,),
        tolerance=tolerance,
    )


def answers(network: Network, rows: Any, *, reads: str, ask: Ask) -> Float64:
    """Ask the original: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities, float64.

    Raises:
        ValueError: the network cannot answer these rows, such as one whose code is outside an embedding.
    """
    frame = frame_of(rows)
    pieces = []
    for start in range(0, len(frame), PIECE):
        entering = _entering(network, frame.iloc[start : start + PIECE], reads)
        try:
            raw = np.asarray(ask(entering), np.float64)
        except (IndexError, RuntimeError) as error:
            raise ValueError(str(error)) from error
        pieces.append(_meaning(network, raw.reshape(len(entering), -1)))
    return np.concatenate(pieces)


def undeclared(model: object) -> NotConvertibleError:
    """Make the error for a network that was handed over bare with rows of a table."""
    return NotConvertibleError(
        f"{type(model).__name__} does not say what it gives; declare it with golive.network(module, gives='values') "
        "for one number a row, or gives='logits' or 'probabilities' with classes=(...), and shape=(...) where a row "
        "is not flat"
    )


def ready_to_splice(content: bytes, network: Network) -> onnx.ModelProto:
    """Bring an exporter's model into the form that goes between other nodes: no functions, no notes of its making.

    Exporters write down the source lines and folders of the machine they ran on; these do not belong in a bundle.

    Raises:
        NotConvertibleError: it needs operators that are not ONNX's own, or has not one input and one output.
    """
    model = onnx.load_from_string(content)
    if model.functions:
        model = inliner.inline_local_functions(model)
    foreign = sorted({node.domain for node in nested(model.graph.node) if node.domain not in OPSETS})
    names = (len(model.graph.input), len(model.graph.output))
    if foreign or names != (1, 1):
        what = f"operators of {foreign[0]!r}" if foreign else f"{names[0]} inputs and {names[1]} outputs"
        message = (
            f"{type(network.module).__name__} is written with {what}, and a row of a table enters and leaves by one "
            "tensor of ONNX's own operators; wrap it in a module that does"
        )
        raise NotConvertibleError(message)
    without_notes(model)
    return model


def without_notes(model: onnx.ModelProto) -> None:
    """Take an exporter's notes out of a model: source lines, module paths, texts."""
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:]
    graph.doc_string = ""
    for entry in (*nested(graph.node), *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del entry.metadata_props[:]
        entry.doc_string = ""


def _emitter(inputs: Inputs) -> Emitter:
    transformers = {**on_blocks(numbers.RULES), **columns.RULES}
    return Emitter(inputs, transformers=transformers, answers={}, decisions={})


def _numbers(emitter: Emitter, flow: Columns) -> Block:
    texts = [name for name in flow.names if emitter.inputs.is_text(name)]
    if texts:
        message = (
            f"the network reads numbers, and the column {texts[0]!r} holds text; put a fitted encoder before it: "
            "golive.network(..., before=ColumnTransformer(...))"
        )
        raise NotConvertibleError(message)
    return emitter.inputs.numbers(emitter.graph, flow.names)


def _entering(network: Network, frame: pd.DataFrame, reads: str) -> Array:
    """Give rows as they enter the network."""
    if network.before is None:
        flat: Any = frame.to_numpy(np.float64)
    else:
        flat = network.before.transform(as_trained(network.before, frame))
        flat = np.asarray(flat.toarray() if hasattr(flat, "toarray") else flat, np.float64)
    shape = network.shape or flat.shape[1:]
    if int(np.prod(shape)) != flat.shape[1]:
        message = f"rows of {flat.shape[1]} numbers cannot have the shape {tuple(shape)}; declare another shape"
        raise NotConvertibleError(message)
    with np.errstate(over="ignore", invalid="ignore"):  # extreme rows overflow on purpose
        return np.ascontiguousarray(flat.astype(reads).reshape(len(flat), *shape))


def _asked(ask: Ask, examples: Array) -> Array:
    try:
        return ask(examples)
    except (IndexError, RuntimeError, ValueError, TypeError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        message = (
            f"the network fails on rows of the sample, {examples.dtype} {list(examples.shape)} ({reason}); declare "
            "the shape of one row and what it reads: golive.network(..., shape=(...), reads=...)"
        )
        raise NotConvertibleError(message) from error


def _width(network: Network, found: Array) -> int:
    """Check that the network gives what is declared, and say how many numbers a row that is."""
    width = int(np.prod(found.shape[1:]))
    wanted = {1} if network.gives == "values" else {len(network.classes)}
    if len(network.classes) == PAIR:
        wanted.add(1)
    if found.ndim in {1, PAIR} and len(found) == EXAMPLES and width in wanted:
        return width
    for_what = f"for {len(network.classes)} classes" if network.classes else "a row"
    message = (
        f"the network answers {EXAMPLES} rows with the shape {list(found.shape)}, and gives={network.gives!r} needs "
        f"{' or '.join(f'[{EXAMPLES}, {number}]' for number in sorted(wanted))} {for_what}; mend the declaration, or "
        "wrap the network in a module that gives that"
    )
    raise NotConvertibleError(message)


def _tolerance(network: Network, reads: str) -> float:
    if reads in TOLERANCE:
        return TOLERANCE[reads]
    return SINGLE if (network.scale, network.shift) == (1.0, 0.0) else SCALED


def _answer(graph: Graph, network: Network, entering: Block, written: onnx.ModelProto, reads: str, width: int) -> Block:
    tensor = graph.op("Cast", entering.tensor, to=TYPES[reads]) if reads != "float64" else entering.tensor
    if network.shape:
        tensor = graph.op("Reshape", tensor, np.asarray([-1, *network.shape], np.int64))
    tensor = graph.splice(written, tensor, written.graph.output[0].name)
    flat = graph.op("Reshape", tensor, np.asarray([-1, width], np.int64))
    raw = Block(graph.to_double(flat), width)
    match network.gives:
        case "values" if (network.scale, network.shift) == (1.0, 0.0):
            return raw
        case "values":
            return graph.by_row("Add", graph.by_row("Mul", raw, network.scale), network.shift)
        case "logits" if width == 1:
            return graph.with_complement(graph.sigmoid(raw))
        case "logits":
            return graph.each("Softmax", raw, axis=1)
        case "probabilities":
            return graph.with_complement(raw) if width == 1 else raw


def _meaning(network: Network, raw: Float64) -> Float64:
    """Do to the original's answers what :func:`_answer` writes into the graph."""
    width = raw.shape[1]
    with np.errstate(all="ignore"):  # extreme rows overflow on purpose
        match network.gives:
            case "values":
                return raw * network.scale + network.shift
            case "logits" if width > 1:
                grown = np.exp(raw - raw.max(axis=1, keepdims=True))
                return np.asarray(grown / grown.sum(axis=1, keepdims=True), np.float64)
            case "logits":
                raw = 1.0 / (1.0 + np.exp(-raw))
            case "probabilities":
                pass
    return np.concatenate([1.0 - raw, raw], axis=1) if width == 1 else raw


def _signature(network: Network, inputs: Inputs, target: str) -> Signature:
    if not network.classes:
        return Signature(inputs=inputs.fields(), task="regression", target=target)
    return Signature(
        inputs=inputs.fields(),
        task="classification",
        target=target,
        classes=tuple(str(label) for label in network.classes),
        class_dtype=_label_dtype(network.classes),
    )


def _label_dtype(labels: tuple[Any, ...]) -> DType:
    kinds: tuple[tuple[type | tuple[type, ...], DType], ...] = (
        ((bool, np.bool_), "bool"),
        ((int, np.integer), "int64"),
        ((float, np.floating), "float64"),
    )
    for kind, dtype in kinds:
        if all(isinstance(label, kind) for label in labels):
            return dtype
    return "string"
