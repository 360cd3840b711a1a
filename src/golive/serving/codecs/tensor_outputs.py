"""Tensor outputs: predictions in, the body of an infer response out, each tensor as JSON or as bytes after it."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import msgspec
import orjson

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.errors import RequestError
from golive.inference.ranking import ranking_of
from golive.ports import Float64
from golive.serving.answer import JSON_HEAD
from golive.serving.codecs.codec import Labels, json_of
from golive.serving.codecs.framing import OCTETS
from golive.serving.codecs.raw_tensors import raw_of
from golive.serving.codecs.tensor_inputs import DATATYPES
from golive.serving.codecs.tensor_types import page_of


class OutputParameters(msgspec.Struct, gc=False):
    """What may be asked of one output; other names are passed over."""

    binary_data: bool | None = None
    """Whether its values come as bytes after the JSON."""
    classification: int = 0
    shared_memory_region: str | None = None


class Requested(msgspec.Struct, gc=False):
    """An output that the caller wants."""

    name: str
    parameters: OutputParameters | None = None


class Form(msgspec.Struct, frozen=True, gc=False):
    """How one answer is written."""

    id: str | None
    """The caller's own name of the request."""
    outputs: tuple[tuple[str, bool], ...]
    """Names of outputs, and whether their values come as bytes."""
    lines: bytes
    """The header lines of an answer with bytes."""


class Choice:
    """Decides how answers are written, for a model with outputs of these names."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._every = {binary: tuple((name, binary) for name in names) for binary in (False, True)}
        self.plain = Form(id=None, outputs=self._every[False], lines=OCTETS)
        """Every output, as JSON."""

    def form(
        self, request_id: str | None, requested: Sequence[Requested] | None, lines: bytes, *, binary: bool
    ) -> Form:
        """Decide how an answer is written; ``binary`` holds for outputs that do not say it themselves.

        Raises:
            RequestError: there is no such output, or one is asked for twice or in a way that is not served.
        """
        if not requested:
            return Form(id=request_id, outputs=self._every[binary], lines=lines)
        wanted: dict[str, bool] = {}
        for output in requested:
            if output.name in wanted:
                message = f"the output {output.name!r} is asked for twice; name each once"
                raise RequestError(message, field="$.outputs")
            wanted[output.name] = self._is_binary(output, binary=binary)
        return Form(id=request_id, outputs=tuple(wanted.items()), lines=lines)

    def _is_binary(self, output: Requested, *, binary: bool) -> bool:
        if output.name not in self._names:
            message = f"there is no output {output.name[:100]!r}; the outputs are: {', '.join(self._names)}"
            raise RequestError(message, field="$.outputs")
        wanted = output.parameters
        if wanted is None:
            return binary
        if wanted.classification or wanted.shared_memory_region is not None:
            what = "classification" if wanted.classification else "shared_memory_region"
            message = f"the parameter {what!r} of output {output.name!r} is not served; leave it out"
            raise RequestError(message, field="$.outputs")
        return binary if wanted.binary_data is None else wanted.binary_data


class OutputWriter:
    """Writes the answers of one model."""

    def __init__(self, placed: Placed, signature: Signature, labels: Labels) -> None:
        self._values = output_values(signature, labels)
        self._outputs = {output["name"]: output for output in output_tensors(signature)}
        self._heads = {name: _head(output) for name, output in self._outputs.items()}
        self._binary_heads = {name: _binary_head(output) for name, output in self._outputs.items()}
        model = orjson.dumps({"model_name": placed.name, "model_version": str(placed.version)})
        self._start = model.removesuffix(b"}") + b","

    def __call__(self, outputs: Float64, form: Form) -> tuple[bytes, bytes]:
        """Write an answer: its header lines and its body. Data is flat, row-major."""
        parts, buffers = [], []
        for name, binary in form.outputs:
            if binary:
                raw = self._raw(name, outputs)
                buffers.append(raw)
                parts.append(self._binary_heads[name] % (len(outputs), len(raw)))
            else:
                parts.append(self._heads[name] % (len(outputs), self._json(name, outputs)))
        request_id = b"" if form.id is None else b'"id":%b,' % orjson.dumps(form.id)
        head = b'%b%b"outputs":[%b]}' % (self._start, request_id, b",".join(parts))
        return (form.lines % len(head), b"".join((head, *buffers))) if buffers else (JSON_HEAD, head)

    def _json(self, name: str, outputs: Float64) -> bytes:
        values = self._values[name](outputs)
        return orjson.dumps(values) if isinstance(values, list) else json_of(values.ravel())

    def _raw(self, name: str, outputs: Float64) -> bytes:
        return raw_of(self._outputs[name]["datatype"], self._values[name](outputs))


def output_values(signature: Signature, labels: Labels) -> dict[str, Callable[[Float64], Any]]:
    """Give what makes each output of a model's numbers float64 ``[n, k]``: an array, or a flat list of labels."""
    # A regression's values are its predictions: no list of floats is made of them.
    values: dict[str, Callable[[Float64], Any]] = {"predict": _same if signature.task == "regression" else labels}
    values["probabilities"] = _same
    ranking = ranking_of(signature)
    if ranking is not None:
        values["top_labels"] = lambda outputs: list(chain.from_iterable(ranking(outputs).labels))
        values["top_probabilities"] = lambda outputs: ranking(outputs).probabilities
    return values


def output_tensors(signature: Signature) -> list[dict[str, Any]]:
    """Describe the outputs as the protocol's metadata does."""
    if signature.task == "tensors":
        return [page_of(tensor) for tensor in signature.outputs]
    if signature.task == "regression":
        return [{"name": "predict", "datatype": "FP64", "shape": [-1, 1]}]
    label = DATATYPES[signature.class_dtype]
    outputs = [
        {"name": "predict", "datatype": label, "shape": [-1, 1]},
        {"name": "probabilities", "datatype": "FP64", "shape": [-1, len(signature.classes)]},
    ]
    if signature.top_k:
        outputs.append({"name": "top_labels", "datatype": label, "shape": [-1, signature.top_k]})
        outputs.append({"name": "top_probabilities", "datatype": "FP64", "shape": [-1, signature.top_k]})
    return outputs


def _same(outputs: Float64) -> Float64:
    return outputs


def _head(output: dict[str, Any]) -> bytes:
    """Write what is known of an output at load; two places are left, for the number of rows and the data."""
    return b'%b"data":%%b}' % _start(output)


def _binary_head(output: dict[str, Any]) -> bytes:
    """Write the same for an output as bytes; the places are for the number of rows and of bytes."""
    return b'%b"parameters":{"binary_data_size":%%d}}' % _start(output)


def _start(output: dict[str, Any]) -> bytes:
    name, datatype, width = orjson.dumps(output["name"]), orjson.dumps(output["datatype"]), output["shape"][1]
    return b'{"name":%b,"datatype":%b,"shape":[%%d,%d],' % (name, datatype, width)
