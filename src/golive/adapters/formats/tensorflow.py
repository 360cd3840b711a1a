"""TensorFlow: SavedModel folders and TFLite files are known, and sent the way that leads here: through ONNX."""

from pathlib import Path
from typing import NoReturn

from golive.adapters.formats.archive import first_bytes
from golive.errors import DataError

TFLITE = b"TFL3"
TFLITE_AT = 4


class TensorflowFormat:
    """Says what to do with files that only TensorFlow's own libraries, of gigabytes, can read."""

    name = "tensorflow"

    def recognizes(self, path: Path) -> bool:
        """Say whether a path is a SavedModel folder or a TFLite file."""
        return _is_saved_model(path) or _is_tflite(path)

    def read(self, path: Path) -> NoReturn:
        """Say how the model becomes an ONNX file.

        Raises:
            DataError: always; the message is the way.
        """
        kind, option = ("TFLite file", "--tflite") if _is_tflite(path) else ("SavedModel", "--saved-model")
        message = (
            f"{path} is a {kind}, which only TensorFlow can read; in an environment of its own, pip install tf2onnx "
            f"tensorflow-cpu and python -m tf2onnx.convert {option} {path} --output model.onnx, then import model.onnx"
        )
        raise DataError(message)


def _is_saved_model(path: Path) -> bool:
    return path.is_dir() and any((path / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt"))


def _is_tflite(path: Path) -> bool:
    return path.is_file() and (
        path.suffix.lower() == ".tflite" or first_bytes(path, TFLITE_AT + len(TFLITE))[TFLITE_AT:] == TFLITE
    )
