"""``python -m benchmarks.models``: try every kind of model, measure, and write the result file and docs/models.md.

``kinds`` and ``strangers`` renew one half of the file, ``converted`` those kinds that were converted, ``page`` writes
the page alone. ``quick PART OF`` tries every
OF-th kind from PART on, on few rows and without measuring, and prints what came of it as JSON; tests/heavy compares
that with the file.
"""

import json
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from benchmarks import result
from benchmarks.models import other_kinds, sklearn_kinds, strangers
from benchmarks.models.page import write_page
from benchmarks.models.trial import Found, Kind, tried

ROWS, QUICK_ROWS = 2000, 300
BUDGET_S = 0.15
LIBRARIES = ("catboost", "keras", "lightgbm", "onnx", "skl2onnx", "skops", "torch", "xgboost", "xgboost-cpu")


def main(words: list[str]) -> None:
    """Do what is named, or everything."""
    if words[:1] == ["quick"]:
        part, of = map(int, words[1:])
        print(msgspec.json.encode([_told(kind, rows=QUICK_ROWS, budget_s=0.0) for kind in every()[part::of]]).decode())
        return
    path = result.FOLDER / "models.json"
    told = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if not words or "kinds" in words:
        told |= {"kinds": msgspec.to_builtins([_told(kind, rows=ROWS, budget_s=BUDGET_S) for kind in every()])}
    if "converted" in words:
        told["kinds"] = _renewed(told["kinds"])
    if not words or "strangers" in words:
        told |= {"strangers": msgspec.to_builtins(strangers.found())}
    if words != ["page"]:
        figures = {"kinds": told.get("kinds", []), "strangers": told.get("strangers", [])}
        result.write("models", {"libraries": _libraries(), "threads": 1, **figures})
    write_page()


def every() -> list[Kind]:
    """Give every kind whose library is installed."""
    return [*sklearn_kinds.kinds(), *other_kinds.kinds()]


def _renewed(before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Try and measure those kinds again that were converted; isolated ones take most of the time."""
    kinds = {(kind.framework, kind.name): kind for kind in every()}
    return [
        msgspec.to_builtins(_told(kinds[old["framework"], old["name"]], rows=ROWS, budget_s=BUDGET_S))
        if old["outcome"] == "converted"
        else old
        for old in before
    ]


def _told(kind: Kind, *, rows: int, budget_s: float) -> Found:
    found = tried(kind, rows=rows, budget_s=budget_s)
    speed = f"{found.one.own:,.0f} -> {found.one.served:,.1f} us" if found.one else ""
    print(f"{kind.framework}: {kind.name}: {found.outcome} {speed}", file=sys.stderr, flush=True)
    return found


def _libraries() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
