"""``python import_each.py FOLDER SAMPLE [--trust] PATH ...``: ``golive import`` each path of a folder, one by one.

Prints what came of them as JSON: path -> exit code, what was said, seconds; and the most memory that it and its
processes took, in MiB. Whatever takes longer than five minutes is given up, with the exit code -1.
"""

import json
import resource
import signal
import sys
import time
from pathlib import Path

from typer.testing import CliRunner

from golive.cli.app import build_app

LIMIT_S = 300


class TooLongError(BaseException):
    """Not an Exception, so that nothing takes it for an error of its own."""


def main(folder: Path, sample: str, words: list[str]) -> None:
    signal.signal(signal.SIGALRM, _give_up)
    trust = ["--trust"] if "--trust" in words else []
    told = {name: _imported(folder / name, sample, trust) for name in words if name != "--trust"}
    peaks = [resource.getrusage(who).ru_maxrss >> 10 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"files": told, "own_mib": peaks[0], "child_mib": peaks[1]}))


def _imported(path: Path, sample: str, trust: list[str]) -> dict[str, object]:
    asked = ["import", str(path), "--name", "stranger", "--sample", sample, "--target", "answer", *trust]
    began = time.monotonic()
    signal.alarm(LIMIT_S)
    try:
        done = CliRunner().invoke(build_app(), asked)
        code, said, printed = done.exit_code, done.stderr, done.stdout
    except TooLongError:
        code, said, printed = -1, f"took longer than {LIMIT_S} seconds", ""
    signal.alarm(0)
    return {"code": code, "said": said, "printed": printed, "seconds": time.monotonic() - began}


def _give_up(*_: object) -> None:
    raise TooLongError


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
