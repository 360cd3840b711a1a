"""PyTorch: modules, TorchScript modules and ``torch.export`` programs, each written as ONNX by torch's own exporter.

The exporter runs in a forked process under a time limit; only its bytes come back. torch itself is imported when one of
its models arrives, never to look at another library's.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np

from golive import plugins
from golive.adapters.frameworks.forked import ForkedError, forked
from golive.adapters.frameworks.graph import OPSETS
from golive.adapters.frameworks.networks import Array, Ask, answers, table_form, undeclared
from golive.domain.network import Network, Reads
from golive.errors import NotConvertibleError
from golive.ports import Arrays, Converted, Float64, OpenAxes

LIMIT_S = 300.0
"""How long the exporter may take; usual is a few seconds."""
MODULE = ("torch.nn.modules.module", "Module")
PROGRAM = ("torch.export.exported_program", "ExportedProgram")
_TENSORS = "golive.adapters.frameworks.torch_tensors"
KERAS = "keras"
"""Keras on the torch backend makes modules too; they are the keras plug-in's."""


class TorchFramework:
    """Converts networks of PyTorch, and asks the originals."""

    name = "torch"

    def recognizes(self, model: object) -> bool:
        """Say whether this object is a network of PyTorch, declared with ``golive.network`` or bare."""
        kinds = type(model.module if isinstance(model, Network) else model).__mro__
        names = {(kind.__module__, kind.__name__) for kind in kinds}
        return bool(names & {MODULE, PROGRAM}) and not any(kind.__module__.startswith(KERAS) for kind in kinds)

    def convert(self, model: Any, sample: Any, *, target: str) -> Converted:
        """Convert a network declared with ``golive.network``.

        Args:
            model: The declared network.
            sample: Rows of the table, a DataFrame or an array ``[rows, columns]``.
            target: The name of what is predicted.

        Raises:
            NotConvertibleError: it is not declared, or torch cannot write it; the message says what to do.
        """
        if not isinstance(model, Network):
            raise undeclared(model)
        return table_form(
            model,
            sample,
            target=target,
            reads=model.reads or reads_of(model.module),
            ask=asker(model.module),
            write=lambda rows: onnx_of(model.module, rows),
        )

    def predict(self, model: Any, rows: Any) -> Float64:
        """Ask the original in inference mode: ``[rows, 1]`` values, or ``[rows, classes]`` probabilities."""
        return answers(model, rows, reads=model.reads or reads_of(model.module), ask=asker(model.module))

    def tensors(self, model: Any, example: Arrays, *, open_axes: OpenAxes, outputs: Sequence[str]) -> bytes:
        """Write a bare network as ONNX with the tensors that it reads and gives.

        Raises:
            NotConvertibleError: torch cannot write it, or it is declared as one that reads rows of a table.
        """
        graph: bytes = plugins.attribute(_TENSORS, "graph_of")(
            bare(model), example, open_axes=open_axes, outputs=outputs
        )
        return graph

    def ask_tensors(self, model: Any, feeds: Arrays, *, outputs: Sequence[str]) -> dict[str, Array]:
        """Ask the original in inference mode: arrays by name in, arrays by name out."""
        found: dict[str, Array] = plugins.attribute(_TENSORS, "ask")(bare(model), feeds, outputs=outputs)
        return found


def bare(model: Any) -> Any:
    """Give a network that nothing was declared about.

    Raises:
        NotConvertibleError: it is declared with ``golive.network``, so it reads rows of a table.
    """
    if not isinstance(model, Network):
        return model
    message = (
        "a network that is declared with golive.network reads rows of a table, [rows, columns]; give such a sample, "
        "or the bare network, which is then served with the tensors that it reads and gives"
    )
    raise NotConvertibleError(message)


def asker(module: Any) -> Ask:
    """Give a function that asks a module in inference mode: an array in, an array out.

    Raises:
        NotConvertibleError: the module gives something else than one tensor (when asked).
    """
    torch = plugins.library("torch")
    callable_module = callable_of(module)

    def ask(rows: Array) -> Array:
        if is_program(module) and not module.range_constraints:
            message = (
                "the program was exported for one number of rows; export it with dynamic_shapes="
                "({0: torch.export.Dim.DYNAMIC},), so that a table of any length goes through"
            )
            raise NotConvertibleError(message)
        with inference_mode(callable_module):
            answer = callable_module(torch.from_numpy(rows))
        if not isinstance(answer, torch.Tensor):
            message = (
                f"{type(module).__name__} gives a {type(answer).__name__}, and one tensor is needed; wrap it in a "
                "module whose forward gives that tensor"
            )
            raise NotConvertibleError(message)
        return np.asarray(answer.detach().numpy())

    return ask


def callable_of(module: Any) -> Any:
    """Give what can be called: the module itself, or the one inside a ``torch.export`` program."""
    return module.module() if is_program(module) else module


@contextmanager
def inference_mode(module: Any) -> Iterator[None]:
    """Hold a module in ``eval`` mode without gradients; afterwards each part is in the mode it was in."""
    torch = plugins.library("torch")
    training = [part for part in module.modules() if part.training]
    for part in training:
        part.training = False
    try:
        with torch.no_grad():
            yield
    finally:
        for part in training:
            part.training = True


def onnx_of(module: Any, rows: Array) -> bytes:
    """Write a module as ONNX whose number of rows is free, in another process.

    Raises:
        NotConvertibleError: torch cannot write it; the message is the exporter's.
    """
    plugins.library("onnxscript")  # names the extra where it is absent, and spares the forked process the import
    try:
        return forked(lambda: written(module, (rows,)), limit_s=LIMIT_S)
    except ForkedError as error:
        raise unwritten(type(module).__name__, str(error)) from error


def unwritten(name: str, why: str) -> NotConvertibleError:
    """Make the error that tells why torch's exporter gave nothing."""
    return NotConvertibleError(
        f"{name} is written by torch.onnx.export, which {why}; change the part that it names, or import an ONNX file "
        "that you wrote yourself"
    )


def written(module: Any, given: Sequence[Array]) -> bytes:
    """Write a module as ONNX; to be called in a process of its own.

    The first axes are free; a ``torch.export`` program keeps those free that are.
    """
    torch = plugins.library("torch")
    # A fork has none of the threads that a parallel region waits for.
    torch.set_num_threads(1)
    logging.getLogger("torch").setLevel(logging.ERROR)
    if is_program(module):
        program = torch.onnx.export(module, dynamo=True, opset_version=OPSETS[""], verbose=False)
        return bytes(program.model_proto.SerializeToString())
    tensors = tuple(torch.from_numpy(array) for array in given)
    write = _write_script if isinstance(module, torch.jit.ScriptModule) else _write
    with warnings.catch_warnings(), inference_mode(module):
        warnings.simplefilter("ignore")
        return write(torch, module, tensors)


def _write(torch: Any, module: Any, tensors: tuple[Any, ...]) -> bytes:
    program = torch.onnx.export(
        module,
        tensors,
        dynamo=True,
        opset_version=OPSETS[""],
        dynamic_shapes=tuple({0: torch.export.Dim.DYNAMIC} for _ in tensors),
        verbose=False,
    )
    return bytes(program.model_proto.SerializeToString())


def _write_script(torch: Any, module: Any, tensors: tuple[Any, ...]) -> bytes:
    """Write a TorchScript module by the older exporter, the only one that reads them."""
    file = BytesIO()
    free = {"rows": {0: "rows"}, "answers": {0: "rows"}}
    torch.onnx.export(
        module,
        tensors,
        file,
        dynamo=False,
        opset_version=OPSETS[""],
        input_names=["rows"],
        output_names=["answers"],
        dynamic_axes=free,
    )
    return file.getvalue()


def is_program(module: Any) -> bool:
    """Say whether this is a ``torch.export`` program."""
    return any((kind.__module__, kind.__name__) == PROGRAM for kind in type(module).__mro__)


def reads_of(module: Any) -> Reads:
    """Say in which dtype a network reads its rows: as its weights are.

    Raises:
        NotConvertibleError: they are not on the CPU, or not in single or double precision.
    """
    weights = list(module.state_dict.values() if is_program(module) else module.parameters())
    for device in {str(weight.device) for weight in weights} - {"cpu"}:
        message = f"{type(module).__name__} is on the device {device}; call .cpu() on it before it is packaged"
        raise NotConvertibleError(message)
    dtypes = {str(weight.dtype).removeprefix("torch.") for weight in weights if weight.is_floating_point()}
    match sorted(dtypes):
        case [] | ["float32"]:
            return "float32"
        case ["float64"]:
            return "float64"
        case found:
            message = f"{type(module).__name__} has weights in {', '.join(found)}; call .float() on it"
            raise NotConvertibleError(message)
