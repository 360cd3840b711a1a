"""PyTorch: TorchScript and ``torch.export`` files, looked through before a sandbox loads them.

A ``torch.export`` file is text that torch resolves by name and, for sizes, hands to a parser that evaluates it; both
are held against lists of what a network needs. A TorchScript file is a program in a language of its own; what touches
files there is refused. Files that are pickles (``torch.save``) run code when they are loaded and are refused.
"""

import json
import pickletools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from golive.adapters.formats.archive import Archive, first_bytes, is_archive
from golive.adapters.formats.declared import declared, undeclared
from golive.adapters.formats.onnx import checked
from golive.adapters.formats.tensor_form import as_tensors
from golive.domain.network import Network
from golive.errors import DataError
from golive.packaging.network_file import NetworkFile
from golive.packaging.onnx_file import OnnxFile

SUFFIXES = {".pt", ".pth", ".pt2", ".jit", ".ts", ".ckpt", ".safetensors"}
PICKLE = b"\x80"
OPERATOR = re.compile(
    r"torch\.ops\.aten\.(?!from_file)[a-zA-Z_0-9]+\.[a-zA-Z_0-9]+|torch\.sym_[a-z]+"
    r"|_operator\.(add|sub|mul|floordiv|truediv|mod|neg|pow|and_|or_|not_|eq|ne|ge|gt|le|lt|getitem)"
    r"|math\.(ceil|floor|trunc|sqrt)"
)
"""What a node of a ``torch.export`` program may call."""
SIZE = re.compile(
    r"(?:'[su]\d++'|[su]\d++|Symbol|Integer|Rational|Float|Add|Mul|Pow|Max|Min|Mod|PythonMod|FloorDiv|CeilDiv"
    r"|ModularIndexing|Equality|Unequality|GreaterThan|LessThan|StrictGreaterThan|StrictLessThan|And|Or|Not|Eq|Ne"
    r"|positive|nonnegative|integer|real|True|False|oo|int_oo|\d|[-+*/(), <>=!&|~])*+"
)
"""What an expression of a size may be made of. Without a way back, so that no text takes long."""
TOUCHES_FILES = re.compile(r"\b(from_file|aten::save|torch\.save)\b")
OF_WEIGHTS = ("torch._utils _rebuild", "torch Float", "torch Double", "torch Half", "torch BFloat16", "torch Long",
              "torch Int", "torch Bool", "torch Byte", "collections OrderedDict")  # fmt: skip
"""What the pickle of nothing but tensors calls."""
DEEPEST = 200
EXPORT_REMEDY = (
    "where its classes are at hand, write torch.export.save(torch.export.export(model.eval(), (example,)), "
    "'model.pt2') and import that"
)


class TorchFormat:
    """Reads TorchScript and ``torch.export`` files, and says what to do with the others of PyTorch."""

    name = "torch"

    def recognizes(self, path: Path) -> bool:
        """Say whether a path is a file with one of PyTorch's endings, and begins as its files do."""
        if not path.is_file() or path.suffix.lower() not in SUFFIXES:
            return False
        return path.suffix.lower() == ".safetensors" or is_archive(path) or first_bytes(path, 1) == PICKLE

    def read(self, path: Path) -> Network | OnnxFile:
        """Give a network with the declaration beside its file, or a ``torch.export`` program as tensors without one.

        Raises:
            DataError: it is damaged or hostile, a pickle, weights alone, or says too little of itself.
            MissingExtraError: torch is not installed.
        """
        file = self.network(path)
        if (found := declared(file)) is not None:
            return found
        if file.kind == "torchscript":
            raise undeclared(path, "a TorchScript file")
        return checked(as_tensors(file), str(path))

    def network(self, path: Path) -> NetworkFile:
        """Give the file, looked through.

        Raises:
            DataError: it is damaged or hostile, a pickle, or weights alone.
        """
        if not is_archive(path):
            weights = path.suffix.lower() == ".safetensors"
            raise _refused(path, "holds weights without a network" if weights else "is a pickle of an old PyTorch")
        with Archive(path) as archive:
            return NetworkFile(path=path, kind=_kind(archive))


def _kind(archive: Archive) -> Any:
    """Say which kind of file an archive is, once its parts are looked through."""
    inside = {name.partition("/")[2]: name for name in archive.names}
    if "archive_format" in inside:
        _check_program(archive, inside)
        return "torch.export"
    if "constants.pkl" in inside:
        _check_script(archive, inside)
        return "torchscript"
    if "serialized_exported_program.json" in {*archive.names, *inside}:
        message = f"{archive.path} was written by torch.export of a PyTorch before 2.8; save it anew with a newer one"
        raise DataError(message)
    if "data.pkl" in inside:
        raise _refused(archive.path, _pickled(archive, inside["data.pkl"]))
    message = f"{archive.path} is a zip file without a network of PyTorch in it; check that it is the right file"
    raise DataError(message)


def _pickled(archive: Archive, name: str) -> str:
    """Say what a pickle holds, by the names that its opcodes call; it is not loaded."""
    try:
        called = {str(value) for code, value, _ in pickletools.genops(archive.content(name)) if code.name == "GLOBAL"}
    except ValueError as error:
        message = f"{archive.path} is no whole pickle ({error}); get a whole copy of it"
        raise DataError(message) from error
    own = sorted(name.replace(" ", ".") for name in called if not name.startswith(OF_WEIGHTS))
    if not own:
        return "holds weights without a network: load them into it first (load_state_dict)"
    return f"is a pickle, and loading one runs code (it would call {', '.join(own[:5])})"


def _refused(path: Path, what: str) -> DataError:
    return DataError(f"{path} {what}; {EXPORT_REMEDY}")


def _check_script(archive: Archive, inside: dict[str, str]) -> None:
    for short, name in inside.items():
        if short.startswith("code/") and short.endswith(".py") and TOUCHES_FILES.search(archive.text(name)):
            message = f"the program in {archive.path} reads or writes files ({short}), which no network needs"
            raise DataError(message)


def _check_program(archive: Archive, inside: dict[str, str]) -> None:
    """Hold a program against what a network needs: plain weights, known operators, sizes that are arithmetic."""
    for short, name in inside.items():
        if short.endswith(".json"):
            for key, value in _entries(_json(archive, name)):
                _check_entry(archive.path, key, value)
        elif short.startswith(("data/aotinductor", "extra/aot")) or short.endswith((".so", ".cubin")):
            message = f"{archive.path} holds compiled code ({short}); export the network without compiling it"
            raise DataError(message)


def _check_entry(path: Path, key: str, value: Any) -> None:
    if key == "use_pickle" and value is not False:
        message = f"{path} holds a pickle, and loading one runs code; export the network with plain tensors as weights"
    elif key == "target" and isinstance(value, str) and not OPERATOR.fullmatch(value):
        message = f"{path} calls {value[:80]!r}, which is no operator of a network; write it as ONNX and import that"
    elif key == "expr_str" and not (isinstance(value, str) and SIZE.fullmatch(value)):
        message = f"{path} has a size {str(value)[:80]!r}, which is no arithmetic; export the network anew"
    else:
        return
    raise DataError(message)


def _entries(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Give every key of a document with its value, at any depth."""
    if depth > DEEPEST:
        message = f"a document in the file is nested deeper than {DEEPEST}; it is made to do harm"
        raise DataError(message)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _entries(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _entries(inner, depth + 1)


def _json(archive: Archive, name: str) -> Any:
    try:
        return json.loads(archive.text(name))
    except (ValueError, RecursionError) as error:
        message = f"{name!r} in {archive.path} is no JSON ({type(error).__name__}); get a whole copy of the file"
        raise DataError(message) from error
