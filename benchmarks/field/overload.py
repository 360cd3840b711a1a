"""Overload: three times what a server can do is asked of it, whether it answers or not; what still comes in time?

The requests start by a schedule (Poisson arrivals), over so many connections that a server which keeps all of them
waiting is seen to do so. A good answer is 2xx and whole within a second of its intended start.
"""

import subprocess
import sys
import time
from collections.abc import Sequence

import msgspec

from benchmarks.field.contenders import Contender, place_of
from benchmarks.field.driving import drive
from benchmarks.field.environments import CannotInstallError
from benchmarks.field.models import Made
from benchmarks.field.running import CannotRunError, Launch, Running
from golive.control.load.histogram import Histogram
from golive.control.load.orders import LoadOrder, Measured
from golive.control.load.schedule import Rate

TIMES = 3.0
# More than a second's worth of the fastest server's answers, or the connections would be what limits the load.
CONNECTIONS, PEAK_CONNECTIONS = 9000, 64
GRACE_S, IN_TIME_NS = 1.0, 1_000_000_000
HEAD_START_NS = 50_000_000
# Thousands of connections are opened in it, and what they ask first is answered late.
WARM_S = 4.0


def measure(
    made: Made, of: str, contenders: Sequence[Contender], names: Sequence[str], *, rounds: int, seconds: int
) -> dict[str, object]:
    """Take turns; give the median round of each by its goodput's share of the peak."""
    found: dict[str, list[dict[str, float]]] = {}
    failed: dict[str, str] = {}
    for _ in range(rounds):
        for one in contenders:
            if one.title in failed or (names and one.name not in names):
                continue
            try:
                found.setdefault(one.title, []).append(_turn(one, made, seconds))
            except (CannotInstallError, CannotRunError) as error:
                failed[one.title] = str(error)
            print(f"overload of {of}: {one.title}: {failed.get(one.title) or found[one.title][-1]}", flush=True)
    ordered = {title: sorted(all_, key=lambda one: one["goodput_of_peak"]) for title, all_ in found.items() if all_}
    return {
        "title": f"{of}, {TIMES:g} times the peak offered in an open loop over {CONNECTIONS:,} connections",
        "servers": {title: all_[len(all_) // 2] for title, all_ in ordered.items()},
        "failed": failed,
    }


def _turn(contender: Contender, made: Made, seconds: int) -> dict[str, float]:
    place = place_of(contender, made.folder, made.expected.tolist()[:1])
    bodies = [contender.body([row]) for row in made.rows.tolist()]
    with Running(contender.launch(place), made.folder) as server:
        server.first_answer(bodies[0])
        launch = server.launch
        for length in (1, seconds):
            peak = drive(launch, bodies, connections=PEAK_CONNECTIONS, seconds=length, folder=made.folder)
        server.settle()
        rate = peak["replies_per_s"] * TIMES
        measured = _offer(launch, bodies, rate, seconds)
        good = _within(Histogram.of(measured.latencies), IN_TIME_NS)
        goodput = good / measured.seconds
        return {
            "peak_per_s": round(peak["replies_per_s"]),
            "offered_per_s": round(rate),
            "good_per_s": round(goodput),
            "goodput_of_peak": round(goodput / peak["replies_per_s"], 3),
            "answered_2xx_per_s": round(measured.statuses.get(200, 0) / measured.seconds),
            "refused_per_s": round(sum(measured.statuses.get(status, 0) for status in (429, 503)) / measured.seconds),
            "unanswered_per_s": round(measured.unanswered / measured.seconds),
            "cut_off": measured.disconnects,
            "generator_cpu_share": round(measured.cpu_s / measured.seconds, 2),
        }


def _offer(launch: Launch, bodies: list[bytes], rate: float, seconds: int) -> Measured:
    order = LoadOrder(
        host="127.0.0.1",
        port=launch.port,
        requests=tuple(_request(launch, body) for body in bodies),
        connections=CONNECTIONS,
        rate=Rate(per_s=rate),
        warmup_s=WARM_S,
        seconds=float(seconds),
        grace_s=GRACE_S,
        cores=(1,),
    )
    command = [sys.executable, "-m", "golive.control.load.generator"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdin is None or process.stdout is None:
            message = "the generator has no pipes"
            raise CannotRunError(message)
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        process.stdin.flush()
        said = process.stdout.readline()
        if said == b"ready\n":
            process.stdin.write(b"go %d\n" % (time.perf_counter_ns() + HEAD_START_NS))
            process.stdin.flush()
            said = process.stdout.readline()
    if not said:
        message = "the generator ended without a report"
        raise CannotRunError(message)
    measured = msgspec.json.decode(said, type=Measured)
    if measured.error:
        message = f"cannot be loaded: {measured.error}"
        raise CannotRunError(message)
    return measured


def _request(launch: Launch, body: bytes) -> bytes:
    lines = [
        f"POST {launch.path} HTTP/1.1",
        "host: 127.0.0.1",
        "content-type: application/json",
        f"content-length: {len(body)}",
        # How long the caller waits; a server may refuse at once what would come later.
        f"x-request-timeout-ms: {IN_TIME_NS // 1_000_000}",
        *(f"{name}: {value}" for name, value in launch.headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + body


def _within(latencies: Histogram, limit_ns: int) -> int:
    """Count the durations up to a limit, by halving: quantiles grow with their share."""
    low, high = 0, latencies.count
    while low < high:
        middle = (low + high + 1) // 2
        if latencies.quantile_ns(middle / latencies.count) <= limit_ns:
            low = middle
        else:
            high = middle - 1
    return low
