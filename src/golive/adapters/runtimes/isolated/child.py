"""Child: a process that holds one model, and how it is asked. Whatever it does, the asking side gets a sentence."""

import logging
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from golive.adapters.runtimes.isolated.memory import SharedMemory
from golive.adapters.runtimes.isolated.program import (
    ANSWER,
    ASK,
    FOUND,
    FULL,
    LOOK,
    MOST_TEXT,
    READY,
    REFUSED,
    START,
    WRONG,
    Header,
    unpacked,
    views,
)
from golive.errors import GoliveError, InvalidRowError, UnavailableError
from golive.packaging.isolated import Isolated
from golive.ports import Float64, Int64
from golive.settings import numerical_variables

_PROGRAM = "program.py"
_LOOK_S = 0.25
"""How often it is looked whether a child that says nothing is still there."""
_GONE_S = 5.0
_MOST_LOGGED = 1 << 16
"""Bytes of what a child prints that are logged, for each start of it."""
_LINE = 1000
_OF_ROWS = ("ValueError", "InvalidRowError")


class GoneError(Exception):
    """The child is of no more use; the message says why, to follow the name of the model."""

    def __init__(self, reason: str, *, hung: bool = False) -> None:
        super().__init__(reason)
        self.hung = hung


class Child:
    """One child process. Safe to use from one thread at a time; ends with :meth:`end`.

    Args:
        python: the interpreter of its environment.
        told: what the archive says.
        model_file: an open file with the model, inherited.
        memory: shared with it.
        threads: what numerical libraries in it may use.
    """

    def __init__(self, python: Path, told: Isolated, model_file: int, memory: SharedMemory, *, threads: int) -> None:
        self._told = told
        self._memory = memory
        self._sequence = 0
        self._is_ready = False
        ours, theirs = socket.socketpair()
        self._connection = ours
        program = Path(__file__).with_name(_PROGRAM)
        numbers = (theirs.fileno(), model_file, memory.number)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [str(python), "-I", "-X", "faulthandler", str(program), *(str(number) for number in numbers)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=numbers,
                # Nothing else of the server's environment: keys stand there.
                env=_environment(threads),
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            message = f"its process cannot be started ({error.strerror})"
            raise GoneError(message) from error
        finally:
            theirs.close()
        self._started = time.monotonic()
        self._relay = threading.Thread(target=_relayed, args=(self._process.stdout,), daemon=True)
        self._relay.start()
        try:
            self._send(Header(START), msgspec.json.encode(started_with(told)), told.limits.load_s)
        except GoneError:
            self.end()
            raise

    def wait_ready(self, patience_s: float) -> bool:
        """Wait until the model is loaded; False when it is not after so long, and may still come.

        Raises:
            GoneError: it does not load, or takes longer than its limit.
        """
        if self._is_ready:
            return True
        limit = self._told.limits.load_s
        left = self._started + limit - time.monotonic()
        try:
            header, text = self._receive(min(patience_s, left))
        except TimeoutError:
            if patience_s < left:
                return False
            message = f"did not load within {limit:g} s"
            raise GoneError(message, hung=True) from None
        if header.kind != READY:
            message = f"does not load: {text}" if header.kind == REFUSED else "answers what was not asked"
            raise GoneError(message)
        self._is_ready = True
        return True

    def ask(self, numbers: Float64, codes: Int64) -> Float64:
        """Ask about rows: float64 ``[n, numbers]`` and int64 ``[n, codes]`` in, float64 ``[n, outputs]`` out.

        Raises:
            GoneError: it crashed, hangs, or breaks the protocol.
            InvalidRowError: the model refuses these rows.
            UnavailableError: its memory does not suffice for these rows.
            GoliveError: the model fails on these rows, or gives no answer of the right form.
        """
        self._sequence += 1
        question = Header(ASK, self._sequence, len(numbers), numbers.shape[1], codes.shape[1], self._told.outputs)
        memory = self._memory.grown(question.size_bytes)
        theirs = views(memory, question)
        theirs[0][:] = numbers
        theirs[1][:] = codes
        limit = self._told.limits.call_s
        header, text = self._exchange(question, limit)
        if header.kind == ANSWER and (header.rows, header.outputs) == (question.rows, question.outputs):
            return np.array(theirs[2], np.float64)
        raise self._failure(header, text)

    def look(self) -> dict[str, Any]:
        """Ask which modules the model brought in: ``modules``, and the one of its class, ``model``."""
        self._sequence += 1
        header, text = self._exchange(Header(LOOK, self._sequence), self._told.limits.call_s)
        if header.kind != FOUND:
            raise self._failure(header, text)
        return dict(msgspec.json.decode(text))

    def end(self) -> None:
        """End the process and all that it started. Doing so twice changes nothing."""
        self._connection.close()
        if self._process.poll() is None:
            _kill(self._process.pid)
            self._process.wait(_GONE_S)
        self._relay.join(_GONE_S)

    def _failure(self, header: Header, text: str) -> GoliveError | GoneError:
        if header.kind == FULL:
            limit = self._told.limits.memory_mb
            return UnavailableError(
                f"the isolated model needs more than its {limit} MB of memory for this request ({text}); "
                "send fewer rows at a time"
            )
        if header.kind == WRONG:
            return GoliveError(f"the isolated model gives no answer of the right form: {text}; mend the model")
        if header.kind == REFUSED:
            if text.startswith(_OF_ROWS):
                return InvalidRowError(f"the isolated model refuses the request ({text}); send other values")
            return GoliveError(f"the isolated model fails on this request ({text}); mend the model")
        return GoneError("answers what was not asked")

    def _exchange(self, question: Header, limit_s: float) -> tuple[Header, str]:
        self._send(question, b"", limit_s)
        try:
            header, text = self._receive(limit_s)
        except TimeoutError:
            message = f"did not answer within {limit_s:g} s"
            raise GoneError(message, hung=True) from None
        if header.sequence != question.sequence:
            message = f"answers question {header.sequence} when it is asked {question.sequence}"
            raise GoneError(message)
        return header, text

    def _send(self, header: Header, text: bytes, limit_s: float) -> None:
        try:
            self._connection.settimeout(limit_s)
            self._connection.sendall(header._replace(text=len(text)).packed() + text)
        except TimeoutError:
            message = f"does not read what it is asked within {limit_s:g} s"
            raise GoneError(message, hung=True) from None
        except OSError:
            raise GoneError(self._end_text()) from None

    def _receive(self, limit_s: float) -> tuple[Header, str]:
        deadline = time.monotonic() + limit_s
        try:
            header = unpacked(self._exactly(len(Header(0).packed()), deadline))
            if header.text > MOST_TEXT:
                message = f"announces a text of {header.text} bytes"
                raise GoneError(message)
            return header, self._exactly(header.text, deadline).decode("utf-8", "replace")
        except ValueError:
            message = "does not keep to the protocol"
            raise GoneError(message) from None

    def _exactly(self, count: int, deadline: float) -> bytes:
        content = b""
        while len(content) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(min(left, _LOOK_S))
            try:
                piece = self._connection.recv(count - len(content))
            except TimeoutError:
                # A process that it started may hold its end open.
                if self._process.poll() is not None:
                    raise GoneError(self._end_text()) from None
                continue
            except OSError:
                piece = b""
            if not piece:
                raise GoneError(self._end_text())
            content += piece
        return content

    def _end_text(self) -> str:
        try:
            code = self._process.wait(_LOOK_S)
        except subprocess.TimeoutExpired:
            return "closed its connection"
        if code >= 0:
            return f"ended its process (exit code {code})"
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"


def started_with(told: Isolated) -> Mapping[str, Any]:
    """Give what a child is told when it starts, as values of JSON."""
    return {
        "seen": msgspec.to_builtins(told.seen),
        "method": told.method,
        "numbers": told.numbers,
        "codes": told.codes,
        "outputs": told.outputs,
        "limits": msgspec.to_builtins(told.limits),
    }


def _environment(threads: int) -> dict[str, str]:
    limits = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), str(threads)
    )
    return {**numerical_variables(), **limits, "PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}


def _kill(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _relayed(output: BinaryIO) -> None:
    """Log what a child prints, up to a bound; the rest is read and dropped, or it would wait for a reader for ever."""
    log = logging.getLogger("golive.isolated")
    room = _MOST_LOGGED
    with output:
        while line := output.readline(_LINE):
            if room <= 0:
                continue
            room -= len(line)
            log.info("%s", line.decode("utf-8", "replace").rstrip())
            if room <= 0:
                log.warning("an isolated model printed %d bytes; the rest is dropped", _MOST_LOGGED)
