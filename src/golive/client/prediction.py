"""Prediction: an infer answer in, what a caller wanted out."""

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.client.exchange import Reply
from golive.errors import RequestError, VerificationError
from golive.ports import Float64
from golive.serving.codecs.raw_tensors import count_of, values_of

Answers = npt.NDArray[Any] | list[str]
"""What one output holds: an array, or texts."""

_PHASE = re.compile(r"([\w-]+)\s*;[^,]*?dur=([\d.]+)")
_DTYPES = {
    "FP64": "f8",
    "FP32": "f4",
    "FP16": "f2",
    "INT64": "i8",
    "INT32": "i4",
    "INT16": "i2",
    "INT8": "i1",
    "UINT64": "u8",
    "UINT32": "u4",
    "UINT16": "u2",
    "UINT8": "u1",
    "BOOL": "?",
}


class Prediction(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What a model said of each row, in the order of the rows."""

    values: Answers
    """One answer a row: an array of numbers or bools, or a list of text labels."""
    probabilities: Float64 | None
    """Float64 ``[rows, classes]``; None for a model that gives none."""
    model: str
    version: str
    """The version that answered; empty where the server does not say."""
    request_id: str
    """What the server calls this request, in its log and its records."""
    timings: Mapping[str, float] = {}
    """Milliseconds by phase of the server's work, where they were asked for."""
    outputs: Mapping[str, Answers] = {}
    """Every output of the model by name, ``values`` and ``probabilities`` among them."""

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.values)

    @property
    def top(self) -> list[list[tuple[Any, float]]] | None:
        """The most probable labels of each row with their probabilities, the best first; None where none are told."""
        if "top_labels" not in self.outputs or "top_probabilities" not in self.outputs:
            return None
        shares = np.asarray(self.outputs["top_probabilities"], np.float64).reshape(len(self), -1).tolist()
        flat = self.outputs["top_labels"]
        labels = iter(flat.ravel().tolist() if isinstance(flat, np.ndarray) else flat)
        return [[(next(labels), share) for share in row] for row in shares]


class TensorAnswer(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What a model of tensors gave for one request."""

    outputs: Mapping[str, npt.NDArray[Any]]
    """The arrays by name, of the model's own types and shapes; texts are objects of str."""
    model: str
    version: str
    """The version that answered; empty where the server does not say."""
    request_id: str
    """What the server calls this request, in its log."""
    timings: Mapping[str, float] = {}
    """Milliseconds by phase of the server's work, where they were asked for."""

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Give one output."""
        return self.outputs[name]


class _Output(msgspec.Struct):
    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: dict[str, Any] = {}
    data: list[Any] | None = None


class _Answer(msgspec.Struct):
    outputs: list[_Output]
    model_name: str = ""
    model_version: str | None = None


def prediction_of(reply: Reply, *, model: str, request_id: str) -> Prediction:
    """Read an infer answer, with its tensors as JSON, as bytes, or some so and some so.

    Raises:
        VerificationError: it is not an answer of the protocol.
    """
    answer, arrays = _arrays_of(reply, model, request_id)
    outputs: dict[str, Answers] = {
        name: array.ravel().tolist() if array.dtype == object else array for name, array in arrays.items()
    }
    first = "predict" if "predict" in outputs else next(iter(outputs), "")
    if not first:
        message = f"the answer about {model!r} has no outputs; check that the model gives any"
        raise VerificationError(message, request_id=request_id)
    probabilities = outputs.get("probabilities")
    return Prediction(
        values=_flat(outputs[first]),
        probabilities=probabilities if isinstance(probabilities, np.ndarray) else None,
        model=answer.model_name or model,
        version=answer.model_version or reply.headers.get("x-model-version", ""),
        request_id=reply.headers.get("x-request-id", request_id),
        timings=timings_of(reply.headers.get("server-timing", "")),
        outputs=outputs,
    )


def tensor_answer_of(reply: Reply, *, model: str, request_id: str) -> TensorAnswer:
    """Read an infer answer as named arrays.

    Raises:
        VerificationError: it is not an answer of the protocol.
    """
    answer, arrays = _arrays_of(reply, model, request_id)
    return TensorAnswer(
        outputs=arrays,
        model=answer.model_name or model,
        version=answer.model_version or reply.headers.get("x-model-version", ""),
        request_id=reply.headers.get("x-request-id", request_id),
        timings=timings_of(reply.headers.get("server-timing", "")),
    )


def joined(predictions: Sequence[Prediction], request_id: str) -> Prediction:
    """Join what was said of the pieces of one table, in order; timings add up."""
    first = predictions[0]
    if len(predictions) == 1:
        return first
    phases = {phase for each in predictions for phase in each.timings}
    outputs = {name: _concatenated([each.outputs[name] for each in predictions]) for name in first.outputs}
    probabilities = outputs.get("probabilities") if first.probabilities is not None else None
    return Prediction(
        values=_concatenated([each.values for each in predictions]),
        probabilities=probabilities if isinstance(probabilities, np.ndarray) else None,
        model=first.model,
        version=first.version,
        request_id=request_id,
        timings={phase: sum(each.timings.get(phase, 0.0) for each in predictions) for phase in sorted(phases)},
        outputs=outputs,
    )


def timings_of(header: str) -> dict[str, float]:
    """Read a ``Server-Timing`` header: milliseconds by phase."""
    return {name: float(duration) for name, duration in _PHASE.findall(header) if duration.count(".") <= 1}


def _parts(reply: Reply) -> tuple[_Answer, memoryview]:
    told = reply.headers.get("inference-header-content-length")
    size = len(reply.body) if told is None else int(told)
    if not 0 <= size <= len(reply.body):
        message = f"its head is said to have {size} of {len(reply.body)} bytes"
        raise ValueError(message)
    return msgspec.json.decode(reply.body[:size], type=_Answer), memoryview(reply.body)[size:]


def _arrays_of(reply: Reply, model: str, request_id: str) -> tuple[_Answer, dict[str, npt.NDArray[Any]]]:
    try:
        answer, tail = _parts(reply)
        return answer, dict(_outputs(answer, tail))
    except (msgspec.DecodeError, RecursionError, RequestError, ValueError, TypeError, OverflowError) as error:
        message = f"the answer about {model!r} is not one of the Open Inference Protocol ({error}); check the server"
        raise VerificationError(message, request_id=request_id) from error


def _outputs(answer: _Answer, tail: memoryview) -> list[tuple[str, npt.NDArray[Any]]]:
    outputs, at = [], 0
    for output in answer.outputs:
        if output.data is None:
            size = int(output.parameters["binary_data_size"]) if "binary_data_size" in output.parameters else 0
            raw, at = tail[at : at + size], at + size
            # A copy, so that a caller may change it, and so that it does not keep the whole answer.
            values = values_of(output.name, output.datatype, output.shape, raw).copy()
        else:
            values = _of_json(output)
        outputs.append((output.name, values.reshape(output.shape)))
    return outputs


def _of_json(output: _Output) -> npt.NDArray[Any]:
    data = output.data or []
    flat = list(chain.from_iterable(data)) if data and isinstance(data[0], list) else data
    if len(flat) != count_of(output.name, output.shape):
        message = f"output {output.name!r} of the shape {list(output.shape)} has {len(flat)} values"
        raise ValueError(message)
    # In a tensor of floats null becomes NaN.
    return np.array(flat, dtype=_DTYPES.get(output.datatype, object))


def _flat(values: Answers) -> Answers:
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == 1:  # noqa: PLR2004 - rows, columns
        return values[:, 0]
    return values


def _concatenated(parts: Sequence[Answers]) -> Answers:
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    if len(arrays) == len(parts):
        return np.concatenate(arrays)
    return list(chain.from_iterable(parts))
