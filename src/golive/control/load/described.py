"""Described: a server's own description in, a model's name, example row and column types out. Pure."""

from collections.abc import Mapping
from typing import Any

from golive.control.load.rows import Row
from golive.domain.signature import DType
from golive.errors import NotFoundError

_HEAD, _TAIL = "/v1/models/", ":predict"


def model_of(description: Mapping[str, Any], model: str, url: str) -> str:
    """Find a model in a server's own description.

    Raises:
        NotFoundError: there is no such model, or several and none was named.
    """
    names = [
        path.removeprefix(_HEAD).removesuffix(_TAIL)
        for path in description["paths"]
        if path.endswith(_TAIL) and "{" not in path
    ]
    if (model and model not in names) or (not model and len(names) != 1):
        wanted = f"no model {model!r}" if model else "more than one model" if names else "no model"
        message = f"the server at {url} has {wanted}; name one with --model: {', '.join(names) or 'none is served'}"
        raise NotFoundError(message)
    return model or names[0]


def example_of(description: Mapping[str, Any], model: str, url: str) -> tuple[str, Row]:
    """Find a model of rows and its example row in a server's own description.

    Raises:
        NotFoundError: there is no such model, or several and none was named.
    """
    name = model_of(description, model, url)
    content = description["paths"][f"{_HEAD}{name}{_TAIL}"]["post"]["requestBody"]["content"]
    return name, content["application/json"]["example"]["instances"][0]


def types_of(row: Row) -> dict[str, DType]:
    """Tell the types of columns by one row."""
    kinds: dict[type, DType] = {float: "float64", int: "int64", bool: "bool"}
    return {name: kinds.get(type(value), "string") for name, value in row.items()}
