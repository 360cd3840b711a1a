"""Environments: a list of exact versions in, an interpreter that has them out."""

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from golive.domain.digest import digest_of_value, short
from golive.errors import DataError, UnavailableError
from golive.packaging.lock import required_by
from golive.store.files import locked, refused

_WHOLE = "whole"
_LIMIT_S = 600.0
_REASONS = 400
_NAME_END = re.compile(r"[^A-Za-z0-9._-]")


def interpreter(requirements: Sequence[str], python: str, folder: Path, *, limit_s: float = _LIMIT_S) -> Path:
    """Give an interpreter of a Python version (``3.11``) with exactly these distributions (``name==version``).

    The running one, where it is of that version and has each of them in that version (and maybe others besides);
    else that of a virtual environment under ``folder``, which is made when it is asked for first, from wheels only,
    and kept.

    Raises:
        UnavailableError: there is no such Python here, or the environment could not be made within ``limit_s``.
    """
    if python == running_python() and all(_has(requirement) for requirement in requirements):
        return Path(sys.executable)
    made_of = [python, sys.platform, platform.machine(), sorted(requirements)]
    environment = folder / short(digest_of_value(made_of))
    found = environment / "bin" / "python"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(environment.with_suffix(".lock")):
            if not (environment / _WHOLE).is_file():
                _make(environment, _base(python), requirements, limit_s)
                (environment / _WHOLE).touch()
    except OSError as error:
        raise refused(environment, error) from error
    return found


def resolved(requirements: Sequence[str], *, limit_s: float = _LIMIT_S) -> tuple[str, ...]:
    """Give the exact versions that a list of requirements comes to, with all that these require (``name==version``).

    Where each is an exact version that is installed here, those; else what pip finds in its index, as wheels.

    Raises:
        DataError: nothing fits all of them.
    """
    names = [_NAME_END.split(requirement, maxsplit=1)[0] for requirement in requirements]
    if all(_has(requirement) if "==" in requirement else requirement == name and _is_here(name)
           for requirement, name in zip(requirements, names, strict=True)):  # fmt: skip
        return required_by(names)
    pip = [sys.executable, "-I", "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--no-input"]
    options = ["--disable-pip-version-check", "--only-binary=:all:", "--report", "-", "--", *requirements]
    try:
        told = _run([*pip, *options], limit_s, "resolved")
    except UnavailableError as error:
        raise DataError(error.message) from error
    found = msgspec.json.decode(told)["install"]
    return tuple(sorted(f"{each['metadata']['name']}=={each['metadata']['version']}" for each in found))


def running_python() -> str:
    """Name the version of the running Python, as an environment needs it."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _has(requirement: str) -> bool:
    name, _, wanted = requirement.partition("==")
    try:
        return version(name) == wanted
    except PackageNotFoundError:
        return False


def _base(python: str) -> str:
    if python == running_python():
        return sys.executable
    found = shutil.which(f"python{python}")
    if found is None:
        message = f"the isolated model needs Python {python}, and there is no python{python} here; install it"
        raise UnavailableError(message)
    return found


def _make(environment: Path, base: str, requirements: Sequence[str], limit_s: float) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    _run([base, "-I", "-m", "venv", str(environment)], limit_s, "made")
    listed = environment / "requirements.txt"
    listed.write_text("".join(f"{requirement}\n" for requirement in requirements), "utf-8")
    pip = [str(environment / "bin" / "python"), "-I", "-m", "pip", "install", "--quiet", "--no-input"]
    # The list is complete, and a source distribution would run its author's code to be built.
    options = ["--disable-pip-version-check", "--only-binary=:all:", "--no-deps", "-r", str(listed)]
    _run([*pip, *options], limit_s, "filled")


def _is_here(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _run(command: Sequence[str], limit_s: float, what: str) -> str:
    process = subprocess.Popen(  # noqa: S603 - Python's own programs
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, told = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        message = f"the environment of the isolated model could not be {what} within {limit_s:g} s; try again"
        raise UnavailableError(message) from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        reason = " ".join(told.split())[-_REASONS:]
        message = (
            f"the environment of the isolated model could not be {what} ({reason}); "
            "see that the package index can be reached and has these versions as wheels for this machine"
        )
        raise UnavailableError(message)
    return said
