"""ONNX: graphs by anyone, looked at in a sandbox before they are opened here."""

from pathlib import Path

import msgspec

from golive.adapters.formats.onnx_child import Facts, Sent
from golive.control.sandbox.process import MEMORY_BYTES, Sandbox, SandboxError
from golive.errors import DataError, GoliveError
from golive.packaging.onnx_file import OnnxFile

LIMIT_S = 120.0
"""How long a file may take to be opened and tried."""
MOST_BYTES = (2 << 30) - 1
"""Protobuf's own limit."""
_COPIES = 8
"""So many times its own size a file may take in memory while it is looked at."""
_CHILD = "golive.adapters.formats.onnx_child"


class OnnxFormat:
    """Reads ``.onnx`` files."""

    name = "onnx"

    def recognizes(self, path: Path) -> bool:
        """Say whether a path is a file whose name ends in ``.onnx``."""
        return path.is_file() and path.suffix.lower() == ".onnx"

    def read(self, path: Path) -> OnnxFile:
        """Check a file in a sandbox, and give it with what it reads and gives.

        Raises:
            DataError: it is damaged, hostile, too big, or needs what is not there; the message says what to do.
        """
        if (size := path.stat().st_size) > MOST_BYTES:
            message = f"{path} has {size / 1e9:.1f} GB, more than the 2 GB that one ONNX file can hold; split the model"
            raise DataError(message)
        return checked(path.read_bytes(), str(path), folder=path.resolve().parent)


def checked(content: bytes, name: str, *, folder: Path | None = None, limit_s: float = LIMIT_S) -> OnnxFile:
    """Check a graph's bytes in a sandbox; ``name`` is what errors call it, ``folder`` where its data may stand.

    Raises:
        DataError: it cannot be served; the message says why and what to do.
    """
    sent = msgspec.msgpack.encode(Sent(content, str(folder) if folder else ""))
    try:
        with Sandbox(_CHILD, "handler", memory_bytes=MEMORY_BYTES + _COPIES * len(content)) as sandbox:
            facts = msgspec.msgpack.decode(sandbox.ask("check", sent, limit_s=limit_s), type=Facts)
    except SandboxError as error:
        message = f"{name} was opened in a process of its own, which {error}; it is damaged or made to do harm"
        raise DataError(message) from error
    except msgspec.DecodeError as error:
        message = f"{name} was opened in a process of its own, whose answer cannot be read ({error}); do not trust it"
        raise DataError(message) from error
    except GoliveError as error:
        message = f"{name} cannot be imported: {error.message}"
        raise DataError(message) from error
    return OnnxFile(
        content=facts.content or content,
        inputs=facts.inputs,
        outputs=facts.outputs,
        producer=facts.producer,
        notes=facts.notes,
    )
