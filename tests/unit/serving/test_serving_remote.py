"""Requests that another process answers: over a real Unix socket, with a server that does as the test says."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

import pytest

from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.serving.answer import Answer, Ask
from golive.serving.remote.exchange import caller_of
from golive.serving.remote.lane import RemoteLane, inner_path
from golive.serving.remote.link import Link, LinkLimits

PLACED = Placed("houses", 3, "sha256:1")
SIGNATURE = Signature(inputs=(Field(name="area", dtype="float64"),), task="regression", target="price")
REPLY = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-model-version: 3\r\nx-request-id: inner\r\n"
    b"content-length: 2\r\n\r\n{}"
)
GOOD = (200, b"content-type: application/json\r\nx-model-version: 3\r\n", b"{}")


class Group:
    """A server that reads one request after the other and answers each as it is told."""

    def __init__(self, path: Path, reply: Callable[[bytes], bytes] = lambda _: REPLY) -> None:
        self.path, self.reply = str(path), reply
        self.requests: list[bytes] = []
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                request = head + await reader.readexactly(length)
                self.requests.append(request)
                answer = self.reply(request)
                if not answer:
                    writer.transport.abort()
                    return
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


class Front:
    """A remote lane, its link, and what it asked for."""

    def __init__(self, **limits: float) -> None:
        self.wanted: list[tuple[int, int]] = []
        self.has_wanted = asyncio.Event()
        self.link = Link(7, self.want, LinkLimits(**limits))
        self.lane = RemoteLane(PLACED, SIGNATURE, self.link)

    def want(self, group: int, lost: int) -> None:
        self.wanted.append((group, lost))
        self.has_wanted.set()

    def ask(self, body: bytes = b"[]", **headers: str) -> asyncio.Future[Answer]:
        told = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        return self.lane.instances(body, Ask("me", told, "key-1", time.perf_counter_ns()))


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 10))


def test_body_and_deciding_headers_go_through_and_the_answer_comes_back_as_it_is(tmp_path: Path) -> None:
    async def scene() -> None:
        front = Front()
        async with Group(tmp_path / "g") as group:
            front.link.point(group.path, 1, "")
            answer = await front.ask(b'{"a":1}', content_type="application/json", authorization="Bearer secret")
            assert answer == GOOD
        request = group.requests[0]
        head, _, body = request.partition(b"\r\n\r\n")
        assert head.split(b"\r\n")[0] == b"POST /instances/houses/3 HTTP/1.1"
        assert set(head.split(b"\r\n")[2:]) == {
            b"content-type: application/json",
            b"x-api-key: key-1",
            b"x-request-id: me",
            b"content-length: 7",
        }
        assert body == b'{"a":1}'
        assert front.wanted == []

    run(scene)


def test_connections_are_used_again(tmp_path: Path) -> None:
    async def scene() -> None:
        front = Front()
        async with Group(tmp_path / "g") as group:
            front.link.point(group.path, 1, "")
            for _ in range(5):
                assert await front.ask() == GOOD
        assert group.connections == 1

    run(scene)


def test_more_requests_than_connections_wait_their_turn(tmp_path: Path) -> None:
    async def scene() -> None:
        front = Front(connections=2)
        async with Group(tmp_path / "g") as group:
            front.link.point(group.path, 1, "")
            answers = await asyncio.gather(*(front.ask() for _ in range(20)))
        assert answers == [GOOD] * 20
        assert group.connections == 2

    run(scene)


def test_a_request_for_a_group_that_is_not_there_asks_for_it_once_and_waits(tmp_path: Path) -> None:
    async def scene() -> None:
        front = Front()
        asked = [front.ask() for _ in range(3)]
        assert front.wanted == [(7, 0)]
        assert front.link.idle_s == 0.0
        async with Group(tmp_path / "g") as group:
            front.link.point(group.path, 1, "")
            assert await asyncio.gather(*asked) == [GOOD] * 3
        assert front.wanted == [(7, 0)]

    run(scene)


def test_an_answer_in_small_pieces_is_put_together(tmp_path: Path) -> None:
    async def scene() -> None:
        front = Front()

        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"[]")
            for byte in REPLY:
                writer.write(bytes([byte]))
                await writer.drain()
            writer.close()

        async with await asyncio.start_unix_server(drip, str(tmp_path / "g")):
            front.link.point(str(tmp_path / "g"), 1, "")
            assert await front.ask() == GOOD

    run(scene)


def test_a_request_whose_process_ended_without_a_byte_is_sent_once_more_to_the_next_one(tmp_path: Path) -> None:
    async def scene() -> None:
        front = Front()

        def end(_: bytes) -> bytes:
            dying.server.close()
            Path(dying.path).unlink()
            return b""

        async with Group(tmp_path / "g1", end) as dying:
            front.link.point(dying.path, 1, "")
            asked = front.ask()
            await front.has_wanted.wait()
            # It cannot be reached any more, so the supervisor is told which start was lost.
            assert (len(dying.requests), front.wanted) == (1, [(7, 1)])
        async with Group(tmp_path / "g2") as alive:
            front.link.point(alive.path, 2, "")
            assert await asked == GOOD
        assert len(alive.requests) == 1

    run(scene)


def test_a_process_that_dies_may_lose_a_request_twice_and_the_next_one_answers_it(tmp_path: Path) -> None:
    async def scene() -> None:
        front = Front()
        # It still accepts connections when it has lost those that it had.
        async with Group(tmp_path / "g1", lambda _: b"") as dying, Group(tmp_path / "g2") as alive:
            front.link.point(dying.path, 1, "")
            asked = front.ask()
            await front.has_wanted.wait()
            assert (len(dying.requests), front.wanted) == (2, [(7, 1)])
            front.link.point(alive.path, 2, "")
            assert await asked == GOOD

    run(scene)


def test_a_request_that_ends_two_processes_is_not_sent_to_a_third(tmp_path: Path) -> None:
    async def scene() -> None:
        front = Front()
        async with Group(tmp_path / "g", lambda _: b"") as deadly:
            front.link.point(deadly.path, 1, "")
            asked = front.ask()
            await front.has_wanted.wait()
            front.link.point(deadly.path, 2, "")
            status, head, body = await asked
        assert (status, b"retry-after: 1\r\n" in head, b"ended before it had answered" in body) == (503, True, True)
        assert len(deadly.requests) == 3

    run(scene)


def test_a_request_whose_answer_had_begun_is_not_sent_again(tmp_path: Path) -> None:
    async def scene() -> None:
        front = Front()

        async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"[]")
            writer.write(REPLY[:-1])
            writer.close()

        async with await asyncio.start_unix_server(half, str(tmp_path / "g")):
            front.link.point(str(tmp_path / "g"), 1, "")
            status, _, body = await front.ask()
        assert (status, b"ended before it had answered" in body) == (503, True)

    run(scene)


def test_nothing_is_sent_to_a_group_that_ends_and_what_waits_is_answered_by_its_next_start(tmp_path: Path) -> None:
    async def scene() -> None:
        front = Front()
        async with Group(tmp_path / "g1") as first, Group(tmp_path / "g2") as second:
            front.link.point(first.path, 1, "")
            assert await front.ask() == GOOD
            front.link.point("", 1, "")
            asked = front.ask()
            await asyncio.sleep(0.02)
            assert (len(first.requests), front.wanted) == (1, [(7, 0)])
            front.link.point(second.path, 2, "")
            assert await asked == GOOD
        assert (len(first.requests), len(second.requests)) == (1, 1)

    run(scene)


def test_a_wait_ends_at_the_limit_and_at_the_deadline_of_the_request() -> None:
    async def scene() -> None:
        front = Front(wait_s=0.05)
        late, hurried = await asyncio.gather(front.ask(), front.ask(x_request_timeout_ms="10"))
        assert (late[0], b'"unavailable"' in late[2], b"within 0.05 s" in late[2]) == (503, True, True)
        assert (hurried[0], b'"deadline_exceeded"' in hurried[2]) == (503, True)
        assert front.lane.snapshot().requests == {503: 2}
        assert front.lane.snapshot().errors == {"unavailable": 1, "deadline_exceeded": 1}

    run(scene)


def test_the_other_process_is_told_what_is_left_of_the_deadline(tmp_path: Path) -> None:
    async def scene() -> None:
        front = Front()
        asked = front.ask(x_request_timeout_ms="5000")
        await asyncio.sleep(0.05)
        async with Group(tmp_path / "g") as group:
            front.link.point(group.path, 1, "")
            await asked
        left = float(group.requests[0].partition(b"x-request-timeout-ms: ")[2].partition(b"\r\n")[0])
        assert 0 < left <= 4950

    run(scene)


@pytest.mark.parametrize("limits", [{"waiting": 2}, {"waiting_bytes": 5}])
def test_no_more_than_the_limit_waits(limits: dict[str, int]) -> None:
    async def scene() -> None:
        front = Front(**limits)
        asked = [front.ask() for _ in range(3)]
        assert [future.done() for future in asked] == [False, False, True]
        status, head, body = asked[2].result()
        assert (status, b"retry-after" in head, b"2 requests wait" in body) == (503, True, True)
        for future in asked:
            future.cancel()
        await asyncio.sleep(0)
        assert not front.ask().done()

    run(scene)


def test_a_group_that_does_not_start_refuses_what_waits_with_the_reason() -> None:
    async def scene() -> None:
        front = Front()
        waiting = front.ask()
        front.link.point("", 1, "houses@3 does not load: no graph")
        assert b"no graph" in (await waiting)[2]
        assert b"no graph" in (await front.ask())[2]
        front.link.point("", 1, "")
        assert not front.ask().done()
        assert front.wanted == [(7, 0), (7, 0)]

    run(scene)


def test_a_caller_who_goes_ends_the_work_at_the_other_side(tmp_path: Path) -> None:
    async def scene() -> None:
        front = Front()
        gone = asyncio.Event()

        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"[]")
            await reader.read()
            writer.close()
            gone.set()

        async with await asyncio.start_unix_server(slow, str(tmp_path / "g")):
            front.link.point(str(tmp_path / "g"), 1, "")
            asked = front.ask()
            await asyncio.sleep(0.05)
            asked.cancel()
            await gone.wait()

    run(scene)


def test_what_waits_for_a_group_that_is_left_goes_on(tmp_path: Path) -> None:
    async def scene() -> None:
        front, onward = Front(), []
        asked = front.ask()
        front.link.leave(onward.append)
        front.lane.instances(b"[]", Ask("me"))
        assert [exchange.path for exchange in onward] == [inner_path("instances", PLACED)] * 2
        onward[0].answer(GOOD)
        assert await asked == GOOD
        assert front.wanted == [(7, 0)]

    run(scene)


def test_the_caller_of_a_forwarded_request_is_who_the_front_says() -> None:
    assert (caller_of(None, b"key-1"), caller_of(b"Bearer x", None)) == ("key-1", "")
