"""OpenAPI: signatures in, an OpenAPI 3.1 description of every route out."""

from collections.abc import Mapping
from typing import Any

from golive.domain.signature import Signature
from golive.serving.codecs.examples import VERBS
from golive.serving.codecs.media_types import CSV, JSON, LINES
from golive.serving.pages import explain_schemas, schemas, tensor_schemas
from golive.serving.pages.schemas import TEXT, Schema, list_of, object_of

_SERVER = "server"
_ERRORS = {
    "400": "The body is malformed.",
    "404": "There is no such model or version.",
    "408": "The request took too long to arrive.",
    "413": "The body, or its number of rows, is over the limit.",
    "422": "A value does not fit the model's fields.",
    "431": "The headers are over the limit.",
    "503": "The server cannot answer now; Retry-After says when to come back.",
}
_DENIED = {"401": "No valid API key was sent."}
_ANSWERED = {
    "x-request-id": {"schema": TEXT, "description": "The caller's own, where it sent a valid one."},
    "x-model-version": {"schema": TEXT, "description": "The version that answered."},
}
_VERSION = {"name": "version", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
_STATUSES = {"status": TEXT}
_OPEN = ("/", "/health", "/ping", "/docs", "/v2/health/live", "/v2/health/ready")


def describe(
    signatures: Mapping[str, Signature], title: str, version: str, *, secured: bool, explains: bool = False
) -> dict[str, Any]:
    """Describe every route of the served models.

    ``secured`` says that callers need an API key, ``explains`` that answers are explained.
    A platform's own paths are left out: they are no business of other callers.
    """
    paths: dict[str, Any] = {}
    parts: dict[str, Schema] = {"Error": _error_schema()}
    for name, signature in signatures.items():
        paths.update(_posts(name, signature, explains=explains))
        parts[_part_name(name)] = (
            tensor_schemas.tensors_schema(signature) if _is_tensors(signature) else schemas.row_schema(signature)
        )
    if len(signatures) == 1:
        (name, signature), *_ = signatures.items()
        paths["/predict"] = _posts(name, signature, explains=explains)[f"/predict/{name}"]
        paths["/invocations"] = (
            _tensor_invocations(name, signature) if _is_tensors(signature) else _invocations(name, signature)
        )
    for name in signatures:
        paths.update(_pages(name))
    for name, signature in signatures.items():
        paths.update(_pinned(name, signature, explains=explains))
    paths.update(_server_pages())
    description: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {"schemas": parts},
    }
    return _secured(description) if secured else description


def _posts(name: str, signature: Signature, *, explains: bool) -> dict[str, Any]:
    if _is_tensors(signature):
        return _tensor_posts(name, signature)
    verb = VERBS[signature.task]
    posts = {
        f"/v1/models/{name}:predict": _instances(name, signature),
        f"/predict/{name}": _features(name, signature),
        f"/v2/models/{name}/infer": _infer(name, signature),
        f"/v1/models/{name}:{verb}": _examples(name, signature),
    }
    return posts | ({f"/v1/models/{name}:explain": _explain(name, signature)} if explains else {})


def _pinned(name: str, signature: Signature, *, explains: bool) -> dict[str, Any]:
    """Describe the same routes once more, for one version."""
    pinned = {}
    for path, route in {**_posts(name, signature, explains=explains), **_pages(name)}.items():
        head, _, tail = path.partition(name)
        ((method, operation),) = route.items()
        tag = [f"{name}, one version"]
        pinned[f"{head}{name}/versions/{{version}}{tail}"] = {
            method: {**operation, "tags": tag, "parameters": [_VERSION]}
        }
    return pinned


def _instances(name: str, signature: Signature) -> dict[str, Any]:
    return _post(
        name,
        "Predict rows",
        "One object for each row; columns as lists (`inputs`) and rows as lists are taken too.",
        {JSON: _content(schemas.instances_request(signature, _part(name)), _rows_example("instances", signature))},
        {JSON: {"schema": schemas.predictions_answer(signature, other="outputs")}},
    )


def _examples(name: str, signature: Signature) -> dict[str, Any]:
    return _post(
        name,
        "Classify examples" if signature.task == "classification" else "Regress examples",
        "TensorFlow Serving's form: `context` holds values that belong to every example.",
        {JSON: _content(schemas.examples_request(signature, _part(name)), _rows_example("examples", signature))},
        {JSON: {"schema": schemas.result_answer(signature)}},
    )


def _explain(name: str, signature: Signature) -> dict[str, Any]:
    described = _post(
        name,
        "Explain the answers to rows",
        explain_schemas.explain_text(),
        {
            JSON: _content(
                explain_schemas.explain_request(signature, _part(name)), _rows_example("instances", signature)
            )
        },
        {JSON: {"schema": explain_schemas.explain_answer(signature)}},
    )
    described["post"]["responses"]["200"]["description"] = "The explanations."
    described["post"]["responses"] |= _refusals({"501": "The model was packaged without background rows."})
    return described


def _features(name: str, signature: Signature) -> dict[str, Any]:
    example = {"features": [list(schemas.example_row(signature).values())]}
    return _post(
        name,
        "Predict lists of values",
        f"Values in this order: {', '.join(signature.names)}.",
        {JSON: _content(schemas.features_request(signature), example)},
        {JSON: {"schema": schemas.predictions_answer(signature)}},
    )


def _infer(name: str, signature: Signature) -> dict[str, Any]:
    text = (
        "Open Inference Protocol, version 2: one tensor for each field. With the binary tensor extension values follow "
        "the JSON as bytes."
    )
    return _post(
        name,
        "Predict tensors",
        text,
        {JSON: _content(schemas.infer_request(signature), schemas.example_tensors(signature))},
        {JSON: {"schema": schemas.infer_answer(signature)}, "application/octet-stream": {}},
    )


def _invocations(name: str, signature: Signature) -> dict[str, Any]:
    row = schemas.example_row(signature)
    table = {
        JSON: _content(
            schemas.invocations_request(signature, _part(name)), _rows_example("dataframe_records", signature)
        ),
        CSV: {"schema": {**TEXT, "description": f"A table with the heading {','.join(row)}"}},
        LINES: {"schema": {**TEXT, "description": "A row as an object or a list on each line."}},
    }
    answers = {JSON: {"schema": schemas.predictions_answer(signature)}, CSV: {"schema": TEXT}, LINES: {"schema": TEXT}}
    described = _post(
        name,
        "Score, as MLflow and SageMaker do",
        "Exactly one of `dataframe_split`, `dataframe_records`, `instances`, `inputs`, or `instances` alone as a list; "
        "or CSV, or JSON lines. Accept chooses the form of the answer.",
        table,
        answers,
    )
    described["post"]["responses"] |= _refusals({"415": "The body is of a kind that is not read."})
    return described


def _tensor_posts(name: str, signature: Signature) -> dict[str, Any]:
    whole = _part(name)
    example = tensor_schemas.example_tensors(signature)
    row = tensor_schemas.example_rows(signature)
    predict = _content(
        tensor_schemas.predict_request(signature, whole), None if example is None else {"inputs": example}
    )
    features = _content(tensor_schemas.features_request(signature), None if row is None else {"features": row})
    infer = _content(tensor_schemas.infer_request(signature), tensor_schemas.example_infer(signature))
    return {
        f"/v1/models/{name}:predict": _post(
            name,
            "Predict tensors by row or whole",
            "`instances` are stacked along the first axis; `inputs` are whole tensors.",
            {JSON: predict},
            {JSON: {"schema": tensor_schemas.predictions_answer(signature, "predictions", "outputs")}},
        ),
        f"/predict/{name}": _post(
            name,
            "Predict rows",
            "A value for each row, as `instances`.",
            {JSON: features},
            {JSON: {"schema": tensor_schemas.predictions_answer(signature, "predictions")}},
        ),
        f"/v2/models/{name}/infer": _post(
            name,
            "Predict tensors",
            "Open Inference Protocol, version 2. With the binary tensor extension values follow the JSON as bytes.",
            {JSON: infer},
            {JSON: {"schema": tensor_schemas.infer_answer(signature)}, "application/octet-stream": {}},
        ),
    }


def _tensor_invocations(name: str, signature: Signature) -> dict[str, Any]:
    example = tensor_schemas.example_tensors(signature)
    content = _content(
        tensor_schemas.invocations_request(signature, _part(name)), None if example is None else {"inputs": example}
    )
    described = _post(
        name,
        "Score, as MLflow and SageMaker do",
        "Exactly one of `inputs` (whole tensors) and `instances` (rows), or `instances` alone as a list.",
        {JSON: content},
        {JSON: {"schema": tensor_schemas.predictions_answer(signature, "predictions")}},
    )
    described["post"]["responses"] |= _refusals({"415": "The body is of a kind that is not read."})
    return described


def _pages(name: str) -> dict[str, Any]:
    tensors = list_of(object_of({"name": TEXT, "datatype": TEXT, "shape": list_of({"type": "integer"})}))
    status = object_of({"version": TEXT, "state": TEXT, "status": {"type": "object"}})
    ready = object_of({"name": TEXT, "ready": {"type": "boolean"}})
    statistics = object_of({"model_stats": list_of({"type": "object"})})
    tensors_page = {"name": TEXT, "versions": list_of(TEXT), "platform": TEXT, "inputs": tensors, "outputs": tensors}
    states = {"name": TEXT, "ready": {"type": "boolean"}, "model_version_status": list_of(status)}
    spec = object_of({"model_spec": {"type": "object"}, "metadata": {"type": "object"}})
    config = object_of({"name": TEXT, "input": list_of({}), "output": list_of({})})
    v1, v2 = f"/v1/models/{name}", f"/v2/models/{name}"
    return {
        v2: _get(name, "Describe the tensors", object_of(tensors_page)),
        f"{v2}/ready": _get(name, "Does the model answer?", ready, {"503": "It does not."}),
        f"{v2}/config": _get(name, "Describe the model to Triton's clients", config),
        f"{v2}/stats": _get(name, "What this process has answered, as Triton says it", statistics),
        v1: _get(name, "Which versions are loaded?", object_of(states)),
        f"{v1}/metadata": _get(name, "Describe the signature to TensorFlow Serving's clients", spec),
    }


def _server_pages() -> dict[str, Any]:
    health = object_of(_STATUSES)
    unready = {"503": "Not ready."}
    live = {"live": {"type": "boolean"}}
    server = object_of({"name": TEXT, "version": TEXT, "extensions": list_of(TEXT)})
    pages = {
        "/health": _get(_SERVER, "Is the server ready?", health, unready),
        "/ping": _get(_SERVER, "Is the server ready? (SageMaker, MLflow)", health, unready),
        "/v2/health/live": _get(_SERVER, "Does the process answer?", object_of(live)),
        "/v2/health/ready": _get(
            _SERVER, "Is the server ready?", object_of({**live, "ready": {"type": "boolean"}}), unready
        ),
        "/": _get(_SERVER, "Where to read on", object_of({**_STATUSES, "name": TEXT})),
        "/v1/models": _get(_SERVER, "Which models are served?", object_of({"models": list_of(TEXT)})),
        "/v2": _get(_SERVER, "Describe the server", server),
        "/v2/models/stats": _get(
            _SERVER, "What this process has answered", object_of({"model_stats": list_of({"type": "object"})})
        ),
        "/version": _get(_SERVER, "The version of the server", TEXT, kind="text/plain"),
        "/docs": _get(_SERVER, "This description, to look at", TEXT, kind="text/html"),
        "/openapi.json": _get(_SERVER, "This description", {"type": "object"}),
    }
    for page in pages.values():
        page["get"]["responses"].pop("404", None)
    return {**pages, "/v2/repository/index": _repository()}


def _repository() -> dict[str, Any]:
    # That nobody may load or unload here is told to who tries, and is no operation to describe.
    entry = object_of({"name": TEXT, "version": TEXT, "state": TEXT})
    texts = {status: text for status, text in _ERRORS.items() if status not in {"404", "422"}}
    operation = {
        "tags": [_SERVER],
        "summary": "Which versions are loaded?",
        "description": "Triton's form; a body changes nothing.",
        "responses": {
            "200": {"description": "They are these.", "content": {JSON: {"schema": list_of(entry)}}},
            **_refusals(texts),
        },
    }
    return {"post": operation}


def _post(
    name: str, summary: str, text: str, content: dict[str, Any], answers: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    return {
        "post": {
            "tags": [name],
            "summary": summary,
            "description": text,
            "requestBody": {"required": True, "content": content},
            "responses": {
                "200": {"description": "The predictions.", "headers": _ANSWERED, "content": answers},
                **_refusals(_ERRORS),
            },
        }
    }


def _get(
    tag: str, summary: str, schema: Schema, more: Mapping[str, str] | None = None, *, kind: str = JSON
) -> dict[str, dict[str, Any]]:
    answers = {"200": {"description": "So it is.", "content": {kind: {"schema": schema}}}}
    unready = {status: {"description": text, "content": {JSON: {}}} for status, text in (more or {}).items()}
    missing = {"404": "There is no such model or version."}
    return {"get": {"tags": [tag], "summary": summary, "responses": {**answers, **_refusals(missing), **unready}}}


def _refusals(texts: Mapping[str, str]) -> dict[str, Any]:
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {status: {"description": text, "content": content} for status, text in texts.items()}


def _secured(description: dict[str, Any]) -> dict[str, Any]:
    description["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    description["security"] = [{"key": []}, {"header": []}]
    for path, route in description["paths"].items():
        for operation in route.values():
            if path in _OPEN:
                operation["security"] = []
            else:
                operation["responses"] |= _refusals(_DENIED)
    return description


def _content(schema: Schema, example: dict[str, Any] | None) -> dict[str, Any]:
    return {"schema": schema} if example is None else {"schema": schema, "example": example}


def _rows_example(key: str, signature: Signature) -> dict[str, Any]:
    return {key: [schemas.example_row(signature)]}


def _part(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{_part_name(name)}"}


def _part_name(name: str) -> str:
    return f"{name}.Row"


def _is_tensors(signature: Signature) -> bool:
    return signature.task == "tensors"


def _error_schema() -> Schema:
    members = {
        "error": {**TEXT, "description": "What happened, to what, and the remedy."},
        "code": {**TEXT, "description": "Stable, for programs."},
        "field": {"type": ["string", "null"], "description": "Where, as a JSON path."},
        "request_id": TEXT,
    }
    return {**object_of(members), "required": ["error", "code", "request_id"]}
