"""Forked: work that may hang or crash runs in a copy of this process, which is killed at a deadline.

A copy (``fork``) already holds every fitted object, so nothing but the answer's bytes crosses the pipe. Linux and
macOS can do it, Windows cannot.
"""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection

DONE, FAILED = b"+", b"-"


class ForkedError(Exception):
    """The work gave no answer; the message says why, to follow the name of what was worked on."""


def forked(work: Callable[[], bytes], *, limit_s: float) -> bytes:
    """Do the work in a child process and give its answer.

    Raises:
        ForkedError: the work failed, took longer than ``limit_s`` seconds, or its process died; or there is no fork.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        message = "needs a forked process, which this system does not have"
        raise ForkedError(message)
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(work, writer))
    child.start()
    writer.close()
    try:
        return _received(reader, limit_s)
    finally:
        child.kill()
        child.join()
        reader.close()


def _received(reader: Connection, limit_s: float) -> bytes:
    if not reader.poll(limit_s):
        message = f"took longer than {limit_s:g} seconds"
        raise ForkedError(message)
    try:
        told = reader.recv_bytes()
    except EOFError:
        message = "ended its process"
        raise ForkedError(message) from None
    if told[:1] == FAILED:
        message = f"failed ({told[1:].decode()})"
        raise ForkedError(message)
    return told[1:]


def _answer(work: Callable[[], bytes], writer: Connection) -> None:
    try:
        told = DONE + work()
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent hears of it
        reason = next(iter(str(error).strip().splitlines()), "")
        told = FAILED + f"{type(error).__name__}: {reason}".encode()
    writer.send_bytes(told)
