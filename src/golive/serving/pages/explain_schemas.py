"""Explain schemas: a signature in, the JSON Schemas of what ``:explain`` reads and writes out."""

from typing import Any

from golive.domain.signature import Signature
from golive.serving.explaining.request import MAX_COUNTERFACTUALS, MAX_ROWS
from golive.serving.pages.schemas import TEXT, Schema, instances_request, list_of, object_of

_NUMBER: Schema = {"type": ["number", "null"]}


def explain_request(signature: Signature, row: Schema) -> Schema:
    """Describe a request: rows as ``:predict`` takes them, and what is asked about them."""
    target = {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {"label": {}, "at_least": _NUMBER, "at_most": _NUMBER},
        "description": "What should have been answered.",
    }
    options: dict[str, Any] = {
        "counterfactual": {
            "type": "boolean",
            "description": f"Look for the smallest changes that would have changed the answer; {MAX_COUNTERFACTUALS} "
            "rows at most.",
        },
        "target": target,
        "immutable": {**list_of({"enum": list(signature.names)}), "description": "Inputs that no change may touch."},
    }
    if signature.classes:
        options["output"] = {"description": "The class whose answer is explained."}
    return {"allOf": [instances_request(signature, row), {"type": "object", "properties": options}]}


def explain_answer(signature: Signature) -> Schema:
    """Describe an answer."""
    contributions = object_of(dict.fromkeys(signature.names, _NUMBER))
    reason = object_of({"input": TEXT, "effect": {"enum": ["raises", "lowers"]}, "text": TEXT})
    change = object_of({"input": TEXT, "before": {}, "after": {}})
    found = object_of({"changes": list_of(change), "prediction": {}, "distance": {"type": "number"}})
    counterfactual = object_of({"found": list_of(found), "reason": {"type": ["string", "null"]}})
    one = object_of(
        {
            "prediction": {},
            "probabilities": {"type": ["array", "null"], "items": _NUMBER},
            "output": {},
            "base": _NUMBER,
            "answer": _NUMBER,
            "contributions": contributions,
            "standard_errors": {"anyOf": [contributions, {"type": "null"}]},
            "values": object_of({name: {} for name in signature.names}),
            "reasons": list_of(reason),
        },
        {"counterfactual": counterfactual},
    )
    return object_of(
        {
            "explanations": list_of(one),
            "method": {"enum": ["tree", "linear", "permutation"]},
            "scale": {"enum": ["value", "log_odds", "probability"]},
            "additivity_error": {"type": "number"},
            "evaluations": {"type": "integer"},
            "background_rows": {"type": "integer"},
            "model_name": TEXT,
            "model_version": TEXT,
            "request_id": TEXT,
        }
    )


def explain_text() -> str:
    """Say what the route does."""
    return (
        "How much each input moved each answer: `answer` is `base` and all contributions added up. "
        f"At most {MAX_ROWS} rows."
    )
