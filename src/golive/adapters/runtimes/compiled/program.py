"""Program: the C source of the walk in, a function of this process out; compiled once where a folder keeps it."""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from golive.errors import VerificationError

_SOURCE = "trees.c"
_COMPILERS = ("cc", "gcc", "clang")
_OPTIONS = ("-O3", "-std=c99", "-shared", "-fPIC")
_LIMIT_S = 120.0
_POINTER, _NUMBER = ctypes.c_void_p, ctypes.c_int64

Walk = Callable[..., None]
"""Addresses and sizes, as ``golive_walk`` in the source has them."""


def walk(folder: Path | None) -> Walk:
    """Give the walk, compiled now or by an earlier process that was given the same folder.

    Raises:
        VerificationError: there is no C compiler on this machine, or it fails.
    """
    source = Path(__file__).with_name(_SOURCE)
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="golive-trees-") as made:
            # Once it is opened, the file is not needed any more.
            return _opened(_compiled(source, Path(made) / "trees.so"))
    told = f"{platform.machine()} {platform.system()} {' '.join(_OPTIONS)} {source.read_text('utf-8')}"
    path = folder / f"trees-{hashlib.sha256(told.encode()).hexdigest()[:16]}.so"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".{path.name}.{os.getpid()}"
        try:
            _compiled(source, unfinished).replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    return _opened(path)


def _compiled(source: Path, path: Path) -> Path:
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        message = (
            "compiled trees need a C compiler, and there is none of cc, gcc and clang on this machine; install one "
            "(such as the package gcc), or take the bundle that this one was optimized from"
        )
        raise VerificationError(message)
    command = [compiler, *_OPTIONS, "-o", str(path), str(source)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False)  # noqa: S603 - our own source
    except subprocess.TimeoutExpired as error:
        message = f"{compiler} took longer than {_LIMIT_S:.0f} seconds to compile {source.name}; try again"
        raise VerificationError(message) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = said[0] if said else f"exit code {done.returncode}"
        message = (
            f"{compiler} cannot compile {source.name} ({reason}); take the bundle that this one was optimized from"
        )
        raise VerificationError(message)
    return path


def _opened(path: Path) -> Walk:
    function = ctypes.CDLL(str(path)).golive_walk
    sizes = (_POINTER, _POINTER, _POINTER, _NUMBER, _POINTER, _POINTER, _POINTER, _NUMBER, _NUMBER, _POINTER, _NUMBER)
    function.argtypes, function.restype = sizes, None
    found: Walk = function
    return found
