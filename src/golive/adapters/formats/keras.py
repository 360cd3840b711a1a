"""Keras: ``.keras`` and whole-model ``.h5`` files, looked through before a sandbox loads them; safe mode throughout."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from golive import plugins
from golive.adapters.formats.archive import Archive, first_bytes, is_archive
from golive.adapters.formats.declared import declared
from golive.adapters.formats.onnx import checked
from golive.adapters.formats.tensor_form import as_tensors
from golive.domain.network import Network
from golive.errors import DataError
from golive.packaging.network_file import NetworkFile
from golive.packaging.onnx_file import OnnxFile

HDF5 = b"\x89HDF\r\n\x1a\n"
CONFIG = "config.json"
MOST_CONFIG_BYTES = 64 << 20
DEEPEST = 200


class KerasFormat:
    """Reads Keras 3 files, and older ``.h5`` files that hold a whole model."""

    name = "keras"

    def recognizes(self, path: Path) -> bool:
        """Say whether a path is a file with one of Keras' endings, and begins as its files do."""
        if not path.is_file():
            return False
        match path.suffix.lower():
            case ".keras":
                return True
            case ".h5" | ".hdf5":
                return first_bytes(path, len(HDF5)) == HDF5
        return False

    def read(self, path: Path) -> Network | OnnxFile:
        """Give a network with the declaration beside its file, or as the tensors that it reads and gives without one.

        Raises:
            DataError: it is damaged or hostile, holds weights alone, or layers that bring their own code.
            MissingExtraError: Keras is not installed.
        """
        file = self.network(path)
        return declared(file) or checked(as_tensors(file), str(path))

    def network(self, path: Path) -> NetworkFile:
        """Give the file, looked through.

        Raises:
            DataError: it is damaged or hostile, holds weights alone, or layers that bring their own code.
        """
        _check(path, _archived(path) if path.suffix.lower() == ".keras" else _older(path))
        return NetworkFile(path=path, kind="keras")


def _archived(path: Path) -> str:
    if not is_archive(path):
        message = f"{path} is no file of Keras 3; save the model with model.save('model.keras')"
        raise DataError(message)
    with Archive(path) as archive:
        if CONFIG not in archive.names:
            message = f"{path} has no {CONFIG}, so it holds weights without a model; save it with model.save(...)"
            raise DataError(message)
        return archive.text(CONFIG)


def _older(path: Path) -> str:
    library = plugins.library("h5py")
    try:
        with library.File(path, "r") as file:
            config = file.attrs.get("model_config", "")
            _check_links(file, path)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        message = f"{path} cannot be read as HDF5 ({error}); get a whole copy of it"
        raise DataError(message) from error
    if not config:
        message = f"{path} holds weights without a model; save the whole model with model.save('model.keras')"
        raise DataError(message)
    text = config.decode("utf-8", "replace") if isinstance(config, bytes) else str(config)
    if len(text) > MOST_CONFIG_BYTES:
        message = f"{path} describes its model in {len(text):,} letters; it is made to do harm"
        raise DataError(message)
    return text


def _check_links(group: Any, path: Path) -> None:
    """Refuse what would read other files."""
    library = plugins.library("h5py")
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, library.HardLink):
            message = f"{path} points to other places with {name!r}; save the model in one file of its own"
            raise DataError(message)
        inner = group[name]
        if isinstance(inner, library.Group):
            _check_links(inner, path)
        elif inner.external or inner.is_virtual:
            message = f"{path} keeps {name!r} in other files; save the model in one file of its own"
            raise DataError(message)


def _check(path: Path, text: str) -> None:
    """Hold a model's description against what Keras itself brings: every class and function is one of its own."""
    try:
        entries = list(_objects(json.loads(text)))
    except (ValueError, RecursionError) as error:
        message = f"the description of the model in {path} is no JSON ({type(error).__name__}); get a whole copy"
        raise DataError(message) from error
    for entry in entries:
        kind, module = str(entry.get("class_name", "")), entry.get("module") or ""
        if kind in {"Lambda", "__lambda__"}:
            message = f"{path} has a Lambda layer, which runs code of its author; write it as a layer of Keras' own"
            raise DataError(message)
        own = module in {"", "builtins"} or str(module).partition(".")[0] == "keras"
        if not own or entry.get("registered_name") not in {None, "", kind, *_names_of(entry)}:
            message = (
                f"{path} needs {module or entry.get('registered_name')}.{kind}, which is not Keras' own; import an "
                "ONNX file that you wrote where its code is"
            )
            raise DataError(message)


def _names_of(entry: dict[str, Any]) -> Iterator[str]:
    """Give the other names under which Keras registers its own things."""
    config = entry.get("config")
    if entry.get("class_name") == "function" and isinstance(config, str):
        yield config
    yield f"keras>{entry.get('class_name')}"


def _objects(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Give every object of a description that names a class, at any depth."""
    if depth > DEEPEST:
        message = "nested too deep"
        raise ValueError(message)
    if isinstance(value, dict):
        if isinstance(value.get("class_name"), str):
            yield value
        for inner in value.values():
            yield from _objects(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner, depth + 1)
