"""Keras as tensors: a model with the inputs and outputs that it has, written as ONNX through torch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive import plugins
from golive.adapters.frameworks.keras import on_torch
from golive.adapters.frameworks.torch_tensors import Call, answered, written, written_elsewhere
from golive.errors import NotConvertibleError
from golive.ports import Arrays, OpenAxes


def graph_of(model: Any, example: Arrays, *, open_axes: OpenAxes, outputs: Sequence[str]) -> bytes:
    """Write a model as ONNX, in another process.

    Args:
        model: A Keras model on its torch backend.
        example: Its inputs, by their names, or else in their order.
        open_axes: Axes whose length is only known of a request.
        outputs: Names for what it gives.

    Raises:
        NotConvertibleError: it cannot be written; the message is the exporter's.
    """
    names = tuple(ask(model, example, outputs=outputs))
    return written_elsewhere(lambda: written_here(model, example, open_axes, names), type(model).__name__)


def written_here(model: Any, example: Arrays, open_axes: OpenAxes, outputs: Sequence[str]) -> bytes:
    """Write a model as ONNX; to be called in a process of its own."""
    return written(_module(model), call_of(model, example), example, open_axes, outputs)


def ask(model: Any, feeds: Arrays, *, outputs: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Ask a model in inference mode: arrays by name in, arrays by name out.

    Raises:
        NotConvertibleError: it runs on another backend, or gives something that is no tensor.
        ValueError: it cannot answer these.
    """
    on_torch(model)
    return answered(call_of(model, feeds), _module(model), feeds, tuple(outputs) or output_names(model))


def call_of(model: Any, feeds: Arrays) -> Call:
    """Give the way to call a model with these inputs.

    Raises:
        NotConvertibleError: it has another number of inputs.
    """
    names = [str(one.name) for one in getattr(model, "inputs", None) or ()]
    if names and len(names) != len(feeds):
        message = f"{type(model).__name__} reads {names}, and the sample has {list(feeds)}; give an array for each"
        raise NotConvertibleError(message)
    order = names if set(names) == set(feeds) else list(feeds)

    def call(tensors: Mapping[str, Any]) -> Any:
        given = [tensors[name] for name in order]
        return model(_structured(model, given, order), training=False)

    return call


def output_names(model: Any) -> tuple[str, ...]:
    """Give the names of a model's outputs, where it has several and each has one of its own."""
    names = tuple(str(name) for name in getattr(model, "output_names", None) or ())
    return names if len(names) > 1 and len(set(names)) == len(names) else ()


def _structured(model: Any, given: list[Any], order: list[str]) -> Any:
    """Give inputs in the structure that a functional model was made with: alone, in a list, or by name."""
    structure = getattr(model, "_inputs_struct", None)
    if isinstance(structure, Mapping):
        named = {str(one.name): key for key, one in structure.items()}
        return {named.get(name, key): value for name, key, value in zip(order, structure, given, strict=True)}
    return given[0] if len(given) == 1 else given


def _module(model: Any) -> Any:
    """Give what torch can hold in inference mode: on its backend a model is a module of torch itself."""
    torch = plugins.library("torch")
    if not isinstance(model, torch.nn.Module):
        message = f"{type(model).__name__} is no module of torch; set KERAS_BACKEND to torch before keras is imported"
        raise NotConvertibleError(message)
    return model
