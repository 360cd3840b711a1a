"""Elsewhere: runs a program of golive in an environment that has no golive; run as a file, never imported.

It makes the one package importable, from the folder that is given first, and leaves the libraries beside it out.
"""

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def main(words: list[str]) -> None:
    """Bring the package, then run the ``main`` of one of its modules.

    Args:
        words: the package's folder, the module's name, and what its program is told.
    """
    package = Path(words[0])
    spec = spec_from_file_location("golive", package / "__init__.py", submodule_search_locations=[str(package)])
    if spec is None or spec.loader is None:
        sys.exit(f"error: {package} is no package")
    module = module_from_spec(spec)
    sys.modules["golive"] = module
    spec.loader.exec_module(module)
    import_module(words[1]).main(words[2:])


if __name__ == "__main__":
    main(sys.argv[1:])
