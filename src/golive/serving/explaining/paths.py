"""Paths: how a worker names a version to the process that explains."""

from golive.domain.digest import Digest
from golive.domain.serving import Placed

_PARTS = 4


def inner_path(placed: Placed) -> bytes:
    """Give the path at which a version's requests are explained."""
    return f"/explain/{placed.name}/{placed.version}/{placed.bundle}".encode()


def placed_of(path: bytes) -> Placed | None:
    """Read it back; None for a path of another form."""
    parts = path.decode("utf-8", "replace").removeprefix("/").split("/")
    if len(parts) != _PARTS or parts[0] != "explain" or not parts[2].isdigit():
        return None
    return Placed(parts[1], int(parts[2]), Digest(parts[3]))
