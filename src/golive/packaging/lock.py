"""Lock: modules in, the exact versions of every distribution that they need out."""

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA = re.compile(r"\bextra\b")


def locked(modules: Iterable[str]) -> tuple[str, ...]:
    """Give ``name==version`` of the installed distributions that top modules come from, and of all those require.

    What they require for an extra, or for another system, counts where it is among the modules. Modules of no
    distribution are left out.
    """
    owners = packages_distributions()
    return required_by({name for module in modules for name in owners.get(module, ())})


def required_by(names: Iterable[str]) -> tuple[str, ...]:
    """Give ``name==version`` of installed distributions, and of all those require; absent ones are left out."""
    todo = sorted(names)
    found: dict[str, str] = {}
    while todo:
        name = todo.pop()
        try:
            metadata = distribution(name)
        except PackageNotFoundError:
            continue
        key = _canonical(metadata.name)
        if key not in found:
            found[key] = f"{metadata.name}=={metadata.version}"
            todo += _required(metadata.requires or ())
    return tuple(found[key] for key in sorted(found))


def has_distribution(module: str) -> bool:
    """Say whether a module comes from an installed distribution."""
    return module.partition(".")[0] in packages_distributions()


def _required(lines: Iterable[str]) -> list[str]:
    names = []
    for line in lines:
        wanted, _, marker = line.partition(";")
        match = _NAME.match(wanted.strip())
        if match and not _EXTRA.search(marker):
            names.append(match.group())
    return names


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
