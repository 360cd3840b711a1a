"""ONNX graphs by anyone as a table: columns of a sample go in, one value or one probability a class comes out.

The graph itself is not touched: casts stand before and after it. A sandbox runs both first, so that a graph that
crashes or never ends does so there.
"""

from collections.abc import Callable
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt
import onnx

from golive.adapters.frameworks.graph import PAIR, Graph
from golive.adapters.frameworks.inputs import Inputs, frame_of
from golive.adapters.frameworks.onnx_answer import WITHOUT, Answer, answer_of, classes_of, core, ends_in_sigmoid
from golive.adapters.frameworks.onnx_feeds import Feed, feeds_of, fitting, plan_feeds, steps_for, texts_known
from golive.adapters.frameworks.onnx_wrap import wrapped
from golive.adapters.graphs.session import session
from golive.control.sandbox.arrays import pack, unpack
from golive.control.sandbox.process import MEMORY_BYTES, Sandbox, SandboxError
from golive.domain.preparation import Preparation
from golive.domain.signature import DType, Signature
from golive.errors import DataError, NotConvertibleError
from golive.packaging.onnx_file import OnnxFile
from golive.ports import Converted, Float64

Arrays = dict[str, npt.NDArray[Any]]

TRIED_ROWS = 64
LIMIT_S = 60.0
FLOAT32_TOLERANCE = 1e-5
"""Of a graph that computes in float32: a row alone and among others may round differently in it."""
APART = 1e-3
"""What is further apart than this is another answer and not another rounding."""
_CHILD = "golive.adapters.formats.onnx_child"
_COPIES = 8


class OnnxFramework:
    """Puts somebody's graph behind golive's table form, and asks the graph as it is."""

    name = "onnx"

    def __init__(self) -> None:
        self._asked: tuple[OnnxFile, AskedGraph] | None = None

    def recognizes(self, model: object) -> bool:
        """Say whether this object is a checked ONNX file, and not one that stands for a model of another library."""
        return type(model) is OnnxFile

    def convert(self, model: OnnxFile, sample: Any, *, target: str) -> Converted:
        """Write casts around a graph.

        Args:
            model: a checked file; its ``answers`` name the classes where the graph does not.
            sample: rows as the model reads them, a DataFrame: in the order of its one input, or by the names of its
                several ones.
            target: the name of what is predicted.

        Raises:
            NotConvertibleError: the graph is not of the table form; the message names what stands in the way.
        """
        proto = onnx.load_model_from_string(model.content)
        whole = frame_of(sample)
        feeds = plan_feeds(model, [str(name) for name in whole.columns])
        known = texts_known(proto, feeds)
        frame = fitting(whole, feeds)
        answer = answer_of(model, proto)
        names = [feed.name for feed in feeds]
        with _Trial(len(model.content)) as trial:
            found = _tried(trial, core(proto, answer, names), feeds_of(feeds, frame.iloc[:TRIED_ROWS]), answer)
            width = int(np.prod(found[answer.tensor].shape[1:]))
            second = _is_second(model, proto, answer, width)
            classes, dtype, notes = _classes(model, proto, answer, found, PAIR if second else width)
            inputs = _inputs(frame, feeds, known)
            read = inputs.preparation()
            inner = core(proto, msgspec.structs.replace(answer, label=""), names)
            graph = wrapped(inner, answer.tensor, feeds, read, width=width, with_complement=second)
            trial.open(graph)
        exact = found[answer.tensor].dtype == np.float64
        return Converted(
            graph=graph,
            preparation=Preparation(steps=steps_for(feeds), numbers=read.numbers, categories=read.categories),
            signature=Signature(
                inputs=inputs.fields(),
                task="classification" if classes else "regression",
                target=target,
                classes=classes,
                class_dtype=dtype,
            ),
            notes=notes,
            tolerance=0.0 if exact else FLOAT32_TOLERANCE,
        )

    def predict(self, model: OnnxFile, rows: Any) -> Float64:
        """Ask the graph as it is in its file: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities."""
        if self._asked is None or self._asked[0] is not model:
            self._asked = (model, AskedGraph(model, _opened(model)))
        return self._asked[1].answers(frame_of(rows))


class AskedGraph:
    """The file as it is, asked with rows of a table.

    Args:
        model: a checked file.
        run: gives the named outputs for arrays by name, as a session's ``run`` does.
    """

    def __init__(self, model: OnnxFile, run: Callable[[list[str], Arrays], list[Any]]) -> None:
        proto = onnx.load_model_from_string(model.content)
        self._model = model
        self._answer = answer_of(model, proto)
        self._is_sigmoid = ends_in_sigmoid(proto, self._answer.tensor)
        self._run = run

    def answers(self, frame: Any) -> Float64:
        """Give ``[rows, 1]`` values, or ``[rows, classes]`` probabilities, of a frame like the sample."""
        feeds = plan_feeds(self._model, [str(name) for name in frame.columns])
        arrays = feeds_of(feeds, frame)
        batch = feeds[0].batch or max(1, len(frame))
        parts = [self._matrix(_batch(arrays, start, batch)) for start in range(0, max(1, len(frame)), batch)]
        values: Float64 = np.concatenate(parts)[: len(frame)]
        if values.shape[1] == 1 and self._is_sigmoid and len(self._model.answers) == PAIR:
            values = np.concatenate([1.0 - values, values], axis=1)
        return values

    def _matrix(self, arrays: Arrays) -> Float64:
        [found] = self._run([self._answer.output], arrays)
        if self._answer.is_maps:
            named = {str(name): name for name in found[0]}
            found = [[row[named[text]] for text in self._answer.classes] for row in found]
        values = np.asarray(found, np.float64)
        return values.reshape(len(values), -1)


def _opened(model: OnnxFile) -> Callable[[list[str], Arrays], list[Any]]:
    run: Callable[[list[str], Arrays], list[Any]] = session(model.content).run
    return run


def _batch(arrays: Arrays, start: int, batch: int) -> Arrays:
    """Take a fixed number of rows; the last ones are filled up with the last row."""
    count = len(next(iter(arrays.values())))
    places = np.minimum(np.arange(start, start + batch), count - 1)
    return {name: array[places] for name, array in arrays.items()}


class _Feeds(msgspec.Struct, frozen=True):
    session: int
    arrays: bytes
    outputs: tuple[str, ...]


class _Trial:
    """Opens and runs graphs in a sandbox; what does not work there is refused."""

    def __init__(self, size: int) -> None:
        self._sandbox = Sandbox(_CHILD, "handler", memory_bytes=MEMORY_BYTES + _COPIES * size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sandbox.close()

    def open(self, graph: bytes) -> int:
        try:
            return int(msgspec.msgpack.decode(self._sandbox.ask("open", graph, limit_s=LIMIT_S), type=int))
        except (SandboxError, DataError) as error:
            message = f"the graph cannot be put behind a table: opened in a process of its own, it {error}; {WITHOUT}"
            raise NotConvertibleError(message) from error

    def run(self, session: int, arrays: Arrays, outputs: tuple[str, ...]) -> Arrays:
        order = msgspec.msgpack.encode(_Feeds(session, pack(arrays), outputs))
        try:
            return unpack(self._sandbox.ask("run", order, limit_s=LIMIT_S))
        except SandboxError as error:
            count = len(next(iter(arrays.values())))
            message = (
                f"the graph, run on {count} rows of the sample in a process of its own, {error}; if it was made for a "
                f"fixed number of rows, export it with an open first axis, or {WITHOUT}"
            )
            raise NotConvertibleError(message) from error


def _tried(trial: _Trial, inner: onnx.ModelProto, rows: Arrays, answer: Answer) -> Arrays:
    """Run rows, and see that each has one answer, and the same one whatever rows stand beside it."""
    session = trial.open(bytes(inner.SerializeToString()))
    found = trial.run(session, rows, answer.tensors)
    together, count = found[answer.tensor], len(next(iter(rows.values())))
    if together.ndim < 1 or len(together) != count:
        message = (
            f"the answer {answer.output!r} has the shape {list(together.shape)} for {count} rows, which is not one "
            f"answer a row; {WITHOUT}"
        )
        raise NotConvertibleError(message)
    for place in sorted({0, count - 1}):
        one = trial.run(session, {name: array[place : place + 1] for name, array in rows.items()}, answer.tensors)
        alone = one[answer.tensor]
        if alone.shape[0] != 1 or not np.allclose(alone[0], together[place], APART, APART, equal_nan=True):
            message = (
                f"the answer of a row depends on the rows beside it (row {place} alone: {_few(alone[:1])}, among "
                f"{count}: {_few(together[place])}), so requests cannot be put together; {WITHOUT}"
            )
            raise NotConvertibleError(message)
    return found


def _few(values: npt.NDArray[Any]) -> str:
    return ", ".join(f"{value:.4g}" for value in values.ravel()[:3].tolist())


def _is_second(model: OnnxFile, proto: onnx.ModelProto, answer: Answer, width: int) -> bool:
    """Say whether a single value is the probability of the second class: a sigmoid's, where two answers are known."""
    return width == 1 and len(model.answers) == PAIR and ends_in_sigmoid(proto, answer.tensor)


def _classes(
    model: OnnxFile, proto: onnx.ModelProto, answer: Answer, found: Arrays, count: int
) -> tuple[tuple[str, ...], DType, tuple[str, ...]]:
    """Name the classes of ``count`` probabilities, and check them against what the graph itself says."""
    if count == 1:
        note = f"the output {answer.label!r} is left out; the answer is the value of {answer.output!r}"
        return (), "string", (note,) if answer.label else ()
    values = found[answer.tensor].reshape(len(found[answer.tensor]), -1).astype(np.float64)
    if values.shape[1] > 1:
        _check_probabilities(values, answer)
    classes, dtype = classes_of(proto, answer, count)
    notes: tuple[str, ...] = ()
    if not classes:
        if len(model.answers) != count:
            message = (
                f"the graph gives {count} probabilities without names, and the sample has {len(model.answers)} "
                f"distinct true answers; give a sample with every class in it, or {WITHOUT}"
            )
            raise NotConvertibleError(message)
        classes, dtype = model.answers, model.answers_dtype
        shown = ", ".join(classes[:10])
        notes = (f"the graph does not name its classes: they are taken in the order of the sample's answers ({shown})",)
    if answer.label:
        _check_labels(found[answer.label].ravel(), values, classes)
    return classes, dtype, notes


def _check_probabilities(values: Float64, answer: Answer) -> None:
    known = values[np.isfinite(values).all(axis=1)]
    if len(known) and (known.min() < -APART or abs(known.sum(axis=1) - 1.0).max() > APART):
        message = (
            f"the output {answer.output!r} gives {values.shape[1]} numbers a row that are no probabilities (the first "
            f"row: {_few(known[0])}); end the graph in a softmax, or {WITHOUT}"
        )
        raise NotConvertibleError(message)


def _check_labels(labels: npt.NDArray[Any], values: Float64, classes: tuple[str, ...]) -> None:
    ordered = np.sort(values, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] > APART
    said = [str(label) for label in labels.tolist()]
    for row in np.flatnonzero(clear).tolist():
        best = classes[int(values[row].argmax())]
        if said[row] != best:
            message = (
                f"the graph's own label of a row is {said[row]!r}, but its highest probability is that of {best!r}; "
                f"the order of its classes cannot be found out; {WITHOUT}"
            )
            raise NotConvertibleError(message)


def _inputs(frame: Any, feeds: tuple[Feed, ...], known: tuple[str, ...]) -> Inputs:
    """Describe the columns in the order in which they enter ``N`` and ``C``."""
    inputs = Inputs(frame, {})
    for feed in feeds:
        if feed.dtype == "string":
            for name in feed.columns:
                inputs.declare(name, known)
            inputs.codes(Graph(), feed.columns)
        else:
            inputs.numbers(Graph(), feed.columns)
    return inputs
