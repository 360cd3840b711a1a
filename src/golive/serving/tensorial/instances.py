"""Instances: TensorFlow Serving's ``:predict`` for a model of tensors, in row form and in column form."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import orjson

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.errors import RequestError
from golive.serving.answer import JSON_HEAD, Ask
from golive.serving.codecs.instances import check_signature_name
from golive.serving.codecs.rowtypes import converting, decoding
from golive.serving.codecs.tensor_types import described
from golive.serving.codecs.tokens import decoded_loosely, has_tokens
from golive.serving.tensorial.answers import Answers
from golive.serving.tensorial.entrance import Entrance
from golive.serving.tensorial.json_arrays import JsonReader, array_json, rows_json
from golive.serving.tensorial.tensor_rows import TensorRows

_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_RAW_NAMES = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Form(msgspec.Struct, frozen=True, gc=False):
    """How one answer is written."""

    key: bytes
    """The name of its predictions."""
    rows: int | None
    """How many rows it has; None for whole tensors."""


class _Envelope(msgspec.Struct):
    instances: msgspec.Raw = msgspec.Raw()
    inputs: msgspec.Raw = msgspec.Raw()
    signature_name: Any = None


class _Loose(msgspec.Struct):
    """The envelope with its values as they come."""

    instances: list[Any] | None = None
    inputs: Any = None
    signature_name: Any = None


class TensorForms:
    """Reads tensors by rows and whole, from text and from decoded values. Holds no state: safe from several threads."""

    def __init__(self, signature: Signature, entrance: Entrance) -> None:
        self._entrance = entrance
        self._readers = {tensor.name: JsonReader(tensor) for tensor in signature.tensors}
        self._ranks = {tensor.name: len(tensor.shape) for tensor in signature.tensors}
        self._only = signature.tensors[0].name if len(signature.tensors) == 1 else ""
        self._shown = ", ".join(map(described, signature.tensors))
        self._scalar = next((tensor.name for tensor in signature.tensors if not tensor.shape), "")

    def instances(self, sent: bytes | list[Any], path: str) -> tuple[TensorRows, int]:
        """Read one value a row, or an object of named values; they are stacked along the first axis. Gives the rows."""
        if self._scalar:
            message = f"tensor {self._scalar!r} has no axis for instances; send whole tensors as 'inputs'"
            raise RequestError(message, field=path)
        if isinstance(sent, bytes):
            opening = sent.lstrip()[1:].lstrip()[:1]
            if not self._is_by_name(opening == b"{", path):
                array = self._readers[self._only].text(sent, self._ranks[self._only], path)
                return self._entrance.admit({self._only: array}), _some(len(array), path)
            raws = decoding(_RAWS.decode, sent, _NOTHING)
            rows = [_named(bytes(raw), f"{path}[{index}]") for index, raw in enumerate(raws)]
        else:
            if not self._is_by_name(bool(sent) and isinstance(sent[0], dict) and sent[0].keys() != {"b64"}, path):
                array = self._readers[self._only].values(sent, self._ranks[self._only], path)
                return self._entrance.admit({self._only: array}), _some(len(array), path)
            rows = [_mapping(row, f"{path}[{index}]") for index, row in enumerate(sent)]
        _some(len(rows), path)
        return self._entrance.admit(self._stacked(rows, path)), len(rows)

    def whole(self, sent: Any, path: str) -> TensorRows:
        """Read whole tensors by name; the one tensor of a model that has one may stand alone."""
        if isinstance(sent, bytes):
            if self._only and not sent.lstrip().startswith(b"{"):
                return self._entrance.admit({self._only: self._read(self._only, sent, self._ranks[self._only], path)})
            named: Mapping[str, Any] = _named(sent, path)
        elif self._only and not (isinstance(sent, dict) and sent.keys() != {"b64"}):
            return self._entrance.admit({self._only: self._read(self._only, sent, self._ranks[self._only], path)})
        else:
            named = _mapping(sent, path)
        arrays = {}
        for name, value in named.items():
            self._entrance.tensor(name)
            arrays[name] = self._read(name, value, self._ranks[name], f"{path}.{name}")
        return self._entrance.admit(arrays)

    def _is_by_name(self, found: bool, path: str) -> bool:
        if not found and not self._only:
            message = f"an instance is an object of named values, for the model has several inputs: {self._shown}"
            raise RequestError(message, field=path)
        return found

    def _stacked(self, rows: list[Mapping[str, Any]], path: str) -> dict[str, npt.NDArray[Any]]:
        columns: dict[str, list[npt.NDArray[Any]]] = {}
        for index, row in enumerate(rows):
            for name, value in row.items():
                self._entrance.tensor(name)
                place = f"{path}[{index}].{name}"
                columns.setdefault(name, []).append(self._read(name, value, self._ranks[name] - 1, place))
        return {name: self._stack(name, parts, len(rows), path) for name, parts in columns.items()}

    @staticmethod
    def _stack(name: str, parts: list[npt.NDArray[Any]], count: int, path: str) -> npt.NDArray[Any]:
        if len(parts) != count:
            message = f"{len(parts)} of {count} instances have the tensor {name!r}; send it with each"
            raise RequestError(message, field=path)
        if len({part.shape for part in parts}) > 1:
            message = f"tensor {name!r} differs in shape from instance to instance; send one shape in one request"
            raise RequestError(message, field=path)
        return np.stack(parts)

    def _read(self, name: str, value: Any, depth: int, path: str) -> npt.NDArray[Any]:
        reader = self._readers[name]
        is_text = isinstance(value, bytes | msgspec.Raw)
        return reader.text(bytes(value), depth, path) if is_text else reader.values(value, depth, path)


class TensorWriter:
    """Writes predictions, and the model's name and version."""

    def __init__(self, placed: Placed, signature: Signature, answers: Answers) -> None:
        self._answers = answers
        self._only = signature.outputs[0].name if len(signature.outputs) == 1 else ""
        model = orjson.dumps({"model_name": placed.name, "model_version": str(placed.version)})
        self._end = b"," + model.removeprefix(b"{")

    def __call__(self, outputs: TensorRows, form: Form) -> bytes:
        """Write one answer.

        Raises:
            RequestError: rows were asked for, and an output has none, or all are too long.
        """
        if form.rows is None:
            arrays = self._answers.checked(outputs)
            text = array_json(arrays[self._only]) if self._only else _object_json(arrays)
        else:
            arrays = self._answers.by_row(outputs, form.rows)
            text = array_json(arrays[self._only]) if self._only else rows_json(arrays)
        return b'{"%b":%b%b' % (form.key, text, self._end)


class TensorJsonCodec:
    """What the codecs of JSON bodies have in common."""

    def __init__(self, forms: TensorForms, write: TensorWriter) -> None:
        self._forms = forms
        self._write = write

    def is_slow(self, ask: Ask) -> bool:
        """Every long body of JSON is."""
        del ask
        return True

    def encode(self, outputs: TensorRows, form: Form, ask: Ask) -> tuple[bytes, bytes]:
        """Write the answer."""
        del ask
        return JSON_HEAD, self._write(outputs, form)


class TensorInstancesCodec(TensorJsonCodec):
    """``{"instances": [...]}`` (rows) or ``{"inputs": ...}`` (whole tensors), as TensorFlow Serving has them.

    An instance is a nested list where the model has one input, else ``{name: nested list}``. ``inputs`` is the nested
    list of the one input, or ``{name: nested list}``. A text may be ``{"b64": "..."}``, and the tokens NaN and Infinity
    are read. Answers are ``predictions`` (a value for each row, by name where there are several outputs) or
    ``outputs``, with ``model_name`` and ``model_version``.
    """

    row_status = 400
    rows_path = "$.instances"

    def __init__(self, forms: TensorForms, write: TensorWriter) -> None:
        super().__init__(forms, write)
        self._decoder = msgspec.json.Decoder(_Envelope)

    def decode(self, body: bytes, ask: Ask) -> tuple[TensorRows, Form]:
        """Read the tensors.

        Raises:
            RequestError: the body is malformed, or a tensor is not as the signature has it.
        """
        del ask
        if has_tokens(body) or b'"b64"' in body:
            loose: _Loose = converting(decoded_loosely(body), _Loose, "$", _NOTHING)
            return self._taken(loose.instances, loose.inputs, loose.signature_name)
        strict: _Envelope = decoding(self._decoder.decode, body, _NOTHING)
        return self._taken(_bytes_of(strict.instances), _bytes_of(strict.inputs), strict.signature_name)

    def _taken(self, instances: Any, inputs: Any, signature_name: Any) -> tuple[TensorRows, Form]:
        check_signature_name(signature_name)
        if (instances is None) == (inputs is None):
            found = "neither" if inputs is None else "both"
            message = f"send either 'instances' (a list of rows) or 'inputs' (whole tensors), got {found}"
            raise RequestError(message)
        if inputs is not None:
            return self._forms.whole(inputs, "$.inputs"), Form(b"outputs", None)
        given, rows = self._forms.instances(instances, "$.instances")
        return given, Form(b"predictions", rows)


class TensorFeaturesCodec(TensorJsonCodec):
    """``{"features": [...]}`` in, ``{"predictions": [...], ...}`` out: the rows of a model with one input."""

    row_status = 400
    rows_path = "$.features"

    def __init__(self, forms: TensorForms, write: TensorWriter) -> None:
        super().__init__(forms, write)
        self._decoder = msgspec.json.Decoder(msgspec.defstruct("Envelope", [("features", msgspec.Raw)]))

    def decode(self, body: bytes, ask: Ask) -> tuple[TensorRows, Form]:
        """Read the tensors; as ``TensorInstancesCodec.decode`` does."""
        del ask
        envelope: Any = decoding(self._decoder.decode, body, _NOTHING)
        given, rows = self._forms.instances(bytes(envelope.features), "$.features")
        return given, Form(b"predictions", rows)


_NOTHING = Signature(inputs=(), task="tensors", target="")


def _bytes_of(raw: msgspec.Raw) -> bytes | None:
    # null is what is not there.
    return None if bytes(raw) in {b"", b"null"} else bytes(raw)


def _object_json(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    return b"{%b}" % b",".join([b"%b:%b" % (orjson.dumps(name), array_json(array)) for name, array in arrays.items()])


def _named(raw: bytes, path: str) -> Mapping[str, Any]:
    try:
        return _RAW_NAMES.decode(raw)
    except msgspec.ValidationError:
        raise _no_object(path) from None


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _no_object(path)
    return value


def _no_object(path: str) -> RequestError:
    return RequestError(f"{path} is no object of named values; name the tensors", field=path)


def _some(count: int, path: str) -> int:
    if not count:
        message = "the request holds no rows; send at least one"
        raise RequestError(message, field=path)
    return count
