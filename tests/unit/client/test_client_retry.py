"""Again only where it is safe, only while there is time, and never all at once."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golive import errors
from golive.client.exchange import Late, Lost, Reply
from golive.client.failure import failure
from golive.client.prediction import prediction_of
from golive.client.retry import pause_s
from golive.errors import (
    DeadlineError,
    DeniedError,
    GoliveError,
    InvalidRowError,
    NotFoundError,
    RequestError,
    TooLargeError,
    UnavailableError,
    UsageError,
    VerificationError,
)

ROW = [[1.0, 2.0]]
BUSY = (503, {"retry-after": "1"}, b'{"error":"full","code":"unavailable","request_id":"theirs"}')


def reply(status, body=b"", **headers):
    return Reply(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body)


@pytest.mark.parametrize(
    ("outcome", "pause"),
    [
        (Lost("reset"), 0.025),
        (Late(), None),
        (reply(503), None),
        (reply(503, retry_after="1"), 1.025),
        (reply(503, retry_after="1000"), None),
        (reply(503, retry_after="soon"), 0.025),
        (
            reply(503, retry_after="Sun, 06 Nov 1994 08:49:39 GMT", date="Sun, 06 Nov 1994 08:49:37 GMT"),
            2.025,
        ),
        (
            reply(503, retry_after="Sun, 06 Nov 1994 08:49:37 GMT", date="Sun, 06 Nov 1994 08:49:39 GMT"),
            0.025,
        ),
        (reply(429), 0.025),
        (reply(429, retry_after="3"), 3.025),
        *((reply(status, retry_after="1"), None) for status in (400, 401, 403, 404, 409, 413, 422, 500, 502, 504)),
    ],
)
def test_the_wait_before_the_next_attempt(outcome, pause):
    assert pause_s(outcome, attempt=0, retries=2, left_s=5.0, jitter=0.5) == pause


def test_waits_grow_and_are_capped():
    waits = [pause_s(Lost("x"), attempt=n, retries=99, left_s=60.0, jitter=1.0) for n in range(8)]
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_waits_are_spread_over_their_whole_span():
    assert pause_s(Lost("x"), attempt=5, retries=9, left_s=60.0, jitter=0.0) == 0.0


def test_a_lost_connection_is_tried_again_under_the_same_id(world, server):
    world.predict("sums", ROW)
    server.before = [Lost("reset"), Lost("reset")]
    assert world.predict("sums", ROW).values.tolist() == [5.0]
    assert [post.headers["x-request-id"] for post in world.posts()[-3:]] == ["id-2"] * 3
    assert world.waits == [0.025, 0.05]


def test_after_the_last_retry_the_error_says_where(world, server):
    server.before = [Lost("connection refused")] * 3
    with pytest.raises(UnavailableError, match=r"GET http://there/v2/models/sums .*connection refused") as caught:
        world.predict("sums", ROW)
    assert caught.value.request_id == "id-1"
    assert len(world.sent) == 3


def test_a_busy_server_is_given_the_time_it_asks_for(world, server):
    world.predict("sums", ROW)
    server.before = [BUSY]
    assert world.predict("sums", ROW).values.tolist() == [5.0]
    assert world.waits == [1.025]


def test_a_busy_server_is_not_waited_for_beyond_the_deadline(world, server):
    world.predict("sums", ROW)
    server.before = [BUSY]
    with pytest.raises(UnavailableError, match="full") as caught:
        world.predict("sums", ROW, timeout_s=0.9)
    assert caught.value.request_id == "theirs"
    assert world.waits == []


def test_without_retries_the_first_failure_is_the_last(server, world_of):
    server.before = [Lost("reset")]
    with pytest.raises(UnavailableError):
        world_of(server, retries=0).predict("sums", ROW)


def test_every_attempt_says_how_much_time_is_left(server, world_of):
    world = world_of(server, jitter=0.0)
    world.predict("sums", ROW)
    server.before = [BUSY, BUSY]
    world.predict("sums", ROW, timeout_s=4)
    posts = world.posts()[-3:]
    assert [post.headers["x-request-timeout-ms"] for post in posts] == ["4000", "3000", "2000"]
    assert [post.timeout_s for post in posts] == pytest.approx([4.0, 3.0, 2.0])


def test_one_deadline_holds_for_the_whole_call(world, server):
    slow = (200, {"took-s": "3"}, b'{"name":"x","extensions":[]}')
    server.before = [(200, {"took-s": "3"}, server.answer("GET", "/v2/models/sums", {}, b"")[2]), slow]
    world.predict("sums", ROW)
    assert world.posts()[0].timeout_s == pytest.approx(4.0)


def test_a_call_that_is_out_of_time_sends_nothing_more(world, server):
    server.before = [(200, {"took-s": "11"}, server.answer("GET", "/v2/models/sums", {}, b"")[2])]
    with pytest.raises(DeadlineError, match="within 10 s") as caught:
        world.predict("sums", ROW)
    assert len(world.sent) == 1
    assert caught.value.request_id == "id-1"


def test_an_answer_that_does_not_come_in_time_is_a_deadline_error(world, server):
    world.predict("sums", ROW)
    server.before = [Late()]
    with pytest.raises(DeadlineError, match=r"POST http://there/v2/models/sums/infer .* 0\.5 s"):
        world.predict("sums", ROW, timeout_s=0.5)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_call_needs_time(world, seconds):
    with pytest.raises(UsageError, match="timeout_s"):
        world.predict("sums", ROW, timeout_s=seconds)


def test_health_is_asked_once_and_no_answer_is_a_no(world, server):
    server.before = [Lost("refused"), Late(), (503, {"retry-after": "1"}, b"{}"), (200, {}, b"")]
    said = [world.run(world.talk.is_up("/v2/health/ready")) for _ in range(4)]
    assert said == [False, False, False, True]
    assert world.waits == []


@pytest.mark.parametrize(
    "kind",
    [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, GoliveError)],
)
def test_the_error_of_a_golive_server_keeps_its_class(kind):
    body = b'{"error":"no","code":"%b","field":"$.a","request_id":"theirs"}' % kind.code.encode()
    error = failure(reply(kind.status, body), what="POST x", request_id="mine")
    assert type(error) is kind
    assert (error.message, error.field, error.request_id) == ("no", "$.a", "theirs")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestError),
        (401, DeniedError),
        (403, DeniedError),
        (404, NotFoundError),
        (413, TooLargeError),
        (418, RequestError),
        (422, InvalidRowError),
        (429, UnavailableError),
        (500, GoliveError),
        (503, UnavailableError),
        (504, DeadlineError),
    ],
)
@pytest.mark.parametrize("body", [b'{"error":"no"}', b'{"error":"no","code":"theirs"}'])
def test_the_error_of_another_server_is_known_by_its_status(status, kind, body):
    error = failure(reply(status, body), what="POST x", request_id="mine")
    assert (type(error), error.message, error.field, error.request_id) == (kind, "no", "", "mine")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'{"error":{"code":1}}'])
def test_an_error_without_a_reason_says_what_was_asked(body):
    error = failure(reply(502, body, x_request_id="header"), what="POST http://there/x", request_id="mine")
    assert error.message.startswith("POST http://there/x was answered with status 502")
    assert error.request_id == "header"


def infer_answer(**changes):
    whole = {"headers": {}, "body": b'{"outputs":[{"name":"y","datatype":"FP64","shape":[1],"data":[1.5]}]}'}
    return (200, *(whole | changes).values())


@pytest.mark.parametrize(
    "answered",
    [
        infer_answer(body=b""),
        infer_answer(body=b"<html>"),
        infer_answer(body=b'{"outputs":[]}'),
        infer_answer(body=b'{"outputs":[{"name":"y","datatype":"FP64","shape":[2],"data":[1.5]}]}'),
        infer_answer(body=b'{"outputs":[{"name":"y","datatype":"FP64","shape":[1],"data":["x"]}]}'),
        infer_answer(body=b'{"outputs":[{"name":"y","datatype":"FP64","shape":[-1],"data":[]}]}'),
        infer_answer(body=b'{"outputs":[{"name":"y","datatype":"FP64","shape":[1]}]}'),
        infer_answer(body=b'{"outputs":[{"name":"y","datatype":"FP64","shape":[1],"data":' + b"[" * 9000),
        infer_answer(headers={"inference-header-content-length": "-1"}),
        infer_answer(headers={"inference-header-content-length": "9999"}),
        infer_answer(headers={"inference-header-content-length": "x"}),
        infer_answer(
            body=b'{"outputs":[{"name":"y","datatype":"FP64","shape":[1],"parameters":{"binary_data_size":8}}]}1234'
        ),
        infer_answer(
            body=b'{"outputs":[{"name":"y","datatype":"FP64","shape":[1],"parameters":{"binary_data_size":"z"}}]}'
        ),
    ],
)
def test_an_answer_that_is_not_of_the_protocol_is_never_half_read(world, server, answered):
    world.predict("sums", ROW)
    server.before = [answered]
    with pytest.raises(VerificationError) as caught:
        world.predict("sums", ROW)
    assert caught.value.request_id == "id-2"


def test_the_plainest_answer_of_the_protocol_is_read(world, server):
    world.predict("sums", ROW)
    server.before = [infer_answer()]
    prediction = world.predict("sums", ROW)
    assert (prediction.values.tolist(), prediction.version, prediction.request_id) == ([1.5], "", "id-2")


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b'{"other":' + b"[" * 9000])
def test_a_page_in_the_place_of_metadata_says_to_check_the_url(world, server, body):
    server.before = [(200, {}, body)]
    with pytest.raises(VerificationError, match="check that the url"):
        world.predict("sums", ROW)


def test_the_key_goes_with_every_request_and_stands_in_no_error(server, world_of):
    world = world_of(server, api_key="secret-key")
    world.predict("sums", ROW)
    assert {step.headers["authorization"] for step in world.sent} == {"Bearer secret-key"}
    server.before = [(401, {}, b"")]
    with pytest.raises(DeniedError) as caught:
        world.predict("sums", ROW)
    assert "secret-key" not in repr(caught.value)


BYTES_ANSWER = (
    b'{"model_name":"m","model_version":"1","outputs":['
    b'{"name":"predict","datatype":"BYTES","shape":[2,1],"parameters":{"binary_data_size":12}},'
    b'{"name":"probabilities","datatype":"FP64","shape":[2,1],"parameters":{"binary_data_size":16}}]}'
)
TAIL = b"\x02\x00\x00\x00ab\x02\x00\x00\x00cd" + b"\x00" * 16


@given(
    at=st.integers(0, len(BYTES_ANSWER) + len(TAIL)),
    gone=st.integers(0, 6),
    new=st.binary(max_size=6) | st.sampled_from([b"[" * 2000, b"1e999", b"-1", b"null", b"99999999999999999999"]),
    size=st.sampled_from([len(BYTES_ANSWER), 0, 7]),
)
def test_a_damaged_answer_is_read_or_refused_and_nothing_else(at, gone, new, size):
    whole = BYTES_ANSWER + TAIL
    body = whole[:at] + new + whole[at + gone :]
    headers = {"inference-header-content-length": str(size + len(new) - gone if at < size else size)}
    try:
        prediction = prediction_of(Reply(status=200, headers=headers, body=body), model="m", request_id="id")
    except VerificationError:
        return
    assert prediction.outputs


@given(body=st.binary(max_size=40) | st.just(b"[" * 5000) | st.just(b'{"other":' + b"[" * 9000))
def test_any_body_of_an_error_makes_an_error(body):
    error = failure(reply(500, body), what="POST x", request_id="mine")
    assert error.message
