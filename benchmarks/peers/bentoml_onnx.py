"""BentoML with its adaptive batching, around the graph that golive serves."""

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(workers=1, traffic={"concurrency": 1024, "max_concurrency": 1024})
class Model:
    """Holds the session."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=1000)
    def predict(self, features: np.ndarray) -> np.ndarray:
        """Answer with probabilities."""
        return self.session.run(None, {self.input: features})[0]
