"""What tritonclient makes of models of tensors, over HTTP and gRPC; see ``told`` in ``tests/support/venvs.py``."""

import json
import sys

import numpy as np
from tritonclient import grpc, http
from tritonclient.utils import InferenceServerException, np_to_triton_dtype


def sent(client, arrays, **how):
    inputs = []
    for name, array in arrays.items():
        made = client.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        made.set_data_from_numpy(array, **how)
        inputs.append(made)
    return inputs


def listed(array):
    return [each.decode() if isinstance(each, bytes) else each for each in array.ravel().tolist()]


def refusal(call):
    try:
        call()
    except InferenceServerException as error:
        return error.message()
    return None


def asked(client, address, told, ways, **page):
    server = client.InferenceServerClient(address)
    rows = np.array(told["rows"], np.float32)
    image = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    two = {"x": np.array([[1.0, 2.0, 3.0]]), "name": np.array(["ü"], dtype=object)}

    def infer(name, arrays, **how):
        return server.infer(name, sent(client, arrays, **how))

    answers = [infer("mlp", {"x": rows}, **how).as_numpy("scores") for how in ways]
    several = [infer("two", two, **how) for how in ways]
    return {
        "scores": [answer.tolist() for answer in answers],
        "dtypes": [answer.dtype.name for answer in answers],
        "color": infer("image", {"image": image}).as_numpy("color").tolist(),
        "two": [[listed(each.as_numpy("total")), listed(each.as_numpy("loud"))] for each in several],
        "half": infer("half", {"x": rows[:1, :2].astype(np.float16)}).as_numpy("y").tolist(),
        "metadata": server.get_model_metadata("image", **page),
        "datatype": refusal(lambda: infer("mlp", {"x": rows.astype(np.float64)})),
        "shape": refusal(lambda: infer("mlp", {"x": rows[:, :5].copy()})),
        "token": refusal(lambda: infer("lookup", {"tokens": np.array([[99]])})),
    }


def main(told):
    given = {
        "http": asked(http, told["address"], told, ({"binary_data": True}, {"binary_data": False})),
        "grpc": asked(grpc, told["grpc"], told, ({},), as_json=True),
    }
    json.dump(given, sys.stdout)


main(json.load(sys.stdin))
