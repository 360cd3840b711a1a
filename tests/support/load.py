"""A bounded load of real connections: every answer is counted, and every failure is kept with its reason."""

import http.client
import random
import threading
from dataclasses import dataclass, field
from typing import Self


@dataclass
class Load:
    """Threads that ask over keep-alive connections, one body at random after another, until told to stop."""

    port: int
    path: str
    bodies: list[bytes]
    connections: int = 8
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(self.connections)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        answered, versions, chosen = 0, set(), random.Random(threading.get_ident())
        while not self._stop.is_set():
            try:
                connection.request("POST", self.path, chosen.choice(self.bodies), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._fail(repr(error))
                connection.close()
                continue
            if answer.status == 200:
                answered += 1
                versions.add(answer.headers["x-model-version"])
            else:
                self._fail(f"{answer.status} {text[:200]!r}")
            if answer.headers.get("connection") == "close":
                connection.close()
        connection.close()
        with self._lock:
            self.answered += answered
            self.versions |= versions

    def _fail(self, reason: str) -> None:
        with self._lock:
            self.failures.append(reason)
