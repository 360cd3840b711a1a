"""NVIDIA's perf_analyzer: it reads a model's metadata, configuration and statistics, loads it, and says what it saw."""

import csv
import json
import os
import platform
import re
import subprocess

import pytest
from client_server import FIELDS, FLOWERS, HOUSES, ClientServer
from venvs import folder_of

pytestmark = pytest.mark.heavy

NEWER_C_LIBRARY = (2, 38)
"""What perf-analyzer 2.60 is built for."""
REQUESTS = 300
DATA = {
    "iris": [dict(zip(FIELDS, row, strict=True)) for row in FLOWERS],
    "priced": HOUSES,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ClientServer(tmp_path_factory.mktemp("perf")) as running:
        yield running


@pytest.fixture(scope="module")
def program():
    """Give the program, the newest that this machine can start, and the variables it needs."""
    library, version = platform.libc_ver()
    known = tuple(map(int, version.split(".")[:2])) if library == "glibc" else (0, 0)
    folder = folder_of("perf" if known >= NEWER_C_LIBRARY else "perf_older")
    (packages,) = folder.glob("lib/python*/site-packages")
    variables = {**os.environ, "LD_LIBRARY_PATH": str(packages / "nvidia" / "cuda_runtime" / "lib")}
    path = folder / "bin" / "perf_analyzer"
    linked = subprocess.run([path, "--version"], env=variables, capture_output=True, text=True, check=False, timeout=60)
    if "error while loading shared libraries" in linked.stderr:
        pytest.skip(f"perf_analyzer does not start (.ci/install-heavy brings what it needs): {linked.stderr.strip()}")
    return path, variables


@pytest.mark.parametrize(
    ("door", "model", "batch", "more"),
    [
        ("http", "iris", 8, []),
        ("http", "priced", 1, []),
        ("http", "priced", 1, ["--input-tensor-format", "json", "--output-tensor-format", "json"]),
        ("grpc", "iris", 8, []),
        ("grpc", "priced", 1, []),
    ],
    ids=["http, bytes", "http, texts", "http, json", "grpc", "grpc, texts"],
)
def test_it_loads_a_model_and_reads_our_statistics(program, server, tmp_path, door, model, batch, more):
    path, variables = program
    rows = [{name: [value] for name, value in row.items()} for row in DATA[model]]
    (tmp_path / "rows.json").write_text(json.dumps({"data": rows}), "utf-8")
    address = server.grpc if door == "grpc" else server.address
    words = ["-m", model, "-b", str(batch), "-i", door, "-u", address, "--input-data", tmp_path / "rows.json"]
    # As many requests as are said, however much they differ: nothing here depends on how fast they are.
    much = ["--request-count", str(REQUESTS), "--concurrency-range", "2", "-s", "999", "-f", tmp_path / "seen.csv"]
    done = subprocess.run(
        [path, *words, *much, *more], env=variables, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = {name: int(count) for name, count in re.findall(r"(\w+ (?:request )?count): (\d+)", done.stdout)}
    assert told["Request count"] >= REQUESTS
    assert told["Inference count"] == batch * told["Execution count"]
    with (tmp_path / "seen.csv").open(newline="") as file:
        (seen,) = csv.DictReader(file)
    assert float(seen["Inferences/Second"]) > 0
    assert float(seen["Server Compute Input"]) > 0
    assert float(seen["Server Compute Infer"]) > 0
