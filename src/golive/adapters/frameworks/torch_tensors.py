"""PyTorch as tensors: a network with the inputs and outputs that it has, written as ONNX by torch's own exporter."""

import inspect
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import onnx

from golive import plugins
from golive.adapters.frameworks.forked import ForkedError, forked
from golive.adapters.frameworks.graph import OPSETS
from golive.adapters.frameworks.named_tensors import named
from golive.adapters.frameworks.networks import without_notes
from golive.adapters.frameworks.torch import LIMIT_S, callable_of, inference_mode, is_program, unwritten
from golive.errors import NotConvertibleError
from golive.ports import Arrays, OpenAxes

Call = Callable[[Mapping[str, Any]], Any]
"""Ask a network for tensors by name; it gives whatever it gives."""


def graph_of(module: Any, example: Arrays, *, open_axes: OpenAxes, outputs: Sequence[str]) -> bytes:
    """Write a module as ONNX, in another process.

    Args:
        module: A ``torch.nn.Module``, a TorchScript module or a ``torch.export`` program.
        example: Its inputs, by the names of its arguments, or else in their order.
        open_axes: Axes whose length is only known of a request; a ``torch.export`` program keeps those it has.
        outputs: Names for what it gives.

    Raises:
        NotConvertibleError: torch cannot write it; the message is the exporter's.
    """
    names = tuple(ask(module, example, outputs=outputs))
    return written_elsewhere(
        lambda: written(module, call_of(module, example), example, open_axes, names), type(module).__name__
    )


def written_elsewhere(work: Callable[[], bytes], name: str) -> bytes:
    """Have a network written in a process that can be stopped, and leave out where that was done.

    Raises:
        NotConvertibleError: it gave nothing; the message says why.
    """
    plugins.library("onnxscript")  # names the extra where it is absent, and spares the forked process the import
    try:
        return forked(work, limit_s=LIMIT_S)
    except ForkedError as error:
        raise unwritten(name, f"{error} (open axes are declared with open_axes={{name: (axis, ...)}})") from error


def ask(module: Any, feeds: Arrays, *, outputs: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Ask a module in inference mode: arrays by name in, arrays by name out.

    Raises:
        NotConvertibleError: it gives something that is no tensor of a type that numpy has.
        ValueError: it cannot answer these.
    """
    return answered(call_of(module, feeds), callable_of(module), feeds, outputs)


def answered(call: Call, module: Any, feeds: Arrays, outputs: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Ask by a call, with a module held in inference mode."""
    torch = plugins.library("torch")
    try:
        given = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in feeds.items()}
    except TypeError as error:
        message = f"torch has no tensors like these ({error}); texts must become numbers before the network"
        raise NotConvertibleError(message) from error
    try:
        with inference_mode(module), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = call(given)
    except (RuntimeError, IndexError, AssertionError, TypeError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        message = f"{type(error).__name__}: {reason}"
        raise ValueError(message) from error
    tensors = named(answer, lambda part: isinstance(part, torch.Tensor), inputs=tuple(feeds), outputs=outputs)
    return {name: _array(name, tensor) for name, tensor in tensors.items()}


def call_of(module: Any, feeds: Arrays) -> Call:
    """Give the way to call a module with these inputs: by the names of its arguments, or else in their order.

    Raises:
        NotConvertibleError: a TorchScript module or program does not have them in a row.
    """
    found = callable_of(module)
    arguments = _arguments(module, found)
    if not set(feeds) <= set(arguments):
        return lambda tensors: found(*tensors.values())
    if _is_plain(module):
        return lambda tensors: found(**tensors)
    order = [name for name in arguments if name in feeds]
    if order != arguments[: len(order)]:
        message = f"the network's arguments are {arguments}, and the sample has {order}; give all before the last too"
        raise NotConvertibleError(message)
    return lambda tensors: found(*(tensors[name] for name in order))


def written(module: Any, call: Call, example: Arrays, open_axes: OpenAxes, outputs: Sequence[str]) -> bytes:
    """Write a network as ONNX; to be called in a process of its own."""
    torch = plugins.library("torch")
    # A fork has none of the threads that a parallel region waits for.
    torch.set_num_threads(1)
    logging.getLogger("torch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if is_program(module):
            content = _of_program(torch, module, example, outputs)
        elif isinstance(module, torch.jit.ScriptModule):
            content = _of_script(torch, module, example, open_axes, outputs)
        else:
            content = _of_module(torch, module, call, example, open_axes, outputs)
    model = onnx.load_model_from_string(content)
    without_notes(model)
    return bytes(model.SerializeToString())


def _of_module(
    torch: Any, module: Any, call: Call, example: Arrays, open_axes: OpenAxes, outputs: Sequence[str]
) -> bytes:
    names = list(example)

    class Positional(torch.nn.Module):  # type: ignore[misc]
        """A network that reads its tensors in order, and gives them in order."""

        def __init__(self) -> None:
            super().__init__()
            self.network = module

        def forward(self, *tensors: Any) -> tuple[Any, ...]:
            answer = call(dict(zip(names, tensors, strict=True)))
            found = named(answer, lambda part: isinstance(part, torch.Tensor), inputs=names, outputs=outputs)
            return tuple(found.values())

    free = torch.export.Dim.DYNAMIC
    positional = Positional()
    with inference_mode(positional):
        program = torch.onnx.export(
            positional,
            tuple(torch.from_numpy(array) for array in example.values()),
            dynamo=True,
            opset_version=OPSETS[""],
            dynamic_shapes={"tensors": tuple(dict.fromkeys(open_axes.get(name, ()), free) for name in names)},
            input_names=names,
            output_names=list(outputs),
            verbose=False,
        )
    return bytes(program.model_proto.SerializeToString())


def _of_program(torch: Any, program: Any, example: Arrays, outputs: Sequence[str]) -> bytes:
    names = _in_order(program, example)
    found = torch.onnx.export(
        program, dynamo=True, opset_version=OPSETS[""], input_names=names, output_names=list(outputs), verbose=False
    )
    return bytes(found.model_proto.SerializeToString())


def _of_script(torch: Any, module: Any, example: Arrays, open_axes: OpenAxes, outputs: Sequence[str]) -> bytes:
    """Write a TorchScript module by the older exporter, the only one that reads them."""
    names = _in_order(module, example)
    file = BytesIO()
    with inference_mode(module):
        torch.onnx.export(
            module,
            tuple(torch.from_numpy(example[name]) for name in names),
            file,
            dynamo=False,
            opset_version=OPSETS[""],
            input_names=names,
            output_names=list(outputs),
            dynamic_axes={name: {axis: f"{name}_{axis}" for axis in axes} for name, axes in open_axes.items() if axes},
        )
    return file.getvalue()


def _in_order(module: Any, example: Arrays) -> list[str]:
    arguments = _arguments(module, callable_of(module))
    return [name for name in arguments if name in example] if set(example) <= set(arguments) else list(example)


def _arguments(module: Any, found: Any) -> list[str]:
    schema = getattr(getattr(module, "forward", None), "schema", None)
    if schema is not None:
        return [argument.name for argument in schema.arguments if argument.name != "self"]
    return list(inspect.signature(found.forward).parameters)


def _is_plain(module: Any) -> bool:
    return not is_program(module) and not isinstance(module, plugins.library("torch").jit.ScriptModule)


def _array(name: str, tensor: Any) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(tensor.detach().numpy())
    except (TypeError, RuntimeError) as error:
        message = (
            f"the network's output {name!r} is {tensor.dtype}, which cannot be served ({error}); cast it to float32"
        )
        raise NotConvertibleError(message) from error
