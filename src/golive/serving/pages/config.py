"""Config page: a signature in, a model's configuration in the words of Triton out."""

from typing import Any

from golive.domain.signature import Signature
from golive.serving.codecs.tensors import metadata

_LARGEST = 2**31 - 1
"""What the protocol's number holds."""


def config_of(name: str, signature: Signature, max_rows: int) -> dict[str, Any]:
    """Describe a model as Triton's clients and perf_analyzer ask for it.

    For rows of fields the first dimension is left out, as a batch of so many is taken; tensors are given whole.
    """
    described = metadata(name, (), signature)
    takes_rows = signature.task != "tensors"
    nullable = {field.name for field in signature.inputs if field.nullable}
    first = 1 if takes_rows else 0
    inputs = [
        {
            "name": tensor["name"],
            "data_type": _type_of(tensor["datatype"]),
            "dims": tensor["shape"][first:],
            "optional": tensor["name"] in nullable,
        }
        for tensor in described["inputs"]
    ]
    outputs = [
        {"name": tensor["name"], "data_type": _type_of(tensor["datatype"]), "dims": tensor["shape"][first:]}
        for tensor in described["outputs"]
    ]
    return {
        "name": name,
        "platform": described["platform"],
        "backend": "golive",
        "max_batch_size": min(max_rows, _LARGEST) if takes_rows else 0,
        "input": inputs,
        "output": outputs,
        "model_transaction_policy": {"decoupled": False},
    }


def _type_of(datatype: str) -> str:
    return "TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}"
