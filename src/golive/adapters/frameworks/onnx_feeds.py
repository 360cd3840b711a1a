"""ONNX feeds: which columns of a sample become which input of somebody's graph, and in what form."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnx
import pandas as pd

from golive.adapters.frameworks.graph import nested
from golive.adapters.frameworks.inputs import is_text
from golive.adapters.frameworks.onnx_answer import WITHOUT
from golive.domain.preparation import Bound
from golive.domain.signature import TensorType
from golive.errors import NotConvertibleError
from golive.inference.values import text_of
from golive.packaging.onnx_file import OnnxFile, Value

LOOKUPS = {"LabelEncoder", "OneHotEncoder", "CategoryMapper", "Equal"}
"""Operators that ask only which text it is, so that a text they do not know is one like any other."""
CARRIERS = {
    "Identity",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Concat",
    "Gather",
    "Slice",
    "Split",
    "Transpose",
    "ArrayFeatureExtractor",
}
"""Operators that pass texts on as they are."""
UNKNOWN = "\x1funknown"
"""Stands for a text that no table in the graph knows; nobody writes the unit separator by hand."""
KEPT_EXACT = 2.0**53
"""Integers beyond this are no longer told apart in float64."""


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """One input of a graph: its columns, and the shape of one row."""

    name: str
    dtype: TensorType
    columns: tuple[str, ...]
    row: tuple[int, ...] | None
    """The axes after the first one; None for an input that has only that one."""
    batch: int | None
    """The number of rows that the file asks for, where it is fixed."""


def plan_feeds(file: OnnxFile, columns: Sequence[str]) -> tuple[Feed, ...]:
    """Share out the columns of a sample: all of them to a single input, or each to the input of its name.

    Raises:
        NotConvertibleError: an input is not one row a row, or columns and inputs do not fit; they are named.
    """
    for value in file.inputs:
        if value.dtype is None or value.shape is None or not value.shape:
            message = f"the input {value.name!r} is {value.kind} of no shape that could be one row a row; {WITHOUT}"
            raise NotConvertibleError(message)
    if len(file.inputs) == 1:
        [value] = file.inputs
        return (_feed(value, tuple(columns), _row(value, len(columns))),)
    return tuple(_feed(value, (_column(value, columns),), _row(value, 1)) for value in file.inputs)


def feeds_of(feeds: Sequence[Feed], frame: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    """Give rows as the graph itself reads them."""
    return {feed.name: _array(feed, frame) for feed in feeds}


def fitting(frame: pd.DataFrame, feeds: Sequence[Feed]) -> pd.DataFrame:
    """Give the columns of a sample in the types of the inputs, without rows that an input cannot say "missing" in.

    Raises:
        NotConvertibleError: a column holds text where the graph reads numbers, or fractions where it reads integers.
    """
    made = frame[[name for feed in feeds for name in feed.columns]]
    strict = [name for feed in feeds for name in feed.columns if not feed.dtype.startswith("float")]
    made = made.loc[made[strict].notna().all(axis=1)] if strict else made
    columns: dict[str, Any] = {}
    for feed in feeds:
        for name in feed.columns:
            columns[name] = _fitting(feed, name, made[name])
    return pd.DataFrame(columns)


def steps_for(feeds: Sequence[Feed]) -> tuple[Bound, ...]:
    """Refuse numbers that an integer input cannot hold."""
    return tuple(
        Bound(name, *_limits(feed.dtype), outside="refuse")
        for feed in feeds
        if "int" in feed.dtype
        for name in feed.columns
    )


def texts_known(model: onnx.ModelProto, feeds: Sequence[Feed]) -> tuple[str, ...]:
    """Give every text that the graph's tables know.

    Raises:
        NotConvertibleError: something else than a table reads a text; the operator is named.
    """
    held = {feed.name for feed in feeds if feed.dtype == "string"}
    if not held:
        return ()
    known: dict[str, None] = {}
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if not held & set(node.input):
            continue
        if node.op_type in CARRIERS:
            held.update(node.output)
        elif node.op_type in LOOKUPS:
            known.update(dict.fromkeys(_texts_in(node, constants)))
        else:
            message = (
                f"the text of {min(held & set(node.input))!r} is read by {node.op_type}, which may look inside "
                f"it, where a table needs tables of known values; {WITHOUT}"
            )
            raise NotConvertibleError(message)
    return tuple(known)


def _texts_in(node: onnx.NodeProto, constants: Mapping[str, Any]) -> Iterator[str]:
    for inner in nested([node]):
        for attribute in inner.attribute:
            yield from (text.decode("utf-8", "replace") for text in attribute.strings)
            if attribute.HasField("t"):
                yield from _strings(attribute.t)
    for name in node.input:
        if name in constants:
            yield from _strings(constants[name])


def _strings(tensor: onnx.TensorProto) -> Iterator[str]:
    yield from (text.decode("utf-8", "replace") for text in tensor.string_data)


def _feed(value: Value, columns: tuple[str, ...], row: tuple[int, ...] | None) -> Feed:
    shape, dtype = value.shape or (), value.dtype
    if dtype is None:
        raise NotConvertibleError(value.kind)
    return Feed(name=value.name, dtype=dtype, columns=columns, row=row, batch=shape[0])


def _row(value: Value, width: int) -> tuple[int, ...] | None:
    """Give the shape of one row, which must hold so many values."""
    axes = (value.shape or ())[1:]
    if not axes and width == 1:
        return None
    if axes == (None,):
        return (width,)
    known = tuple(axis for axis in axes if axis is not None)
    if len(known) != len(axes) or math.prod(known) != width:
        shown = ", ".join("?" if axis is None else str(axis) for axis in axes)
        message = (
            f"the input {value.name!r} reads [{shown}] a row, and the sample has {width} "
            f"column{'s' if width > 1 else ''} for it; give a sample with exactly the columns that the model reads, in "
            f"their order, and the target, or {WITHOUT}"
        )
        raise NotConvertibleError(message)
    return known


def _column(value: Value, columns: Sequence[str]) -> str:
    if value.name in columns:
        return value.name
    near = [name for name in columns if _plain(name) == _plain(value.name)]
    if len(near) == 1:
        return near[0]
    message = f"the graph reads {value.name!r}, which is no column of the sample; it has {', '.join(columns[:20])}"
    raise NotConvertibleError(message)


def _plain(name: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")


def _fitting(feed: Feed, name: str, values: "pd.Series[Any]") -> Any:
    if feed.dtype == "string":
        return pd.Series([text_of(value) for value in values], values.index, dtype=object)
    if is_text(name, values):
        message = (
            f"the column {name!r} of the sample holds text, but the graph reads {feed.dtype} there; give the sample as "
            "the model saw it, with what was done to it before"
        )
        raise NotConvertibleError(message)
    if "int" not in feed.dtype or pd.api.types.is_bool_dtype(values.dtype):
        return values
    whole = values.astype(np.int64)
    if not (whole == values).all():
        message = f"the column {name!r} of the sample holds fractions, but the graph reads {feed.dtype} there"
        raise NotConvertibleError(message)
    return whole


def _array(feed: Feed, frame: pd.DataFrame) -> npt.NDArray[Any]:
    kind: Any = object if feed.dtype == "string" else np.dtype(feed.dtype)
    with np.errstate(all="ignore"):  # extreme rows overflow on purpose
        columns = [frame[name].to_numpy().astype(kind) for name in feed.columns]
    matrix = np.stack(columns, axis=1)
    return matrix.reshape(len(matrix) if feed.row is None else (len(matrix), *feed.row))


def _limits(dtype: TensorType) -> tuple[float, float]:
    info = np.iinfo(dtype)
    return max(float(info.min), -KEPT_EXACT), min(float(info.max), KEPT_EXACT)
