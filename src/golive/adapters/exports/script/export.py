"""Export ``script``: one file, ``predict.pyz``, that Python runs; no golive installation is needed."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from golive.adapters.exports.companions.refusing import check_carried, step_tag
from golive.adapters.exports.context import checked_options, package_files, pinned, write_zip
from golive.domain.bundle import Bundle
from golive.inference.feeds import tensor_text

_CARRIED = (
    "errors.py",
    "settings.py",
    "ports.py",
    "domain",
    "inference",
    "adapters/__init__.py",
    "adapters/runtimes/__init__.py",
    "adapters/runtimes/mapped.py",
    "adapters/runtimes/onnx_tensors.py",
    "adapters/runtimes/onnxruntime.py",
)
_LAUNCHER = b'''"""Says in one sentence what is missing before anything is imported."""

import sys

if sys.version_info < (3, 11):
    sys.exit("error: this needs Python 3.11 or newer, and this one is " + sys.version.split()[0])
try:
    import script_main
except ModuleNotFoundError as error:
    sys.exit(f"error: the library {error.name!r} is not installed; pip install -r requirements.txt brings it")
sys.exit(script_main.main())
'''
_MAINS = {False: "main.py", True: "tensors.py"}
"""Whether a bundle reads tensors -> the program."""
_LIBRARIES = ("numpy", "msgspec", "onnxruntime")


class ScriptExport:
    """Writes ``predict.pyz``, its ``requirements.txt`` and a README."""

    name = "script"

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Pack the road of a row, the graph and a small main program into one archive that Python runs."""
        checked_options(options)
        check_carried(bundle, "script", tensors=True, steps=[*map(step_tag, bundle.manifest.preparation.steps)])
        content = {
            "__main__.py": _LAUNCHER,
            "script_main.py": Path(__file__).with_name(_MAINS[bundle.signature.task == "tensors"]).read_bytes(),
            "golive/__init__.py": b'"""The parts of golive that answer."""\n',
            "bundle/golive.json": msgspec.json.encode(bundle.manifest),
            "bundle/graph": files[bundle.manifest.graph],
            **package_files(*_CARRIED),
        }
        script = folder / "predict.pyz"
        write_zip(script, content)
        requirements = folder / "requirements.txt"
        requirements.write_text(pinned(_LIBRARIES), "utf-8")
        readme = folder / "README.md"
        readme.write_text(_readme(bundle), "utf-8")
        return script, requirements, readme


def _readme(bundle: Bundle) -> str:
    return f"""# {bundle.name}

`predict.pyz` predicts {bundle.signature.target}. It holds the model ({bundle.digest}) and the code that answers;
`python -m zipfile -l predict.pyz` lists what is inside.

{_use_of_tensors(bundle) if bundle.signature.task == "tensors" else _use_of_rows(bundle)}"""


def _use_of_rows(bundle: Bundle) -> str:
    names = ", ".join(f"`{name}`" for name in bundle.signature.names)
    return f"""```
pip install -r requirements.txt
python predict.pyz rows.csv -o answers.csv     # a CSV file with a heading
python predict.pyz rows.jsonl                  # JSON lines; answers go to standard output
```

The columns: {names}.
"""


def _use_of_tensors(bundle: Bundle) -> str:
    sides = (("reads", bundle.signature.tensors), ("gives", bundle.signature.outputs))
    lines = "".join(f"- {way} `{tensor_text(tensor)}`\n" for way, tensors in sides for tensor in tensors)
    arrays = ", ".join(f"{tensor.name}=..." for tensor in bundle.signature.tensors)
    return f"""```
pip install -r requirements.txt
python predict.pyz tensors.npz -o answers.npz
```

The files are numpy's: `numpy.savez("tensors.npz", {arrays})` writes one, `numpy.load("answers.npz")` reads the other.
An axis that is -1 has any length. The model

{lines}"""
