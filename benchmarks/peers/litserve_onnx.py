"""LitServe with its batching, around the graph that golive serves. Argument: the port."""

import sys
from typing import Any

import litserve
import numpy as np
import onnxruntime


class Model(litserve.LitAPI):
    """Holds the session; a request is one row, so that rows can be put together."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - the framework's signature
        """Load it."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def decode_request(self, request: dict[str, Any]) -> np.ndarray:
        """Take the row out."""
        return np.array(request["features"][0])

    def batch(self, inputs: list[np.ndarray]) -> np.ndarray:
        """Put rows together."""
        return np.stack(inputs)

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Ask the graph."""
        return self.session.run(None, {self.input: rows})[0]

    def unbatch(self, output: np.ndarray) -> list[np.ndarray]:
        """Take rows apart."""
        return list(output)

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        """Answer with probabilities."""
        return {"probabilities": [output.tolist()]}


if __name__ == "__main__":
    server = litserve.LitServer(Model(max_batch_size=32, batch_timeout=0.002), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False)
