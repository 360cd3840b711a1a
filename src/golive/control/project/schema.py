"""Schema: the JSON Schema of golive.yaml, for editors. Reading the file says more, and is the one that decides."""

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import Any

import msgspec

from golive.control.project.file import Project

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> bytes:
    """Give the JSON Schema (draft 2020-12) of golive.yaml, every key described where its struct describes it."""
    return schema_of(Project, "golive.yaml")


def schema_of(shape: type[msgspec.Struct], title: str) -> bytes:
    """Give the JSON Schema (draft 2020-12) of a struct and of all that it holds, described as :func:`schema` does."""
    (root,), parts = msgspec.json.schema_components((shape,), ref_template="#/$defs/{name}")
    structs = _structs(shape)
    described = {name: _described(part, structs.get(name)) for name, part in parts.items()}
    document = {"$schema": DIALECT, "title": title, **root, "$defs": described}
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2) + b"\n"


def _structs(root: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    """Find every struct below ``root``, by name."""
    found: dict[str, type[msgspec.Struct]] = {}
    waiting: list[Any] = [msgspec.inspect.type_info(root)]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, msgspec.inspect.StructType):
            found[kind.cls.__name__] = kind.cls
            waiting.extend(field.type for field in kind.fields)
        elif isinstance(kind, msgspec.inspect.VarTupleType):
            waiting.append(kind.item_type)
        elif isinstance(kind, msgspec.inspect.UnionType):
            waiting.extend(kind.types)
        elif isinstance(kind, msgspec.inspect.DictType):
            waiting.append(kind.value_type)
    return found


def _described(part: dict[str, Any], struct: type[msgspec.Struct] | None) -> dict[str, Any]:
    if struct is None:
        return part
    texts = _field_texts(struct)
    properties = {
        name: {**shape, "description": texts[name]} if name in texts else shape
        for name, shape in part.get("properties", {}).items()
    }
    return {**part, "properties": properties}


def _field_texts(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Read the texts that stand under a struct's fields; Python keeps them in the source only."""
    body = ast.parse(textwrap.dedent(inspect.getsource(struct))).body[0]
    statements = body.body if isinstance(body, ast.ClassDef) else []
    texts = {}
    for field, text in pairwise(statements):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            texts[field.target.id] = " ".join(text.value.value.replace("``", "`").split())
    return texts
