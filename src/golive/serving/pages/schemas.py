"""Schemas: a signature in, the JSON Schemas of what the routes of its model read and write out."""

import sys
from typing import Any

from golive.domain.signature import DType, Field, Signature
from golive.serving.codecs.instances import SIGNATURE_NAME
from golive.serving.codecs.raw_tensors import ACCEPTED
from golive.serving.codecs.rowtypes import is_coded
from golive.serving.codecs.tensor_inputs import DATATYPES, FUSED, takes_fused
from golive.serving.codecs.tensor_outputs import output_tensors

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
_JSON_TYPES: dict[DType, str] = {"float64": "number", "int64": "integer", "bool": "boolean", "string": "string"}
_BOUNDS: dict[DType, Schema] = {
    "float64": {"minimum": -sys.float_info.max, "maximum": sys.float_info.max},
    "int64": {"format": "int64", "minimum": -(2**63), "maximum": 2**63 - 1},
}
"""What a number may be at least and at most."""
_SIGNATURE_NAME: Schema = {"enum": [SIGNATURE_NAME, None], "description": "The one that a model has."}
_MANY_CATEGORIES = 20


def object_of(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """Describe an object by its members; others are passed over."""
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def list_of(items: Schema, *, least: int = 0) -> Schema:
    """Describe a list."""
    return {"type": "array", "items": items, **({"minItems": least} if least else {})}


def row_schema(signature: Signature) -> Schema:
    """Describe a row written as an object."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in signature.inputs if not field.nullable],
        "properties": {field.name: _field(field) for field in signature.inputs},
        "example": example_row(signature),
    }


def list_schema(signature: Signature) -> Schema:
    """Describe a row written as a list in the order of the signature."""
    count = len(signature.inputs)
    return {
        "type": "array",
        "prefixItems": [_field(field) for field in signature.inputs],
        "minItems": count,
        "maxItems": count,
        "description": f"In this order: {', '.join(signature.names)}",
    }


def example_row(signature: Signature) -> dict[str, Any]:
    """Give a row that the model answers: the examples of its fields."""
    return {field.name: field.sample for field in signature.inputs}


def instances_request(signature: Signature, row: Schema) -> Schema:
    """Describe ``/v1/models/{m}:predict``; ``row`` is a row written as an object."""
    instances = {"anyOf": [list_of(row, least=1), list_of(list_schema(signature), least=1)]}
    return {
        "anyOf": [
            object_of({"instances": instances}, {"inputs": {"type": "null"}, "signature_name": _SIGNATURE_NAME}),
            object_of(
                {"inputs": columns_schema(signature)},
                {"instances": {"type": "null"}, "signature_name": _SIGNATURE_NAME},
            ),
        ]
    }


def columns_schema(signature: Signature) -> Schema:
    """Describe rows written as columns; all lists have one length."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in signature.inputs if not field.nullable],
        "properties": {field.name: list_of(_field(field), least=1) for field in signature.inputs},
        "description": "A list of values for each input, all of one length.",
    }


def examples_request(signature: Signature, row: Schema) -> Schema:
    """Describe ``:classify`` and ``:regress``; ``row`` is a row written as an object."""
    some: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {field.name: _field(field) for field in signature.inputs},
    }
    context = {**some, "description": "Values that belong to every example that has none of its own."}
    return {
        "anyOf": [
            object_of({"examples": list_of(row, least=1)}, {"signature_name": _SIGNATURE_NAME}),
            object_of({"examples": list_of(some, least=1), "context": context}, {"signature_name": _SIGNATURE_NAME}),
        ]
    }


def features_request(signature: Signature) -> Schema:
    """Describe ``/predict``."""
    return object_of({"features": list_of(list_schema(signature), least=1)})


def invocations_request(signature: Signature, row: Schema) -> Schema:
    """Describe the JSON of ``/invocations``."""
    either = {"anyOf": [row, list_schema(signature)]}
    split = object_of({"columns": list_of(TEXT), "data": list_of({"type": "array"}, least=1)}, {"index": list_of({})})
    forms = {
        "dataframe_split": split,
        "dataframe_records": list_of(row, least=1),
        "instances": list_of(either, least=1),
        "inputs": {"anyOf": [columns_schema(signature), list_of(either, least=1)]},
    }
    params = {"type": ["object", "null"], "maxProperties": 0, "description": "A model takes none."}
    return {
        "oneOf": [
            *(
                object_of(
                    {name: schema}, {"params": params} | {other: {"type": "null"} for other in forms if other != name}
                )
                for name, schema in forms.items()
            ),
            forms["instances"],
        ]
    }


def infer_request(signature: Signature) -> Schema:
    """Describe the JSON of ``/v2/models/{m}/infer``."""
    tensors: list[Schema] = [_tensor(field) for field in signature.inputs]
    every = {"type": "array", "items": {"anyOf": tensors}, "minItems": 1, "maxItems": len(tensors)}
    fused = object_of(
        {
            "name": {"const": FUSED},
            "datatype": {"enum": list(ACCEPTED["float64"])},
            "shape": {"type": "array", "prefixItems": [_dimension(), {"const": len(tensors)}], "minItems": 2},
            "data": {"type": "array"},
        }
    )
    alone = {"type": "array", "items": fused, "minItems": 1, "maxItems": 1}
    outputs = object_of({"name": {"enum": [output["name"] for output in output_tensors(signature)]}})
    return object_of(
        {"inputs": {"anyOf": [every, alone]} if takes_fused(signature) else every},
        {"id": {"type": ["string", "null"]}, "outputs": list_of(outputs), "parameters": {"type": ["object", "null"]}},
    )


def example_tensors(signature: Signature) -> dict[str, Any]:
    """Give an infer request that the model answers."""
    return {
        "inputs": [
            {"name": field.name, "shape": [1, 1], "datatype": DATATYPES[field.dtype], "data": [field.sample]}
            for field in signature.inputs
        ]
    }


def predictions_answer(signature: Signature, *, key: str = "predictions", other: str = "") -> Schema:
    """Describe an answer with predictions; ``other`` is their name where the request had columns."""
    shared = {"probabilities": _probabilities(signature), "model_name": TEXT, "model_version": TEXT}
    if signature.top_k:
        shared["top"] = _top(signature)
    forms = [
        {**object_of({name: list_of(_prediction(signature)), **shared}), "additionalProperties": False}
        for name in filter(None, (key, other))
    ]
    return forms[0] if len(forms) == 1 else {"oneOf": forms}


def result_answer(signature: Signature) -> Schema:
    """Describe the answer of ``:classify`` and ``:regress``."""
    score: Schema = {"type": ["number", "null"]}
    if signature.task == "regression":
        return object_of({"result": list_of(score)})
    part = {"type": ["string", "number", "null"]}
    pair = {"type": "array", "items": part, "minItems": 2, "maxItems": 2, "description": "A label and its score."}
    return object_of({"result": list_of(list_of(pair))})


def infer_answer(signature: Signature) -> Schema:
    """Describe the JSON answer of ``/v2/models/{m}/infer``."""
    outputs = [
        object_of(
            {
                "name": {"const": output["name"]},
                "datatype": {"const": output["datatype"]},
                "shape": list_of(_dimension()),
                "data": {"type": "array"},
            }
        )
        for output in output_tensors(signature)
    ]
    return object_of({"model_name": TEXT, "model_version": TEXT, "outputs": list_of({"anyOf": outputs})}, {"id": TEXT})


def _dimension() -> Schema:
    return {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}


def _tensor(field: Field) -> Schema:
    return object_of(
        {
            "name": {"const": field.name},
            "datatype": {"enum": list(ACCEPTED[field.dtype])},
            "shape": {"type": "array", "prefixItems": [_dimension(), {"const": 1}], "minItems": 1, "maxItems": 2},
            "data": list_of({"anyOf": [_field(field), list_of(_field(field))]}),
        }
    )


def _probabilities(signature: Signature) -> Schema:
    if signature.task == "regression":
        return {"type": "null", "description": "A regression has none."}
    order = ", ".join(signature.classes)
    # A model of anybody's may give what is no number, which JSON cannot hold.
    return {
        **list_of(list_of({"type": ["number", "null"]})),
        "description": f"One list for each row, in the order of the classes: {order}",
    }


def _top(signature: Signature) -> Schema:
    pair = object_of(
        {"label": {"type": _JSON_TYPES[signature.class_dtype]}, "probability": {"type": ["number", "null"]}}
    )
    return {
        **list_of({**list_of(pair), "minItems": signature.top_k, "maxItems": signature.top_k}),
        "description": f"For each row the {signature.top_k} most probable labels, the best first",
    }


def _prediction(signature: Signature) -> Schema:
    unit = f" in {signature.unit}" if signature.unit else ""
    if signature.task == "regression":
        text = f"{signature.target}{unit}; null when the model gives no finite number"
        return {"type": ["number", "null"], "description": text}
    named = dict(zip(signature.known_as, signature.classes, strict=False))
    known = "; ".join(f"{label} is {name} in the data" for name, label in named.items() if name != label)
    return {
        "type": _JSON_TYPES[signature.class_dtype],
        "description": f"{signature.target}{f' ({known})' if known else ''}",
    }


def _field(field: Field) -> Schema:
    kinds = [_JSON_TYPES[field.dtype], *(["number"] if is_coded(field) else []), *(["null"] if field.nullable else [])]
    schema: Schema = {"type": kinds if len(kinds) > 1 else kinds[0], **_BOUNDS.get(field.dtype, {})}
    if field.format:
        schema["format"] = field.format
    if field.example is not None:
        schema["examples"] = [field.example]
    if notes := _notes(field):
        schema["description"] = "; ".join(notes)
    return schema


def _notes(field: Field) -> list[str]:
    notes = [field.unit] if field.unit else []
    if field.minimum is not None and field.maximum is not None:
        notes.append(f"in training {field.minimum:g} to {field.maximum:g}")
    if field.categories:
        shown = ", ".join(field.categories[:_MANY_CATEGORIES])
        rest = len(field.categories) - _MANY_CATEGORIES
        notes.append(f"known: {shown}{f' and {rest} more' if rest > 0 else ''}")
    return notes
