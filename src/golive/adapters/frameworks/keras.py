"""Keras 3: models on its torch backend, written as ONNX through torch; TensorFlow is not needed.

Keras itself is imported when one of its models arrives.
"""

from collections.abc import Sequence
from typing import Any, cast

import msgspec
import numpy as np

from golive import plugins
from golive.adapters.frameworks.networks import TYPES, Array, Ask, answers, table_form, undeclared
from golive.adapters.frameworks.torch import bare, onnx_of
from golive.domain.network import Network, Reads
from golive.errors import NotConvertibleError
from golive.ports import Arrays, Converted, Float64, OpenAxes

BACKEND = "torch"
_TENSORS = "golive.adapters.frameworks.keras_tensors"


class KerasFramework:
    """Converts networks of Keras, and asks the originals."""

    name = "keras"

    def recognizes(self, model: object) -> bool:
        """Say whether this object is a Keras 3 model, declared with ``golive.network`` or bare."""
        kinds = type(model.module if isinstance(model, Network) else model).__mro__
        return any(kind.__module__.startswith("keras.") and kind.__name__ == "Model" for kind in kinds)

    def convert(self, model: Any, sample: Any, *, target: str) -> Converted:
        """Convert a model declared with ``golive.network``; its shape may be left to the model's own input.

        Args:
            model: The declared model. One that was never called is called once, on rows of the sample.
            sample: Rows of the table, a DataFrame or an array ``[rows, columns]``.
            target: The name of what is predicted.

        Raises:
            NotConvertibleError: it is not declared, runs on another backend, or cannot be written.
        """
        if not isinstance(model, Network):
            raise undeclared(model)
        return table_form(
            with_shape(model, shape_of(model.module)),
            sample,
            target=target,
            reads=model.reads or reads_of(model.module),
            ask=asker(model.module),
            write=lambda rows: onnx_of(plain(model.module), rows),
        )

    def predict(self, model: Any, rows: Any) -> Float64:
        """Ask the original in inference mode: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities."""
        declared = with_shape(model, shape_of(model.module))
        return answers(declared, rows, reads=model.reads or reads_of(model.module), ask=asker(model.module))

    def tensors(self, model: Any, example: Arrays, *, open_axes: OpenAxes, outputs: Sequence[str]) -> bytes:
        """Write a bare model as ONNX with the tensors that it reads and gives.

        Raises:
            NotConvertibleError: it runs on another backend, cannot be written, or is declared for rows of a table.
        """
        graph: bytes = plugins.attribute(_TENSORS, "graph_of")(
            bare(model), example, open_axes=open_axes, outputs=outputs
        )
        return graph

    def ask_tensors(self, model: Any, feeds: Arrays, *, outputs: Sequence[str]) -> dict[str, Array]:
        """Ask the original in inference mode: arrays by name in, arrays by name out."""
        found: dict[str, Array] = plugins.attribute(_TENSORS, "ask")(bare(model), feeds, outputs=outputs)
        return found


def asker(model: Any) -> Ask:
    """Give a function that asks a model in inference mode."""
    keras = on_torch(model)
    torch = plugins.library("torch")

    def ask(rows: Array) -> Array:
        with torch.no_grad():
            answer = model(rows, training=False)
        if not isinstance(answer, torch.Tensor):
            message = f"{type(model).__name__} gives a {type(answer).__name__}, and one output is needed"
            raise NotConvertibleError(message)
        return np.asarray(keras.ops.convert_to_numpy(answer))

    return ask


def on_torch(model: Any) -> Any:
    """Give Keras, which must run on torch.

    Raises:
        NotConvertibleError: it runs on another backend.
    """
    keras = plugins.library("keras")
    if keras.backend.backend() == BACKEND:
        return keras
    message = (
        f"{type(model).__name__} runs on Keras' backend {keras.backend.backend()!r}, from which no graph can be "
        "written; save it as a .keras file and open that where KERAS_BACKEND is torch"
    )
    raise NotConvertibleError(message)


def plain(model: Any) -> Any:
    """Put a model under one plain argument: torch's exporter cannot read the signature of Keras' own call."""
    torch = plugins.library("torch")

    class Inference(torch.nn.Module):  # type: ignore[misc, name-defined]
        """A Keras model in inference mode."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, rows: Any) -> Any:
            return self.model(rows, training=False)

    return Inference()


def shape_of(model: Any) -> tuple[int, ...]:
    """Read the shape of a row from a model's own input; empty where it is flat or not known.

    Raises:
        NotConvertibleError: it reads several inputs.
    """
    inputs = _inputs(model)
    if len(inputs) > 1:
        message = f"{type(model).__name__} reads {len(inputs)} inputs, and a row of a table enters by one"
        raise NotConvertibleError(message)
    shape = tuple(inputs[0].shape[1:]) if inputs else ()
    return () if len(shape) == 1 or None in shape else shape


def with_shape(declared: Network, own: tuple[int, ...]) -> Network:
    """Give a declaration with the model's own shape where it names none."""
    return declared if declared.shape or not own else msgspec.structs.replace(declared, shape=own)


def reads_of(model: Any) -> Reads:
    """Say in which dtype a model reads its rows.

    Raises:
        NotConvertibleError: a row of numbers cannot be cast to it.
    """
    inputs = _inputs(model)
    reads = str(inputs[0].dtype) if inputs else "float32"
    if reads not in TYPES:
        message = f"{type(model).__name__} reads {reads}, and a row of a table can be cast to {', '.join(TYPES)}"
        raise NotConvertibleError(message)
    return cast("Reads", reads)


def _inputs(model: Any) -> list[Any]:
    """Give a model's symbolic inputs, where it has any yet."""
    return list(getattr(model, "inputs", None) or ())
