"""The parts of tests/support that measurements use too: a server to be hurt, and a load that looks at every answer."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[1] / "tests" / "support"


def support(name: str) -> ModuleType:
    """Give a module of tests/support."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    return importlib.import_module(name)
