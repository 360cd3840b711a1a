"""JSON arrays: nested lists in, an array of a tensor's type out, and back."""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import orjson

from golive.domain.signature import Signature, Tensor
from golive.errors import InvalidRowError, RequestError
from golive.serving.codecs.rowtypes import broken, converting, explained
from golive.serving.codecs.tensor_types import dtype_of
from golive.serving.codecs.tokens import plain_text

_NO_FIELDS = Signature(inputs=(), task="tensors", target="")


class JsonReader:
    """Reads the values of one tensor. Holds no state: safe from several threads.

    Numbers stand for themselves, and for a tensor of floats null is a NaN. A text may be ``{"b64": "..."}`` where
    values come decoded.
    """

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor
        rank = len(tensor.shape)
        self._types = {depth: _nested(_kind(tensor), depth) for depth in {0, 1, max(0, rank - 1), rank}}
        self._decoders = {depth: msgspec.json.Decoder(kind) for depth, kind in self._types.items()}

    def text(self, raw: bytes, depth: int, path: str) -> npt.NDArray[Any]:
        """Read lists nested so deep, as text; ``path`` is their place in the body, for errors.

        Raises:
            RequestError: they are not of that form.
            InvalidRowError: a value is none of the tensor's type.
        """
        try:
            values = self._decoders[depth].decode(raw)
        except msgspec.ValidationError as error:
            raise self._wrong(error, path) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise broken(raw, error) from None
        return self._array(values, depth, path)

    def values(self, values: Any, depth: int, path: str) -> npt.NDArray[Any]:
        """Read lists nested so deep that were decoded already; as ``text`` does."""
        if self._tensor.dtype == "string":
            values = _plain(values, path)
        return self._array(converting(values, self._types[depth], path, _NO_FIELDS), depth, path)

    def _wrong(self, error: msgspec.ValidationError, path: str) -> RequestError:
        what, _, place = str(error).partition(" - at `$")
        trouble = explained(f"{what} - at `{path}{place.removesuffix('`')}`", _NO_FIELDS)
        message = f"tensor {self._tensor.name!r} ({self._tensor.dtype}): {trouble.message}"
        return InvalidRowError(message, field=trouble.field)

    def _array(self, values: Any, depth: int, path: str) -> npt.NDArray[Any]:
        tensor = self._tensor
        try:
            array = _of_floats(values, tensor) if tensor.dtype.startswith("float") else _of(values, tensor)
        except OverflowError:
            message = f"tensor {tensor.name!r} has a number beyond what {tensor.dtype} holds; send a smaller one"
            raise InvalidRowError(message, field=path) from None
        except ValueError:
            array = None
        if array is None or array.ndim != depth:
            message = f"the lists of tensor {tensor.name!r} differ in length or are empty; send a rectangular tensor"
            raise RequestError(message, field=path)
        return array


def array_json(array: npt.NDArray[Any]) -> bytes:
    """Write an array as nested lists; what is not finite becomes null."""
    if array.ndim == 0 or array.dtype == object:
        return orjson.dumps(array.tolist())
    return orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY)


def rows_json(arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    """Write arrays of equally many rows as one object for each row."""
    listed = {
        name: array.tolist() if array.dtype == object else np.ascontiguousarray(array) for name, array in arrays.items()
    }
    rows = [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]
    return orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY)


def _of(values: Any, tensor: Tensor) -> npt.NDArray[Any]:
    return np.array(values, dtype=dtype_of(tensor.dtype))


def _of_floats(values: Any, tensor: Tensor) -> npt.NDArray[Any]:
    wide = np.array(values, dtype=np.float64)
    if tensor.dtype == "float64":
        return wide
    with np.errstate(over="ignore"):
        narrow = wide.astype(tensor.dtype)
    # An infinity that was sent is one; one that comes of a number that does not fit is a mistake.
    if np.isinf(narrow).sum() > np.isinf(wide).sum():
        raise OverflowError
    return narrow


def _kind(tensor: Tensor) -> Any:
    if tensor.dtype.startswith("float"):
        return float | None
    return {"bool": bool, "string": str}.get(tensor.dtype, int)


def _nested(kind: Any, depth: int) -> Any:
    return kind if depth == 0 else list[_nested(kind, depth - 1)]  # type: ignore[misc]


def _plain(value: Any, path: str) -> Any:
    if isinstance(value, list):
        return [_plain(each, f"{path}[{index}]") for index, each in enumerate(value)]
    return plain_text(value, path)
