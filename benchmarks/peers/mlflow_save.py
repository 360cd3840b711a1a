"""Save the pickled pipeline as MLflow's model in the folder ``mlflow``, to be served by ``mlflow models serve``."""

import joblib
import mlflow.sklearn

if __name__ == "__main__":
    mlflow.sklearn.save_model(
        joblib.load("model.joblib"), "mlflow", serialization_format="cloudpickle", pyfunc_predict_fn="predict_proba"
    )
