"""LitServe: an API class around a pickled pipeline. Argument: the port."""

import sys
from typing import Any

import joblib
import litserve
import numpy as np


class Model(litserve.LitAPI):
    """Holds the pipeline."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - the framework's signature
        """Load it."""
        self.model = joblib.load("model.joblib")

    def decode_request(self, request: dict[str, Any]) -> np.ndarray:
        """Take the rows out."""
        return np.array(request["features"])

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Ask the pipeline."""
        return self.model.predict_proba(rows)

    def encode_response(self, output: np.ndarray) -> dict[str, Any]:
        """Answer with probabilities."""
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Model(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False)
