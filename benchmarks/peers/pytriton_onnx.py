"""PyTriton: Triton's server in front of a Python function that runs the graph that golive serves. Argument: ports."""

import sys

import numpy as np
import onnxruntime
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
wide, classes = session.get_inputs()[0].shape[1], session.get_outputs()[0].shape[1]


@batch
def predict(features: np.ndarray) -> list[np.ndarray]:
    """Answer with probabilities."""
    return session.run(None, {name: features})


if __name__ == "__main__":
    http, grpc, metrics = (int(port) for port in sys.argv[1:])
    config = TritonConfig(http_address="127.0.0.1", http_port=http, grpc_port=grpc, metrics_port=metrics)
    with Triton(config=config) as triton:
        triton.bind(
            model_name="model",
            infer_func=predict,
            inputs=[Tensor(name="features", dtype=np.float64, shape=(wide,))],
            outputs=[Tensor(name="probabilities", dtype=np.float64, shape=(classes,))],
            config=ModelConfig(max_batch_size=32, batcher=DynamicBatcher(max_queue_delay_microseconds=0)),
        )
        triton.serve()
