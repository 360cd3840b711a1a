"""C source as a library of this process: written, compiled with every warning an error, and asked row by row."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from golive.adapters.exports.c_source.source import Source, written
from golive.domain.bundle import Bundle, Manifest

FLAGS = ("-O2", "-std=c99", "-pedantic", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror")


def compiler() -> str:
    """Give the C compiler, or skip the test."""
    found = shutil.which("cc")
    if found is None:
        pytest.skip("there is no C compiler here (cc); apt-get install gcc brings one")
    return found


def bundle_of(manifest: Manifest) -> Bundle:
    """Give a bundle that is in no store."""
    return Bundle(digest=f"sha256:{'0' * 64}", manifest=manifest, files=())


def source_of(manifest: Manifest, graph: bytes, name: str) -> Source:
    """Write the C source of a graph."""
    return written(bundle_of(manifest), graph, name)


def library(sources: list[Source], folder: Path) -> ctypes.CDLL:
    """Compile sources into one library and load it."""
    for source in sources:
        (folder / f"{source.name}.h").write_text(source.header, "utf-8")
        (folder / f"{source.name}.c").write_text(source.code, "utf-8")
    made = folder / "models.so"
    paths = [str(folder / f"{source.name}.c") for source in sources]
    done = subprocess.run(
        [compiler(), *FLAGS, "-shared", "-fPIC", "-o", str(made), *paths, "-lm"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:3000]
    return ctypes.CDLL(str(made))


def asked(models: ctypes.CDLL, name: str, numbers: np.ndarray, codes: np.ndarray, outputs: int) -> np.ndarray:
    """Ask a compiled model for rows, one by one; a row that it refuses stays NaN."""
    predict = models[f"{name}_predict"]
    predict.argtypes, predict.restype = [ctypes.c_void_p] * 3, ctypes.c_int
    numbers, codes = np.ascontiguousarray(numbers, np.float64), np.ascontiguousarray(codes, np.int64)
    answers = np.full((len(numbers), outputs), np.nan)
    for row, coded, answer in zip(numbers, codes, answers, strict=True):
        predict(row.ctypes.data, coded.ctypes.data, answer.ctypes.data)
    return answers
