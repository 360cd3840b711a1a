"""Child: the program of the sandbox's process: give up rights, load one handler by name, answer until told to end."""

import socket
import sys
from collections.abc import Callable

import msgspec

from golive import plugins
from golive.control.sandbox.frames import Answer, Question, receive, send
from golive.control.sandbox.limits import confine

_READY = "ready"
_MOST_TEXT = 2000


def main(words: list[str]) -> None:
    """Answer questions over an inherited socket.

    Args:
        words: the socket's number, the handler's module and name, bytes of memory, seconds of processor time.
    """
    descriptor, module, name, memory_bytes, cpu_s = words
    with socket.socket(fileno=int(descriptor)) as channel:
        lacking = confine(memory_bytes=int(memory_bytes), cpu_s=int(cpu_s))
        try:
            handler = plugins.attribute(module, name)()
            send(channel, Answer(content=msgspec.json.encode(lacking), message=_READY))
            while True:
                question = msgspec.msgpack.decode(receive(channel), type=Question)
                send(channel, _answer(handler, question))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:  # noqa: BLE001 - the border of a process: its owner hears of it
            send(channel, _failed(error))


def _answer(handler: Callable[[str, bytes], bytes], question: Question) -> Answer:
    try:
        return Answer(content=handler(question.verb, question.content))
    except Exception as error:  # noqa: BLE001 - whatever a stranger's file does, the owner hears of it
        return _failed(error)


def _failed(error: Exception) -> Answer:
    message = str(getattr(error, "message", "") or error)[:_MOST_TEXT]
    return Answer(error=type(error).__name__, message=message)


if __name__ == "__main__":
    main(sys.argv[1:])
