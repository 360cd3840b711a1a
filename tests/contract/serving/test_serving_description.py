"""The description of the routes (``/openapi.json``) against a live server, by a checker that knows neither."""

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as described

from golive.domain.release import Share
from golive.domain.serving import Route
from golive.serving.server import ServerConfig

EXAMPLES = 8
"""Requests that are generated for every operation, of those that fit the description and of those that do not."""
ROOMY = ServerConfig(drain_s=0.5, title="test", version="1")
"""Some generated bodies are long, and a description says nothing of how long one may be."""
ALWAYS = [
    checks.not_a_server_error,
    described.status_code_conformance,
    described.content_type_conformance,
    described.response_headers_conformance,
    described.response_schema_conformance,
    described.negative_data_rejection,
]
FITTING = [*ALWAYS, described.positive_data_acceptance]
"""Where a schema says all that a request must be; none can say that two lists have one length, or what CSV holds."""


def asked(server):
    """Send generated requests to every operation, and give what was asked and answered how often."""
    counts = {}
    api = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    for found in api.get_all_operations():
        operation = found.ok()
        has_body = bool(operation.body)
        for mode in GenerationMode if has_body else (GenerationMode.POSITIVE,):
            ask_all(operation, mode, counts)
    return counts


def ask_all(operation, mode, counts):
    exact = operation.path.startswith("/predict")

    @settings(
        # A version is seldom one that is loaded, and the routes are those of the model.
        max_examples=2 if "{" in operation.path else EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case):
        answer = case.call()
        case.validate_response(answer, checks=FITTING if exact else ALWAYS)
        counts.setdefault(operation.label, []).append(answer.status_code)

    ask()


def test_no_generated_request_is_answered_otherwise_than_described(running):
    for name, version in (("houses", 3), ("iris", 2)):
        with running(ROOMY, traffic=(Route(name, (Share(version, 1.0),)),)) as server:
            counts = asked(server)
        # Ten routes for a model, the same for one version, two without a name, and the server's own; where the checker
        # read the description from it does not ask again.
        assert len(counts) == 2 * 10 + 2 + 11
        assert {status for path, statuses in counts.items() for status in statuses} <= {200, 400, 404, 415, 422}
        # So that the schemas of answers were looked at. Tensors that belong together are not found by chance.
        unanswered = {path for path, statuses in counts.items() if 200 not in statuses and "{version}" not in path}
        assert unanswered <= {f"POST /v2/models/{name}/infer"}
