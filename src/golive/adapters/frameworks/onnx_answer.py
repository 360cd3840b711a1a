"""ONNX answer: which tensor of somebody's graph is its answer, and what its classes are called."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import onnx
from onnx import TensorProto, helper, numpy_helper

from golive.adapters.frameworks.graph import nested, reads
from golive.domain.signature import DType
from golive.errors import NotConvertibleError
from golive.packaging.onnx_file import OnnxFile, Value

WITHOUT = "import it without --sample to serve it as the tensors that it reads and gives"
FLOATS = {"float16", "float32", "float64"}
LABELS = {"string", "int64", "int32"}
CLASS_NAMES = (
    "classlabels_strings",
    "classlabels_int64s",
    "classlabels_ints",
)
"""Attributes of classifiers that hold the names of their classes."""
PASSING = {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Cast"}
MAPS = "seq(map("


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Where the answer is."""

    output: str
    """The output of the file."""
    tensor: str
    """The tensor behind it: the same, or what its maps are made of."""
    label: str = ""
    """The output that names the class of each row, where there is one."""
    classes: tuple[str, ...] = ()
    dtype: DType = "string"

    @property
    def is_maps(self) -> bool:
        """Whether the output is a map from classes to numbers for each row."""
        return self.output != self.tensor

    @property
    def tensors(self) -> tuple[str, ...]:
        """What is asked of the graph."""
        return (self.tensor, self.label) if self.label else (self.tensor,)


def answer_of(file: OnnxFile, model: onnx.ModelProto) -> Answer:
    """Choose the answer among the outputs: one tensor of floats, or the probabilities beside a label.

    Raises:
        NotConvertibleError: there is none, or more than one.
    """
    maps = [value for value in file.outputs if value.kind.startswith(MAPS)]
    floats = [value for value in file.outputs if value.dtype in FLOATS]
    labels = [value for value in file.outputs if value.dtype in LABELS]
    answers = [*maps, *floats]
    if len(answers) != 1 or len(labels) > 1 or len(answers) + len(labels) != len(file.outputs):
        listed = ", ".join(f"{value.name!r} ({value.kind})" for value in file.outputs)
        message = (
            f"the graph gives {listed}, where a table needs one tensor of floats, with at most one label beside it; "
            f"{'export the classifier with its probabilities, or ' if labels and not answers else ''}{WITHOUT}"
        )
        raise NotConvertibleError(message)
    label = labels[0].name if labels else ""
    if not maps:
        return Answer(output=floats[0].name, tensor=floats[0].name, label=label)
    return _of_maps(maps[0], model, label)


def _of_maps(value: Value, model: onnx.ModelProto, label: str) -> Answer:
    maker = _makers(model).get(value.name)
    if maker is None or maker.op_type != "ZipMap":
        made = maker.op_type if maker is not None else "nothing"
        message = f"the output {value.name!r} is {value.kind} and made by {made}, where ZipMap is understood; {WITHOUT}"
        raise NotConvertibleError(message)
    classes, dtype = next(_named_in(maker))
    return Answer(output=value.name, tensor=maker.input[0], label=label, classes=classes, dtype=dtype)


def classes_of(model: onnx.ModelProto, answer: Answer, count: int) -> tuple[tuple[str, ...], DType]:
    """Find the names of that many classes in a graph: in its maps, its classifier, or the table of its labels."""
    if len(answer.classes) == count:
        return answer.classes, answer.dtype
    makers = _makers(model)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in _before(makers, [*answer.tensors]):
        for classes, dtype in (*_named_in(node), *_table(node, constants)):
            if len(classes) == count:
                return classes, dtype
    return (), "string"


def core(model: onnx.ModelProto, answer: Answer, inputs: Sequence[str]) -> onnx.ModelProto:
    """Give a copy of a model with nothing in it but what the answer and the label need, and with an open first axis."""
    inner = onnx.ModelProto()
    inner.CopyFrom(model)
    graph = inner.graph
    needed, kept = set(answer.tensors), []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed.update(reads(node))
            kept.append(node)
    declared = {value.name: value for value in graph.output}
    outputs = [declared.get(name, _undeclared(name)) for name in answer.tensors]
    entries = [value for value in graph.input if value.name in inputs]
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    for field, items in (
        (graph.node, kept[::-1]),
        (graph.initializer, constants),
        (graph.output, [_open(value) for value in outputs]),
        (graph.input, [_open(value) for value in entries]),
    ):
        copies = [type(item).FromString(item.SerializeToString()) for item in items]
        del field[:]
        field.extend(copies)
    del graph.value_info[:]
    # Before IR version 4 every constant had to be an input too.
    inner.ir_version = max(inner.ir_version, 4)
    return inner


def ends_in_sigmoid(model: onnx.ModelProto, tensor: str) -> bool:
    """Say whether a tensor is a sigmoid's, passed on unchanged."""
    makers = _makers(model)
    maker = makers.get(tensor)
    while maker is not None and maker.op_type in PASSING:
        maker = makers.get(maker.input[0])
    return maker is not None and maker.op_type == "Sigmoid"


def _undeclared(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)


def _open(value: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    opened = onnx.ValueInfoProto()
    opened.CopyFrom(value)
    if opened.type.tensor_type.shape.dim:
        opened.type.tensor_type.shape.dim[0].Clear()
    return opened


def _makers(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in model.graph.node for name in node.output if name}


def _before(makers: dict[str, onnx.NodeProto], waiting: list[str]) -> Iterator[onnx.NodeProto]:
    """Give the nodes that tensors come from, the nearest first."""
    seen: set[str] = set()
    while waiting:
        name = waiting.pop(0)
        node = makers.get(name)
        if node is None or node.output[0] in seen:
            continue
        seen.add(node.output[0])
        yield from nested([node])
        waiting += sorted(reads(node))


def _named_in(node: onnx.NodeProto) -> Iterator[tuple[tuple[str, ...], DType]]:
    for attribute in node.attribute:
        if attribute.name in CLASS_NAMES and (attribute.strings or attribute.ints):
            yield _texts(attribute.strings) if attribute.strings else _texts(attribute.ints)


def _table(node: onnx.NodeProto, constants: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], DType]]:
    """Read the names that a label is looked up in: by its place, or by an encoder whose keys are the places."""
    if node.op_type in {"ArrayFeatureExtractor", "Gather"} and node.input[0] in constants:
        values = numpy_helper.to_array(constants[node.input[0]]).ravel()
        if values.dtype.kind in "iuOSU":
            yield _texts(values.tolist())
    if node.op_type == "LabelEncoder":
        held = {attribute.name: attribute for attribute in node.attribute}
        keys = list(held["keys_int64s"].ints) if "keys_int64s" in held else []
        found = held.get("values_strings") or held.get("values_int64s")
        if found is not None and sorted(keys) == list(range(len(keys))):
            names = list(found.strings or found.ints)
            yield _texts([names[keys.index(place)] for place in range(len(keys))])


def _texts(values: Sequence[Any]) -> tuple[tuple[str, ...], DType]:
    numeric = bool(values) and all(isinstance(value, int) for value in values)
    return tuple(value.decode() if isinstance(value, bytes) else str(value) for value in values), (
        "int64" if numeric else "string"
    )
