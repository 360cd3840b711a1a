"""What tritonclient makes of a server over HTTP; see ``told`` in ``tests/support/venvs.py``."""

import asyncio
import itertools
import json
import sys
import urllib.request

import ml_dtypes
import numpy as np
from triton_tensors import KINDS, answer, columns, tensor
from tritonclient import http as client
from tritonclient.http import aio
from tritonclient.utils import InferenceServerException

CODINGS = (None, "gzip", "deflate")


class Key(client.InferenceServerClientPlugin):
    """Adds the API key to every call."""

    def __init__(self, header, value):
        self._header, self._value = header, value

    def __call__(self, request):
        request.headers[self._header] = self._value


def pages(server):
    """Everything that is not a prediction."""
    return {
        "live": server.is_server_live(),
        "ready": server.is_server_ready(),
        "model_ready": [server.is_model_ready("iris"), server.is_model_ready("iris", "1")],
        "unknown_ready": [server.is_model_ready("nothing"), server.is_model_ready("iris", "7")],
        "server": server.get_server_metadata(),
        "metadata": [server.get_model_metadata("iris"), server.get_model_metadata("priced", "1")],
        "config": server.get_model_config("priced"),
        "index": server.get_model_repository_index(),
        "statistics": server.get_inference_statistics("iris", "1"),
        "all_statistics": server.get_inference_statistics(),
    }


def fused(server, flowers):
    """The same flowers in every way that the client can send them and get its answer."""
    ways = itertools.product(("FP64", "FP32"), (True, False), (None, True, False), CODINGS)
    for datatype, binary, asked, coding in ways:
        outputs = asked_for(("predict", "probabilities"), asked)
        result = server.infer(
            "iris",
            [tensor(client, "input", datatype, flowers, binary_data=binary)],
            outputs=outputs,
            request_id="a-1",
            request_compression_algorithm=coding,
            response_compression_algorithm=coding,
        )
        said = result.get_response()
        assert said["id"] == "a-1", said
        assert (said["model_name"], said["model_version"]) == ("iris", "1"), said
        # Where nothing is said of the outputs the client asks for bytes.
        assert all(("data" in each) == (asked is False) for each in said["outputs"]), said
        yield datatype, answer(result)


def asked_for(names, binary):
    return None if binary is None else [client.InferRequestedOutput(name, binary_data=binary) for name in names]


def named(server, houses):
    """The same houses with each tensor once as JSON and once as bytes, in all combinations."""
    for mask in itertools.product((True, False), repeat=len(KINDS)):
        inputs = [
            tensor(client, name, KINDS[name], [[house[name]] for house in houses], binary_data=binary)
            for name, binary in zip(KINDS, mask, strict=True)
        ]
        yield answer(server.infer("priced", inputs))


def some_outputs(server, houses):
    for names in (["predict"], ["probabilities"], ["probabilities", "predict"]):
        result = server.infer("priced", columns(client, houses), outputs=asked_for(names, binary=True))
        assert [each["name"] for each in result.get_response()["outputs"]] == names
        yield answer(result)


def half(server, flowers):
    """Numbers of two bytes."""
    for datatype, kind in (("FP16", np.float16), ("BF16", ml_dtypes.bfloat16)):
        made = client.InferInput("input", [len(flowers), 4], datatype)
        made.set_data_from_numpy(np.array(flowers, dtype=kind))
        yield answer(server.infer("iris", [made]))[0]


def coded(address, key, flowers):
    """The client's own bodies, carried by another program, so that the coding of the answer is seen."""
    body, size = client.InferenceServerClient.generate_request_body([tensor(client, "input", "FP64", flowers)])
    for coding in CODINGS[1:]:
        headers = {"authorization": f"Bearer {key}", "accept-encoding": coding, "inference-header-content-length": size}
        asked = urllib.request.Request(f"http://{address}/v2/models/iris/infer", data=body, headers=headers)
        with urllib.request.urlopen(asked, timeout=20) as told:
            used, length = told.headers["content-encoding"], told.headers["inference-header-content-length"]
            read = client.InferenceServerClient.parse_response_body(
                told.read(), header_length=int(length), content_encoding=used
            )
        yield used, answer(read)[0]


def refusals(server, told):
    flowers, houses = told["flowers"], told["houses"]
    narrow = [row[:3] for row in flowers]
    whole = tensor(client, "input", "FP64", flowers)
    calls = {
        "shape": lambda: server.infer("iris", [tensor(client, "input", "FP64", narrow)]),
        "json_shape": lambda: server.infer("iris", [tensor(client, "input", "FP64", narrow, binary_data=False)]),
        "datatype": lambda: server.infer("iris", [tensor(client, "input", "BYTES", [["a", "b", "c", "d"]])]),
        "name": lambda: server.infer("iris", [tensor(client, "inptu", "FP64", flowers)]),
        "missing": lambda: server.infer("priced", columns(client, houses, ["area"])),
        "value": lambda: server.infer("iris", [tensor(client, "input", "FP64", [[1.0, 2.0, float("nan"), 3.0]])]),
        "output": lambda: server.infer("iris", [whole], outputs=asked_for(["score"], binary=True)),
        "model": lambda: server.infer("nothing", [whole]),
        "version": lambda: server.infer("iris", [whole], model_version="7"),
        "metadata": lambda: server.get_model_metadata("nothing"),
        "load": lambda: server.load_model("iris"),
        "memory": server.get_system_shared_memory_status,
    }
    return {name: refusal(call) for name, call in calls.items()}


def refusal(call):
    try:
        call()
    except InferenceServerException as error:
        return [error.status(), error.message()]
    return None


def at_once(address, key, flowers):
    """Several requests under way from one client."""
    with client.InferenceServerClient(address, concurrency=4) as server:
        server.register_plugin(key)
        waited = [server.async_infer("iris", [tensor(client, "input", "FP64", [row])]) for row in flowers * 10]
        return [answer(each.get_result())[0][0] for each in waited]


async def awaited(address, key, flowers):
    """The client for asyncio."""
    async with aio.InferenceServerClient(address) as server:
        server.register_plugin(key)
        asked = [server.infer("iris", [tensor(client, "input", "FP64", [row])]) for row in flowers]
        return [answer(each)[0][0] for each in await asyncio.gather(*asked)]


def unkeyed(address, flowers):
    with client.InferenceServerClient(address) as server:
        seen = {"live": server.is_server_live(), "ready": server.is_server_ready()}
        seen["infer"] = refusal(lambda: server.infer("iris", [tensor(client, "input", "FP64", flowers)]))
        seen["metadata"] = refusal(lambda: server.get_model_metadata("iris"))
        server.register_plugin(Key("x-api-key", "wrong"))
        seen["wrong"] = refusal(lambda: server.infer("iris", [tensor(client, "input", "FP64", flowers)]))
    return seen


def main(told):
    address, flowers, houses = told["address"], told["flowers"], told["houses"]
    key = Key("authorization", f"Bearer {told['key']}")
    seen = {"unkeyed": unkeyed(address, flowers)}
    with client.InferenceServerClient(address) as server:
        server.register_plugin(key)
        seen["before"] = server.get_inference_statistics("iris")["model_stats"][0]
        seen["fused"] = list(fused(server, flowers))
        seen["after"] = server.get_inference_statistics("iris")["model_stats"][0]
        seen["named"] = list(named(server, houses))
        seen["fewer"] = answer(server.infer("priced", columns(client, houses, ["area", "sold"])))
        seen["outputs"] = list(some_outputs(server, houses))
        seen["half"] = list(half(server, flowers))
        long = tensor(client, "input", "FP64", flowers * 400)
        seen["long"] = [
            answer(
                server.infer("iris", [long], request_compression_algorithm=each, response_compression_algorithm=each)
            )
            for each in CODINGS
        ]
        seen["coded"] = list(coded(address, told["key"], flowers * 400))
        seen["refusals"] = refusals(server, told)
        seen["pages"] = pages(server)
    seen["at_once"] = at_once(address, key, flowers)
    seen["awaited"] = asyncio.run(awaited(address, key, flowers))
    return seen


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
