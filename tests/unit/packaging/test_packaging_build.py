"""Build: what a bundle says about itself fits what it holds."""

import numpy as np
import pytest

from golive.domain.preparation import Combine, Normalize, Preparation, Vocabulary
from golive.domain.signature import Field, Signature
from golive.errors import UsageError, VerificationError
from golive.inference.road import open_road
from golive.packaging.build import assemble, pack, profile_of
from golive.packaging.profile import profile
from golive.ports import Converted

INPUTS = (
    Field(name="area", dtype="float64"),
    Field(name="rooms", dtype="int64"),
    Field(name="city", dtype="string", nullable=True, categories=("paris", "rome")),
)
STEPS = (Combine("per_room", "ratio", ("area", "rooms")), Normalize("city"))


@pytest.fixture
def converted(linear_graph):
    return Converted(
        graph=linear_graph([1.0], tables=[(10.0, 20.0, 30.0, 40.0)]),
        preparation=Preparation(numbers=("per_room",), categories=(Vocabulary("city", ("paris", "rome")),)),
        signature=Signature(
            inputs=(Field(name="per_room", dtype="float64"), Field(name="city", dtype="string", nullable=True)),
            task="regression",
            target="price",
        ),
    )


def test_declared_steps_stand_before_the_converted_model(converted, runtime):
    manifest = assemble("houses", converted, steps=STEPS, inputs=INPUTS)
    road = open_road(manifest, converted.graph, runtime)
    assert road.rows([[100.0, 4, " Rome"]]).tolist() == [[45.0]]
    assert manifest.signature.names == ("area", "rooms", "city")
    assert manifest.signature.target == "price"


def test_a_model_without_declared_steps_takes_what_it_reads(converted):
    assert assemble("houses", converted).signature == converted.signature


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "My Houses"}, "cannot be used"),
        ({"inputs": INPUTS[:1]}, "'rooms', which is neither an input nor made"),
        ({"steps": ()}, "'per_room', which is neither"),
        ({"inputs": (*INPUTS, INPUTS[0])}, "more than once"),
    ],
)
def test_a_bundle_that_does_not_hold_together_is_refused(converted, changes, words):
    given = {"name": "houses", "steps": STEPS, "inputs": INPUTS, **changes}
    with pytest.raises(UsageError, match=words):
        assemble(given.pop("name"), converted, **given)


@pytest.fixture
def packed(converted, runtime):
    manifest = assemble("houses", converted, steps=STEPS, inputs=INPUTS)
    table = {"area": [100.0, 50.0, 80.0], "rooms": [4, 2, 4], "city": ["rome", None, "paris"]}
    outputs = open_road(manifest, converted.graph, runtime).columns(table)
    return manifest, pack(manifest, converted.graph, profile(manifest.signature, table, outputs))


def test_a_bundle_holds_the_graph_and_the_profile(packed, converted):
    manifest, files = packed
    assert set(files) == {"model.onnx", "profile.json"}
    assert files[manifest.graph] == converted.graph


def test_the_profile_counts_inputs_as_sent_and_predictions(packed):
    found = profile_of(packed[1])
    assert [column.name for column in found.inputs] == ["area", "rooms", "city"]
    assert [column.name for column in found.outputs] == ["prediction"]
    assert found.rows == 3
    assert all(sum(column.counts) == 3 for column in (*found.inputs, *found.outputs))
    assert found.inputs[2].values == ("paris", "rome")
    assert found.inputs[2].counts[-1] == 1


def test_dates_and_free_texts_are_not_profiled():
    inputs = (
        Field(name="sold", dtype="string", format="date"),
        Field(name="note", dtype="string"),
        Field(name="area", dtype="float64"),
    )
    table = {"sold": ["2011-07-25"], "note": ["a note"], "area": [1.0]}
    found = profile(Signature(inputs=inputs, task="regression", target="y"), table, np.array([[1.0]]))
    assert [column.name for column in found.inputs] == ["area"]


def test_a_profile_that_cannot_be_read_is_refused():
    for files in ({}, {"profile.json": b"{"}):
        with pytest.raises(VerificationError, match=r"profile\.json"):
            profile_of(files)


@pytest.mark.parametrize(("classes", "names"), [(("a", "b"), ["p_b"]), (("a", "b", "c"), ["p_a", "p_b", "p_c"])])
def test_of_two_classes_only_the_second_probability_is_profiled(classes, names):
    signature = Signature(inputs=INPUTS[:1], task="classification", target="y", classes=classes)
    outputs = np.full((2, len(classes)), 1 / len(classes))
    found = profile(signature, {"area": [1.0, 2.0]}, outputs)
    assert [column.name for column in found.outputs] == names
