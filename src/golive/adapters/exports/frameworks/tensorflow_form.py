"""TensorFlow form: the exports to SavedModel and TFLite, written and asked in TensorFlow's own environment."""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from golive.adapters.exports.companions.refusing import check_carried
from golive.adapters.exports.context import checked_options, write_all
from golive.adapters.exports.frameworks.forms import (
    Cases,
    cases_of,
    companions,
    inputs_text,
    program_of,
    prove,
    renamed,
    words_of,
)
from golive.adapters.exports.frameworks.order import GRAPH, ORDER, TOLD, Order, Told, arrays_of, sent
from golive.control.sandbox.process import elsewhere
from golive.control.sandbox.tensorflow import tensorflow_python
from golive.domain.bundle import Bundle
from golive.errors import NotConvertibleError, UnavailableError

LIMIT_S = 900.0
_CHILD = "golive.adapters.exports.frameworks.tensorflow_child"
_REASON = 300


class TensorflowForm(msgspec.Struct, frozen=True, kw_only=True):
    """One of the forms that TensorFlow writes."""

    name: str
    """Of the export."""
    written: str
    """The file or folder that it writes."""
    is_narrow: bool
    """Whether it computes in float32."""
    libraries: str
    """What its check needs, as a requirements file."""
    use: str
    """The part of its README that shows how it is asked."""

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Write the model once it answers as golive does; there are no options.

        Raises:
            NotConvertibleError: an operator of the graph has no such form, or the bundle holds no graph.
            ParityError: the model answers differently.
            UnavailableError: the environment with TensorFlow cannot be made here.
        """
        checked_options(options)
        check_carried(bundle, self.name, tensors=True)
        program = program_of(bundle, files)
        asked = cases_of(bundle, files, is_narrow=self.is_narrow)
        names = words_of((*program.inputs, *program.outputs))
        asked = renamed(asked, names)
        order = Order(
            form=self.written,
            inputs=tuple(one for one in asked.inputs if one.name in program.inputs),
            names=names,
            feeds=tuple(sent({names[name]: feeds[names[name]] for name in program.inputs}) for feeds in asked.feeds),
        )
        with tempfile.TemporaryDirectory(prefix="golive-tensorflow-") as place:
            told, content = _carried_out(Path(place), order, files[bundle.manifest.graph])
        if told.refused:
            message = f"{bundle.name!r} has no form as {self.name}: {told.refused}"
            raise NotConvertibleError(message)
        greatest = prove(self.name, bundle, asked, [arrays_of(answers) for answers in told.answers])
        readme = self._readme(bundle, asked, greatest)
        return write_all(folder, {**content, **companions(bundle, asked, readme, self.libraries)})

    def _readme(self, bundle: Bundle, asked: Cases, greatest: float) -> str:
        narrow = (
            " It computes in float32; its rows in `parity.json` are numbers that float32 has." if self.is_narrow else ""
        )
        return f"""# {bundle.name} as {self.name}

`{self.written}` predicts {bundle.signature.target} ({bundle.digest}).{narrow}

```
pip install -r requirements.txt
python check.py
```

`check.py` compares the answers on this machine with those in `parity.json` and leaves with 1 where they are more than
{asked.tolerance:g} apart. Where it was written they were {greatest:.2g} apart.

{inputs_text(bundle, is_narrow=self.is_narrow)}{_names_text(asked)}

{self.use}"""


def _names_text(asked: Cases) -> str:
    return "\n\nNames that are no words are written with `_`, as in `parity.json`." if asked.renamed else ""


def _carried_out(folder: Path, order: Order, graph: bytes) -> tuple[Told, dict[str, bytes]]:
    """Let TensorFlow carry out an order, and give what it told and the files that it wrote, by relative path."""
    python = tensorflow_python()
    (folder / GRAPH).write_bytes(graph)
    (folder / ORDER).write_bytes(msgspec.json.encode(order))
    command = [*elsewhere(python, _CHILD), str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - the environment's interpreter and a module of ours
            command,
            cwd=folder,
            env={},
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired as error:
        message = f"TensorFlow did not write the model within {LIMIT_S:g} s; try again, or export it as onnx"
        raise UnavailableError(message) from error
    if not (folder / TOLD).is_file():
        lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
        reason = lines[-1][:_REASON] if lines else f"exit code {done.returncode}"
        message = f"TensorFlow cannot write the graph ({reason}); export it as onnx, which takes the graph as it is"
        raise NotConvertibleError(message)
    told = msgspec.json.decode((folder / TOLD).read_bytes(), type=Told)
    known = {GRAPH, ORDER, TOLD}
    written = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in known]
    return told, {path.relative_to(folder).as_posix(): path.read_bytes() for path in written}
