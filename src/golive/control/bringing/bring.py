"""``golive import``: a model that was trained elsewhere becomes a bundle, with the proof that it answers the same."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from golive import plugins
from golive.control.bringing.bring_tensors import bring_tensors, is_of_arrays
from golive.control.bringing.origin import lineage_of
from golive.control.bringing.sample import Sample, read_sample
from golive.control.bringing.table import finished_as, made_here, made_there, write_table
from golive.control.bringing.trusted import Trusted
from golive.control.packing.tensors import assemble_tensors, unproved, write_tensors
from golive.control.rooms import Rooms
from golive.domain.bundle import Bundle
from golive.domain.naming import checked_name
from golive.errors import DataError, MissingExtraError, NotFoundError, UsageError
from golive.packaging.finish import UNFINISHED, Finish
from golive.packaging.onnx_file import OnnxFile, tensor_signature
from golive.ports import CodeFile, ModelFormat

_MOST_SHOWN, _MOST_STRANGE = 12, 100
_FAMILIAR = {"sklearn", "numpy", "scipy", "joblib", "pandas", "lightgbm", "xgboost", "catboost"}
"""Libraries whose names every file of a model holds; the others are shown first."""


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """A model that came in."""

    bundle: Bundle
    form: str
    """``table``: rows of named fields; ``tensors``: the graph as it is."""
    notes: tuple[str, ...] = ()


def bring(
    path: Path,
    rooms: Rooms,
    *,
    name: str,
    sample: Any = None,
    target: str = "",
    trust: bool = False,
    isolated: bool = False,
    requirements: Path | None = None,
    outputs: Sequence[str] = (),
    open_axes: Mapping[str, Sequence[int]] | None = None,
    finish: Finish = UNFINISHED,
) -> Brought:
    """Read a model file, convert it, prove that it answers the same, and write the bundle.

    Args:
        path: a file or folder of a kind that an installed format reads.
        rooms: where the bundle is written.
        name: what the model is called.
        sample: a table file or a data frame: rows as the model saw them, and their true answers. Of a network's file
            also arrays, by name or in a ``.npz`` file: it then becomes a bundle of tensors.
        target: the column of the sample with the true answers.
        trust: load a file that runs code, in a sandbox.
        isolated: convert nothing; serve such a file as it is, with its code, in a process of its own.
        requirements: with ``isolated``, what the file needs, as ``pip freeze`` lists it; else the versions here.
        outputs: of a network with arrays, names for what it gives.
        open_axes: of a network with arrays, input -> axes whose length is only known of a request.
        finish: what becomes of its numbers before they are answers.

    Raises:
        NotFoundError: there is no such file.
        DataError: no format knows the file, or it is damaged or hostile.
        UsageError: a sample is needed, or ``trust``; the message lists what the file would load.
        NotConvertibleError: a part of the model has no exact form.
        ParityError: the converted model answers differently.
    """
    checked_name(name)
    if requirements is not None and not isolated:
        message = f"{requirements} is for a model in a process of its own; say --isolated too"
        raise UsageError(message)
    model_format = format_for(path)
    if is_of_arrays(sample) and not isolated:
        bundle = bring_tensors(
            path,
            model_format,
            sample,
            rooms,
            name=name,
            target=target,
            outputs=outputs,
            open_axes=open_axes,
            finish=finish,
        )
        return Brought(bundle=bundle, form="tensors")
    if outputs or open_axes:
        message = "names of outputs and open axes are for networks that come in with arrays; give --sample FILE.npz"
        raise UsageError(message)
    model = _read(path, model_format, trust=trust, isolated=isolated)
    if isinstance(model, OnnxFile) and sample is None:
        return _as_tensors(path, model, rooms, name=name, target=target, finish=finish)
    rows = _needed(sample, target, path)
    if isolated:
        bundle, notes = plugins.verb("bringing.isolate_file", "bring_isolated")(
            model, rows, rooms, name=name, requirements=requirements, finish=finish
        )
    else:
        bundle, notes = _as_table(path, model, rows, rooms, name=name, finish=finish)
    return Brought(bundle=bundle, form="table", notes=notes)


def format_for(path: Path) -> ModelFormat:
    """Find the format plug-in that knows a file or folder.

    Raises:
        NotFoundError: there is no such file.
        DataError: none does; the message lists those that are installed, and what others need.
    """
    if not path.exists():
        message = f"there is no file {str(path)!r}; check the path"
        raise NotFoundError(message)
    installed, lacking = [], []
    for name in plugins.names("formats"):
        try:
            model_format: ModelFormat = plugins.load("formats", name)
        except MissingExtraError as error:
            lacking.append(f"{name} ({error.message})")
            continue
        installed.append(name)
        if model_format.recognizes(path):
            return model_format
    others = f"; not installed: {', '.join(lacking)}" if lacking else ""
    message = f"{str(path)!r} is no model file that golive reads; installed formats: {', '.join(installed)}{others}"
    raise DataError(message)


def _read(path: Path, model_format: ModelFormat, *, trust: bool, isolated: bool) -> Any:
    """Read a file, unless it runs code that nobody trusts, or is to run in a process of its own and holds none."""
    model = model_format.read(path)
    if isinstance(model, CodeFile):
        if model.runs_code and not trust:
            raise UsageError(_untrusted(model))
    elif isolated:
        message = f"{path} runs no code, so it needs no process of its own; import it without --isolated"
        raise UsageError(message)
    return model


def _needed(sample: Any, target: str, path: Path) -> Sample:
    if sample is None or not target:
        message = (
            f"{path} needs --sample DATA --target COL: rows as the model saw them in training, with their true "
            "answers, that give the columns their names and types and that the proof is made on"
        )
        raise UsageError(message)
    return read_sample(sample, target)


def _untrusted(file: CodeFile) -> str:
    # The names that a person should look at must not hide behind those that every model has.
    ordered = sorted(file.loads, key=lambda name: name.partition(".")[0] in _FAMILIAR)
    strange = sum(name.partition(".")[0] not in _FAMILIAR for name in ordered)
    count = max(_MOST_SHOWN, min(strange, _MOST_STRANGE))
    more = f" and {len(ordered) - count} more" if len(ordered) > count else ""
    shown = ", ".join(ordered[:count]) + more
    versions = ", ".join(f"{name} {version}" for name, version in file.saved_by.items())
    written = f" (written by {versions})" if versions else ""
    return (
        f"{file.path}{written} runs code when it is loaded: it would call {shown or 'nothing'}; if you "
        "trust who made it, repeat with --trust (it is then loaded in a sandbox), or save the model as ONNX"
    )


def _as_table(
    path: Path, model: Any, rows: Sample, rooms: Rooms, *, name: str, finish: Finish
) -> tuple[Bundle, tuple[str, ...]]:
    if not isinstance(model, CodeFile):
        made = finished_as(made_here(path, model, rows), finish)
        return write_table(path, made, rows, rooms, name=name, background=finish.background)
    with Trusted(model) as trusted:
        made = finished_as(made_there(trusted, model, rows), finish)
        return write_table(path, made, rows, rooms, name=name, background=finish.background)


def _as_tensors(path: Path, file: OnnxFile, rooms: Rooms, *, name: str, target: str, finish: Finish) -> Brought:
    if finish != UNFINISHED:
        message = f"{path} comes in as tensors, whose answers are left as they are; give --sample DATA --target COL"
        raise UsageError(message)
    origin = lineage_of(path, f"onnx: {file.producer}" if file.producer else "onnx", {})
    manifest = assemble_tensors(name, file.content, tensor_signature(file, target=target), origin)
    itself = "the graph is the file's, byte for byte, so there is no other answer that it could be compared with"
    proof = unproved(file.compared or itself, file.notes, file.difference)
    return Brought(bundle=write_tensors(manifest, file.content, proof, rooms), form="tensors", notes=file.notes)
