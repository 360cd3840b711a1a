"""What a caller asks to have explained reaches the server as rows by name, and its reasons come back."""

import numpy as np
import orjson
import pandas as pd
import pytest

from golive.errors import InvalidRowError, UnavailableError, UnexplainableError, VerificationError

ONE = {
    "prediction": "yes",
    "probabilities": [0.2, 0.8],
    "output": "yes",
    "base": 0.3,
    "answer": 0.8,
    "contributions": {"a": 0.6, "b": -0.1},
    "standard_errors": None,
    "values": {"a": 1.0, "b": None},
    "reasons": [{"input": "a", "effect": "raises", "text": "a = 1 raises the probability of 'yes' by 0.6"}],
    "counterfactual": {
        "found": [{"changes": [{"input": "a", "before": 1.0, "after": 0.5}], "prediction": "no", "distance": 1.2}],
        "reason": None,
    },
}
TOLD = {
    "explanations": [ONE],
    "method": "tree",
    "scale": "probability",
    "additivity_error": 1e-12,
    "model_name": "credit",
    "model_version": "2",
    "request_id": "id-1",
}


def explained(world, server, data, *before, **options):
    server.before = [*before, (200, {"x-request-id": "theirs"}, orjson.dumps(TOLD))]
    return world.run(world.talk.explain("credit", data, **options))


def test_the_answer_is_read_whole(world, server):
    told = explained(world, server, {"a": 1.0, "b": None})
    assert (told.model, told.version, told.method, told.scale) == ("credit", "2", "tree", "probability")
    assert (told.request_id, len(told), told.additivity_error) == ("theirs", 1, 1e-12)
    (one,) = told
    assert one is told[0]
    assert (one.prediction, one.contributions, one.reasons[0].effect) == ("yes", {"a": 0.6, "b": -0.1}, "raises")
    (found,) = one.counterfactual.found
    assert (found.prediction, found.changes[0].input, found.changes[0].after) == ("no", "a", 0.5)


@pytest.mark.parametrize(
    ("data", "instances"),
    [
        ({"a": 1.0, "b": None}, [{"a": 1.0, "b": None}]),
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}]),
        ([[1.0, 2.0]], [[1.0, 2.0]]),
        (np.array([[1.0, np.nan]]), [[1.0, None]]),
        (pd.DataFrame({"a": [1.5], "b": ["x"]}), [{"a": 1.5, "b": "x"}]),
    ],
)
def test_every_form_of_rows_goes_as_instances(world, server, data, instances):
    explained(world, server, data)
    (step,) = world.posts()
    assert step.path == "/v1/models/credit:explain"
    assert orjson.loads(step.body) == {"instances": instances}


def test_what_is_asked_goes_beside_the_rows(world, server):
    options = {"output": "yes", "target": {"label": "no"}, "immutable": ["b"], "version": 2}
    explained(world, server, {"a": 1.0}, **options)
    (step,) = world.posts()
    assert step.path == "/v1/models/credit/versions/2:explain"
    assert orjson.loads(step.body) == {
        "instances": [{"a": 1.0}],
        "output": "yes",
        "counterfactual": True,
        "target": {"label": "no"},
        "immutable": ["b"],
    }


def test_a_busy_server_is_asked_again(world, server):
    busy = (503, {"retry-after": "1"}, b'{"error": "too many", "code": "overloaded"}')
    assert len(explained(world, server, {"a": 1.0}, busy)) == 1
    assert len(world.waits) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(501, "not_explainable", UnexplainableError), (503, "unavailable", UnavailableError)],
)
def test_a_refusal_is_raised_as_what_it_is(world, server, status, code, kind):
    server.before = [(status, {}, orjson.dumps({"error": "no", "code": code}))] * 3
    with pytest.raises(kind, match="no"):
        world.run(world.talk.explain("credit", {"a": 1.0}))


def test_what_no_request_can_carry_and_what_is_no_answer_are_refused(world, server):
    with pytest.raises(InvalidRowError):
        explained(world, server, {"a": float("inf")})
    with pytest.raises(InvalidRowError, match="no valid Unicode"):
        explained(world, server, {"a": "\ud800"})
    server.before = [(200, {}, b'{"explanations": 3}')]
    with pytest.raises(VerificationError):
        world.run(world.talk.explain("credit", {"a": 1.0}))
