"""Export ``tflite``: the graph as a TFLite (LiteRT) file in float32, with TFLite's own operators only."""

from collections.abc import Mapping
from pathlib import Path

from golive.adapters.exports.frameworks.tensorflow_form import TensorflowForm
from golive.domain.bundle import Bundle

_USE = """```python
from ai_edge_litert.interpreter import Interpreter

model = Interpreter(model_path="model.tflite").get_signature_runner()
answers = model(**inputs)  # arrays by name in and out
```

It has TFLite's own operators only, so no part of TensorFlow is needed beside it.
"""


class TfliteExport:
    """Writes ``model.tflite``, ``model.json``, ``parity.json``, ``check.py`` and a README."""

    name = "tflite"

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Write the model once it answers as golive does to numbers that float32 has; there are no options.

        Raises:
            NotConvertibleError: a part of the graph has no form in TFLite, or the bundle holds no graph.
            ParityError: float32 is not enough for this model; the message has the row.
            UnavailableError: the environment with TensorFlow cannot be made here.
        """
        form = TensorflowForm(
            name=self.name,
            written="model.tflite",
            is_narrow=True,
            libraries="ai-edge-litert\nnumpy\n",
            use=_USE,
        )
        return form.write(bundle, files, folder, options)
