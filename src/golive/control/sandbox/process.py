"""Process: the owner's side of a sandbox: start it, ask it, end it."""

import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

import msgspec

import golive
from golive import errors
from golive.control.sandbox.frames import Answer, Question, receive, send

MEMORY_BYTES = 8 << 30
"""Address space; libraries of linear algebra reserve gigabytes of it that they never touch."""
_CHILD = "golive.control.sandbox.child"
_CPU_S = 900
_START_S = 60.0
_END_S = 5.0
_MOST_TEXT = 300


class SandboxError(Exception):
    """The sandbox gave no answer; the message says why, to follow the name of what was worked on.

    ``kind`` is the class of the error inside, or empty where the process itself ended or took too long.
    """

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


class Sandbox:
    """A process with an empty environment, a folder of its own, no network and bounded memory and time.

    Args:
        module: where the handler is.
        name: a function without arguments that gives ``handler(verb, content) -> bytes``; called in the process.
        memory_bytes: the most address space that it may take.
        python: the interpreter of another environment, which has msgspec and numpy; this one where None is given.
    """

    def __init__(self, module: str, name: str, *, memory_bytes: int = MEMORY_BYTES, python: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="golive-sandbox-")
        self._channel, theirs = socket.socketpair()
        with theirs:
            words = [str(theirs.fileno()), module, name, str(memory_bytes), str(_CPU_S)]
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter and a module of ours
                [*_program(python), *words],
                env={},
                cwd=self._folder.name,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        try:
            self.lacking = msgspec.json.decode(self._received(_START_S), type=tuple[str, ...])
        except BaseException:
            self.close()
            raise

    def ask(self, verb: str, content: bytes = b"", *, limit_s: float) -> bytes:
        """Ask the handler and give its answer.

        Raises:
            GoliveError: the handler raised one.
            SandboxError: it raised something else, took longer than ``limit_s`` seconds, or its process ended.
        """
        self._channel.settimeout(limit_s)
        try:
            send(self._channel, Question(verb=verb, content=content))
        except OSError:
            raise self._ended() from None
        return self._received(limit_s)

    def close(self) -> None:
        """End the process, whatever it does."""
        self._channel.close()
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _received(self, limit_s: float) -> bytes:
        try:
            answer = msgspec.msgpack.decode(receive(self._channel, limit_s=limit_s), type=Answer)
        except TimeoutError:
            self._process.kill()
            message = f"took longer than {limit_s:g} seconds"
            raise SandboxError(message) from None
        except (EOFError, OSError):
            raise self._ended() from None
        except msgspec.DecodeError:
            message = "answered something that cannot be read"
            raise SandboxError(message) from None
        if answer.error:
            raise _raised(answer)
        return answer.content

    def _ended(self) -> SandboxError:
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return SandboxError("closed its connection")
        return SandboxError(f"ended its process ({signal.Signals(-code).name if code < 0 else f'exit code {code}'})")


def elsewhere(python: Path, module: str) -> list[str]:
    """Give the command that runs the ``main`` of a module of golive in an environment that has no golive."""
    # The program brings this golive, and none of the libraries beside it.
    package = Path(golive.__file__).parent
    return [str(python), "-B", "-I", str(Path(__file__).with_name("elsewhere.py")), str(package), module]


def _program(python: Path | None) -> list[str]:
    if python is None:
        return [sys.executable, "-B", "-E", "-P", "-m", _CHILD]
    return elsewhere(python, _CHILD)


def _raised(answer: Answer) -> Exception:
    kind = getattr(errors, answer.error, None)
    if isinstance(kind, type) and issubclass(kind, errors.GoliveError):
        return kind(answer.message)
    if answer.error == "MemoryError":
        return SandboxError("needs more memory than the sandbox has", "MemoryError")
    first = _shortened(next(iter(answer.message.strip().splitlines()), ""))
    return SandboxError(f"failed ({answer.error}: {first})", answer.error)


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"
