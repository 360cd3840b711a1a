"""What the fuzz targets have in common: how many examples, mutated bytes, and a model of every kind of field."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import priced
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from golive.domain.release import Share
from golive.domain.serving import Placed, Route
from golive.serving.grpc.codec import GrpcCodec
from golive.serving.grpc.protos import Messages
from golive.serving.lane import Lane
from golive.serving.switchboard import Switchboard

LONG = os.environ.get("GOLIVE_FUZZ") == "long"
"""Whether `make fuzz` asks for much more than the test suite has time for."""
TIMES = 300


def fuzzed(examples: int) -> Callable[[Any], Any]:
    """Run a test with so many examples; always the same ones, unless it is the long way."""
    return settings(
        max_examples=examples * TIMES if LONG else examples,
        deadline=None,
        derandomize=not LONG,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def mutated(draw: Any, seeds: tuple[bytes, ...]) -> bytes:
    """Draw one of the seeds with some bytes changed, cut out, doubled or put in."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        count = draw(st.integers(0, 8))
        how = draw(st.sampled_from(["flip", "cut", "double", "put", "end"]))
        if how == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "cut":
            del data[at : at + count]
        elif how == "double":
            data[at:at] = data[at : at + 8 * count]
        elif how == "put":
            data[at:at] = draw(st.binary(max_size=8) | st.sampled_from(TOKENS))
        elif how == "end":
            del data[at:]
    return bytes(data)


TOKENS = (
    b"1e999", b"-0", b"NaN", b"null", b"true", b"[[[[", b"]", b"{}", b'""', b"\\u0000", b'"\\ud800"', b"\xff", b"\x00",
    b"9" * 30, b"\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"\n", b" ", b":", b",", b"'", b'"', b"b64", b"\xef\xbb\xbf",
    b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
)  # fmt: skip

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@cache
def board() -> Switchboard:
    """Give a switchboard with a regression and a classification, over HTTP's protocols and gRPC's."""
    with TemporaryDirectory() as name:
        lanes = [
            Lane(Placed(task, 1, bundle.digest), priced.road_of(bundle, files))
            for task in ("regression", "classification")
            for bundle, files in [priced.keep(Path(name) / "store", name=task, task=task)]
        ]
    made = Switchboard(lanes, tuple(Route(lane.placed.name, (Share(1, 1.0),)) for lane in lanes))
    calls = {
        f" {lane.placed.name}".encode(): lane.handler(
            GrpcCodec(lane.placed, lane.signature, lane.road.labels, messages())
        )
        for lane in lanes
    }
    made.routes = {**made.routes, **calls}
    return made


@cache
def messages() -> Messages:
    """Give gRPC's message classes."""
    return Messages()
