"""The description of the routes, checked against what the codecs take and give."""

import jsonschema
import orjson
import priced
import pytest
from jsonschema import Draft202012Validator

from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.serving.answer import Ask
from golive.serving.lane import Lane
from golive.serving.pages.openapi import describe
from golive.serving.pages.schemas import row_schema


@pytest.fixture(scope="module", params=["regression", "classification"])
def lane(request, tmp_path_factory):
    road = priced.road_of(*priced.keep(tmp_path_factory.mktemp("bundles"), task=request.param))
    return Lane(Placed("priced", 1, "sha256:1"), road)


def described(lane, *, secured=False):
    return describe({"priced": lane.signature}, "t", "1", secured=secured)


def schema_of(description, path, verb, *steps):
    part = description["paths"][path][verb]
    for step in steps:
        part = part[step]
    return Draft202012Validator(
        {**part["content"]["application/json"]["schema"], "components": description["components"]}
    )


ROUTES = {
    "/v1/models/priced:predict": "instances",
    "/predict/priced": "features",
    "/predict": "features",
    "/v2/models/priced/infer": "tensors",
    "/invocations": "invocations",
}


def routes_of(lane):
    verb = "regress" if lane.signature.task == "regression" else "classify"
    return {**ROUTES, f"/v1/models/priced:{verb}": "examples"}


def test_every_example_fits_its_schema_and_its_answer_the_schema_of_answers(lane):
    description = described(lane)
    for path, kind in routes_of(lane).items():
        request = description["paths"][path]["post"]["requestBody"]
        example = request["content"]["application/json"]["example"]
        schema_of(description, path, "post", "requestBody").validate(example)
        status, _, answer = getattr(lane, kind)(orjson.dumps(example), Ask("id"))
        assert status == 200, answer
        schema_of(description, path, "post", "responses", "200").validate(orjson.loads(answer))


def test_every_refusal_has_the_form_that_is_described(lane):
    description = described(lane)
    for path, kind in routes_of(lane).items():
        status, _, answer = getattr(lane, kind)(b"[]", Ask("id"))
        schema_of(description, path, "post", "responses", str(status)).validate(orjson.loads(answer))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"instances": []},
        {"instances": [{"area": 1.0}]},
        {"instances": [{**priced.ROWS[0], "more": 1}]},
        {"instances": [{**priced.ROWS[0], "garden": "yes"}]},
        {"instances": [{**priced.ROWS[0], "rooms": 2**63}]},
        {"instances": [[1.0]]},
        {"inputs": {"area": 1.0}},
        {"instances": [priced.ROWS[0]], "signature_name": "other"},
    ],
)
def test_what_the_codec_refuses_the_schema_refuses_too(lane, body):
    assert lane.instances(orjson.dumps(body), Ask("id"))[0] in {400, 422}
    with pytest.raises(jsonschema.ValidationError):
        schema_of(described(lane), "/v1/models/priced:predict", "post", "requestBody").validate(body)


def test_a_prediction_that_is_no_number_fits_the_schema_of_answers():
    signature = Signature(inputs=(Field(name="x", dtype="float64"),), task="regression", target="y")
    description = describe({"m": signature}, "t", "1", secured=False)
    answer = {"predictions": [None], "probabilities": None, "model_name": "m", "model_version": "1"}
    schema_of(description, "/predict", "post", "responses", "200").validate(answer)


def test_every_route_has_one_operation_with_a_pinned_twin_for_models():
    signature = Signature(inputs=(Field(name="x", dtype="float64"),), task="regression", target="y")
    paths = describe({"a": signature, "b": signature}, "t", "1", secured=False)["paths"]
    assert {len(verbs) for verbs in paths.values()} == {1}
    assert {path for path in paths if "/a/versions/{version}" in path} == {
        "/v1/models/a/versions/{version}:predict",
        "/v1/models/a/versions/{version}:regress",
        "/predict/a/versions/{version}",
        "/v2/models/a/versions/{version}/infer",
        "/v1/models/a/versions/{version}",
        "/v1/models/a/versions/{version}/metadata",
        "/v2/models/a/versions/{version}",
        "/v2/models/a/versions/{version}/ready",
        "/v2/models/a/versions/{version}/config",
        "/v2/models/a/versions/{version}/stats",
    }
    assert "/predict" not in paths
    assert "/invocations" not in paths


def test_only_routes_that_tell_nothing_of_a_model_are_free_of_keys(lane):
    description = described(lane, secured=True)
    free = {
        path for path, verbs in description["paths"].items() for each in verbs.values() if each.get("security") == []
    }
    assert free == {"/", "/health", "/ping", "/docs", "/v2/health/live", "/v2/health/ready"}
    assert "401" in description["paths"]["/predict"]["post"]["responses"]
    assert "401" not in described(lane)["paths"]["/predict"]["post"]["responses"]


def test_a_field_of_codes_may_be_sent_as_numbers():
    signature = Signature(
        inputs=(Field(name="zone", dtype="string", categories=("20", "60"), nullable=True),),
        task="regression",
        target="y",
    )
    assert row_schema(signature)["properties"]["zone"]["type"] == ["string", "number", "null"]
