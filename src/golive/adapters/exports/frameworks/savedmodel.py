"""Export ``savedmodel``: the graph as a SavedModel, which TensorFlow and TensorFlow Serving load."""

from collections.abc import Mapping
from pathlib import Path

from golive.adapters.exports.frameworks.tensorflow_form import TensorflowForm
from golive.domain.bundle import Bundle

_USE = """```python
import tensorflow as tf

model = tf.saved_model.load("saved_model")
answers = model.signatures["serving_default"](**inputs)  # tensors by name in and out
```

TensorFlow Serving takes the folder as version 1: `MODEL_BASE_PATH/NAME/1/` is a copy of `saved_model`.
"""


class SavedModelExport:
    """Writes ``saved_model``, ``model.json``, ``parity.json``, ``check.py`` and a README."""

    name = "savedmodel"

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Write the model once it answers as golive does, in the precision of the graph; there are no options.

        Raises:
            NotConvertibleError: an operator of the graph is not in the table, or the bundle holds no graph.
            ParityError: the model answers differently.
            UnavailableError: the environment with TensorFlow cannot be made here.
        """
        form = TensorflowForm(
            name=self.name,
            written="saved_model",
            is_narrow=False,
            libraries="numpy\ntensorflow-cpu>=2.16\n",
            use=_USE,
        )
        return form.write(bundle, files, folder, options)
