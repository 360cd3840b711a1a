"""The environment of platforms that run containers, and what it changes."""

import pytest

from golive.control.running.access import refuse_unguarded, rules_for, warn_of_openness
from golive.control.serve import serve
from golive.domain.api_key import KeyRow
from golive.errors import UsageError
from golive.settings import Platform, read_settings

VERTEX = {"AIP_MODE": "PREDICTION", "AIP_ENDPOINT_ID": "7", "AIP_DEPLOYED_MODEL_ID": "9"}
SAGEMAKER = Platform(name="SageMaker", port=8080)
KEY = KeyRow(id="k", hash=b"0" * 32, label="", created_at="2026-01-01", revoked_at="2026-01-02")


def test_vertex_is_known_by_its_mode_and_says_where_it_asks():
    model = "/v1/endpoints/7/deployedModels/9"
    assert read_settings(VERTEX).platform == Platform(
        name="Vertex AI", port=8080, health_path=model, predict_path=f"{model}:predict"
    )
    own = {"AIP_HTTP_PORT": "7080", "AIP_HEALTH_ROUTE": "/ok", "AIP_PREDICT_ROUTE": "/p"}
    assert read_settings(VERTEX | own).platform == Platform(
        name="Vertex AI", port=7080, health_path="/ok", predict_path="/p"
    )


def test_sagemaker_is_known_by_the_port_that_it_gives():
    assert read_settings({"SAGEMAKER_BIND_TO_PORT": "8081"}).platform == Platform(name="SageMaker", port=8081)


@pytest.mark.parametrize("env", [{}, {"AIP_HTTP_PORT": "8080"}, {"AIP_MODE": ""}, {"AIP_MODE": "TRAINING"}])
def test_nothing_else_is_taken_for_a_platform(env):
    assert read_settings(env).platform is None


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({**VERTEX, "AIP_HTTP_PORT": "http"}, "AIP_HTTP_PORT is 'http'"),
        ({**VERTEX, "AIP_HTTP_PORT": "70000"}, "no port"),
        ({**VERTEX, "AIP_HTTP_PORT": "²"}, "no port"),
        ({"SAGEMAKER_BIND_TO_PORT": "0"}, "SAGEMAKER_BIND_TO_PORT is '0'"),
        ({**VERTEX, "AIP_HEALTH_ROUTE": "health"}, "AIP_HEALTH_ROUTE is 'health', which is no path"),
        ({**VERTEX, "AIP_PREDICT_ROUTE": "/p\r\nx: y"}, "no path"),
        ({**VERTEX, "AIP_PREDICT_ROUTE": "/{p}"}, "no path"),
    ],
)
def test_a_port_or_path_that_is_none_is_refused(env, words):
    with pytest.raises(UsageError, match=words):
        read_settings(env)


def test_a_platform_may_reach_a_server_without_a_key_and_the_log_says_so_loudly(capsys):
    rules = rules_for("0.0.0.0", (), "", SAGEMAKER)
    assert rules.is_open
    refuse_unguarded("0.0.0.0", rules)
    warn_of_openness("0.0.0.0", rules, SAGEMAKER)
    said = "".join(capsys.readouterr())
    assert said.count("\n") == 1
    assert "WARNING: open without an API key on '0.0.0.0', because SageMaker" in said


@pytest.mark.parametrize(("keys", "secret"), [((), "long-secret"), ((KEY,), "")])
def test_a_key_is_wanted_on_a_platform_too_once_there_is_or_was_one(keys, secret, capsys):
    rules = rules_for("0.0.0.0", keys, secret, SAGEMAKER)
    assert not rules.is_open
    warn_of_openness("0.0.0.0", rules, SAGEMAKER)
    assert capsys.readouterr() == ("", "")


def test_without_a_platform_nothing_is_open_beyond_loopback(capsys):
    with pytest.raises(UsageError, match="there is no API key"):
        refuse_unguarded("0.0.0.0", rules_for("0.0.0.0", (), ""))
    warn_of_openness("127.0.0.1", rules_for("127.0.0.1", (), ""), None)
    assert capsys.readouterr() == ("", "")


OPTIONS = {
    "host": None,
    "port": None,
    "admin_host": "127.0.0.1",
    "admin_port": 0,
    "workers": 1,
    "memory_mb": 0,
    "grpc_port": None,
    "tls_cert": None,
    "tls_key": None,
}


def test_a_store_without_the_one_bundle_to_serve_says_what_it_holds(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLIVE_HOME", str(tmp_path))
    with pytest.raises(UsageError, match=r"the store holds 0 of them \(none\)"):
        serve((), **OPTIONS)
