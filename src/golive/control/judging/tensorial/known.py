"""Known: arrays with known answers, from a file or from a notebook, and the name of their content."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive.control.arrays import read_arrays
from golive.domain.digest import Digest, digest_of, digest_of_value
from golive.domain.judging import Declared
from golive.domain.signature import Signature
from golive.errors import DataError
from golive.ports import Arrays, Column

_MOST_BYTES = 2**31
_TRUTHS = ("target", "y", "label", "labels", "truth")


class Known(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Arrays with known answers."""

    arrays: Arrays
    """By name: the inputs of the model, and what else there is of the same rows."""
    truth: Column
    """The known answers, ``[n, ...]``."""
    name: str
    """Of the truth."""
    digest: Digest

    def columns(self, declared: Declared) -> dict[str, Column]:
        """Give the declared columns that stand beside the inputs, in the canonical form, ``[n]``."""
        found = {}
        for name in declared.columns:
            array = self.arrays.get(name)
            if array is not None and array.shape == (len(self.truth),):
                numbers = array.dtype.kind in "fiub"
                found[name] = array.astype(np.float64) if numbers else np.array([*map(str, array), None], object)[:-1]
        return found


def known_in(path: Path, signature: Signature, truth: str) -> Known:
    """Read the arrays of a ``.npz`` file; ``truth`` names the known answers, or is empty.

    Raises:
        DataError: the file cannot be read or is too large, or does not say which array is the truth.
    """
    arrays = _read_bounded(path)
    inputs = _inputs(signature)
    name = _truth_name(arrays, truth, signature, path)
    with path.open("rb") as opened:
        digest = digest_of(opened.read())
    given = {key: array for key, array in arrays.items() if key != name or key in inputs}
    return Known(arrays=given, truth=arrays[name], name=name, digest=digest)


def known_given(arrays: Any, truth: Any, signature: Signature) -> Known:
    """Take arrays by name, or the only input, and their known answers, as numpy or any library holds them.

    Raises:
        DataError: one of them is no array.
    """
    named = arrays if isinstance(arrays, Mapping) else {signature.tensors[0].name: arrays}
    types = {tensor.name: tensor.dtype for tensor in signature.tensors if tensor.dtype != "string"}
    held = {str(name): _array(str(name), array, types.get(str(name))) for name, array in named.items()}
    answers = _array("truth", truth, None)
    name = str(getattr(truth, "name", None) or "truth")
    return Known(arrays=held, truth=answers, name=name, digest=_digest(held, answers))


def _inputs(signature: Signature) -> set[str]:
    return {tensor.name for tensor in signature.tensors}


def _truth_name(arrays: Arrays, asked: str, signature: Signature, path: Path) -> str:
    held = ", ".join(f"{name} {array.dtype} {list(array.shape)}" for name, array in arrays.items()) or "nothing"
    if asked:
        if asked in arrays:
            return asked
        message = f"{path} has no array {asked!r}; it holds {held}"
        raise DataError(message)
    usual: tuple[str, ...] = (signature.target, *_TRUTHS)
    found = [name for name in usual if name in arrays and name not in _inputs(signature)]
    if found:
        return found[0]
    message = f"{path} holds {held}; say which is the truth: --truth NAME"
    raise DataError(message)


def _read_bounded(path: Path) -> dict[str, Column]:
    try:
        with zipfile.ZipFile(path) as opened:
            size = sum(member.file_size for member in opened.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        message = (
            f"{path} cannot be read as arrays by name ({error}); a model of tensors is evaluated on what "
            "numpy.savez(path, first_input=array, truth=array) writes"
        )
        raise DataError(message) from error
    if size > _MOST_BYTES:
        message = f"{path} holds {size / 2**30:.1f} GiB of arrays, and at most 2 are read; give fewer rows"
        raise DataError(message)
    try:
        return read_arrays(path)
    except MemoryError as error:
        message = f"{path} says that it holds more than memory does; give fewer rows"
        raise DataError(message) from error


def _array(name: str, values: Any, dtype: str | None) -> Column:
    """Give an array; a list has no type of its own and takes that of the tensor."""
    try:
        return np.asarray(values, dtype=None if hasattr(values, "__array__") else dtype)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"the values of {name!r} are no array ({error}); give rows of one length"
        raise DataError(message) from error


def _digest(arrays: Arrays, truth: Column) -> Digest:
    return digest_of_value([[name, *_named(array)] for name, array in {**arrays, "": truth}.items()])


def _named(array: Column) -> list[Any]:
    if array.dtype.kind == "O":
        return ["text", list(array.shape), [str(value) for value in array.flat]]
    return [str(array.dtype), list(array.shape), digest_of(np.ascontiguousarray(array).tobytes())]
