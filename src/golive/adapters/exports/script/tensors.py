"""Run the model inside this archive: tensors in an .npz file in, an .npz file with its answers out."""

import argparse
import pkgutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive.adapters.runtimes.onnxruntime import OnnxRuntime
from golive.domain.bundle import Manifest
from golive.domain.signature import Signature
from golive.errors import DataError, GoliveError
from golive.inference.feeds import checked_feeds, tensor_text


def main() -> int:
    """Read the command line, answer, and give the exit code."""
    parser = argparse.ArgumentParser(prog="predict.pyz", description="Run the model inside this file.")
    parser.add_argument("tensors", type=Path, help="an .npz file with an array for each input, or the only one as .npy")
    parser.add_argument("-o", "--output", type=Path, required=True, help="where the answers go, an .npz file")
    options = parser.parse_args()
    try:
        manifest, graph = _bundle()
        feeds = checked_feeds(manifest.signature.tensors, _arrays(options.tensors, manifest.signature))
        _write(options.output, OnnxRuntime().open_tensors(graph, threads=1).run(feeds))
    except GoliveError as error:
        sys.stderr.write(f"error: {error.message}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _bundle() -> tuple[Manifest, bytes]:
    described, graph = (pkgutil.get_data(__name__, f"bundle/{name}") for name in ("golive.json", "graph"))
    return msgspec.json.decode(described or b"", type=Manifest), graph or b""


def _arrays(path: Path, signature: Signature) -> dict[str, Any]:
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return {signature.tensors[0].name: found}
        with found:
            return {name: found[name] for name in found.files}
    except FileNotFoundError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        wanted = ", ".join(map(tensor_text, signature.tensors))
        reason = str(error).partition(". ")[0]
        message = f"{path} cannot be read as arrays ({reason}); write {wanted} with numpy.savez(file, name=array, ...)"
        raise DataError(message) from error


def _write(path: Path, answers: dict[str, Any]) -> None:
    """Write a file that appears under its name only when it is whole; texts as numpy's own, not as objects."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    plain = {name: array.astype(str) if array.dtype == object else array for name, array in answers.items()}
    try:
        with unfinished.open("wb") as sink:
            np.savez(sink, **plain)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
