"""What kserve's REST client makes of a server; see ``told`` in ``tests/support/venvs.py``."""

import asyncio
import itertools
import json
import sys

import httpx
from kserve import InferenceRESTClient
from kserve.inference_client import RESTConfig
from kserve_tensors import answer, asked_for, flowers_of, houses_of


async def first(told, url):
    """Version 1 of the protocol."""
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        fields = list(told["houses"][0])
        rows = {"instances": [[house[field] for field in fields] for house in told["houses"]]}
        named = {"instances": told["houses"]}
        columns = {"inputs": {field: [house[field] for house in told["houses"]] for field in fields}}
        return {
            "live": await client.is_server_live(url),
            "model_ready": await client.is_model_ready(url, "iris"),
            "unknown_ready": await refusal(client.is_model_ready(url, "nothing")),
            "flowers": await client.infer(url, {"instances": told["flowers"]}, model_name="iris"),
            "rows": await client.infer(url, rows, model_name="priced"),
            "named": await client.infer(url, named, model_name="priced"),
            "columns": await client.infer(url, columns, model_name="priced"),
            "refused": await refusal(client.infer(url, {"instances": [[1.0, 2.0]]}, model_name="iris")),
            "unknown": await refusal(client.infer(url, named, model_name="nothing")),
        }


async def second(told, url):
    """Version 2 of the protocol."""
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        narrow = [row[:3] for row in told["flowers"]]
        return {
            "live": await client.is_server_live(url),
            "ready": await client.is_server_ready(url),
            "model_ready": await client.is_model_ready(url, "iris"),
            "unknown_ready": await client.is_model_ready(url, "nothing"),
            "flowers": [each async for each in flowers(client, told, url)],
            "houses": [each async for each in houses(client, told, url)],
            "refused": await refusal(client.infer(url, flowers_of(told, rows=narrow, binary=True), model_name="iris")),
            "unknown": await refusal(client.infer(url, flowers_of(told, binary=False), model_name="nothing")),
        }


async def flowers(client, told, url):
    ways = itertools.product(("FP64", "FP32"), (True, False), ({}, {"binary_data_output": True}))
    for datatype, binary, parameters in ways:
        request = flowers_of(told, datatype=datatype, binary=binary, parameters=dict(parameters))
        headers = {}
        response = await client.infer(url, request, model_name="iris", response_headers=headers)
        assert response.id == "k-1", response
        assert ("inference-header-content-length" in headers) == bool(parameters), headers
        yield datatype, answer(response)


async def houses(client, told, url):
    for binary in (True, False):
        outputs = asked_for(["probabilities", "predict"], binary_data=binary)
        request = houses_of(told, binary=binary, request_outputs=outputs)
        yield answer(await client.infer(url, request, model_name="priced"))


async def refusal(call):
    try:
        await call
    except httpx.HTTPStatusError as error:
        return [error.response.status_code, str(error)]
    return None


async def main(told):
    url = told["url"]
    return {"v1": await first(told, url), "v2": await second(told, url)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.load(sys.stdin)))))
