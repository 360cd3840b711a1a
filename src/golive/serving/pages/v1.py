"""V1 pages: versions and signatures in, what TensorFlow Serving tells of a model out."""

from collections.abc import Sequence
from typing import Any

from golive.domain.signature import DType, Signature, Tensor
from golive.serving.codecs.instances import SIGNATURE_NAME
from golive.serving.codecs.tensor_types import TENSORFLOW_TYPES, shape_of

_DTYPES: dict[DType, str] = {"float64": "DT_DOUBLE", "int64": "DT_INT64", "bool": "DT_BOOL", "string": "DT_STRING"}
_SHAPE = {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}


def v1_status(name: str, versions: Sequence[int]) -> dict[str, Any]:
    """Say which versions are loaded; KServe's clients read ``name`` and ``ready`` in the same object."""
    states = [
        {"version": str(each), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        for each in versions
    ]
    return {"name": name, "ready": True, "model_version_status": states}


def v1_metadata(name: str, version: int, signature: Signature) -> dict[str, Any]:
    """Describe what a version takes and gives: its tensors, or one for each field and one for the prediction."""
    if signature.task == "tensors":
        definition: dict[str, Any] = {
            "inputs": {tensor.name: _whole(tensor) for tensor in signature.tensors},
            "outputs": {tensor.name: _whole(tensor) for tensor in signature.outputs},
        }
    else:
        definition = _of_fields(signature)
    definition |= {"method_name": "tensorflow/serving/predict", "defaults": {}}
    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": {SIGNATURE_NAME: definition}}},
    }


def _of_fields(signature: Signature) -> dict[str, Any]:
    kind: DType = "float64" if signature.task == "regression" else signature.class_dtype
    return {
        "inputs": {field.name: _tensor(field.name, field.dtype) for field in signature.inputs},
        "outputs": {"predictions": _tensor("predictions", kind)},
    }


def _tensor(name: str, dtype: DType) -> dict[str, Any]:
    return {"name": name, "dtype": _DTYPES[dtype], "tensor_shape": _SHAPE}


def _whole(tensor: Tensor) -> dict[str, Any]:
    axes = [{"size": str(length), "name": ""} for length in shape_of(tensor)]
    return {
        "name": tensor.name,
        "dtype": TENSORFLOW_TYPES[tensor.dtype],
        "tensor_shape": {"dim": axes, "unknown_rank": False},
    }
