"""Config page: a signature in, a model's configuration in the words of Triton out."""

from typing import Any

from golive.domain.signature import Signature
from golive.serving.codecs.tensor_inputs import DATATYPES
from golive.serving.codecs.tensors import metadata

_TYPES = {"FP64": "TYPE_FP64", "INT64": "TYPE_INT64", "BOOL": "TYPE_BOOL", "BYTES": "TYPE_STRING"}
_LARGEST = 2**31 - 1
"""What the protocol's number holds."""


def config_of(name: str, signature: Signature, max_rows: int) -> dict[str, Any]:
    """Describe a model as Triton's clients and perf_analyzer ask for it; the first dimension, rows, is left out."""
    described = metadata(name, (), signature)
    inputs = [
        {"name": field.name, "data_type": _TYPES[DATATYPES[field.dtype]], "dims": [1], "optional": field.nullable}
        for field in signature.inputs
    ]
    outputs = [
        {"name": output["name"], "data_type": _TYPES[output["datatype"]], "dims": output["shape"][1:]}
        for output in described["outputs"]
    ]
    return {
        "name": name,
        "platform": described["platform"],
        "backend": "golive",
        "max_batch_size": min(max_rows, _LARGEST),
        "input": inputs,
        "output": outputs,
        "model_transaction_policy": {"decoupled": False},
    }
