"""Ask a server over gRPC (Open Inference Protocol), so many calls at a time over one channel, for a while.

Runs in MLServer's environment, whose messages it uses. Argument: a JSON object with ``port``, ``input``, ``output``,
``rows``, ``seconds`` and ``concurrent``. Prints a JSON object with ``first`` (the answers to all rows), ``good``,
``bad``, ``p50_ms`` and ``p99_ms``.
"""

import asyncio
import json
import struct
import sys
import time
from typing import Any

import grpc
from mlserver.grpc import dataplane_pb2 as messages

METHOD = "/inference.GRPCInferenceService/ModelInfer"


def question(row: list[float], order: dict[str, Any]) -> bytes:
    """Write one row as one tensor of raw doubles."""
    tensor = messages.ModelInferRequest.InferInputTensor(name=order["input"], datatype="FP64", shape=[1, len(row)])
    wanted = messages.ModelInferRequest.InferRequestedOutputTensor(name=order["output"])
    request = messages.ModelInferRequest(model_name="model", inputs=[tensor], outputs=[wanted])
    request.raw_input_contents.append(struct.pack(f"<{len(row)}d", *row))
    return bytes(request.SerializeToString())


def numbers(answer: bytes) -> list[float]:
    """Read the first tensor of an answer."""
    response = messages.ModelInferResponse.FromString(answer)
    if response.raw_output_contents:
        return [value for (value,) in struct.iter_unpack("<d", response.raw_output_contents[0])]
    return list(response.outputs[0].contents.fp64_contents)


async def main(order: dict[str, Any]) -> dict[str, Any]:
    """Ask each row once, then all of them in turn until the time is over."""
    questions = [question(row, order) for row in order["rows"]]
    took: list[float] = []
    bad = 0
    async with grpc.aio.insecure_channel(f"127.0.0.1:{order['port']}") as channel:
        ask = channel.unary_unary(METHOD)
        try:
            first = [numbers(await ask(one, timeout=20, wait_for_ready=True)) for one in questions]
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")
        until = time.perf_counter() + order["seconds"]

        async def caller(at: int) -> None:
            nonlocal bad
            while (began := time.perf_counter()) < until:
                at = (at + 1) % len(questions)
                try:
                    await ask(questions[at], timeout=20)
                except grpc.RpcError:
                    bad += 1
                else:
                    took.append(time.perf_counter() - began)

        await asyncio.gather(*(caller(number) for number in range(order["concurrent"])))
    took.sort()

    def quantile(share: float) -> float:
        return round(took[int(share * (len(took) - 1))] * 1e3, 3) if took else 0.0

    return {"first": first, "good": len(took), "bad": bad, "p50_ms": quantile(0.5), "p99_ms": quantile(0.99)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
