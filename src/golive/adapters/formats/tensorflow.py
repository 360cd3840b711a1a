"""TensorFlow: SavedModel folders and TFLite files, looked through here and converted in an environment of their own."""

from pathlib import Path

from golive.adapters.formats.archive import first_bytes
from golive.adapters.formats.onnx import checked
from golive.adapters.formats.saved_model import GRAPH, saved_model_facts
from golive.adapters.formats.tflite import MAGIC, MAGIC_AT, check_tflite
from golive.control.sandbox.tensorflow import Asked, OpenTensorflow, TensorflowFile


class TensorflowFormat:
    """Reads SavedModel folders and TFLite files; what a server could not do with them is refused before anything."""

    name = "tensorflow"

    def recognizes(self, path: Path) -> bool:
        """Say whether a path is a SavedModel folder or a TFLite file."""
        return _is_saved_model(path) or _is_tflite(path)

    def read(self, path: Path) -> TensorflowFile:
        """Give the graph that the file becomes, once both answered the same on made-up inputs.

        Raises:
            DataError: it is damaged or hostile, or its answer keeps state, touches files or calls Python.
            NotConvertibleError: an operator has no form in ONNX; it is named.
            ParityError: the graph answers differently.
            UnavailableError: the environment with TensorFlow cannot be made here.
        """
        asked = described(path)
        size = _size(path)
        with OpenTensorflow(asked, size=size) as opened:
            made = opened.made()
        file = checked(made.content, str(path))
        return TensorflowFile(
            content=file.content,
            inputs=file.inputs,
            outputs=file.outputs,
            producer=file.producer,
            notes=(made.compared, *file.notes),
            compared=made.compared,
            difference=made.difference,
            asked=asked,
            size=size,
        )


def described(path: Path) -> Asked:
    """Look through a file without TensorFlow, and say what it is to be asked.

    Raises:
        DataError: it is damaged, or could not be served.
    """
    place = str(path.resolve())
    if _is_tflite(path):
        check_tflite(path)
        return Asked(place, "TFLite")
    facts = saved_model_facts(path)
    return Asked(place, "SavedModel", facts.signature, facts.operators)


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(one.stat().st_size for one in files)


def _is_saved_model(path: Path) -> bool:
    return path.is_dir() and any((path / name).is_file() for name in (GRAPH, f"{GRAPH}txt"))


def _is_tflite(path: Path) -> bool:
    return path.is_file() and (
        path.suffix.lower() == ".tflite" or first_bytes(path, MAGIC_AT + len(MAGIC))[MAGIC_AT:] == MAGIC
    )
