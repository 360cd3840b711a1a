"""Described: a server's own description in, a model's name, example row and column types out. Pure."""

from collections.abc import Mapping
from typing import Any

from golive.control.load.rows import Row
from golive.domain.signature import DType
from golive.errors import NotFoundError


def example_of(description: Mapping[str, Any], model: str, url: str) -> tuple[str, Row]:
    """Find a model and its example row in a server's own description.

    Raises:
        NotFoundError: there is no such model, or several and none was named.
    """
    head, tail = "/v1/models/", ":predict"
    paths = description["paths"]
    names = [path.removeprefix(head).removesuffix(tail) for path in paths if path.endswith(tail) and "{" not in path]
    if (model and model not in names) or (not model and len(names) != 1):
        wanted = f"no model {model!r}" if model else "more than one model" if names else "no model"
        message = f"the server at {url} has {wanted}; name one with --model: {', '.join(names) or 'none is served'}"
        raise NotFoundError(message)
    name = model or names[0]
    content = paths[f"{head}{name}{tail}"]["post"]["requestBody"]["content"]
    return name, content["application/json"]["example"]["instances"][0]


def types_of(row: Row) -> dict[str, DType]:
    """Tell the types of columns by one row."""
    kinds: dict[type, DType] = {float: "float64", int: "int64", bool: "bool"}
    return {name: kinds.get(type(value), "string") for name, value in row.items()}
