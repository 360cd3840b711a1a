"""The request that a server's own page and `golive up` show."""

import json
from types import SimpleNamespace

from golive.control.live import example_request
from golive.domain.signature import Field, Signature


def test_an_example_of_zero_or_false_is_sent_and_an_unknown_one_of_a_nullable_field_is_not():
    inputs = (
        Field(name="area", dtype="float64", nullable=True, example=0.0),
        Field(name="garden", dtype="bool", nullable=True, example=False),
        Field(name="rooms", dtype="int64"),
        Field(name="note", dtype="string", nullable=True),
    )
    bundle = SimpleNamespace(signature=Signature(inputs=inputs, task="regression", target="price"))
    assert json.loads(example_request(bundle)) == {"instances": [{"area": 0.0, "garden": False, "rooms": 0}]}
