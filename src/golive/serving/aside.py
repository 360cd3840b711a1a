"""Aside: a thread beside the event loop, for what a long request needs apart from its model."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from golive.errors import UnavailableError

HELD_BYTES = 64 * 2**20
"""The bodies of long requests that may be under way in one process, added up; decoded they are several times larger."""

_Given = ParamSpec("_Given")
_Made = TypeVar("_Made")


class Aside:
    """Decodes and encodes one long request after the other, while the event loop answers the short ones.

    Args:
        held_bytes: how much may be under way; a request that is alone may be longer.
    """

    def __init__(self, held_bytes: int = HELD_BYTES) -> None:
        self._most = held_bytes
        self._held = 0
        # One thread: a second one would only take turns with it, for decoding holds the interpreter's lock.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="golive-aside")

    @contextmanager
    def holding(self, size_bytes: int) -> Iterator[None]:
        """Keep room for a body while it is answered.

        Raises:
            UnavailableError: too much is under way.
        """
        if self._held and self._held + size_bytes > self._most:
            message = (
                f"{self._held} bytes of long requests are being answered here, and {size_bytes} more would be too "
                "many; send the request again in a second, or in smaller parts"
            )
            raise UnavailableError(message)
        self._held += size_bytes
        try:
            yield
        finally:
            self._held -= size_bytes

    async def do(self, function: Callable[_Given, _Made], *given: _Given.args, **named: _Given.kwargs) -> _Made:
        """Run a function in the thread; what it raises is raised here."""
        return await asyncio.wrap_future(self._thread.submit(function, *given, **named))
