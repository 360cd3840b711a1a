"""The explaining process as its supervisor sees it, and what it may take: errors of the system pass."""

import asyncio
import resource
import socket
import subprocess
import sys

import pytest

from golive.control.running.explanations import Explanations
from golive.control.running.nursery import Nursery
from golive.control.running.order import SupervisorOrder
from golive.errors import UnavailableError


class Failing:
    """A nursery that fails in one way after the other, and says when it was asked for the last time."""

    def __init__(self, errors):
        self._errors = list(errors)
        self.done = asyncio.Event()

    async def worker(self, listening):
        error = self._errors.pop(0)
        if not self._errors:
            self.done.set()
        raise error


def test_an_error_of_the_system_is_told_and_the_process_is_started_again(tmp_path, capsys):
    async def scene():
        nursery = Failing([OSError(24, "Too many open files"), UnavailableError("no memory"), OSError(12, "none")])
        path = tmp_path / "explain.sock"
        explanations = Explanations(path, SupervisorOrder(state=str(tmp_path)), nursery)
        explanations.begin()
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(path))
            async with asyncio.timeout(60.0):
                await nursery.done.wait()
        await explanations.end()

    asyncio.run(scene())
    told = capsys.readouterr()
    assert "Too many open files" in told.out + told.err
    assert "no memory" in told.out + told.err


def test_a_worker_that_finds_no_open_file_left_is_unavailable():
    async def scene():
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            with pytest.raises(UnavailableError, match="Too many open files"):
                await Nursery().worker(())
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    asyncio.run(scene())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the memory that is written to")
def test_the_explaining_process_may_take_four_gigabytes_and_no_more(tmp_path):
    program = """
import resource, sys
import numpy as np
from golive.control.running.explaining import desk_board
from golive.control.running.explanations import explaining_order
from golive.control.running.order import SupervisorOrder
desk_board(explaining_order(SupervisorOrder(state=sys.argv[1])))
print(resource.getrlimit(resource.RLIMIT_DATA)[0])
try:
    np.empty(5 * 2**30, np.uint8)
except MemoryError:
    print("refused")
"""
    told = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [str(4 * 2**30), "refused"]
