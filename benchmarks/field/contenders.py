"""The contenders: what starts each, what it is asked, and where its answer holds the probabilities."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.field.environments import python_of
from benchmarks.field.running import CannotRunError, Launch
from benchmarks.process import free_port

PEERS = Path(__file__).parents[1] / "peers"
PROGRAM = Path(__file__).parents[1] / "serve_sampled.py"
NGINX = """daemon off; master_process on; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port}; default_type application/json;
    location / {{ return 200 '{answer}'; }}
  }}
}}
"""

Rows = list[list[float]]


@dataclass(frozen=True)
class Place:
    """Where a contender stands: the model's folder, its environment's interpreter, free ports, a row to answer."""

    folder: Path
    python: Path
    ports: tuple[int, int, int]
    expected: Rows

    @property
    def port(self) -> int:
        """The port that is asked."""
        return self.ports[0]


@dataclass(frozen=True)
class Contender:
    """One server of one setting."""

    name: str
    """What the command line calls it."""
    title: str
    environment: str
    """Its environment among the peers; empty for golive's own and for nginx."""
    launch: Callable[[Place], Launch]
    body: Callable[[Rows], bytes]
    read: Callable[[Any], Any]
    fixed: bool = False
    """Whether it gives one answer to everything, and so is not compared with the model."""


def place_of(contender: Contender, folder: Path, expected: Rows) -> Place:
    """Find an interpreter and ports for a start; the peers' code is copied beside the model.

    Raises:
        CannotInstallError: the environment cannot be made.
    """
    python = python_of(contender.environment) if contender.environment else Path(sys.executable)
    for source in PEERS.glob("*.py"):
        shutil.copy(source, folder / source.name)
    return Place(folder, python, (free_port(), free_port(), free_port()), expected)


def _features(rows: Rows) -> bytes:
    return json.dumps({"features": rows}).encode()


def _inputs(rows: Rows) -> bytes:
    return json.dumps({"inputs": rows}).encode()


def _oip(rows: Rows) -> bytes:
    tensor = {
        "name": "features",
        "shape": [len(rows), len(rows[0])],
        "datatype": "FP64",
        "data": [value for row in rows for value in row],
    }
    return json.dumps({"inputs": [tensor]}).encode()


def _oip_proba(rows: Rows) -> bytes:
    return json.dumps({**json.loads(_oip(rows)), "outputs": [{"name": "predict_proba"}]}).encode()


def _probabilities(answer: Any) -> Any:
    return answer["probabilities"]


def _outputs(answer: Any) -> Any:
    return answer["outputs"][0]["data"]


def _plain(answer: Any) -> Any:
    return answer


def _predictions(answer: Any) -> Any:
    return answer["predictions"]


def _golive(
    place: Place, *, sample: float, state: Path | None = None, headers: Mapping[str, str] | None = None
) -> Launch:
    state = state or place.folder
    command = [str(place.python), str(PROGRAM), str(state), str(place.port), str(sample), str(place.ports[1])]
    return Launch(command, place.port, "/predict", headers=headers or {})


def _golive_key(place: Place) -> Launch:
    state = place.folder / "with-key"
    if not state.exists():
        ignore = shutil.ignore_patterns("with-key", "records*", "run*", "*.sock", "*.log")
        shutil.copytree(place.folder, state, ignore=ignore)
    key = state / "key.txt"
    if not key.exists():
        key.write_text(_create_key(place, state), "ascii")
    return _golive(place, sample=1.0, state=state, headers={"X-API-Key": key.read_text("ascii")})


def _create_key(place: Place, state: Path) -> str:
    done = subprocess.run(
        [place.python, "-m", "golive", "key", "create", "peers"],
        cwd=state,
        env={"GOLIVE_HOME": str(state), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRunError(done.stderr)
    return done.stdout.strip()


def _nginx(place: Place) -> Launch:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if program is None:
        message = "nginx is not installed; apt-get install nginx-light brings it"
        raise CannotRunError(message)
    answer = json.dumps({"predictions": [0], "probabilities": place.expected}, separators=(",", ":"))
    config = place.folder / "nginx.conf"
    config.write_text(NGINX.format(folder=place.folder, port=place.port, answer=answer), "utf-8")
    return Launch([program, "-p", str(place.folder), "-c", str(config)], place.port, "/predict")


def _uvicorn(module: str) -> Callable[[Place], Launch]:
    def launch(place: Place) -> Launch:
        command = [str(place.python), "-m", "uvicorn", f"{module}:app", "--port", str(place.port), "--no-access-log"]
        return Launch(command, place.port, "/predict")

    return launch


def _gunicorn(place: Place) -> Launch:
    bound = f"127.0.0.1:{place.port}"
    return Launch(
        [str(place.python), "-m", "gunicorn", "-w", "1", "-b", bound, "flask_joblib:app"], place.port, "/predict"
    )


def _mlserver(model: Mapping[str, object], *, workers: int) -> Callable[[Place], Launch]:
    def launch(place: Place) -> Launch:
        folder = place.folder / "mlserver"
        folder.mkdir(exist_ok=True)
        http, grpc, metrics = place.ports
        settings = {
            "debug": False,
            "host": "127.0.0.1",
            "http_port": http,
            "grpc_port": grpc,
            "metrics_port": metrics,
            "parallel_workers": workers,
        }
        (folder / "settings.json").write_text(json.dumps(settings), "utf-8")
        chosen = {"name": "model", "parameters": {"uri": str(place.folder / "model.joblib")}, **model}
        (folder / "model-settings.json").write_text(json.dumps(chosen), "utf-8")
        command = [str(place.python.with_name("mlserver")), "start", str(folder)]
        return Launch(command, http, "/v2/models/model/infer")

    return launch


def _bentoml(module: str) -> Callable[[Place], Launch]:
    def launch(place: Place) -> Launch:
        command = [str(place.python.with_name("bentoml")), "serve", f"{module}:Model", "--host", "127.0.0.1"]
        quiet = {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(place.folder / "bentoml")}
        return Launch([*command, "--port", str(place.port)], place.port, "/predict", quiet)

    return launch


def _litserve(module: str) -> Callable[[Place], Launch]:
    def launch(place: Place) -> Launch:
        return Launch([str(place.python), f"{module}.py", str(place.port)], place.port, "/predict")

    return launch


def _mlflow(place: Place) -> Launch:
    if not (place.folder / "mlflow").exists():
        done = subprocess.run(
            [place.python, "mlflow_save.py"], cwd=place.folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CannotRunError(done.stderr[-500:])
    command = [str(place.python.with_name("mlflow")), "models", "serve", "-m", "mlflow", "-w", "1"]
    return Launch(
        [*command, "--env-manager", "local", "-p", str(place.port)],
        place.port,
        "/invocations",
        {"MLFLOW_DISABLE_TELEMETRY": "true"},
    )


def _pytriton(place: Place) -> Launch:
    command = [str(place.python), "pytriton_onnx.py", *(str(port) for port in place.ports)]
    return Launch(command, place.port, "/v2/models/model/infer")


def _ray(place: Place) -> Launch:
    # Ray puts sockets there, and the paths of sockets are short.
    short = Path(tempfile.gettempdir()) / f"golive-ray-{place.port}"
    command = [str(place.python), "ray_joblib.py", str(place.port), str(short), str(place.folder / "model.joblib")]
    return Launch(command, place.port, "/predict", {"RAY_USAGE_STATS_ENABLED": "0"}, leaves=short)


SKLEARN = {"implementation": "mlserver_sklearn.SKLearnModel"}
BATCHING = {"implementation": "mlserver_onnx.OnnxModel", "max_batch_size": 32, "max_batch_time": 0.002}

GOLIVE = Contender("golive", "golive", "", lambda place: _golive(place, sample=1.0), _features, _probabilities)
BARE = Contender(
    "golive-bare", "golive, recording off", "", lambda place: _golive(place, sample=0.0), _features, _probabilities
)
KEY = Contender("golive-key", "golive, with an API key", "", _golive_key, _features, _probabilities)
NGINX_STATIC = Contender("nginx", "nginx, a static reply", "", _nginx, _features, _probabilities, fixed=True)
FASTAPI = Contender("fastapi", "FastAPI + joblib", "fastapi", _uvicorn("fastapi_joblib"), _features, _probabilities)
FASTAPI_ONNX = Contender(
    "fastapi-onnx", "FastAPI + onnxruntime", "fastapi", _uvicorn("fastapi_onnx"), _features, _probabilities
)
FLASK = Contender("flask", "Flask + Gunicorn", "flask", _gunicorn, _features, _probabilities)
MLSERVER = Contender(
    "mlserver", "MLServer, in-process", "mlserver", _mlserver(SKLEARN, workers=0), _oip_proba, _outputs
)
MLSERVER_DEFAULT = Contender(
    "mlserver-default", "MLServer, default", "mlserver", _mlserver(SKLEARN, workers=1), _oip_proba, _outputs
)
MLSERVER_BATCHING = Contender(
    "mlserver-batching", "MLServer, batching", "mlserver", _mlserver(BATCHING, workers=0), _oip, _outputs
)
BENTOML = Contender("bentoml", "BentoML", "bentoml", _bentoml("bentoml_joblib"), _features, _plain)
BENTOML_BATCHING = Contender(
    "bentoml-batching", "BentoML, batching", "bentoml", _bentoml("bentoml_onnx"), _features, _plain
)
LITSERVE = Contender("litserve", "LitServe", "litserve", _litserve("litserve_joblib"), _features, _probabilities)
LITSERVE_BATCHING = Contender(
    "litserve-batching", "LitServe, batching", "litserve", _litserve("litserve_onnx"), _features, _probabilities
)
MLFLOW = Contender("mlflow", "MLflow models serve", "mlflow", _mlflow, _inputs, _predictions)
PYTRITON = Contender("pytriton", "PyTriton", "pytriton", _pytriton, _oip, _outputs)
RAY = Contender("ray", "Ray Serve", "ray", _ray, _features, _probabilities)
