"""The way to the explaining process: over a real Unix socket, to a server that does as the test says."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import orjson

from golive.domain.serving import Placed
from golive.domain.signature import Field, Signature
from golive.serving.answer import Answer, Ask
from golive.serving.explaining.passage import Passage, PassageLimits

LANE = SimpleNamespace(
    placed=Placed("houses", 3, "sha256:1"),
    signature=Signature(inputs=(Field(name="area", dtype="float64"),), task="regression", target="price"),
)
REPLY = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Process:
    """Answers each request as it is told; empty hangs up, None never answers."""

    def __init__(self, path: Path, reply: Callable[[bytes], bytes | None] = lambda _: REPLY) -> None:
        self.path, self.reply = str(path), reply
        self.requests: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.gone = asyncio.Event()

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                answer = self.reply(self.requests[-1])
                if answer is None:
                    continue
                if not answer:
                    writer.transport.abort()
                    return
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone.set()
            writer.close()


def ask(passage: Passage, body: bytes = b"{}", **headers: str) -> Answer | asyncio.Future[Answer]:
    told = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return passage.handler(LANE)(body, Ask("me", told, "key-1", time.perf_counter_ns()))


def code_of(answer: Answer) -> tuple[int, str]:
    return answer[0], orjson.loads(answer[2])["code"]


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 10))


def test_a_request_names_its_version_and_connections_are_used_again(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Process(tmp_path / "p") as process:
            passage = Passage(process.path)
            for _ in range(5):
                assert (await ask(passage, b'{"a": 1}'))[0] == 200
            assert process.requests[0].startswith(b"POST /explain/houses/3/sha256:1 HTTP/1.1\r\n")
            assert process.requests[0].endswith(b'{"a": 1}')
            assert len(process.writers) == 1

    run(scene)


def test_more_requests_than_connections_take_turns(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Process(tmp_path / "p") as process:
            passage = Passage(process.path, PassageLimits(connections=2))
            answers = await asyncio.gather(*(ask(passage) for _ in range(16)))
            assert [answer[0] for answer in answers] == [200] * 16
            assert len(process.writers) == 2

    run(scene)


def test_a_process_that_ends_costs_its_request_and_the_next_one_is_answered(tmp_path: Path) -> None:
    async def scene() -> None:
        replies = iter([b"", REPLY])
        async with Process(tmp_path / "p", lambda _: next(replies)) as process:
            passage = Passage(process.path)
            lost = await ask(passage)
            assert code_of(lost) == (503, "unavailable")
            assert b"retry-after" in lost[1]
            assert (await ask(passage))[0] == 200
            # It may have been the request that ended the process: nothing is sent twice.
            assert len(process.requests) == 2

    run(scene)


def test_an_answer_that_does_not_come_is_given_up_and_the_process_hears_of_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Process(tmp_path / "p", lambda _: None) as process:
            passage = Passage(process.path, PassageLimits(wait_s=0.05))
            assert code_of(await ask(passage)) == (503, "deadline_exceeded")
            await process.gone.wait()
            passage = Passage(process.path)
            assert code_of(await ask(passage, x_request_timeout_ms="20")) == (503, "deadline_exceeded")

    run(scene)


def test_one_too_many_is_told_to_come_back_and_room_comes_back(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Process(tmp_path / "p", lambda _: None) as process:
            passage = Passage(process.path, PassageLimits(waiting=3))
            waiting = [ask(passage) for _ in range(3)]
            assert code_of(ask(passage)) == (503, "overloaded")
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            process.reply = lambda _: REPLY
            assert (await ask(passage))[0] == 200

    run(scene)


def test_a_body_over_the_limit_is_refused_at_once(tmp_path: Path) -> None:
    async def scene() -> None:
        passage = Passage(str(tmp_path / "p"), PassageLimits(body_bytes=10))
        assert code_of(ask(passage, b"x" * 11)) == (413, "too_large")

    run(scene)


def test_where_nobody_listens_that_is_said(tmp_path: Path) -> None:
    async def scene() -> None:
        assert code_of(await ask(Passage(str(tmp_path / "nothing")))) == (503, "unavailable")

    run(scene)


def test_a_server_that_does_not_explain_and_a_model_of_tensors_say_so() -> None:
    async def scene() -> None:
        assert code_of(ask(Passage(""))) == (501, "not_explainable")
        tensors = SimpleNamespace(placed=LANE.placed, signature=Signature(inputs=(), task="tensors", target=""))
        answer = Passage("/anywhere").handler(tensors)(b"{}", Ask("me"))
        assert code_of(answer) == (501, "not_explainable")
        assert "takes tensors" in orjson.loads(answer[2])["error"]

    run(scene)
