"""TensorFlow: a SavedModel or TFLite file as a table, compared with the file's own answers where TensorFlow is."""

import weakref
from typing import Any

from golive.adapters.frameworks.inputs import frame_of
from golive.adapters.frameworks.onnx_model import Arrays, AskedGraph, OnnxFramework
from golive.control.sandbox.tensorflow import OpenTensorflow, TensorflowFile
from golive.ports import Converted, Float64


class TensorflowFramework:
    """Puts the graph that a file became behind golive's table form, and asks the file as it is."""

    name = "tensorflow"

    def __init__(self) -> None:
        self._opened: tuple[TensorflowFile, OpenTensorflow] | None = None

    def recognizes(self, model: object) -> bool:
        """Say whether this object is a converted SavedModel or TFLite file."""
        return isinstance(model, TensorflowFile)

    def convert(self, model: TensorflowFile, sample: Any, *, target: str) -> Converted:
        """Write casts around the graph, as for any ONNX file.

        Raises:
            NotConvertibleError: the graph is not of the table form; the message names what stands in the way.
        """
        return OnnxFramework().convert(model, sample, target=target)

    def predict(self, model: TensorflowFile, rows: Any) -> Float64:
        """Ask the file itself: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities."""
        opened = self._open(model)

        def run(outputs: list[str], feeds: Arrays) -> list[Any]:
            found = opened.ask(feeds)
            return [found[name] for name in outputs]

        return AskedGraph(model, run).answers(frame_of(rows))

    def _open(self, model: TensorflowFile) -> OpenTensorflow:
        """Give the opened file; its process ends with this framework."""
        if self._opened is None or self._opened[0] is not model:
            opened = OpenTensorflow(model.asked, size=model.size)
            weakref.finalize(self, opened.close)
            self._opened = (model, opened)
        return self._opened[1]
