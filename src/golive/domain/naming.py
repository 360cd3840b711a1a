"""Names and references: how a person points at a model."""

import re

from golive.domain.digest import is_digest
from golive.errors import UsageError

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?")


def checked_name(name: str) -> str:
    """Give the name back, or raise UsageError when it cannot stand in URLs, files and labels.

    Raises:
        UsageError: the name has other characters than lower-case letters, digits, ``.``, ``_`` and ``-``.
    """
    if _NAME.fullmatch(name) is None:
        message = (
            f"name {name!r} cannot be used: 1 to 128 lower-case letters, digits, '.', '_' or '-' are needed, "
            "beginning and ending with a letter or digit"
        )
        raise UsageError(message)
    return name


def split_reference(reference: str) -> tuple[str, str]:
    """Read ``name``, ``name@version``, ``name:alias`` or a digest into (kind-free left, right) parts.

    Gives ``(digest, "")`` for a digest, ``(name, "")``, ``(name, "@3")`` or ``(name, ":champion")``.
    """
    if is_digest(reference):
        return reference, ""
    for mark in "@:":
        name, found, rest = reference.partition(mark)
        if found:
            return checked_name(name), mark + rest
    return checked_name(reference), ""
