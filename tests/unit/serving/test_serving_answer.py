"""Request ids and error bodies."""

import orjson
import pytest

from golive.errors import InvalidRowError
from golive.serving.answer import RequestIds, error_body, reply_heads


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


def test_a_full_server_says_when_to_come_back():
    heads = reply_heads()
    assert b"retry-after: 1\r\n" in heads[503]
    assert b"www-authenticate: Bearer\r\n" in heads[401]
    assert heads[200] == b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
