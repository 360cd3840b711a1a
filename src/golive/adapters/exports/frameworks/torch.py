"""Export ``torch``: the graph as a program of ``torch.export``, which PyTorch loads without golive."""

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from golive.adapters.exports.companions.refusing import check_carried
from golive.adapters.exports.context import checked_options, pinned, write_all
from golive.adapters.exports.frameworks.forms import Cases, cases_of, companions, inputs_text, program_of, prove
from golive.adapters.graphs.program import Program
from golive.adapters.graphs.torch_backend import TorchBackend
from golive.domain.bundle import Bundle
from golive.errors import NotConvertibleError

_LIBRARIES = ("numpy", "torch")


class TorchExport:
    """Writes ``model.pt2``, ``model.json``, ``parity.json``, ``check.py`` and a README."""

    name = "torch"

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Write the program once it answers as golive does; there are no options.

        Raises:
            NotConvertibleError: an operator of the graph is not in the table, or the bundle holds no graph.
            ParityError: the program answers differently.
        """
        checked_options(options)
        check_carried(bundle, "the PyTorch program", tensors=True)
        program = program_of(bundle, files)
        asked = cases_of(bundle, files)
        content = _exported(program, asked)
        module = torch.export.load(io.BytesIO(content)).module()
        answers = [_answered(module, program, feeds) for feeds in asked.feeds]
        greatest = prove("torch", bundle, asked, answers)
        # A build for the processor alone has a name of its own, which not every index knows.
        libraries = pinned(_LIBRARIES).replace("+cpu", "")
        return write_all(
            folder,
            {
                "model.pt2": content,
                "inputs.json": msgspec.json.encode(program.inputs) + b"\n",
                **companions(bundle, asked, _readme(bundle, asked, greatest), libraries),
            },
        )


class GraphModule(torch.nn.Module):  # type: ignore[misc]
    """A graph as a module: its inputs by position, a dict of its outputs by name."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self._program = program
        self._weights: dict[str, str] = {}
        for place, (name, array) in enumerate(program.constants.items()):
            # Small ones are lengths and axes, which must be known when the graph is told.
            if array.dtype.kind == "f" and array.size > 1:
                self._weights[name] = f"weight_{place}"
                self.register_buffer(f"weight_{place}", torch.from_numpy(np.array(array)))

    def forward(self, *given: torch.Tensor) -> dict[str, torch.Tensor]:
        """Run the graph."""
        feeds = dict(zip(self._program.inputs, given, strict=True))
        held = {name: getattr(self, place) for name, place in self._weights.items()}
        return self._program.run(TorchBackend(), {**held, **feeds})


def _exported(program: Program, asked: Cases) -> bytes:
    """Write a program whose open axes stay open.

    Raises:
        NotConvertibleError: PyTorch cannot write it.
    """
    # The widest case: an axis of one place would be taken for one that never has more.
    feeds = max(asked.feeds, key=lambda arrays: sum(array.size for array in arrays.values()))
    shapes = {one.name: one.shape for one in asked.inputs}
    example = tuple(torch.from_numpy(feeds[name].copy()) for name in program.inputs)
    dynamic = tuple(
        {axis: torch.export.Dim.AUTO for axis, length in enumerate(shapes[name]) if length is None}
        for name in program.inputs
    )
    content = io.BytesIO()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            exported = torch.export.export(GraphModule(program), example, dynamic_shapes=(dynamic,))
            torch.export.save(exported, content)
    except NotConvertibleError:
        raise
    except Exception as error:  # torch.export raises classes of many kinds
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        message = f"torch.export cannot write the graph ({reason[:300]}); export it as onnx"
        raise NotConvertibleError(message) from error
    return content.getvalue()


def _answered(module: Any, program: Program, feeds: Mapping[str, Any]) -> dict[str, Any]:
    with torch.no_grad():
        found = module(*(torch.from_numpy(feeds[name].copy()) for name in program.inputs))
    return {name: value.numpy() for name, value in found.items()}


def _readme(bundle: Bundle, asked: Cases, greatest: float) -> str:
    return f"""# {bundle.name} for PyTorch

`model.pt2` predicts {bundle.signature.target} ({bundle.digest}). It is a program of `torch.export`: PyTorch loads it
without the code that trained it, and `torch.compile` or AOTInductor take it further.

```
pip install -r requirements.txt
python check.py
```

`check.py` compares the answers on this machine with those in `parity.json` and leaves with 1 where they are more than
{asked.tolerance:g} apart. Where it was written they were {greatest:.2g} apart.

{inputs_text(bundle)}

```python
import torch

model = torch.export.load("model.pt2").module()
answers = model(*inputs)  # tensors in the order of inputs.json; a dict of tensors comes back
```
"""
