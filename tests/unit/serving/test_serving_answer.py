"""Request ids and error bodies."""

import orjson
import pytest

from golive.errors import DeniedError, InvalidRowError, UnavailableError
from golive.serving.answer import JSON_HEAD, RequestIds, error_body, refusal
from golive.serving.batching.refusal import OverloadedError


def test_new_ids_differ():
    ids = RequestIds("ab")
    assert [ids(None), ids(None)] == ["ab-1", "ab-2"]


@pytest.mark.parametrize("sent", [b"a", b"A-z_0.9", b"x" * 128])
def test_a_valid_id_is_echoed(sent):
    assert RequestIds("ab")(sent) == sent.decode()


@pytest.mark.parametrize("sent", [b"", b"a b", b"x" * 129, "é".encode(), b"a\n"])
def test_an_id_that_could_break_a_header_or_a_log_is_replaced(sent):
    assert RequestIds("ab")(sent) == "ab-1"


def test_an_error_has_one_form():
    body = orjson.loads(error_body(InvalidRowError("no", field="$.a"), "id"))
    assert body == {"error": "no", "code": "invalid_row", "field": "$.a", "request_id": "id"}


def test_a_full_server_says_when_to_come_back_and_a_locked_one_how_to_ask():
    assert refusal(UnavailableError("full"), "id")[:2] == (503, JSON_HEAD + b"retry-after: 1\r\n")
    assert refusal(OverloadedError("full", retry_after_s=7), "id")[:2] == (503, JSON_HEAD + b"retry-after: 7\r\n")
    assert refusal(DeniedError("no"), "id")[:2] == (401, JSON_HEAD + b"www-authenticate: Bearer\r\n")
