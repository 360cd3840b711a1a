"""Origin: where a model from elsewhere comes from."""

from collections.abc import Mapping
from pathlib import Path

from golive.control.rooms import code_version, environment
from golive.domain.bundle import Lineage
from golive.domain.digest import digest_of


def lineage_of(path: Path, kind: str, data: dict[str, str], versions: Mapping[str, str] | None = None) -> Lineage:
    """Say where a model comes from: its file, what it is, the sample, and the libraries here and then."""
    files = {path.name: digest_of(path.read_bytes())} if path.is_file() else {}
    return Lineage(data=files | data, code=code_version(), environment=environment() | dict(versions or {}), model=kind)
