"""Described: ``model.json``, by which any language prepares a caller's rows for the graph and reads its answers.

``numbers`` are the columns of ``N`` (float64; missing is NaN), ``categories`` those of ``C`` (int64). A category's code
is its place among ``values``, else ``unseen`` or ``missing``. A value is compared as a text, ``from`` says how a value
becomes one: ``text`` is itself; ``number`` is written ``20`` where it is whole, else in the shortest form that reads
back as the same float64; ``bool`` is ``true`` or ``false``. ``steps`` come before both, in order, as
``golive.domain.preparation`` says.
"""

from typing import Any

import msgspec

from golive.domain.bundle import Bundle
from golive.domain.preparation import Combine, DateParts, TextCounts, TextTerms
from golive.domain.signature import Tensor

FORMAT = 1


def described(bundle: Bundle) -> dict[str, Any]:
    """Say what a bundle reads, how rows become that, and what its answers mean; plain values for JSON."""
    signature = bundle.signature
    common = {
        "format": FORMAT,
        "name": bundle.name,
        "digest": bundle.digest,
        "task": signature.task,
        "target": signature.target,
    }
    if signature.task == "tensors":
        return common | {
            "inputs": [_tensor(each) for each in signature.tensors],
            "outputs": [_tensor(each) for each in signature.outputs],
        }
    preparation = bundle.manifest.preparation
    kinds = _kinds(bundle)
    return common | {
        "unit": signature.unit,
        "classes": list(signature.classes),
        "class_dtype": signature.class_dtype,
        "threshold": bundle.manifest.decision.threshold,
        "top_k": signature.top_k,
        "inputs": [msgspec.to_builtins(field) for field in signature.inputs],
        "steps": [msgspec.to_builtins(step) for step in preparation.steps],
        "numbers": list(preparation.numbers),
        "categories": [
            {
                "column": vocabulary.column,
                "from": kinds.get(vocabulary.column, "text"),
                "values": list(vocabulary.values),
                "unseen": len(vocabulary.values),
                "missing": len(vocabulary.values) + 1,
            }
            for vocabulary in preparation.categories
        ],
        "outputs": list(signature.classes) or [signature.target],
    }


def model_json(bundle: Bundle) -> bytes:
    """Write ``model.json``."""
    return msgspec.json.format(msgspec.json.encode(described(bundle)), indent=1) + b"\n"


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "dtype": tensor.dtype, "shape": list(tensor.shape)}


def _kinds(bundle: Bundle) -> dict[str, str]:
    """Say of each column whether it holds texts, numbers or bools when it is coded."""
    kinds = {"string": "text", "bool": "bool"}
    found = {field.name: kinds.get(field.dtype, "number") for field in bundle.signature.inputs}
    for step in bundle.manifest.preparation.steps:
        match step:
            case DateParts():
                found.update({f"{step.column}_{part}": "number" for part in step.parts})
            case TextCounts():
                found.update({f"{step.column}_{what}": "number" for what in ("chars", "words")})
            case Combine():
                found[step.into] = "number"
            case TextTerms():
                found.update(dict.fromkeys(step.into, "number"))
            case _:
                pass
    return found
