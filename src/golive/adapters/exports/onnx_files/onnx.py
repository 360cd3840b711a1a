"""Export ``onnx``: the graph as it is, what it reads, and a check that needs ONNX Runtime only."""

from collections.abc import Mapping
from pathlib import Path

from golive.adapters.exports.companions.described import model_json
from golive.adapters.exports.companions.parity import parity_json
from golive.adapters.exports.companions.refusing import check_carried
from golive.adapters.exports.context import checked_options, pinned, write_all
from golive.domain.bundle import Bundle

_LIBRARIES = ("numpy", "onnxruntime")


class OnnxExport:
    """Writes ``model.onnx``, ``model.json``, ``parity.json``, ``check.py`` and a README."""

    name = "onnx"

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Write the graph, byte for byte, with what describes and checks it; there are no options.

        Raises:
            NotConvertibleError: the bundle has no graph, or a declared step of text that few languages can repeat.
        """
        checked_options(options)
        check_carried(bundle, "the ONNX file", tensors=True)
        graph = files[bundle.manifest.graph]
        return write_all(folder, {"model.onnx": graph, **companions(bundle, files, "model.onnx", "ONNX")})


def companions(bundle: Bundle, files: Mapping[str, bytes], model: str, kind: str) -> dict[str, bytes]:
    """Give what stands beside a model for ONNX Runtime: its description, its rows, its check and its README."""
    return {
        "model.json": model_json(bundle),
        "parity.json": parity_json(bundle, files),
        "check.py": Path(__file__).with_name("onnx_check.py").read_bytes(),
        "requirements.txt": pinned(_LIBRARIES).encode(),
        "README.md": _readme(bundle, model, kind).encode(),
    }


def _readme(bundle: Bundle, model: str, kind: str) -> str:
    use = _use_of_tensors(bundle, model) if bundle.signature.task == "tensors" else _use_of_rows(bundle, model)
    return f"""# {bundle.name} for ONNX Runtime

`{model}` predicts {bundle.signature.target} ({bundle.digest}, {kind}). It runs wherever ONNX Runtime does: Python, C++,
C#, Java, Rust and more.

```
pip install -r requirements.txt
python check.py
```

`check.py` compares the answers on this machine with those in `parity.json` and leaves with 1 where they differ.

## Use

{use}"""


def _use_of_rows(bundle: Bundle, model: str) -> str:
    manifest = bundle.manifest
    reads = [
        *(["`N`, float64 `[rows, numbers]`; a missing number is NaN"] if manifest.preparation.numbers else []),
        *(["`C`, int64 `[rows, categories]`; each the code of a text"] if manifest.preparation.categories else []),
    ]
    answers = ", ".join(f"`{label}`" for label in bundle.signature.classes)
    gives = f"the probabilities of {answers}" if answers else f"`{bundle.signature.target}`"
    steps = (
        "Before that, the values go through the declared `steps`, in order; `parity.json` has rows before and after.\n"
        if manifest.preparation.steps
        else ""
    )
    feeds = ", ".join(
        f'"{name}": np.array(parity["{name}"], np.{dtype})'
        for name, dtype, used in (
            ("N", "float64", manifest.preparation.numbers),
            ("C", "int64", manifest.preparation.categories),
        )
        if used
    )
    return f"""The graph reads {" and ".join(reads)}. `model.json` lists
the columns in order (`numbers`, `categories`) and the code of each value: its place in `values`, else `unseen`, or
`missing`. {steps}It gives `P`, float64 `[rows, {max(1, len(bundle.signature.classes))}]`: {gives}.{_decision(bundle)}

```python
import json

import numpy as np
import onnxruntime

parity = json.load(open("parity.json", encoding="utf-8"))
session = onnxruntime.InferenceSession("{model}", providers=["CPUExecutionProvider"])
print(session.run(["P"], {{{feeds}}})[0][:3])
```
"""


def _decision(bundle: Bundle) -> str:
    classes = bundle.signature.classes
    if not classes:
        return ""
    if len(classes) == 2:  # noqa: PLR2004 (of two classes, a threshold decides)
        threshold = bundle.manifest.decision.threshold
        return f"\nThe label is `{classes[1]}` where its probability is above {threshold!r}, else `{classes[0]}`."
    return "\nThe label is that of the greatest probability, the first one at a tie."


def _use_of_tensors(bundle: Bundle, model: str) -> str:
    def listed(tensors: tuple[object, ...]) -> str:
        return "".join(f"- `{each.name}`: {each.dtype} {_shape(each.shape)}\n" for each in tensors)  # type: ignore[attr-defined]

    return f"""`{model}` reads

{listed(bundle.signature.tensors)}
and gives

{listed(bundle.signature.outputs)}
`parity.json` has cases with the inputs and the outputs, flat, row by row.
"""


def _shape(shape: tuple[int | None, ...]) -> str:
    return "[" + ", ".join("any" if length is None else str(length) for length in shape) + "]"
