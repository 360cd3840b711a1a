"""Load from core 1: ``wrk`` in a closed loop; every connection sends its next request when its answer came."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from benchmarks.field.running import Launch

# Bodies are formatted once, and taken in turn, so that no server answers one body again and again.
SCRIPT = """local bodies, requests, at = {{ {bodies} }}, {{}}, 0
function init()
  wrk.method = "POST"
  {headers}
  for i, body in ipairs(bodies) do requests[i] = wrk.format(nil, nil, nil, body) end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
"""


def wrk() -> str | None:
    """Find the generator."""
    return shutil.which("wrk")


def drive(launch: Launch, bodies: list[bytes], *, connections: int, seconds: int, folder: Path) -> dict[str, float]:
    """Drive a server for a while.

    Returns:
        ``good`` (2xx replies), ``refused`` (other replies), ``bad`` (those and broken connections), ``replies_per_s``
        (of all replies), ``p50_ms``, ``p99_ms``.
    """
    script = folder / "ask.lua"
    headers = {"content-type": "application/json", **launch.headers}
    script.write_text(
        SCRIPT.format(
            bodies=", ".join(f"[=[{body.decode()}]=]" for body in bodies),
            headers="\n  ".join(f"wrk.headers[{json.dumps(name)}] = {json.dumps(headers[name])}" for name in headers),
        ),
        "utf-8",
    )
    url = f"http://127.0.0.1:{launch.port}{launch.path}"
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "--latency"]
    done = subprocess.run(
        [*command, "-s", str(script), url], capture_output=True, text=True, check=True, timeout=seconds + 60
    )
    return read_wrk(done.stdout)


def read_wrk(said: str) -> dict[str, float]:
    """Read what ``wrk --latency`` prints."""
    replies = int(_found(r"(\d+) requests in", said))
    refused = sum(int(number) for number in re.findall(r"Non-2xx or 3xx responses: (\d+)", said))
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    return {
        "good": replies - refused,
        "refused": refused,
        "bad": refused + (sum(int(number) for number in broken.groups()) if broken else 0),
        "replies_per_s": float(_found(r"Requests/sec:\s+([\d.]+)", said)),
        "p50_ms": _milliseconds(_found(r"\n\s+50%\s+(\S+)", said)),
        "p99_ms": _milliseconds(_found(r"\n\s+99%\s+(\S+)", said)),
    }


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        message = f"wrk did not print {pattern!r}:\n{text}"
        raise RuntimeError(message)
    return match[1]


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return round(float(number) * {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}[unit], 3)
