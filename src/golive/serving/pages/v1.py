"""V1 pages: versions and signatures in, what TensorFlow Serving tells of a model out."""

from collections.abc import Sequence
from typing import Any

from golive.domain.signature import DType, Signature
from golive.serving.codecs.instances import SIGNATURE_NAME

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
    """Describe what a version takes and gives: one tensor for each field, one for the prediction."""
    kind: DType = "float64" if signature.task == "regression" else signature.class_dtype
    definition = {
        "inputs": {field.name: _tensor(field.name, field.dtype) for field in signature.inputs},
        "outputs": {"predictions": _tensor("predictions", kind)},
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }
    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": {SIGNATURE_NAME: definition}}},
    }


def _tensor(name: str, dtype: DType) -> dict[str, Any]:
    return {"name": name, "dtype": _DTYPES[dtype], "tensor_shape": _SHAPE}
