"""OpenAPI: signatures in, an OpenAPI 3.1 description of the routes out."""

from collections.abc import Mapping
from typing import Any

from golive.domain.signature import DType, Field, Signature
from golive.serving.tensors import DATATYPES

_JSON_TYPES: dict[DType, str] = {"float64": "number", "int64": "integer", "bool": "boolean", "string": "string"}
_EXAMPLES: dict[DType, Any] = {"float64": 0.0, "int64": 0, "bool": False, "string": "text"}
_ERRORS = {
    "400": "The body is malformed.",
    "404": "There is no such model or version.",
    "413": "The body is over the limit.",
    "503": "The server cannot answer now.",
}


def describe(signatures: Mapping[str, Signature], *, title: str, version: str, secured: bool) -> dict[str, Any]:
    """Describe every route of the served models. ``secured`` says that callers need an API key."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Error": _error_schema()}
    for name, signature in signatures.items():
        paths.update(_paths(name, signature))
        schemas[_row_name(name)] = row_schema(signature)
    if len(signatures) == 1:
        (name, signature), *_ = signatures.items()
        paths["/predict"] = _plain(name, signature, "predict")
        paths["/invocations"] = _invocations(name, signature)
    paths["/health"] = {"get": {"tags": ["server"], "summary": "Is the server ready?", "responses": _ok("Ready.")}}
    description: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"schemas": schemas},
    }
    if secured:
        description["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        description["security"] = [{"key": []}]
    return description


def row_schema(signature: Signature) -> dict[str, Any]:
    """Describe a row written as an object, as JSON Schema."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in signature.inputs if not field.nullable],
        "properties": {field.name: _field_schema(field) for field in signature.inputs},
        "example": example_row(signature),
    }


def example_row(signature: Signature) -> dict[str, Any]:
    """Give a row that the model answers: the examples of its fields."""
    return {field.name: _example(field) for field in signature.inputs}


def _paths(name: str, signature: Signature) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{_row_name(name)}"}
    request = {
        "type": "object",
        "properties": {"instances": {"type": "array", "items": reference, "minItems": 1}},
        "required": ["instances"],
    }
    instances = _post(
        name,
        "Predict rows",
        "One object for each row; columns as lists (`inputs`) and rows as lists are taken too.",
        request,
        {"instances": [example_row(signature)]},
        _answer_schema(signature),
    )
    return {
        f"/v1/models/{name}:predict": instances,
        f"/predict/{name}": _plain(name, signature, f"predict-{name}"),
        f"/v2/models/{name}/infer": _post(
            name,
            "Predict tensors",
            "Open Inference Protocol, version 2: one tensor for each field.",
            {"type": "object", "required": ["inputs"], "properties": {"inputs": {"type": "array"}}},
            {"inputs": [_tensor(field) for field in signature.inputs]},
            {"type": "object"},
        ),
        f"/v2/models/{name}": {
            "get": {"tags": [name], "summary": "Describe the tensors", "responses": _ok("Names, types and shapes.")}
        },
    }


def _plain(name: str, signature: Signature, operation: str) -> dict[str, Any]:
    values = list(example_row(signature).values())
    order = ", ".join(signature.names)
    schema = {
        "type": "object",
        "required": ["features"],
        "properties": {"features": {"type": "array", "items": {"type": "array"}, "description": f"In order: {order}"}},
    }
    described = _post(
        name,
        "Predict lists of values",
        f"Values in this order: {order}.",
        schema,
        {"features": [values]},
        _answer_schema(signature),
    )
    described["post"]["operationId"] = operation
    return described


def _invocations(name: str, signature: Signature) -> dict[str, Any]:
    return _post(
        name,
        "Score, as MLflow and SageMaker do",
        "Exactly one of `dataframe_split`, `dataframe_records`, `instances`, `inputs`.",
        {"type": "object"},
        {"dataframe_records": [example_row(signature)]},
        _answer_schema(signature),
    )


def _post(
    name: str, summary: str, text: str, request: dict[str, Any], example: dict[str, Any], answer: dict[str, Any]
) -> dict[str, Any]:
    content = {"application/json": {"schema": request, "example": example}}
    return {
        "post": {
            "tags": [name],
            "summary": summary,
            "description": text,
            "requestBody": {"required": True, "content": content},
            "responses": {**_ok("The predictions.", answer), **_refusals()},
        }
    }


def _ok(text: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    content = {"application/json": {"schema": schema or {"type": "object"}}}
    return {"200": {"description": text, "content": content}}


def _refusals() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    texts = {**_ERRORS, "422": "A value does not fit the model's fields."}
    return {status: {"description": text, "content": content} for status, text in sorted(texts.items())}


def _answer_schema(signature: Signature) -> dict[str, Any]:
    probabilities: dict[str, Any] = {"type": "null", "description": "A regression has none."}
    if signature.task == "classification":
        order = ", ".join(signature.classes)
        probabilities = {
            "type": "array",
            "items": {"type": "array", "items": {"type": "number"}},
            "description": f"One list for each row, in the order of the classes: {order}",
        }
    return {
        "type": "object",
        "properties": {
            "predictions": {"type": "array", "items": _prediction_schema(signature)},
            "probabilities": probabilities,
            "model_name": {"type": "string"},
            "model_version": {"type": "string"},
        },
    }


def _prediction_schema(signature: Signature) -> dict[str, Any]:
    unit = f" in {signature.unit}" if signature.unit else ""
    if signature.task == "regression":
        text = f"{signature.target}{unit}; null when the model gives no finite number"
        return {"type": ["number", "null"], "description": text}
    return {"type": _JSON_TYPES[signature.class_dtype], "description": signature.target}


def _field_schema(field: Field) -> dict[str, Any]:
    kind = _JSON_TYPES[field.dtype]
    schema: dict[str, Any] = {"type": [kind, "null"] if field.nullable else kind}
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
        shown = ", ".join(field.categories[:20])
        more = f" and {len(field.categories) - 20} more" if len(field.categories) > 20 else ""  # noqa: PLR2004
        notes.append(f"known: {shown}{more}")
    return notes


def _example(field: Field) -> Any:
    if field.example is not None:
        return field.example
    if field.nullable:
        return None
    if field.categories:
        return field.categories[0]
    if field.format == "date":
        return "2026-01-31"
    if field.minimum is not None:
        return int(field.minimum) if field.dtype == "int64" else field.minimum
    return _EXAMPLES[field.dtype]


def _tensor(field: Field) -> dict[str, Any]:
    return {"name": field.name, "shape": [1, 1], "datatype": DATATYPES[field.dtype], "data": [_example(field)]}


def _row_name(name: str) -> str:
    return f"{name}.Row"


def _error_schema() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["error", "code", "request_id"],
        "properties": {
            "error": {**text, "description": "What happened, to what, and the remedy."},
            "code": {**text, "description": "Stable, for programs."},
            "field": {"type": ["string", "null"], "description": "Where, as a JSON path."},
            "request_id": text,
        },
    }
