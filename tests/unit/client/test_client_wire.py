"""Requests as bytes, and answers from bytes however they are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golive.client.address import address_of
from golive.client.exchange import Send
from golive.client.wire import Incoming, request_bytes
from golive.errors import VerificationError

SIZED = b"HTTP/1.1 200 OK\r\nX-Request-ID: a\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
UNSIZED = b"HTTP/1.0 200 OK\r\n\r\nhello"
INTERIM = b"HTTP/1.1 100 Continue\r\nx-early: 1\r\n\r\n"


def read(data, cut=()):
    incoming = Incoming()
    start = 0
    for end in (*sorted(cut), len(data)):
        if data[start:end]:
            incoming.feed(data[start:end])
        start = end
    return incoming


def send(**changes):
    parts = {"method": "POST", "path": "/v2/x", "headers": {"a": "1"}, "body": b"hi", "timeout_s": 1.0}
    return Send(**(parts | changes))


def test_a_request_has_host_headers_length_and_body():
    assert request_bytes(send(), address_of("http://there:8080/base/")) == (
        b"POST /base/v2/x HTTP/1.1\r\nhost: there:8080\r\nuser-agent: golive\r\na: 1\r\ncontent-length: 2\r\n\r\nhi"
    )


def test_a_question_without_a_body_has_no_length():
    asked = request_bytes(send(method="GET", body=b""), address_of("https://[::1]"))
    assert asked == b"GET /v2/x HTTP/1.1\r\nhost: [::1]\r\nuser-agent: golive\r\na: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://there", ("there", 80, "")),
        ("https://there/", ("there", 443, "")),
        ("http://[::1]:8080/a/b/", ("::1", 8080, "/a/b")),
    ],
)
def test_an_address_is_read(url, parts):
    address = address_of(url)
    assert (address.host, address.port, address.base) == parts


@given(cut=st.lists(st.integers(0, 120), max_size=6), data=st.sampled_from([SIZED, CHUNKED, INTERIM + SIZED]))
def test_an_answer_is_the_same_however_it_is_cut(cut, data):
    incoming = read(data, [at for at in cut if at <= len(data)])
    assert (incoming.is_whole, incoming.keeps_alive) == (True, True)
    reply = incoming.reply()
    assert (reply.status, reply.body, "x-early" in reply.headers) == (200, b"hello", False)


def test_names_of_headers_are_lower_case():
    assert read(SIZED).reply().headers["x-request-id"] == "a"


def test_without_a_length_the_end_of_the_connection_is_the_end():
    incoming = read(UNSIZED)
    assert not incoming.is_whole
    assert incoming.end()
    assert (incoming.reply().body, incoming.keeps_alive) == (b"hello", False)


@pytest.mark.parametrize("data", [b"", SIZED[:-1], CHUNKED[:-3], SIZED[:20], INTERIM])
def test_an_answer_that_breaks_off_is_not_whole(data):
    assert not read(data).end()


def test_an_answer_may_end_its_connection():
    closing = SIZED.replace(b"content-length", b"connection: close\r\ncontent-length")
    assert not read(closing).keeps_alive


@pytest.mark.parametrize("data", [b"SSH-2.0-x\r\n", b"\x00" * 30, SIZED + SIZED, SIZED + b"junk"])
def test_what_is_no_answer_to_one_question_is_refused(data):
    with pytest.raises(VerificationError):
        read(data)


@given(data=st.binary(max_size=80), head=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", SIZED[:-5]]))
def test_no_bytes_do_anything_else_than_be_read_or_refused(data, head):
    try:
        incoming = read(head + data)
    except VerificationError:
        return
    assert incoming.end() == incoming.is_whole
