"""Requests: rows in, the bytes of whole HTTP requests out, made once before the load begins."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from golive.control.load.rows import Row
from golive.domain.signature import DType

Form = Literal["auto", "rows", "tensors", "binary"]
"""``auto``: of rows of fields ``rows``, of tensors ``binary``. ``rows``: objects (or whole tensors by name) to
``/v1/models/{m}:predict``. ``tensors`` and ``binary``: the Open Inference Protocol's JSON and binary tensors to
``/v2/models/{m}/infer``."""

_DATATYPES: dict[DType, str] = {"float64": "FP64", "int64": "INT64", "bool": "BOOL", "string": "BYTES"}
_PACKS: dict[DType, str] = {"float64": "d", "int64": "q", "bool": "?"}
_FUSED = "input"
_NUMBERS = frozenset({"float64", "int64"})


class Body(msgspec.Struct, frozen=True):
    """What a request carries."""

    content: bytes
    described_bytes: int | None = None
    """How many bytes at its beginning are JSON, where raw tensors follow; None when it is JSON alone."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers that say how it is to be read."""
        if self.described_bytes is None:
            return {"content-type": "application/json"}
        return {
            "content-type": "application/octet-stream",
            "inference-header-content-length": str(self.described_bytes),
        }


def path_of(model: str, form: Form) -> str:
    """Give the route of a model."""
    name = quote(model, safe="")
    return f"/v1/models/{name}:predict" if form == "rows" else f"/v2/models/{name}/infer"


def form_of(form: Form, *, tensors: bool) -> Form:
    """Say how a model's requests are written, where that was left open."""
    if form != "auto":
        return form
    return "binary" if tensors else "rows"


def bodies_of(rows: Sequence[Row], each: int, form: Form, types: Mapping[str, DType]) -> list[Body]:
    """Write bodies of ``each`` rows.

    Args:
        rows: a whole multiple of ``each``.
        each: rows a body.
        form: how they are written.
        types: the type of each column, in order; tensors need it.
    """
    parts = [rows[start : start + each] for start in range(0, len(rows), each)]
    if form == "rows":
        return [Body(msgspec.json.encode({"instances": part})) for part in parts]
    if form == "tensors":
        tensors = ([_json_tensor(name, kind, part) for name, kind in types.items()] for part in parts)
        return [Body(msgspec.json.encode({"inputs": inputs})) for inputs in tensors]
    return [_binary(part, types) for part in parts]


def request_of(body: Body, *, host: str, path: str, headers: Mapping[str, str]) -> bytes:
    """Write a whole HTTP/1.1 request that keeps its connection."""
    lines = {"host": host, **body.headers, "content-length": str(len(body.content)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body.content


def _json_tensor(name: str, kind: DType, rows: Sequence[Row]) -> dict[str, Any]:
    data = [row[name] for row in rows]
    return {"name": name, "shape": [len(data), 1], "datatype": _DATATYPES[kind], "data": data}


def _binary(rows: Sequence[Row], types: Mapping[str, DType]) -> Body:
    """Write tensors as the protocol's binary extension has it: their description as JSON, then their bytes in order.

    A model of numbers alone gets one tensor with all columns. A column with a gap that its bytes cannot express stands
    in the description itself, which the extension allows.
    """
    described: list[dict[str, Any]] = []
    raws: list[bytes] = []
    if set(types.values()) <= _NUMBERS:
        raws.append(_raw([row[name] for row in rows for name in types], "float64"))
        described.append(_described(_FUSED, [len(rows), len(types)], "FP64", raws[0]))
    else:
        for name, kind in types.items():
            column = [row[name] for row in rows]
            if kind != "float64" and None in column:
                described.append(_json_tensor(name, kind, rows))
            else:
                raws.append(_raw(column, kind))
                described.append(_described(name, [len(rows), 1], _DATATYPES[kind], raws[-1]))
    head = msgspec.json.encode({"inputs": described, "parameters": {"binary_data_output": True}})
    return Body(head + b"".join(raws), len(head))


def _described(name: str, shape: list[int], datatype: str, raw: bytes) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": len(raw)}}


def _raw(values: Sequence[Any], kind: DType) -> bytes:
    """Write values little-endian, a text after its length; a missing number is NaN."""
    if kind == "string":
        texts = [value.encode() for value in values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return struct.pack(f"<{len(values)}{_PACKS[kind]}", *map(_number, values))


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
