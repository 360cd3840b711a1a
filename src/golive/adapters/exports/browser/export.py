"""Export ``browser``: a static page that runs the model where it is read, with a form made from the signature."""

from collections.abc import Mapping
from importlib.resources import files as package_data
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx

from golive.adapters.exports.browser.image import Image, image_of
from golive.adapters.exports.browser.runtime import ONNXRUNTIME_WEB, runtime_parts
from golive.adapters.exports.browser.single import one_file
from golive.adapters.exports.companions.described import model_json
from golive.adapters.exports.companions.parity import parity_json
from golive.adapters.exports.companions.refusing import ALL_BUT_TEXTS, check_carried
from golive.adapters.exports.context import checked_options, write_all
from golive.control.home import STATE, Home
from golive.domain.bundle import Bundle
from golive.domain.preparation import TextTerms
from golive.errors import NotConvertibleError, UsageError
from golive.settings import Settings, read_settings

_FORM = "the browser page"
_STEPS = ALL_BUT_TEXTS | {"text_terms"}
_PATTERNS = frozenset(f"{flag}{word}" for flag in ("", "(?u)") for word in (r"\b\w\w+\b", r"\b\w+\b", r"\w\w+", r"\w+"))
"""What a word may be: Python's expressions are another language than JavaScript's, and these the page reads alike."""
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
_NEWEST_OPSET = 26
"""The newest that this version of the runtime opens."""
_EXACT, _SINGLE = 1e-9, 1e-5
_DOUBLE = frozenset({"onnxruntime", "compiled"})
"""The runtimes that keep a graph's double precision."""
_NARROW = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)


class BrowserExport:
    """Writes index.html with its scripts, the model, its description, rows to check it, the runtime and a README."""

    name = "browser"

    def write(
        self, bundle: Bundle, files: Mapping[str, bytes], folder: Path, options: Mapping[str, str]
    ) -> tuple[Path, ...]:
        """Write the page.

        Options: ``ort`` (the runtime's archive or folder), ``image`` (``8x8``, or ``none``) and ``single`` (``yes``:
        one file that needs no server).

        Raises:
            NotConvertibleError: a part of the model cannot run in a browser; the message names it.
            UsageError: an option is unknown, or the image has another number of cells than the model has fields.
            UnavailableError: the runtime is not in the cache and cannot be fetched.
            DigestMismatchError: the runtime that was given or fetched is not the pinned one.
        """
        given = checked_options(options, "ort", "image", "single")
        is_single = _asked(given.get("single", "no"))
        check_carried(bundle, _FORM, tensors=True, steps=_STEPS)
        model = onnx.load_model_from_string(files[bundle.manifest.graph])
        refuse_unknown(bundle, model)
        image = image_of(bundle.signature, given.get("image"))
        runtime = _runtime(given.get("ort"), read_settings())
        parts = {**page_files(bundle, files, model, image), **runtime}
        if is_single:
            parts = {"index.html": one_file(parts), "README.md": _single_readme(bundle).encode()}
        return write_all(folder, parts)


def page_files(
    bundle: Bundle, files: Mapping[str, bytes], model: onnx.ModelProto, image: Image | None
) -> dict[str, bytes]:
    """Give everything but the runtime, by path: the page's own parts, the model and what is said of it."""
    parity = parity_json(bundle, files)
    return {
        **_page_parts(),
        "model.onnx": files[bundle.manifest.graph],
        "model.json": model_json(bundle),
        "parity.json": parity,
        "page.json": _page_json(parity, tolerance(bundle, model), image),
        "README.md": _readme(bundle).encode(),
    }


def _page_parts() -> dict[str, bytes]:
    """Give the page's own files by path: ``index.html``, and its style and scripts in ``page/``."""
    parts = {part.name: part.read_bytes() for part in package_data(__package__).joinpath("page").iterdir()}
    return {name if name == "index.html" else f"page/{name}": parts[name] for name in sorted(parts)}


def refuse_unknown(bundle: Bundle, model: onnx.ModelProto) -> None:
    """Refuse what the page or its runtime cannot do as golive does.

    Raises:
        NotConvertibleError: an operator, a dtype or a cut of texts is unknown there; the message names it.
    """
    reason = next(filter(None, (_unknown_words(bundle), _unknown_tensor(bundle), _unknown_operator(model))), None)
    if reason is not None:
        message = f"{reason}, which {_FORM} does not carry; export {bundle.name!r} as script or onnx"
        raise NotConvertibleError(message)


def _unknown_words(bundle: Bundle) -> str | None:
    for step in bundle.manifest.preparation.steps:
        if isinstance(step, TextTerms) and step.tokens.analyzer == "word" and step.tokens.pattern not in _PATTERNS:
            return f"the column {step.column!r} is cut into words by the expression {step.tokens.pattern!r}"
    return None


def _unknown_tensor(bundle: Bundle) -> str | None:
    for tensor in (*bundle.signature.tensors, *bundle.signature.outputs):
        if tensor.dtype == "float16":
            return f"the tensor {tensor.name!r} is float16"
    return None


def _unknown_operator(model: onnx.ModelProto) -> str | None:
    own = {function.domain for function in model.functions}
    for node in model.graph.node:
        if node.domain not in _DOMAINS | own:
            return f"the graph has the operator {node.op_type} of {node.domain}"
    for opset in model.opset_import:
        if opset.domain in {"", "ai.onnx"} and opset.version > _NEWEST_OPSET:
            return f"the graph is of opset {opset.version}"
    return None


def _asked(word: str) -> bool:
    if word not in {"yes", "no"}:
        message = f"single={word!r} is neither yes nor no; write single=yes for one file that needs no server"
        raise UsageError(message)
    return word == "yes"


def _runtime(given: str | None, settings: Settings) -> dict[str, bytes]:
    home = Home(settings.home.absolute() if settings.home else Path.home() / STATE)
    source = Path(given).expanduser() if given else None
    parts = runtime_parts(source, cache=home.cache, registry=settings.npm_registry)
    # Some servers do not know that .mjs is a script, and browsers refuse a module of another kind.
    return {f"ort/{name.replace('.mjs', '.js')}": content for name, content in parts.items()}


def _page_json(parity: bytes, within: float, image: Image | None) -> bytes:
    checked: dict[str, Any] = msgspec.json.decode(parity)
    rows = len(checked.get("rows", checked.get("cases", ())))
    return msgspec.json.encode({"rows": rows, "tolerance": within, "image": image})


def tolerance(bundle: Bundle, model: onnx.ModelProto) -> float:
    """Say how far the page's answers may be from golive's: farther where either computes in single precision."""
    return _EXACT if bundle.manifest.runtime in _DOUBLE and not _is_single(model) else _SINGLE


def _is_single(model: onnx.ModelProto) -> bool:
    """Say whether the graph computes in single precision somewhere: then sums depend on the machine's instructions."""
    weights = [tensor for tensor in model.graph.initializer if tensor.data_type in _NARROW]
    constants = [each.t for node in model.graph.node if node.op_type == "Constant" for each in node.attribute]
    return any(np.prod(tensor.dims) > 1 for tensor in weights) or any(each.data_type in _NARROW for each in constants)


def _readme(bundle: Bundle) -> str:
    is_table = bundle.signature.task != "tensors"
    what = f"predicts {bundle.signature.target}" if is_table else "runs this model on tensors"
    return f"""# {bundle.name}

A page that {what} in the reader's browser: nothing is sent anywhere. It holds the model ({bundle.digest}).

```
python -m http.server --bind 127.0.0.1 8000     # then open http://127.0.0.1:8000
```

Any server of static files will do; browsers load no model from a `file:` address. `index.html?check` compares the page
with the answers of golive in `parity.json` and shows the greatest difference. `?lang=zh` and `?lang=en` choose the
language. Let the server compress `ort/*.wasm` (14 MB become 4 MB).

| file | is |
| --- | --- |
| `index.html`, `page/` | the page |
| `model.onnx`, `model.json` | the graph; what it reads and what its answers mean |
| `parity.json` | rows with the answers that golive gives |
| `ort/` | {ONNXRUNTIME_WEB.package} {ONNXRUNTIME_WEB.version}, MIT license, Copyright (c) Microsoft Corporation |
"""


def _single_readme(bundle: Bundle) -> str:
    return f"""# {bundle.name}

`index.html` is the whole page: the model ({bundle.digest}), its runtime ({ONNXRUNTIME_WEB.package}
{ONNXRUNTIME_WEB.version}, MIT license, Copyright (c) Microsoft Corporation) and rows to check it. Open it in a browser;
it needs no server and no network, and may send nothing.
"""
