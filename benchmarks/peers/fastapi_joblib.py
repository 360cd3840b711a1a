"""The server of a textbook: FastAPI, pydantic, a pickled pipeline."""

import joblib
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = joblib.load("model.joblib")


class Question(BaseModel):
    """What is asked."""

    features: list[list[float]]


@app.post("/predict")
def predict(question: Question) -> dict[str, list[int] | list[list[float]]]:
    """Answer with classes and probabilities."""
    rows = np.array(question.features)
    return {"predictions": model.predict(rows).tolist(), "probabilities": model.predict_proba(rows).tolist()}
