"""What TensorFlow Serving's protocol allows beyond rows as objects, and its other verbs."""

import base64

import msgspec
import numpy as np
import orjson
import pytest

from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, RequestError
from golive.serving.answer import Ask
from golive.serving.codecs.codec import PredictionWriter
from golive.serving.codecs.examples import ExamplesCodec
from golive.serving.codecs.instances import InstancesCodec
from golive.serving.codecs.tokens import decoded_loosely
from golive.serving.pages.v1 import v1_metadata

ASK = Ask("id")
HOUSE = Signature(
    inputs=(
        Field(name="area", dtype="float64"),
        Field(name="rooms", dtype="int64", nullable=True),
        Field(name="zone", dtype="string"),
    ),
    task="regression",
    target="price",
)
WORD = Signature(inputs=(Field(name="word", dtype="string"),), task="classification", target="kind", classes=("a", "b"))
NUMBER = Signature(inputs=(Field(name="x", dtype="float64", nullable=True),), task="regression", target="y")


def labels(outputs):
    return outputs[:, 0].tolist()


def instances(signature, body):
    codec = InstancesCodec(signature, PredictionWriter(Placed("m", 1, "sha256:1"), signature, labels))
    rows, form = codec.decode(body if isinstance(body, bytes) else orjson.dumps(body), ASK)
    return list(map(tuple, rows)), form.decode()


def examples(signature, body):
    rows, _ = ExamplesCodec(signature).decode(body if isinstance(body, bytes) else orjson.dumps(body), ASK)
    return rows


def b64(text):
    return {"b64": base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize("name", [None, "serving_default"])
def test_the_default_signature_may_be_named(name):
    body = {"signature_name": name, "instances": [[1.0, 2, "n"]]}
    assert instances(HOUSE, body) == ([(1.0, 2, "n")], "predictions")


@pytest.mark.parametrize("name", ["other", 7, []])
@pytest.mark.parametrize("row", [{"area": 1.0, "zone": "n"}, [1.0, 2, "n"], [1.0, 2, b64("n")]])
def test_any_other_signature_is_refused_by_name(name, row):
    with pytest.raises(RequestError, match=r"signature.*'serving_default'") as caught:
        instances(HOUSE, {"signature_name": name, "instances": [row]})
    assert caught.value.field == "$.signature_name"
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("signature", "values", "rows"),
    [
        (NUMBER, [1.5, 2, None], [(1.5,), (2.0,), (None,)]),
        (NUMBER, [[1.5], {"x": 2}], [(1.5,), (2.0,)]),
        (WORD, ["cat", b64("Größe"), [b64("dog")], {"word": b64("cow")}], [("cat",), ("Größe",), ("dog",), ("cow",)]),
    ],
)
def test_a_model_with_one_input_takes_bare_values(signature, values, rows):
    assert instances(signature, {"instances": values}) == (rows, "predictions")
    assert instances(signature, {"inputs": values}) == (rows, "outputs")


def test_a_model_with_several_inputs_takes_no_bare_values():
    with pytest.raises(RequestError, match="wants an object"):
        instances(HOUSE, {"instances": [1.0]})
    with pytest.raises(RequestError, match="wants an object"):
        instances(HOUSE, {"inputs": [[1.0, 2, "n"]]})


def test_a_text_may_be_written_in_base64_wherever_it_stands():
    row = (1.0, 2, "nörd")
    for each in ({"area": 1.0, "rooms": 2, "zone": b64("nörd")}, [1.0, 2, b64("nörd")]):
        assert instances(HOUSE, {"instances": [each]}) == ([row], "predictions")
    columns = {"area": [1.0], "rooms": [2], "zone": [b64("nörd")]}
    assert instances(HOUSE, {"inputs": columns}) == ([row], "outputs")


@pytest.mark.parametrize("wrong", ["!", "YQ", "/w==", 5, None, ["YQ=="]])
def test_what_is_no_base64_of_a_text_is_refused_where_it_stands(wrong):
    with pytest.raises(InvalidRowError, match="not base64 of a text") as caught:
        instances(HOUSE, {"instances": [[1.0, 2, {"b64": wrong}]]})
    assert caught.value.field == "$.instances[0][2]"


def test_a_nan_is_a_missing_value_and_a_word_of_that_name_a_word():
    body = b'{"instances": [{"area": 1, "rooms": NaN, "zone": "NaN"}]}'
    assert instances(HOUSE, body) == ([(1.0, None, "NaN")], "predictions")
    with pytest.raises(InvalidRowError, match="wants a number, got null") as caught:
        instances(HOUSE, b'{"instances": [{"area": NaN, "zone": "n"}]}')
    assert caught.value.field == "$.instances[0].area"


def test_an_infinity_is_handed_on_to_be_refused_by_the_models_own_check():
    rows, _ = instances(NUMBER, b'{"instances": [Infinity, -Infinity]}')
    assert rows == [(np.inf,), (-np.inf,)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"instances": [NaN', "not valid JSON"),
        (b'{"instances": [NaNN]}', "not valid JSON"),
        (b'{"instances": ["NaN\xff"]}', "not UTF-8"),
        (b'{"NaN": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"NaN": 1' + b"0" * 5000 + b"}", "thousands of digits"),
        (b'{"NaN": "\\ud800"}', "half of a surrogate pair"),
    ],
)
def test_what_is_not_even_such_json_is_refused(body, words):
    with pytest.raises(RequestError, match=words):
        decoded_loosely(body)


def test_a_whole_pair_of_surrogates_is_one_character():
    assert decoded_loosely(b'{"NaN": "\\ud83d\\ude00"}') == {"NaN": "😀"}


def test_other_members_of_the_body_are_passed_over():
    assert instances(NUMBER, {"parameters": {"k": 5}, "instances": [{"x": 1}]})[0] == [(1.0,)]


def test_the_context_belongs_to_every_example_that_has_no_value_of_its_own():
    body = {"context": {"zone": b64("n"), "area": [1]}, "examples": [{}, {"area": 2.5, "rooms": [3]}]}
    assert examples(HOUSE, body) == [(1.0, None, "n"), (2.5, 3, "n")]
    assert examples(HOUSE, b'{"examples": [{"area": 1, "rooms": NaN, "zone": "n"}]}') == [(1.0, None, "n")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"examples": []}, ""),
        ({"context": {}}, "$.examples"),
        ({"examples": {}}, "$.examples"),
        ({"examples": [1]}, "$.examples[0]"),
        ({"examples": [{"zone": "n"}]}, "$.examples[0].area"),
        ({"examples": [{"area": 1, "zone": "n"}], "context": {"zone": 7}}, "$.context.zone"),
        ({"examples": [{"area": 1, "zone": "n"}], "context": {"zoo": 7}}, "$.context.zoo"),
        ({"examples": [{"area": [1, 2], "zone": "n"}]}, "$.examples[0].area"),
        ({"examples": [{"area": 1, "zone": "n", "zoo": 1}]}, "$.examples[0].zoo"),
        ({"examples": [{"area": 1, "zone": "n"}], "signature_name": "x"}, "$.signature_name"),
    ],
)
def test_examples_that_do_not_fit_are_refused_where_they_stand(body, field):
    with pytest.raises(RequestError) as caught:
        examples(HOUSE, body)
    assert caught.value.field == field


def test_a_classification_gives_pairs_and_a_regression_numbers():
    def result(signature, outputs):
        head, body = ExamplesCodec(signature).encode(np.array(outputs), None, ASK)
        assert head == b"content-type: application/json\r\n"
        return msgspec.json.decode(body)

    assert result(WORD, [[0.25, 0.75], [1.0, np.nan]]) == {
        "result": [[["a", 0.25], ["b", 0.75]], [["a", 1.0], ["b", None]]]
    }
    assert result(NUMBER, [[1.5], [np.inf]]) == {"result": [1.5, None]}


def test_the_metadata_is_that_of_tensorflow_serving():
    told = v1_metadata("m", 3, HOUSE)
    assert told["model_spec"] == {"name": "m", "signature_name": "", "version": "3"}
    signature = told["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["inputs"]["zone"] == {
        "name": "zone",
        "dtype": "DT_STRING",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
    }
    assert {name: tensor["dtype"] for name, tensor in signature["inputs"].items()} == {
        "area": "DT_DOUBLE",
        "rooms": "DT_INT64",
        "zone": "DT_STRING",
    }
    assert signature["outputs"]["predictions"]["dtype"] == "DT_DOUBLE"
    assert v1_metadata("m", 1, WORD)["metadata"]["signature_def"]["signature_def"]["serving_default"]["outputs"][
        "predictions"
    ]["dtype"] == ("DT_STRING")
