"""A headless Chromium, driven by its DevTools protocol over two pipes, and a server of static files on the loopback."""

import base64
import contextlib
import functools
import http.server
import json
import os
import shutil
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LIMIT_S = 60.0
_ON_THREE_AND_FOUR = """
import fcntl, os, sys
down, up = (fcntl.fcntl(int(word), fcntl.F_DUPFD, 10) for word in sys.argv[1:3])
os.dup2(down, 3)
os.dup2(up, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""The browser reads its commands on descriptor 3 and answers on 4."""


def found() -> str | None:
    return next(filter(None, map(shutil.which, _NAMES)), None)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of 127.0.0.1 and give its address."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder)) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class Tab:
    """One page of the browser."""

    def __init__(self, browser: "Chromium", session: str) -> None:
        self._browser, self._session = browser, session

    def call(self, method: str, **words: Any) -> dict[str, Any]:
        return self._browser.call(method, session=self._session, **words)

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)

    def evaluate(self, script: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str) -> Any:
        """Wait until a script gives something true, and give it."""
        until = time.monotonic() + _LIMIT_S
        while time.monotonic() < until:
            with contextlib.suppress(AssertionError, KeyError):
                if value := self.evaluate(condition):
                    return value
            time.sleep(0.05)
        message = f"never true: {condition}; the page says: {self.evaluate('document.body.innerText')}"
        raise AssertionError(message)

    def look(self, width: int, height: int, *, dark: bool = False, is_phone: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=is_phone
        )
        value = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    def picture(self, path: Path, *, whole: bool = False) -> None:
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def drag(self, *points: tuple[float, float]) -> None:
        """Draw a line with the mouse, pressed all along."""
        kinds = ["mousePressed", *["mouseMoved"] * (len(points) - 1), "mouseReleased"]
        for kind, (x, y) in zip(kinds, [*points, points[-1]], strict=True):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)


class Chromium:
    """The browser process. Commands go down one pipe, answers come up another, each a JSON text and a zero byte."""

    def __init__(self, program: str, folder: Path, *arguments: str) -> None:
        down, self._write = os.pipe()
        self._read, up = os.pipe()
        words = [
            program,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--no-first-run",
            "--remote-debugging-pipe",
            f"--user-data-dir={folder}",
            *arguments,
        ]
        words = [sys.executable, "-c", _ON_THREE_AND_FOUR, str(down), str(up), *words]
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(words, pass_fds=(down, up), stdout=self._log, stderr=self._log)
        os.close(down)
        os.close(up)
        self._rest, self._number = b"", 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, *, session: str | None = None, **words: Any) -> dict[str, Any]:
        self._number += 1
        command = {"id": self._number, "method": method, "params": words}
        os.write(self._write, json.dumps(command | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def tab(self) -> Tab:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        made = Tab(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            made.call(f"{domain}.enable")
        return made

    def close(self) -> None:
        with contextlib.suppress(OSError, AssertionError, ConnectionError):
            self.call("Browser.close")
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)
        self._log.close()

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._read, 1 << 20)
            if not piece:
                message = "the browser has gone"
                raise ConnectionError(message)
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


@contextlib.contextmanager
def chromium(program: str, folder: Path, *arguments: str) -> Iterator[Chromium]:
    browser = Chromium(program, folder, *arguments)
    try:
        yield browser
    finally:
        browser.close()
