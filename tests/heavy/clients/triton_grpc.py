"""What tritonclient makes of a server over gRPC; see ``told`` in ``tests/support/venvs.py``."""

import asyncio
import itertools
import json
import queue
import sys

from triton_tensors import answer, columns, tensor
from tritonclient import grpc as client
from tritonclient.grpc import aio
from tritonclient.utils import InferenceServerException

CODINGS = (None, "gzip", "deflate")
WAIT_S = 20


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
        "server": server.get_server_metadata(as_json=True),
        "metadata": [
            server.get_model_metadata("iris", as_json=True),
            server.get_model_metadata("priced", "1", as_json=True),
        ],
        "config": server.get_model_config("priced", as_json=True)["config"],
        "index": server.get_model_repository_index(as_json=True)["models"],
        "statistics": server.get_inference_statistics("iris", "1", as_json=True),
        "all_statistics": server.get_inference_statistics(as_json=True),
    }


def fused(server, flowers):
    for datatype, coding in itertools.product(("FP64", "FP32"), CODINGS):
        inputs = [tensor(client, "input", datatype, flowers)]
        result = server.infer("iris", inputs, request_id="a-1", compression_algorithm=coding, client_timeout=WAIT_S)
        said = result.get_response()
        assert (said.id, said.model_name, said.model_version) == ("a-1", "iris", "1"), said
        yield datatype, answer(result)


def some_outputs(server, houses):
    for names in (["predict"], ["probabilities"], ["probabilities", "predict"]):
        outputs = [client.InferRequestedOutput(name) for name in names]
        result = server.infer("priced", columns(client, houses), outputs=outputs)
        assert [each.name for each in result.get_response().outputs] == names
        yield answer(result)


def refusals(server, told):
    flowers, houses = told["flowers"], told["houses"]
    whole = tensor(client, "input", "FP64", flowers)
    # Writing so many answers alone takes longer than the deadline.
    long = tensor(client, "input", "FP64", flowers * 30_000)
    calls = {
        "shape": lambda: server.infer("iris", [tensor(client, "input", "FP64", [row[:3] for row in flowers])]),
        "datatype": lambda: server.infer("iris", [tensor(client, "input", "BYTES", [["a", "b", "c", "d"]])]),
        "name": lambda: server.infer("iris", [tensor(client, "inptu", "FP64", flowers)]),
        "missing": lambda: server.infer("priced", columns(client, houses, ["area"])),
        "value": lambda: server.infer("iris", [tensor(client, "input", "FP64", [[1.0, 2.0, float("nan"), 3.0]])]),
        "output": lambda: server.infer("iris", [whole], outputs=[client.InferRequestedOutput("score")]),
        "model": lambda: server.infer("nothing", [whole]),
        "version": lambda: server.infer("iris", [whole], model_version="7"),
        "metadata": lambda: server.get_model_metadata("nothing"),
        "load": lambda: server.load_model("iris"),
        "memory": server.get_system_shared_memory_status,
        "deadline": lambda: server.infer("iris", [long], client_timeout=0.001),
    }
    return {name: refusal(call) for name, call in calls.items()}


def refusal(call):
    try:
        call()
    except InferenceServerException as error:
        return [error.status(), error.message()]
    return None


def at_once(server, flowers):
    """Several requests under way from one client."""
    asked = []
    for row in flowers * 10:
        waited = queue.SimpleQueue()
        server.async_infer("iris", [tensor(client, "input", "FP64", [row])], _into(waited), client_timeout=WAIT_S)
        asked.append(waited)
    return [_label(waited) for waited in asked]


def streamed(server, flowers):
    """Requests of one stream; the second is refused, and the others are answered all the same."""
    waited = queue.SimpleQueue()
    server.start_stream(_into(waited))
    rows = [flowers[0], flowers[1][:3], flowers[2]]
    for row in rows:
        server.async_stream_infer("iris", [tensor(client, "input", "FP64", [row])])
    seen = [_label(waited) for _ in rows]
    server.stop_stream()
    return seen


def _into(waited):
    return lambda result, error: waited.put((result, error))


def _label(waited):
    result, error = waited.get(timeout=WAIT_S)
    return error.message() if error else answer(result)[0][0]


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
    address, flowers, houses = told["grpc"], told["flowers"], told["houses"]
    key = Key("authorization", f"Bearer {told['key']}")
    seen = {"unkeyed": unkeyed(address, flowers)}
    with client.InferenceServerClient(address) as server:
        server.register_plugin(key)
        seen["fused"] = list(fused(server, flowers))
        seen["named"] = [answer(server.infer("priced", columns(client, houses)))]
        seen["fewer"] = answer(server.infer("priced", columns(client, houses, ["area", "sold"])))
        seen["outputs"] = list(some_outputs(server, houses))
        long = tensor(client, "input", "FP64", flowers * 400)
        seen["long"] = [answer(server.infer("iris", [long], compression_algorithm=each)) for each in CODINGS]
        seen["refusals"] = refusals(server, told)
        seen["pages"] = pages(server)
        seen["at_once"] = at_once(server, flowers)
        seen["streamed"] = streamed(server, flowers)
    seen["awaited"] = asyncio.run(awaited(address, key, flowers))
    return seen


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
