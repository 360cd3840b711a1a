"""Ray Serve: a deployment of one replica around a pickled pipeline. Arguments: the port, a short temporary folder."""

import signal
import sys
from typing import Any

import joblib
import numpy as np
import ray
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=1, max_ongoing_requests=256)
class Model:
    """Holds the pipeline."""

    def __init__(self, path: str) -> None:
        self.model = joblib.load(path)

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Answer with probabilities."""
        rows = np.array((await request.json())["features"])
        return {"probabilities": self.model.predict_proba(rows).tolist()}


if __name__ == "__main__":
    port, folder, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100_000_000, _temp_dir=folder)
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(Model.bind(path), route_prefix="/predict")
    signal.pause()
