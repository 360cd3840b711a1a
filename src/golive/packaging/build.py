"""Build: a converted model and its declared steps in, a manifest and the files of a bundle out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from golive.domain.bundle import Decision, Lineage, Manifest
from golive.domain.naming import checked_name
from golive.domain.preparation import DeclaredStep, Preparation
from golive.domain.profile import Profile
from golive.domain.signature import DType, Field, Signature
from golive.errors import UsageError, VerificationError
from golive.inference.front import compile_front
from golive.inference.table import Column, canonical_column
from golive.inference.values import text_of
from golive.ports import Converted

PROFILE = "profile.json"
"""The file of a bundle that holds its reference profile."""

MOST_CATEGORIES = 1000
"""A text column with more distinct values is described without listing them."""


def assemble(
    name: str,
    converted: Converted,
    *,
    steps: Sequence[DeclaredStep] = (),
    inputs: Sequence[Field] = (),
    runtime: str = "onnxruntime",
    lineage: Lineage | None = None,
    decision: Decision | None = None,
    unit: str = "",
) -> Manifest:
    """Put a converted model behind its declared steps.

    Args:
        name: What the author calls the model.
        converted: Its preparation reads the columns that the steps make; it has no steps of its own.
        steps: From a caller's row to those columns.
        inputs: The columns that a caller sends; without them, the ones that the converted model reads.
        runtime: The plug-in that opens the graph.
        lineage: Where the model comes from.
        decision: How probabilities become labels, where it is not the converted model's own way.
        unit: The unit of what is predicted.

    Raises:
        UsageError: the name cannot be used, or the preparation reads a column that nothing provides.
    """
    preparation = Preparation(
        steps=(*steps, *converted.preparation.steps),
        numbers=converted.preparation.numbers,
        categories=converted.preparation.categories,
    )
    own = converted.signature
    signature = Signature(
        inputs=tuple(inputs) or own.inputs,
        task=own.task,
        target=own.target,
        classes=own.classes,
        class_dtype=own.class_dtype,
        unit=unit or own.unit,
    )
    _check_names(signature)
    # Compiled for its complaints: an incoherent bundle must not be written.
    compile_front(preparation, signature)
    return Manifest(
        name=checked_name(name),
        signature=signature,
        preparation=preparation,
        decision=decision or converted.decision,
        runtime=runtime,
        lineage=lineage or Lineage(),
    )


def pack(manifest: Manifest, graph: bytes, profile: Profile) -> dict[str, bytes]:
    """Give the files of a bundle by path; the manifest itself is not among them."""
    return {manifest.graph: graph, PROFILE: msgspec.json.encode(profile, order="deterministic")}


def profile_of(files: Mapping[str, bytes]) -> Profile:
    """Read the reference profile back from a bundle's files.

    Raises:
        VerificationError: the file is absent or is not a profile.
    """
    try:
        return msgspec.json.decode(files[PROFILE], type=Profile)
    except (KeyError, msgspec.DecodeError) as error:
        message = f"the bundle's {PROFILE} cannot be read ({error}); package the model again"
        raise VerificationError(message) from error


def signature_from_frame(columns: Mapping[str, Any], *, unlisted: Sequence[str] = ()) -> tuple[Field, ...]:
    """Describe the columns of a sample, for a model that came without declared steps.

    A column of texts becomes a category with its values, unless it is named in ``unlisted`` or has more than
    1,000 of them; a column with missing values in the sample is nullable.

    Args:
        columns: Column name -> values of any kind that ``numpy.asarray`` takes, data-frame columns included.
        unlisted: Text columns whose values are not categories.

    Raises:
        UsageError: the sample has no rows.
        InvalidRowError: a number is infinite.
    """
    arrays = {str(name): np.asarray(values) for name, values in columns.items()}
    if len(next(iter(arrays.values()), ())) == 0:
        message = "the sample has no rows, so nothing is known about the inputs; give some training rows"
        raise UsageError(message)
    # A data frame's column of integers with missing ones becomes an array of floats, but still calls itself "i".
    kinds = {str(name): getattr(getattr(values, "dtype", None), "kind", "") for name, values in columns.items()}
    return tuple(
        _field(name, array, kind=kinds[name] or array.dtype.kind, listed=name not in unlisted)
        for name, array in arrays.items()
    )


def _check_names(signature: Signature) -> None:
    twice = [name for name, count in Counter(signature.names).items() if count > 1]
    if twice:
        message = f"the inputs {twice} occur more than once; every column needs a name of its own"
        raise UsageError(message)


def _field(name: str, array: Column, *, kind: str, listed: bool) -> Field:
    dtype = _dtype(array, kind)
    column = canonical_column(Field(name=name, dtype=dtype), array)
    if dtype == "string":
        return _text_field(name, column, dates=kind == "M", listed=listed)
    seen = column[~np.isnan(column)]
    return Field(
        name=name,
        dtype=dtype,
        nullable=len(seen) < len(column),
        minimum=float(seen.min()) if len(seen) and dtype != "bool" else None,
        maximum=float(seen.max()) if len(seen) and dtype != "bool" else None,
        example=_example(float(seen[0]), dtype) if len(seen) else None,
    )


def _text_field(name: str, column: Column, *, dates: bool, listed: bool) -> Field:
    counts = Counter(text for text in column.tolist() if text is not None)
    return Field(
        name=name,
        dtype="string",
        nullable=counts.total() < len(column),
        categories=tuple(sorted(counts)) if listed and not dates and len(counts) <= MOST_CATEGORIES else (),
        format="date" if dates else "",
        example=counts.most_common(1)[0][0] if counts else None,
    )


def _dtype(array: Column, kind: str) -> DType:
    if kind != "O":
        by_kind: dict[str, DType] = {"f": "float64", "i": "int64", "u": "int64", "b": "bool"}
        return by_kind.get(kind, "string")
    present = [value for value in array.tolist() if text_of(value) is not None]
    if not present or not all(isinstance(value, (int, float, np.number, np.bool_)) for value in present):
        return "string"
    if all(isinstance(value, (bool, np.bool_)) for value in present):
        return "bool"
    return "int64" if all(isinstance(value, (int, np.integer)) for value in present) else "float64"


def _example(number: float, dtype: DType) -> float | int | bool:
    if dtype == "bool":
        return bool(number)
    return int(number) if dtype == "int64" else number
