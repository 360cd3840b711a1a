"""Declared: the file beside a network's file that says what the network gives, as ``golive.network`` would."""

from pathlib import Path
from typing import Any

import msgspec

from golive.domain.network import Gives, Label, Network, Reads, network
from golive.errors import DataError, UsageError
from golive.packaging.network_file import NetworkFile

SUFFIX = ".golive.json"
MOST_BYTES = 1 << 20


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may stand in it; see :func:`golive.domain.network.network`."""

    gives: Gives
    classes: tuple[Label, ...] = ()
    shape: tuple[int, ...] = ()
    scale: float = 1.0
    shift: float = 0.0
    reads: Reads = ""


def declared(file: NetworkFile) -> Network | None:
    """Give a network file with its declaration, or None where there is no declaration.

    Raises:
        DataError: the declaration cannot be read.
    """
    beside = place(file.path)
    if not beside.is_file():
        return None
    try:
        with beside.open("rb") as opened:
            told = msgspec.json.decode(opened.read(MOST_BYTES), type=Declaration)
        fields: dict[str, Any] = msgspec.structs.asdict(told)
        return network(file, **fields)
    except (msgspec.DecodeError, UsageError) as error:
        message = f"{beside} does not say what the network gives ({error}); docs/packaging.md (Networks) shows how"
        raise DataError(message) from error


def place(path: Path) -> Path:
    """Say where the declaration of a file stands."""
    return path.with_name(path.name + SUFFIX)


def undeclared(path: Path, what: str) -> DataError:
    """Make the error for a file that says too little of itself."""
    return DataError(
        f"{path} is {what}, which does not say what it gives; put a file {place(path).name} beside it, such as "
        '{"gives": "logits", "classes": ["no", "yes"], "shape": [1, 8, 8]} or {"gives": "values"}, or give --sample '
        "FILE.npz with an array for each of its inputs: it is then served as the tensors that it reads and gives"
    )
