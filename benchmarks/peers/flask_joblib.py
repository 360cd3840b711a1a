"""The other server of a textbook: Flask under Gunicorn, a pickled pipeline."""

import joblib
import numpy as np
from flask import Flask, jsonify, request
from flask.wrappers import Response

app = Flask(__name__)
model = joblib.load("model.joblib")


@app.post("/predict")
def predict() -> Response:
    """Answer with classes and probabilities."""
    rows = np.array(request.get_json()["features"])
    return jsonify(predictions=model.predict(rows).tolist(), probabilities=model.predict_proba(rows).tolist())
