"""BentoML: a service class around a pickled pipeline."""

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=1)
class Model:
    """Holds the pipeline."""

    def __init__(self) -> None:
        self.model = joblib.load("model.joblib")

    @bentoml.api
    def predict(self, features: np.ndarray) -> np.ndarray:
        """Answer with probabilities."""
        return self.model.predict_proba(features)
