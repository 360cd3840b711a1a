"""Connections: answers in any pieces, in any spelling, and what is given up."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golive.control.load.connection import Connection

ANSWER = (
    b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\nx-request-id: a\r\n\r\n{"a": [1.5]}'
)


class Pipe:
    def __init__(self):
        self.sent = []
        self.ended = ""

    def write(self, data):
        self.sent.append(data)

    def close(self):
        self.ended = "closed"

    def abort(self):
        self.ended = "cut"


class Owner:
    def __init__(self):
        self.answers = []
        self.open = []
        self.lost_at = []

    def opened(self, connection):
        self.open.append(connection)

    def answered(self, connection, status, now_ns):
        assert now_ns > connection.due_ns
        self.answers.append(status)
        connection.due_ns = 0

    def lost(self, connection):
        self.lost_at.append(connection.due_ns)


def asked():
    owner, pipe = Owner(), Pipe()
    connection = Connection(owner)
    connection.connection_made(pipe)
    connection.send(b"POST", 1)
    return owner, pipe, connection


@given(st.lists(st.integers(0, len(ANSWER)), max_size=8))
def test_an_answer_in_any_pieces_is_one_answer(cuts):
    owner, pipe, connection = asked()
    places = [0, *sorted(cuts), len(ANSWER)]
    for start, end in pairwise(places):
        if start < end:
            connection.data_received(ANSWER[start:end])
    assert (owner.answers, pipe.ended, pipe.sent) == ([200], "", [b"POST"])


def test_one_answer_after_the_other_is_read():
    owner, _, connection = asked()
    for status in (b"200", b"422", b"503"):
        connection.data_received(ANSWER.replace(b"200", status))
        connection.send(b"POST", 1)
    assert owner.answers == [200, 422, 503]


def test_headers_may_be_spelled_with_capitals():
    owner, _, connection = asked()
    connection.data_received(ANSWER.replace(b"content-length", b"Content-Length"))
    connection.send(b"POST", 1)
    connection.data_received(ANSWER)
    assert owner.answers == [200, 200]


def test_a_longer_header_that_ends_alike_is_not_taken_for_the_length():
    owner, _, connection = asked()
    connection.data_received(ANSWER.replace(b"x-request-id: a", b"inference-header-content-length: 3"))
    assert owner.answers == [200]
    connection.send(b"POST", 1)
    before = ANSWER.replace(b"content-type: application/json", b"inference-header-content-length: 3")
    connection.data_received(before)
    assert owner.answers == [200, 200]


def test_an_empty_answer_is_read():
    owner, _, connection = asked()
    connection.data_received(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n")
    assert owner.answers == [204]


@pytest.mark.parametrize("line", [b"connection: close", b"Connection: close"])
def test_a_last_answer_counts_and_its_connection_is_closed(line):
    owner, pipe, connection = asked()
    connection.data_received(ANSWER.replace(b"x-request-id: a", line))
    assert (owner.answers, pipe.ended, connection.closes) == ([200], "closed", True)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (ANSWER.replace(b"content-length: 12", b"transfer-encoding: chunked"), "content-length"),
        (ANSWER.replace(b"content-length: 12", b"content-length: many"), "content-length"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "content-length"),
        (ANSWER + b"HTTP/1.1 200 OK\r\n", "more came"),
        (b"x" * 70_000, "no end"),
    ],
)
def test_what_is_no_answer_of_known_length_ends_the_connection_with_a_reason(answer, fault):
    owner, pipe, connection = asked()
    connection.data_received(answer)
    assert (owner.answers, pipe.ended) == ([], "cut")
    assert fault in connection.fault


def test_an_answer_that_was_not_asked_for_ends_the_connection():
    owner, pipe, connection = asked()
    connection.data_received(ANSWER)
    connection.data_received(ANSWER)
    assert (owner.answers, pipe.ended) == ([200], "cut")


def test_a_lost_connection_tells_whether_an_answer_was_owed():
    owner, _, connection = asked()
    connection.connection_lost(None)
    assert owner.lost_at == [1]
