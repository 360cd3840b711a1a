"""A server in a thread of its own, for tests that talk to it over sockets."""

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod

import uvloop


class Threaded(ABC):
    """Runs ``answer(on_ready, stop)`` from entering it to leaving it; ``loop`` is its event loop."""

    def __init__(self):
        self.loop = uvloop.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @abstractmethod
    async def answer(self, on_ready, stop):
        """Answer until ``stop`` is set."""

    def ask_to_stop(self):
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._stop.set)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self.ask_to_stop()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self):
        try:
            self.loop.run_until_complete(self._main())
        finally:
            self.loop.close()

    async def _main(self):
        self._stop = asyncio.Event()
        await self.answer(self._ready.set, self._stop)
