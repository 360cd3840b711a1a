"""A worker's record sink takes what the recording process can read, and nothing else."""

import asyncio

import pytest

from golive.control.running.channel import MAX_FRAME_BYTES, read_frame
from golive.control.running.record_sink import RecordSink


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "records.sock")


def test_a_frame_that_is_too_long_is_not_taken_and_the_next_one_is(path):
    async def heard():
        frames = asyncio.Queue()

        async def read(reader, writer):
            while (frame := await read_frame(reader)) is not None:
                await frames.put(frame)
            writer.close()

        async with await asyncio.start_unix_server(read, path):
            sink = RecordSink(path, ())
            hello = await asyncio.wait_for(frames.get(), 5)
            taken = [sink.send(b"x" * (MAX_FRAME_BYTES + 1)), sink.send(b"short")]
            frame = await asyncio.wait_for(frames.get(), 5)
            await sink.close()
        return hello, taken, frame

    assert asyncio.run(heard()) == (b"\x90", [False, True], b"short")


def test_without_a_reader_nothing_is_taken(path):
    async def taken():
        sink = RecordSink(path, ())
        took = sink.send(b"short")
        await sink.close()
        return took

    assert asyncio.run(taken()) is False
