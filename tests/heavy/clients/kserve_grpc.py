"""What kserve's gRPC client makes of a server; see ``told`` in ``tests/support/venvs.py``."""

import asyncio
import itertools
import json
import logging
import sys

import grpc
from kserve import InferenceGRPCClient
from kserve_tensors import answer, asked_for, flowers_of, houses_of


async def flowers(client, told):
    for datatype, binary in itertools.product(("FP64", "FP32"), (True, False)):
        response = await client.infer(flowers_of(told, datatype=datatype, binary=binary))
        assert response.id == "k-1", response
        yield datatype, answer(response)


async def houses(client, told):
    for binary in (True, False):
        yield answer(await client.infer(houses_of(told, binary=binary)))
    outputs = asked_for(["probabilities"])
    yield answer(await client.infer(houses_of(told, binary=True, request_outputs=outputs)))
    yield answer(await client.infer(houses_of(told, binary=False, names=("area", "sold"))))


async def refusal(call):
    try:
        await call
    except grpc.RpcError as error:
        return [error.code().name, error.details()]
    return None


async def main(told):
    async with InferenceGRPCClient(told["grpc"]) as client:
        narrow = [row[:3] for row in told["flowers"]]
        # Writing so many answers alone takes longer than the deadline.
        late = client.infer(flowers_of(told, rows=told["flowers"] * 30_000, binary=True), timeout=0.001)
        return {
            "live": await client.is_server_live(),
            "ready": await client.is_server_ready(),
            "model_ready": await client.is_model_ready("iris"),
            "unknown_ready": await client.is_model_ready("nothing"),
            "flowers": [each async for each in flowers(client, told)],
            "houses": [each async for each in houses(client, told)],
            "refused": await refusal(client.infer(flowers_of(told, rows=narrow, binary=True))),
            "late": await refusal(late),
        }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps(asyncio.run(main(json.load(sys.stdin)))))
