"""What a client accepts decides how a long answer is written."""

import asyncio
import gzip
import random
import zlib

import pytest

from golive.serving.answer import JSON_HEAD, Ask
from golive.serving.aside import Aside
from golive.serving.compression import ASIDE_BYTES, LEAST_BYTES, Packer, coding_of, packed

BODY = b'{"predictions":[' + b"0.25,0.75," * 2000 + b"1]}"
VARY = b"vary: accept-encoding\r\n"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (b"", ""),
        (b"gzip", "gzip"),
        (b"GZip", "gzip"),
        (b"x-gzip", "gzip"),
        (b"deflate", "deflate"),
        (b"gzip, deflate", "gzip"),
        (b"gzip, deflate, br, zstd", "gzip"),
        (b"br", ""),
        (b"deflate, gzip;q=0.5", "deflate"),
        (b"gzip ; q=0.5 , deflate;q=0.8", "deflate"),
        (b"gzip;q=0", ""),
        (b"gzip;q=0, deflate", "deflate"),
        (b"*", "gzip"),
        (b"*;q=0", ""),
        (b"gzip;q=0, *", "deflate"),
        (b"identity;q=0, *;q=0.1", "gzip"),
        (b"identity;q=0", ""),
        (b"identity", ""),
        (b"identity, gzip;q=0.5", ""),
        (b"identity;q=0.5, gzip;q=0.5", "gzip"),
        (b"gzip;q=high", ""),
        (b"gzip;q=nan", ""),
        (b",, ;q=1, gzip", "gzip"),
        (b"\xff\xfe", ""),
    ],
)
def test_the_weightiest_known_coding_is_taken(accepted, coding):
    assert coding_of(accepted) == coding


def test_a_packed_answer_reads_back_and_says_how():
    status, head, smaller = packed((200, JSON_HEAD, BODY), "gzip")
    assert (status, head) == (200, JSON_HEAD + VARY + b"content-encoding: gzip\r\n")
    assert gzip.decompress(smaller) == BODY
    assert len(smaller) < len(BODY) / 10


def test_deflate_is_framed_as_zlib():
    assert zlib.decompress(packed((200, JSON_HEAD, BODY), "deflate")[2]) == BODY


def test_a_body_that_would_grow_stays_as_it_is():
    noise = random.Random(1).randbytes(10_000)
    assert packed((200, JSON_HEAD, noise), "gzip") == (200, JSON_HEAD + VARY, noise)


def asked(accepted):
    return Ask("a", {b"accept-encoding": accepted} if accepted else {})


def test_a_long_answer_is_compressed_at_once_and_says_what_it_depends_on_in_either_case():
    pack = Packer(Aside())
    assert pack((200, JSON_HEAD, BODY), asked(b"gzip"))[1].endswith(b"content-encoding: gzip\r\n")
    assert pack((200, JSON_HEAD, BODY), asked(b"")) == (200, JSON_HEAD + VARY, BODY)
    assert pack((200, JSON_HEAD, BODY), asked(b"identity")) == (200, JSON_HEAD + VARY, BODY)


def test_what_was_packed_is_not_packed_again():
    pack = Packer(Aside())
    once = pack((200, JSON_HEAD, BODY), asked(b"gzip"))
    assert pack(once, asked(b"gzip")) is once


def test_a_very_long_answer_is_compressed_in_the_other_thread():
    body = BODY * (ASIDE_BYTES // len(BODY) + 1)

    async def talk():
        future = Packer(Aside())((200, JSON_HEAD, body), asked(b"gzip"))
        assert isinstance(future, asyncio.Future)
        return await future

    assert gzip.decompress(asyncio.run(talk())[2]) == body


def sent(body, accepted, parts=1):
    messages = []

    async def send(message):
        messages.append(message)

    async def talk():
        through = Packer(Aside()).over(send, asked(accepted))
        headers = [(b"content-type", b"text/html"), (b"content-length", b"%d" % (len(body) * parts))]
        await through({"type": "http.response.start", "status": 200, "headers": headers})
        for part in range(parts):
            await through({"type": "http.response.body", "body": body, "more_body": part < parts - 1})

    asyncio.run(talk())
    return messages


def test_a_page_is_compressed_on_its_way_and_its_length_is_true():
    start, message = sent(BODY, b"deflate")
    headers = dict(start["headers"])
    assert headers[b"content-encoding"] == b"deflate"
    assert headers[b"vary"] == b"accept-encoding"
    assert headers[b"content-type"] == b"text/html"
    assert int(headers[b"content-length"]) == len(message["body"])
    assert zlib.decompress(message["body"]) == BODY


@pytest.mark.parametrize(("body", "parts"), [(b"x" * (LEAST_BYTES - 1), 1), (BODY, 2), (b"", 1)])
def test_a_short_page_and_one_in_parts_pass_as_they_are(body, parts):
    start, *messages = sent(body, b"gzip", parts)
    assert b"content-encoding" not in dict(start["headers"])
    assert [message["body"] for message in messages] == [body] * parts
