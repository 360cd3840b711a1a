"""Row types: a signature in, compiled msgspec types for one row or many out; and decoding errors put in plain words."""

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Annotated, Any

import msgspec

from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, RequestError

Rows = Sequence[Sequence[Any]]
"""Rows as values in the order of the signature; None is missing."""

_INT64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_WHOLE = (
    _INT64
    # Data frames write a whole number in a column with gaps as 20.0.
    | Annotated[float, msgspec.Meta(multiple_of=1)]
)
_CODE = str | _INT64 | float
"""Of a category whose known values are all numbers: 20 is the category "20"."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_TYPES: dict[str, Any] = {"float64": float, "int64": _WHOLE, "bool": bool, "string": str}
_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "a text",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}
_LOCATED = re.compile(r"(?P<what>.*) - at `(?P<path>[^`]*)`\Z", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_ABSENT = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_MISMATCH = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_IN_A_ROW = re.compile(r"\$(\.\w+)?[.\[].+", re.DOTALL)
_POSITION = re.compile(r"\$\.features\[\d+\]\[(\d+)\]")


def type_of(field: Field) -> Any:
    """Give the msgspec type of one value of a field."""
    kind = _CODE if is_coded(field) else _TYPES[field.dtype]
    return kind | None if field.nullable else kind


def is_coded(field: Field) -> bool:
    """Say whether all known values of a category are numbers, so that a caller may send them as numbers."""
    return bool(field.categories) and all(_NUMBER.fullmatch(value) for value in field.categories)


def row_type(signature: Signature) -> type[msgspec.Struct]:
    """Build the type of a row written as an object: unknown names refused, nullable fields may be left out."""
    return msgspec.defstruct(
        "Row",
        [_member(index, field, type_of(field)) for index, field in enumerate(signature.inputs)],
        rename=_renaming(signature),
        forbid_unknown_fields=True,
        kw_only=True,
        frozen=True,
        gc=False,
    )


def partial_type(signature: Signature) -> type[msgspec.Struct]:
    """Build the type of some values of a row, written as an object: any field may be left out."""
    return msgspec.defstruct(
        "PartialRow",
        [
            (f"f{index}", type_of(field) | msgspec.UnsetType, msgspec.UNSET)
            for index, field in enumerate(signature.inputs)
        ],
        rename=_renaming(signature),
        forbid_unknown_fields=True,
        kw_only=True,
        frozen=True,
    )


def positional_type(signature: Signature) -> type[msgspec.Struct]:
    """Build the type of a row written as a list: exactly one value for each field, in the order of the signature."""
    return msgspec.defstruct(
        "PositionalRow",
        [(f"f{index}", type_of(field)) for index, field in enumerate(signature.inputs)],
        array_like=True,
        forbid_unknown_fields=True,
        frozen=True,
        gc=False,
    )


def columns_type(signature: Signature) -> type[msgspec.Struct]:
    """Build the type of many rows written as an object of lists."""
    return msgspec.defstruct(
        "Columns",
        [_member(index, field, list[type_of(field)]) for index, field in enumerate(signature.inputs)],  # type: ignore[misc]
        rename=_renaming(signature),
        forbid_unknown_fields=True,
        kw_only=True,
        frozen=True,
    )


def rows_of_columns(columns: msgspec.Struct, signature: Signature) -> Rows:
    """Turn columns into rows; a nullable column that was left out is missing in every row.

    Raises:
        RequestError: the lists differ in length.
    """
    values: Sequence[list[Any] | None] = msgspec.structs.astuple(columns)
    lengths = {name: len(column) for name, column in zip(signature.names, values, strict=True) if column is not None}
    if len(set(lengths.values())) > 1:
        message = f"the columns of 'inputs' must have one length, got {lengths}; send one value for each row"
        raise RequestError(message, field="$.inputs")
    count = next(iter(lengths.values()), 0)
    return list(zip(*([None] * count if column is None else column for column in values), strict=True))


def decoding(decode: Callable[[bytes], Any], body: bytes, signature: Signature) -> Any:
    """Decode a body, and say in plain words what is wrong with one that cannot be decoded.

    Raises:
        RequestError: the body is empty, is no JSON, or lacks what the route asks for.
        InvalidRowError: a value does not fit the signature; ``field`` is its JSON path.
    """
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        raise explained(str(error), signature) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise broken(body, error) from None


def converting(value: Any, kind: Any, path: str, signature: Signature) -> Any:
    """Read a value that was decoded already, and is at ``path`` of its body, as a type.

    Raises:
        RequestError: it lacks what the route asks for.
        InvalidRowError: it does not fit the signature; ``field`` is its JSON path.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        located = f"{what} - at `{path}{place.removesuffix('`')}`"
        raise explained(located, signature) from None


def broken(body: bytes, error: Exception) -> RequestError:
    """Say why a body is not JSON; never quotes the body."""
    if not body.strip():
        return RequestError("the body is empty; send a JSON object")
    if isinstance(error, UnicodeDecodeError):
        return RequestError("the body is not UTF-8; send JSON in UTF-8")
    if isinstance(error, RecursionError):
        return RequestError("the body is nested too deeply; send a flat JSON object")
    return RequestError(f"the body is not valid JSON ({error}); NaN and Infinity are not JSON: send null for missing")


def explained(text: str, signature: Signature) -> RequestError:
    """Turn the text of a decoding error into one of ours, with the JSON path and the remedy."""
    located = _LOCATED.match(text)
    what, path = (located["what"], located["path"]) if located else (text, "$")
    if absent := _ABSENT.fullmatch(what):
        return _missing(absent[1], path, signature)
    if unknown := _UNKNOWN.fullmatch(what):
        return InvalidRowError(unknown_input(unknown[1], signature), field=f"{path}.{unknown[1]}")
    if " length " in what:
        return _wrong_length(what, path, signature)
    kind = InvalidRowError if _IN_A_ROW.fullmatch(path) and path.count("[") + path.count(".") > 1 else RequestError
    return kind(f"{_place(path, signature)} {_wanted(what)}", field=path)


def unknown_input(name: str, signature: Signature) -> str:
    """Say that a model has no such input, and which name is nearest."""
    near = get_close_matches(name, signature.names, n=1, cutoff=0.5)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return f"there is no input {name!r}; {guess}the inputs are: {', '.join(signature.names)}"


def _missing(name: str, path: str, signature: Signature) -> RequestError:
    if path == "$":
        return RequestError(f"the body has no {name!r}; send a JSON object with it", field=f"$.{name}")
    if name in signature.names:
        return InvalidRowError(f"the input {name!r} is missing; send a value for it", field=f"{path}.{name}")
    return RequestError(f"{path} has no {name!r}; send it too", field=f"{path}.{name}")


def _wrong_length(what: str, path: str, signature: Signature) -> RequestError:
    count = re.search(r"got (\d+)", what)
    got = f"got {count[1]}" if count else "got more"
    message = f"a row wants {len(signature.inputs)} values in this order: {', '.join(signature.names)}; {got}"
    return InvalidRowError(message, field=path)


def _place(path: str, signature: Signature) -> str:
    if path == "$":
        return "the body"
    position = _POSITION.fullmatch(path)
    return f"{path} ({signature.names[int(position[1])]})" if position else path


def _wanted(what: str) -> str:
    if what == "Number out of range":
        return "is a number beyond what 64 bits hold; send a smaller one"
    if "multiple of" in what:
        return "wants a whole number, got one with a fraction"
    if "<= 9223372036854775807" in what or ">= -9223372036854775808" in what:
        return "is a whole number beyond what 64 bits hold; send a smaller one"
    mismatch = _MISMATCH.fullmatch(what)
    if mismatch is None:
        return f"does not fit: {what[:1].lower()}{what[1:]}"
    return f"wants {_in_words(mismatch[1])}, got {_in_words(mismatch[2])}"


def _in_words(types: str) -> str:
    parts = types.split(" | ")
    if "int" in parts and "float" in parts:
        parts.remove("float")
    return " or ".join(_WORDS.get(part, part) for part in parts)


def _member(index: int, field: Field, kind: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    return (f"f{index}", kind | None, None) if field.nullable else (f"f{index}", kind)


def _renaming(signature: Signature) -> dict[str, str]:
    return {f"f{index}": field.name for index, field in enumerate(signature.inputs)}
