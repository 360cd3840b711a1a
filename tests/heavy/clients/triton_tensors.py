"""Tensors as tritonclient sends them, over either of its transports."""

import numpy as np

KINDS = {"area": "FP64", "rooms": "INT64", "sold": "BYTES", "hood": "BYTES", "garden": "BOOL"}
_ARRAYS = {"FP64": np.float64, "FP32": np.float32, "INT64": np.int64, "BYTES": object, "BOOL": bool}


def tensor(client, name, datatype, values, **how):
    array = np.array(values, dtype=_ARRAYS[datatype])
    made = client.InferInput(name, list(array.shape), datatype)
    made.set_data_from_numpy(array, **how)
    return made


def columns(client, houses, names=tuple(KINDS), **how):
    """Give a tensor for each field; ``how`` may be a callable of the field's name."""
    return [tensor(client, name, KINDS[name], [[house[name]] for house in houses], **how) for name in names]


def answer(result):
    """Give labels and probabilities, as the arrays that the client made of them."""
    labels, probabilities = result.as_numpy("predict"), result.as_numpy("probabilities")
    assert labels is None or labels.shape == (len(labels), 1)
    return [
        None if labels is None else [text(label) for label in labels.ravel()],
        None if probabilities is None else probabilities.tolist(),
    ]


def text(label):
    return label.decode() if isinstance(label, bytes) else label
