"""Tensor schemas: a signature of tensors in, the JSON Schemas of what the routes of its model read and write out."""

import math
from typing import Any

from golive.domain.signature import Signature, Tensor
from golive.serving.codecs.instances import SIGNATURE_NAME
from golive.serving.codecs.tensor_types import DATATYPES, page_of
from golive.serving.pages.schemas import TEXT, Schema, list_of, object_of

_SIGNATURE_NAME: Schema = {"enum": [SIGNATURE_NAME, None], "description": "The one that a model has."}
_LARGEST_INT = 2**63 - 1
_EXAMPLE_VALUES = 256


def tensors_schema(signature: Signature) -> Schema:
    """Describe whole tensors by name."""
    tensors = signature.tensors
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [tensor.name for tensor in tensors],
        "properties": {tensor.name: _nested(tensor, tensor.shape) for tensor in tensors},
        **({} if (example := example_tensors(signature)) is None else {"example": example}),
    }


def instances_schema(signature: Signature) -> Schema:
    """Describe rows: the value of the one input, or an object of values by name."""
    tensors = signature.tensors
    row: Schema = {
        "type": "object",
        "additionalProperties": False,
        "required": [tensor.name for tensor in tensors],
        "properties": {tensor.name: _nested(tensor, tensor.shape[1:]) for tensor in tensors},
    }
    only = _nested(tensors[0], tensors[0].shape[1:])
    return list_of({"anyOf": [only, row]} if len(tensors) == 1 else row, least=1)


def predict_request(signature: Signature, whole: Schema) -> Schema:
    """Describe ``/v1/models/{m}:predict``; ``whole`` are the tensors by name."""
    return {
        "anyOf": [
            object_of({"instances": instances_schema(signature)}, {"signature_name": _SIGNATURE_NAME}),
            object_of({"inputs": _inputs(signature, whole)}, {"signature_name": _SIGNATURE_NAME}),
        ]
    }


def invocations_request(signature: Signature, whole: Schema) -> Schema:
    """Describe ``/invocations``."""
    rows = instances_schema(signature)
    params = {"type": ["object", "null"], "maxProperties": 0, "description": "A model takes none."}
    return {
        "anyOf": [
            object_of({"inputs": _inputs(signature, whole)}, {"params": params}),
            object_of({"instances": rows}, {"params": params}),
            rows,
        ]
    }


def features_request(signature: Signature) -> Schema:
    """Describe ``/predict``."""
    return object_of({"features": instances_schema(signature)})


def infer_request(signature: Signature) -> Schema:
    """Describe the JSON of ``/v2/models/{m}/infer``."""
    tensors = [
        object_of(
            {
                "name": {"const": tensor.name},
                "datatype": {"const": DATATYPES[tensor.dtype]},
                "shape": {
                    "type": "array",
                    "prefixItems": [_axis(length) for length in tensor.shape],
                    "minItems": len(tensor.shape),
                    "maxItems": len(tensor.shape),
                },
                "data": {"type": "array", "description": "Flat and row-major, or nested."},
            }
        )
        for tensor in signature.tensors
    ]
    count = len(tensors)
    inputs = {"type": "array", "items": {"anyOf": tensors}, "minItems": count, "maxItems": count}
    outputs = object_of({"name": {"enum": [tensor.name for tensor in signature.outputs]}})
    return object_of(
        {"inputs": inputs},
        {"id": {"type": ["string", "null"]}, "outputs": list_of(outputs), "parameters": {"type": ["object", "null"]}},
    )


def example_tensors(signature: Signature) -> dict[str, Any] | None:
    """Give tensors of zeros, whose open axes are 1 long; None where they are too long for a page."""
    if not _is_short(signature):
        return None
    return {tensor.name: _zeros(tensor, tensor.shape) for tensor in signature.tensors}


def example_rows(signature: Signature) -> list[Any] | None:
    """Give a row of zeros as an instance; None where there is none, or it is too long for a page."""
    tensors = signature.tensors
    if not _is_short(signature) or any(tensor.shape[:1] not in {(None,), (1,)} for tensor in tensors):
        return None
    values = {tensor.name: _zeros(tensor, tensor.shape[1:]) for tensor in tensors}
    return [values] if len(tensors) > 1 else list(values.values())


def example_infer(signature: Signature) -> dict[str, Any] | None:
    """Give the same as an infer request."""
    if not _is_short(signature):
        return None
    return {
        "inputs": [
            {
                **page_of(tensor),
                "shape": [1 if length is None else length for length in tensor.shape],
                "data": _zeros(tensor, tensor.shape) if tensor.shape else [_zeros(tensor, ())],
            }
            for tensor in signature.tensors
        ]
    }


def predictions_answer(signature: Signature, *keys: str) -> Schema:
    """Describe an answer with outputs, under one of these names."""
    several = len(signature.outputs) > 1
    outputs: Schema = {
        "description": "; ".join(f"{tensor.name} {tensor.dtype}" for tensor in signature.outputs)
        + (": by name, whole or for each row" if several else ""),
    }
    forms = [object_of({key: outputs, "model_name": TEXT, "model_version": TEXT}) for key in keys]
    return forms[0] if len(forms) == 1 else {"oneOf": forms}


def infer_answer(signature: Signature) -> Schema:
    """Describe the JSON answer of ``/v2/models/{m}/infer``."""
    outputs = [
        object_of(
            {
                "name": {"const": tensor.name},
                "datatype": {"const": DATATYPES[tensor.dtype]},
                "shape": list_of(_axis(None)),
                "data": {"type": "array"},
            }
        )
        for tensor in signature.outputs
    ]
    return object_of({"model_name": TEXT, "model_version": TEXT, "outputs": list_of({"anyOf": outputs})}, {"id": TEXT})


def _inputs(signature: Signature, whole: Schema) -> Schema:
    tensors = signature.tensors
    return {"anyOf": [_nested(tensors[0], tensors[0].shape), whole]} if len(tensors) == 1 else whole


def _nested(tensor: Tensor, shape: tuple[int | None, ...]) -> Schema:
    if not shape:
        return _value(tensor)
    length = shape[0]
    bounds = {} if length is None else {"minItems": length, "maxItems": length}
    return {"type": "array", "items": _nested(tensor, shape[1:]), **bounds}


def _value(tensor: Tensor) -> Schema:
    kind = tensor.dtype
    if kind == "string":
        return TEXT
    if kind == "bool":
        return {"type": "boolean"}
    if kind.startswith("float"):
        return {"type": ["number", "null"], "description": "null is NaN"}
    bits = int(kind.removeprefix("u").removeprefix("int"))
    signed = not kind.startswith("u")
    return {
        "type": "integer",
        "minimum": -(2 ** (bits - 1)) if signed else 0,
        "maximum": 2 ** (bits - signed) - 1,
    }


def _is_short(signature: Signature) -> bool:
    sizes = (math.prod(length or 1 for length in tensor.shape) for tensor in signature.tensors)
    return sum(sizes) <= _EXAMPLE_VALUES


def _axis(length: int | None) -> Schema:
    return {"type": "integer", "minimum": 0, "maximum": _LARGEST_INT} if length is None else {"const": length}


def _zeros(tensor: Tensor, shape: tuple[int | None, ...]) -> Any:
    if not shape:
        return {"string": "", "bool": False}.get(tensor.dtype, 0)
    return [_zeros(tensor, shape[1:]) for _ in range(1 if shape[0] is None else shape[0])]
