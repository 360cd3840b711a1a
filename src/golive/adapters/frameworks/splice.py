"""Splice: parts without a rule of ours that skl2onnx writes exactly in double precision, checked one by one.

What is on the list gave scikit-learn's answers within 1e-12 on thousands of real, mixed, extreme and tied rows. What
is not failed there: nearest neighbors (of equally near rows another one counts, and real tables have such rows),
Bernoulli naive Bayes (1e-8), three classes one against the rest (a row of vanishing probabilities), Gaussian processes
with ``normalize_y`` (1e-7); bagged and boosted classifiers have no double form at all.

skl2onnx comes with the extra ``convert``. It runs in a forked process under a time limit; only its bytes come back,
are cut down to the numeric output, and must then be double precision throughout.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, version_converter
from sklearn.base import is_classifier

from golive import plugins
from golive.adapters.frameworks.emitter import BlockRule, Emitter
from golive.adapters.frameworks.forked import ForkedError, forked
from golive.adapters.frameworks.graph import OPSETS, PAIR, Block, nested, reads
from golive.errors import MissingExtraError

LIMIT_S = 60.0
"""How long one part may take to be converted; usual is under a second."""
TARGET_OPSETS = {"": OPSETS[""], "ai.onnx.ml": 3}
NARROW = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16}
ROUNDING_LIMIT = 1e-12
"""How far rounding alone may move a Gaussian process's answer, relative to the usual target."""
KERNELS = {"Sum", "Product", "ConstantKernel", "WhiteKernel", "RBF", "RationalQuadratic", "Matern"}
MATERN_NU = {0.5, 1.5}
REMEDY = "replace it by a part that golive can write"


def spliced(emitter: Emitter, part: Any, block: Block) -> Block:
    """Write a part on the list: its nodes as skl2onnx makes them, between our tensors."""
    if (objection := CONDITIONS[type_on_list(part)](part)) is not None:
        raise emitter.refusal(part, *objection)
    if block.width == 1:
        # See Graph.product: a factor of one cell before a MatMul, which we do not write here, is rounded to float32.
        raise emitter.refusal(part, "reads a single column, which is not exact in the graph", REMEDY)
    model = onnx.load_from_string(onnx_of(emitter, part, lambda: _converted(part, block.width), limit_s=LIMIT_S))
    if any(entry.domain == "" and entry.version != OPSETS[""] for entry in model.opset_import):
        model = version_converter.convert_version(model, OPSETS[""])
    output = model.graph.output[-1].name
    _cut(model.graph, output)
    if any(node.domain or _is_narrow(node) for node in nested(model.graph.node)) or any(
        tensor.data_type in NARROW for tensor in model.graph.initializer
    ):
        raise emitter.refusal(part, "is not in double precision as skl2onnx writes it", REMEDY)
    tensor = emitter.graph.splice(model, block.tensor, output)
    return Block(tensor, len(part.classes_) if is_classifier(part) else 1)


def onnx_of(emitter: Emitter, part: Any, work: Callable[[], bytes], *, limit_s: float) -> bytes:
    """Convert a part under a time limit, in another process.

    Raises:
        NotConvertibleError: skl2onnx is not installed, fails on the part or takes too long.
    """
    try:
        plugins.library("skl2onnx")  # also spares the forked process the import
    except MissingExtraError as error:
        raise emitter.refusal(part, "needs skl2onnx to be written", "pip install 'golive[convert]'") from error
    try:
        return forked(work, limit_s=limit_s)
    except ForkedError as error:
        raise emitter.refusal(part, f"is written by skl2onnx, which {error}", REMEDY) from error


def type_on_list(part: Any) -> str:
    """Give the name of the nearest class of a part that is on the list."""
    return next(cls.__name__ for cls in type(part).__mro__ if cls.__name__ in CONDITIONS)


def _converted(part: Any, width: int) -> bytes:
    converter, types = plugins.library("skl2onnx"), plugins.library("skl2onnx.common.data_types")
    model = converter.convert_sklearn(
        part,
        initial_types=[("X", types.DoubleTensorType([None, width]))],
        options={id(part): {"zipmap": False}} if is_classifier(part) else None,
        target_opset=TARGET_OPSETS,
    )
    return bytes(model.SerializeToString())


def _cut(graph: onnx.GraphProto, output: str) -> None:
    """Keep only what one output needs; this leaves out the labels."""
    needed, kept = {output}, []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed.update(reads(node))
            kept.append(node)
    tensors = [tensor for tensor in graph.initializer if tensor.name in needed]
    outputs = [value for value in graph.output if value.name == output]
    for field, entries in ((graph.node, kept[::-1]), (graph.initializer, tensors), (graph.output, outputs)):
        del field[:]
        field.extend(entries)


def _is_narrow(node: onnx.NodeProto) -> bool:
    casts = node.op_type == "Cast" and any(entry.i in NARROW for entry in node.attribute if entry.name == "to")
    return casts or any(entry.HasField("t") and entry.t.data_type in NARROW for entry in node.attribute)


Objection = tuple[str, str]
"""Why a part is not written, and the remedy."""


def _nothing(_: Any) -> Objection | None:
    return None


def _gaussian_process(model: Any) -> Objection | None:
    if np.ndim(model.y_train_) != 1:
        return "predicts several targets", "fit one model a target"
    if model.normalize_y:
        remedy = "set normalize_y=False and wrap it in TransformedTargetRegressor(..., transformer=StandardScaler())"
        return "is not exact with normalize_y=True", remedy
    for kernel in parts_of(model.kernel_):
        name = type(kernel).__name__
        if name not in KERNELS or (name == "Matern" and kernel.nu not in MATERN_NU):
            return f"uses the kernel {kernel}, which is not exact in the graph", "use RBF, RationalQuadratic or Matern"
    usual = max(1.0, float(np.median(np.abs(model.y_train_))))
    rounding = float(np.finfo(np.float64).eps * np.abs(model.alpha_).sum()) / usual
    if rounding > ROUNDING_LIMIT:
        why = f"has weights so large that rounding alone moves its answers by {rounding:.0e}"
        return why, "fit it with a greater alpha, or add a WhiteKernel"
    return None


def parts_of(kernel: Any) -> Iterator[Any]:
    """Give a kernel and all that it is made of."""
    yield kernel
    for side in ("k1", "k2"):
        if hasattr(kernel, side):
            yield from parts_of(getattr(kernel, side))


def _huber(model: Any) -> Objection | None:
    if len(model.classes_) != PAIR:
        why = "is not exact with loss='modified_huber' and more than two classes"
        return why, "use loss='log_loss'"
    return None


CONDITIONS: Mapping[str, Callable[[Any], Objection | None]] = {
    "ComplementNB": _nothing,
    "GaussianProcessRegressor": _gaussian_process,
    "SGDClassifier": _huber,
}
"""The list: class name -> what speaks against this object, if anything."""

ANSWERS: Mapping[str, BlockRule] = {"ComplementNB": spliced}
"""Class name of an estimator -> how its values or probabilities are written."""
