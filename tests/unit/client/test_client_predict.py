"""What a caller gives reaches the model, and what it says comes back."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oip_server import Model, Server, parsed

from golive.client.chances import Chances
from golive.client.conversation import Conversation
from golive.client.exchange import Reply
from golive.errors import InvalidRowError, NotFoundError, RequestError, TooLargeError, UsageError

HOUSE = {"area": 100.5, "rooms": 3, "pool": True, "zone": "north"}
SUM = 100.5 + 2 * 3 + 3 * 1 + 4 * 5


@pytest.mark.parametrize(
    "data",
    [
        {"a": 1.0, "b": 2.0},
        {"b": 2.0, "a": 1.0},
        [{"a": 1, "b": 2}],
        [[1.0, 2.0]],
        [(1, 2)],
        np.array([[1.0, 2.0]]),
        np.array([[1, 2]], dtype=np.int32),
        np.asfortranarray(np.array([[1.0, 2.0]])),
        np.array([[1.0, 2.0]], dtype=object),
        [np.array([1.0, 2.0])],
        {"a": [1.0], "b": [2.0]},
        {"b": np.array([2.0]), "a": np.array([[1.0]])},
        pd.DataFrame({"b": [2.0], "a": [1]}),
        pa.table({"b": [2.0], "a": [1]}),
        {"a": np.float32(1.0), "b": np.int64(2)},
    ],
)
def test_every_form_of_a_row_gives_the_same_answer(world, data):
    prediction = world.predict("sums", data)
    assert prediction.values.tolist() == [5.0]
    assert (prediction.model, prediction.version, prediction.request_id) == ("sums", "1", "id-1")
    assert prediction.probabilities is None


def test_numbers_go_as_one_tensor_of_bytes_in_the_order_of_the_model(world, server):
    world.predict("sums", pd.DataFrame({"b": [2.0, 4.0], "a": [1.0, 3.0]}))
    [(values, shape)] = server.read[-1].values()
    assert (list(server.read[-1]), values, shape) == (["input"], [1.0, 2.0, 3.0, 4.0], [2, 2])
    assert world.posts()[-1].body.endswith(np.array([1.0, 2.0, 3.0, 4.0]).tobytes())


def test_a_model_of_mixed_fields_gets_a_tensor_each(world, server):
    prediction = world.predict("houses", HOUSE)
    assert {name: values for name, (values, _) in server.read[-1].items()} == {
        "area": [100.5],
        "rooms": [3],
        "pool": [True],
        "zone": ["north"],
    }
    assert b'"data"' not in world.posts()[-1].body
    assert prediction.values == [("low", "mid", "high")[int(SUM) % 3]]
    assert prediction.probabilities.shape == (1, 3)
    assert prediction.outputs["probabilities"] is prediction.probabilities


def test_missing_values_go_as_nan_or_as_null(world, server):
    gaps = {"area": [None, 1.0], "rooms": [2, None], "pool": [True, None], "zone": [None, "south"]}
    world.predict("houses", gaps)
    read = {name: values for name, (values, _) in server.read[-1].items()}
    assert np.isnan(read.pop("area")).tolist() == [True, False]
    assert read == {"rooms": [2, None], "pool": [True, None], "zone": [None, "south"]}


def test_a_missing_whole_number_is_no_nan_in_a_tensor_of_floats(server, world):
    server.place("counts", "1", Model(inputs=(("n", "INT64", 1), ("x", "FP64", 1))))
    world.predict("counts", [[1, 2.0], [None, 3.0]])
    assert server.read[-1] == {"n": ([1.0, None], [2, 1]), "x": ([2.0, 3.0], [2, 1])}


def test_the_gaps_of_a_data_frame_are_missing_values(world, server):
    frame = pd.DataFrame(
        {
            "area": pd.array([1.5, None], dtype="Float64"),
            "rooms": pd.array([None, 4], dtype="Int64"),
            "pool": pd.array([None, True], dtype="boolean"),
            "zone": ["north", None],
        }
    )
    world.predict("houses", frame)
    read = {name: values for name, (values, _) in server.read[-1].items()}
    assert read["area"][0] == 1.5
    assert np.isnan(read["area"][1])
    assert (read["rooms"], read["pool"], read["zone"]) == ([None, 4], [None, True], ["north", None])


def test_whole_numbers_that_a_data_frame_keeps_as_floats_are_whole_again(world, server):
    world.predict("houses", {**HOUSE, "rooms": 3.0})
    assert server.read[-1]["rooms"] == ([3], [1, 1])


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), np.int64(2**63 - 1), np.uint64(2**63 - 1), -0.0, 2.0**62])
def test_the_largest_whole_numbers_arrive_exactly(world, server, number):
    world.predict("houses", {"rooms": np.array([number])})
    assert server.read[-1]["rooms"] == ([int(number)], [1, 1])


@pytest.mark.parametrize("other", [None, 20.0])
def test_a_large_whole_number_is_not_rounded_by_what_stands_beside_it(world, server, other):
    world.predict("houses", {"rooms": [2**53 + 1, other]})
    assert server.read[-1]["rooms"][0] == [2**53 + 1, other]


def test_dates_go_as_texts(world, server):
    world.predict("houses", {**HOUSE, "zone": pd.Timestamp("2011-07-25")})
    assert server.read[-1]["zone"] == (["2011-07-25T00:00:00"], [1, 1])


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [("area", "wide", ["wide"]), ("rooms", 2.5, [2.5]), ("pool", 1, [1]), ("zone", 20, [20]), ("area", True, [True])],
)
def test_what_does_not_fit_goes_unchanged_for_the_server_to_judge(world, server, name, value, read):
    world.predict("houses", {**HOUSE, name: value})
    assert server.read[-1][name][0] == read


def test_a_field_that_is_left_out_is_left_out(world, server):
    world.predict("houses", {"area": 1.0})
    assert list(server.read[-1]) == ["area"]


def test_a_row_without_any_value_is_still_a_row(world, server):
    world.predict("houses", {})
    assert server.read[-1]["zone"] == ([None], [1, 1])


def test_keys_that_some_rows_lack_are_missing_there(world, server):
    world.predict("sums", [{"a": 1.0}, {"b": 2.0, "a": 3.0}])
    values, shape = server.read[-1]["input"]
    assert shape == [2, 2]
    assert np.isnan(values).tolist() == [False, True, False, False]


def test_a_server_without_the_binary_extension_gets_json(server, world):
    server.extensions = ()
    assert world.predict("sums", [[1.0, 2.0], [None, 2.0]]).values.tolist() == [5.0, 4.5]
    assert world.predict("houses", HOUSE).probabilities.shape == (1, 3)
    assert all("inference-header-content-length" not in post.headers for post in world.posts())


def test_another_server_gets_its_one_unnamed_tensor_in_its_data_type(server, world):
    server.place("iris", "1", Model(inputs=(("float_input", "FP32", 3),), platform="onnxruntime"))
    assert world.predict("iris", [[1.0, 2.0, 0.5]]).values.tolist() == [6.5]
    assert world.predict("iris", pd.DataFrame({"x": [1.0], "y": [2.0], "z": [0.5]})).values.tolist() == [6.5]
    assert list(server.read[-1]) == ["float_input"]
    with pytest.raises(RequestError, match="a row has 2 values, but 3 are expected"):
        world.predict("iris", [[1.0, 2.0]])


def test_a_model_with_one_field_checks_its_name(server, world):
    server.place("one", "1", Model(inputs=(("only", "FP64", 1),)))
    assert world.predict("one", {"only": [2.0, 3.0]}).values.tolist() == [2.0, 3.0]
    with pytest.raises(RequestError, match="did you mean 'only'"):
        world.predict("one", {"onyl": [2.0]})


def test_a_tensor_that_is_no_column_is_refused(server, world):
    image = Model(inputs=(("image", "FP32", 1),), platform="other")
    image.metadata = lambda name, versions: {
        "name": name,
        "inputs": [{"name": "image", "datatype": "FP32", "shape": [-1, 28, 28]}],
    }
    server.place("digits", "1", image)
    with pytest.raises(UsageError, match="no column"):
        world.predict("digits", {"image": [1.0]})


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (5, UsageError, "a int is not a table"),
        ("rows", UsageError, "a str is not a table"),
        (np.array([1.0, 2.0]), UsageError, r"reshape\(1, -1\)"),
        ([1.0, 2.0], UsageError, "not a table"),
        ([], RequestError, "no rows"),
        (np.empty((0, 2)), RequestError, "no rows"),
        ({"a": []}, RequestError, "no rows"),
        ([[1.0], [1.0, 2.0]], RequestError, "differ in length"),
        ({"a": [1.0], "b": [1.0, 2.0]}, RequestError, "differ in length"),
        ({"a": [1.0], "b": 2.0}, UsageError, "'b' is one value"),
        ({"a": np.ones((2, 2)), "b": [1.0, 2.0]}, RequestError, r"column 'a' has the shape \(2, 2\)"),
        ([[1.0, 2.0, 3.0]], RequestError, "a row has 3 values, but 2 are expected, in this order: a, b"),
        ({"a": 1.0, "bb": 2.0}, RequestError, "there is no input 'bb'; did you mean 'b'"),
        ({"a": 1.0, "b": 1j}, InvalidRowError, "type complex"),
        ({"a": 1.0, "b": 2**70}, InvalidRowError, "64 bits"),
        ({"a": 1.0, "b": "\ud800"}, InvalidRowError, "no valid Unicode"),
    ],
)
def test_what_is_no_table_for_the_model_is_refused_in_plain_words(world, data, kind, message):
    with pytest.raises(kind, match=message):
        world.predict("sums", data)
    assert world.posts() == []


def test_an_infinite_number_has_no_form_in_json(server, world):
    server.extensions = ()
    with pytest.raises(InvalidRowError, match="finite") as caught:
        world.predict("sums", {"a": [1.0, float("inf")], "b": [1.0, 1.0]})
    assert caught.value.field == "$[1].a"


def test_many_rows_are_cut_and_joined_in_order(world):
    rows = np.arange(14.0).reshape(7, 2)
    prediction = world.predict("sums", rows, batch_rows=3)
    assert prediction.values.tolist() == (rows @ [1.0, 2.0]).tolist()
    assert [post.headers["x-request-id"] for post in world.posts()] == ["id-1.0", "id-1.1", "id-1.2"]
    assert prediction.request_id == "id-1"
    labels = world.predict("houses", [HOUSE] * 5, batch_rows=2)
    assert len(labels) == len(labels.values) == 5
    assert labels.probabilities.shape == (5, 3)


def test_all_pieces_are_answered_by_one_version(world, server):
    server.after = [lambda: server.place("sums", "2", server.models["sums", "1"])]
    assert world.predict("sums", np.ones((4, 2)), batch_rows=2).version == "1"
    assert [post.path for post in world.posts()] == ["/v2/models/sums/infer", "/v2/models/sums/versions/1/infer"]


def test_a_table_that_is_too_long_names_the_way_out(world, server):
    world.predict("sums", [[1.0, 2.0]])
    server.before = [
        (413, {}, b'{"error":"the request has 2 rows, and the limit is 1","code":"too_large"}'),
    ]
    with pytest.raises(TooLargeError, match=r"limit is 1; with batch_rows="):
        world.predict("sums", [[1.0, 2.0], [3.0, 4.0]])


def test_pieces_have_rows(world):
    with pytest.raises(UsageError, match="batch_rows is 0"):
        world.predict("sums", [[1.0, 2.0]], batch_rows=0)


def test_timings_are_there_when_asked_for(world):
    assert world.predict("sums", [[1.0, 2.0]]).timings == {}
    timings = world.predict("sums", [[1.0, 2.0]], timings=True).timings
    assert timings == {"decode": 0.25, "queue": 0.0, "compute": 1.5, "encode": 0.125}
    added = world.predict("sums", np.ones((3, 2)), timings=True, batch_rows=1).timings
    assert added["compute"] == 4.5


def test_what_the_model_takes_is_asked_once(world):
    for _ in range(3):
        world.predict("sums", [[1.0, 2.0]])
    assert [step.path for step in world.sent] == ["/v2/models/sums", "/v2", *["/v2/models/sums/infer"] * 3]


def test_a_new_version_with_other_columns_is_asked_what_it_takes(world, server):
    world.predict("sums", {"a": 1.0, "b": 2.0})
    server.place("sums", "2", Model(inputs=(("a", "FP64", 1), ("b", "FP64", 1), ("c", "FP64", 1))))
    assert world.predict("sums", {"a": 1.0, "b": 2.0, "c": 3.0}).values.tolist() == [14.0]


def test_columns_in_another_order_never_reach_the_wrong_input(world, server):
    world.predict("sums", {"a": 1.0, "b": 2.0})
    server.place("sums", "2", Model(inputs=(("b", "FP64", 1), ("a", "FP64", 1))))
    prediction = world.predict("sums", {"a": 1.0, "b": 2.0})
    assert (prediction.values.tolist(), prediction.version) == ([2.0 + 2 * 1.0], "2")
    asked = len(world.sent)
    assert world.predict("sums", {"a": 1.0, "b": 2.0}).values.tolist() == [4.0]
    assert len(world.sent) == asked + 1


@pytest.mark.parametrize("addresses", [True, False])
def test_a_new_version_with_the_same_columns_is_looked_at_once(world, server, addresses):
    world.predict("sums", {"a": 1.0, "b": 2.0})
    server.versions_have_addresses = addresses
    server.place("sums", "2", server.models["sums", "1"])
    assert world.predict("sums", {"a": 1.0, "b": 2.0}).version == "2"
    asked = len(world.sent)
    assert world.predict("sums", {"a": 1.0, "b": 2.0}).version == "2"
    assert len(world.sent) == asked + 1


def test_a_wrong_request_is_asked_about_once(world, server):
    world.predict("sums", [[1.0, 2.0]])
    server.before = [(400, {}, b'{"error":"no","code":"bad_request","field":"input"}')]
    with pytest.raises(RequestError, match="no") as caught:
        world.predict("sums", [[1.0, 2.0]])
    assert caught.value.field == "input"
    assert [step.path for step in world.sent[-2:]] == ["/v2/models/sums/infer", "/v2/models/sums"]


def test_one_version_can_be_asked(world, server):
    server.place("sums", "2", Model(inputs=(("b", "FP64", 1), ("a", "FP64", 1))))
    assert world.predict("sums", {"a": 1.0, "b": 2.0}, version=1).values.tolist() == [5.0]
    assert world.predict("sums", {"a": 1.0, "b": 2.0}, version="2").values.tolist() == [4.0]
    with pytest.raises(NotFoundError) as caught:
        world.predict("sums", {"a": 1.0, "b": 2.0}, version=9)
    assert caught.value.request_id == "theirs"


def test_the_name_of_a_model_cannot_leave_its_place_in_the_path(world):
    with pytest.raises(NotFoundError):
        world.predict("../../v1/models", [[1.0]])
    assert world.sent[0].path == "/v2/models/..%2F..%2Fv1%2Fmodels"


def test_the_other_questions_are_answered(world):
    assert world.run(world.talk.models()) == ["houses", "sums"]
    metadata = world.run(world.talk.metadata("sums"))
    assert [(spec.name, spec.datatype, spec.shape) for spec in metadata.inputs] == [
        ("a", "FP64", (-1, 1)),
        ("b", "FP64", (-1, 1)),
    ]
    assert world.run(world.talk.is_up("/v2/health/ready"))


NUMBER = st.none() | st.floats(allow_infinity=False) | st.integers(-(2**53), 2**53)
ROW = st.fixed_dictionaries(
    {},
    optional={
        "area": NUMBER,
        "rooms": st.none() | st.integers(-(2**62), 2**62) | st.just(20.0),
        "pool": st.none() | st.booleans(),
        "zone": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    },
)


@given(rows=st.lists(ROW, min_size=1, max_size=6))
def test_any_rows_say_the_same_in_bytes_and_in_json(rows):
    read = []
    for extensions in (("binary_tensor_data",), ()):
        server = Server(extensions=extensions)
        server.place("houses", "1", Model(inputs=tuple((n, d, 1) for n, d in FIELDS)))
        chances = Chances(clock=lambda: 0.0, jitter=lambda: 0.0, new_id=lambda: "id")
        talk = Conversation(shown="there", api_key="", timeout_s=1.0, retries=0, chances=chances)
        flow, outcome = talk.predict("houses", rows), None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as done:
                values = done.value.values.tolist()
                break
            status, headers, body = server.answer(step.method, step.path, step.headers, step.body)
            outcome = Reply(status=status, headers=headers, body=body)
        columns = {name: [None if v != v else v for v in values] for name, (values, _) in server.read[-1].items()}
        read.append((columns, values))
    assert read[0] == read[1]


FIELDS = (("area", "FP64"), ("rooms", "INT64"), ("pool", "BOOL"), ("zone", "BYTES"))


def test_the_fake_server_reads_to_the_letter():
    body = b'{"inputs":[{"name":"z","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":6}}]}'
    head = {"inference-header-content-length": str(len(body))}
    assert parsed(head, body + b"\x02\x00\x00\x00ab")[1] == {"z": (["ab"], [1])}
