"""Tensors as kserve's clients send them, over either of their transports."""

import numpy as np
from kserve import InferInput, InferRequest
from kserve.protocol.infer_type import RequestedOutput

KINDS = {"area": "FP64", "rooms": "INT64", "sold": "BYTES", "hood": "BYTES", "garden": "BOOL"}
_ARRAYS = {"FP64": np.float64, "FP32": np.float32, "INT64": np.int64, "BYTES": object, "BOOL": bool}


def tensor(name, datatype, values, *, binary):
    array = np.array(values, dtype=_ARRAYS[datatype])
    made = InferInput(name=name, shape=list(array.shape), datatype=datatype)
    made.set_data_from_numpy(array, binary_data=binary)
    return made


def flowers_of(told, *, datatype="FP64", binary, **how):
    rows = how.pop("rows", told["flowers"])
    inputs = [tensor("input", datatype, rows, binary=binary)]
    return InferRequest(model_name="iris", infer_inputs=inputs, request_id="k-1", **how)


def houses_of(told, *, binary, names=tuple(KINDS), **how):
    inputs = [tensor(name, KINDS[name], [[house[name]] for house in told["houses"]], binary=binary) for name in names]
    return InferRequest(model_name="priced", infer_inputs=inputs, **how)


def asked_for(names, **parameters):
    return [RequestedOutput(name, parameters=parameters or None) for name in names]


def answer(response):
    """Give labels and probabilities, as the arrays that the client made of them."""
    found = {output.name: output.as_numpy() for output in response.outputs}
    labels, probabilities = found.get("predict"), found.get("probabilities")
    return [
        None if labels is None else [text(label) for label in labels.ravel()],
        None if probabilities is None else probabilities.tolist(),
    ]


def text(label):
    return label.decode() if isinstance(label, bytes) else str(label)
