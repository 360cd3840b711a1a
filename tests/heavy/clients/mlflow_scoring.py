"""What MLflow's scoring client gets of a server, and of MLflow's own server with the same model.

See ``told`` in ``tests/support/venvs.py``.
"""

import json
import socket
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import requests
import uvicorn
from mlflow import pyfunc, sklearn
from mlflow.models import infer_signature
from mlflow.pyfunc import scoring_server
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from sklearn.linear_model import LogisticRegression

PLAIN = {"Content-Type": "text/csv"}


def fitted(told):
    """The model that the server has, as scikit-learn has it."""
    model = LogisticRegression()
    model.classes_ = np.array(told["classes"])
    model.coef_ = np.array(told["weights"]).T
    model.intercept_ = np.array(told["intercept"])
    model.feature_names_in_ = np.array(told["names"], dtype=object)
    model.n_features_in_ = len(told["names"])
    return model


class Mlflow:
    """MLflow's server in a thread of this process."""

    def __init__(self, folder):
        self._server = uvicorn.Server(
            uvicorn.Config(scoring_server.init(pyfunc.load_model(str(folder))), log_level="error")
        )
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join(20)


def seen_by(port, told):
    """Everything the client can do, at one server."""
    client = ScoringServerClient("127.0.0.1", port)
    client.wait_server_ready(timeout=20)
    frame = pd.DataFrame(told["flowers"], columns=told["names"])
    # Another order of the columns is the same table, and an index says nothing.
    turned = frame[frame.columns[::-1]].set_index(pd.Index([7, 8, 9]))
    posted = requests.post(
        f"http://127.0.0.1:{port}/invocations", data=frame.to_csv(index=False), headers=PLAIN, timeout=20
    )
    return {
        "version": client.get_version() != "",
        "frame": predictions(client.invoke(frame)),
        "turned": predictions(client.invoke(turned)),
        "as_frame": client.invoke(frame).get_predictions().values.tolist(),
        "csv": posted.json()["predictions"],
        "refused": refusal(lambda: client.invoke(frame.drop(columns=told["names"][0]))),
    }


def predictions(response):
    return list(response.get_predictions(predictions_format="ndarray"))


def refusal(call):
    try:
        call()
    except Exception as error:  # noqa: BLE001  the client raises no other class
        return str(error)
    return None


def array(port, told):
    """Rows without names: MLflow's server refuses them for a model that has names, ours takes their order."""
    return predictions(ScoringServerClient("127.0.0.1", port).invoke(np.array(told["flowers"])))


def mixed(port, told):
    """A table with text, dates and gaps."""
    client = ScoringServerClient("127.0.0.1", port)
    return [predictions(client.invoke(pd.DataFrame(rows))) for rows in told["tables"]]


def main(told):
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model"
        table = pd.DataFrame(told["flowers"], columns=told["names"])
        model = fitted(told)
        sklearn.save_model(model, saved, signature=infer_signature(table, model.predict(table)), pip_requirements=[])
        with Mlflow(saved) as theirs:
            seen = {"theirs": seen_by(theirs.port, told)}
    port = told["iris_port"]
    return {
        **seen,
        "ours": seen_by(port, told),
        "array": array(port, told),
        "mixed": mixed(told["priced_port"], told),
    }


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
