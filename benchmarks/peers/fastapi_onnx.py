"""The same server with the graph that golive serves, run by onnxruntime in an async handler."""

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession("model.onnx", options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name


class Question(BaseModel):
    """What is asked."""

    features: list[list[float]]


@app.post("/predict")
async def predict(question: Question) -> dict[str, list[int] | list[list[float]]]:
    """Answer with classes and probabilities."""
    found = session.run(None, {name: np.array(question.features)})[0]
    return {"predictions": found.argmax(axis=1).tolist(), "probabilities": found.tolist()}
