"""``golive import --isolated``: a file that runs code, served as it is, in a process of its own."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive import plugins
from golive.control.bringing.requirements import read_requirements
from golive.control.bringing.sample import Sample, sample_columns
from golive.control.bringing.trusted import Trusted
from golive.control.packing.isolate import (
    RUNTIME,
    Look,
    Original,
    decided,
    labelled,
    preparation_of,
    signature_of,
    written,
)
from golive.control.packing.opened import table_columns
from golive.control.packing.proof import Shown
from golive.control.packing.truth import baseline_file
from golive.control.rooms import Rooms, code_version
from golive.domain.bundle import Bundle, Lineage, Manifest
from golive.domain.digest import digest_of
from golive.domain.signature import Field
from golive.errors import DataError, NotConvertibleError, UsageError, VerificationError
from golive.inference.road import Road, open_road
from golive.packaging.build import assemble
from golive.packaging.finish import UNFINISHED, Finish, finished
from golive.packaging.isolated import Isolated, Limits, Seen, archive, opened
from golive.packaging.isolated_proof import AsGiven, Asked
from golive.packaging.labels_only import NOTE
from golive.packaging.lock import locked
from golive.ports import CodeFile, Column, Converted, Float64

MOST_PROVED = 2_000
"""Rows of the sample that the proof asks about; the profile counts all of them."""
_PICKLES = "golive.adapters.formats.joblib_child:handler"
_ROOM = "golive.adapters.runtimes.isolated"
_ALWAYS = ("joblib", "numpy", "pandas")
_TRIED = 2
_UNCOMPARED = "the file was not loaded under the versions installed here: its own process was compared with another one"


class Afar:
    """An object that a sandbox holds, asked like one that is here."""

    def __init__(self, trusted: Trusted) -> None:
        self._trusted = trusted

    def predict(self, table: Any) -> Float64:
        """Ask for a data frame or an array."""
        return self._trusted.ask("predict", table)

    def predict_proba(self, table: Any) -> Float64:
        """Ask for a data frame or an array."""
        return self._trusted.ask("predict_proba", table)

    def chosen(self, table: Any) -> Float64:
        """Ask a classifier without probabilities: 1 for the class that it chooses."""
        return self._trusted.ask("chosen", table)


class _Rows(msgspec.Struct, frozen=True, eq=False):
    """Rows of the sample, as the object reads them."""

    frame: Any
    form: Any
    """What it is asked with: the frame, or an array of numbers."""


def bring_isolated(
    file: CodeFile,
    sample: Sample,
    rooms: Rooms,
    *,
    name: str,
    requirements: Path | None = None,
    limits: Limits | None = None,
    finish: Finish = UNFINISHED,
) -> tuple[Bundle, tuple[str, ...]]:
    """Package a trusted file as it is, and prove that its own process answers like it, or always alike.

    Args:
        file: a pickle, of joblib or not.
        sample: rows as the model saw them, and their true answers.
        rooms: where the bundle is written.
        name: what the model is called.
        requirements: what the file needs, as pip reads it; without one, the versions that are installed here, and the
            object in the sandbox is what the process is compared with. With one it cannot be loaded here, so one
            process is compared with another.
        limits: what its process may take.
        finish: what becomes of its numbers before they are answers.

    Returns:
        The bundle, and what a person should know.

    Raises:
        UsageError: the file is of a kind that does not go into a process of its own.
        DataError: the requirements cannot be read or resolved.
        NotConvertibleError: the object does not load, or cannot be asked.
        ParityError: the process answers differently.
    """
    _refuse_others(file)
    wanted = _resolved(requirements) if requirements is not None else None
    content = file.path.read_bytes()
    with nullcontext() if wanted is not None else Trusted(file) as held:
        rows = _as_asked(sample.frame, held, file.path)
        seen, fields = _seen(rows)
        packed = _Packed(content, seen, wanted, limits or Limits(), str(file.path))
        here = None if held is None else (Afar(held), rows.form)
        converted = finished(packed.converted(fields, sample.target, here), finish)
        manifest = labelled(assemble(name, converted, lineage=_lineage(file, packed.kind, sample)), converted)
        told, _ = opened(converted.graph)
        asked, as_given = _another(manifest, converted, rows.frame) if held is None else _held(held, rows.form, told)
        shown = _shown(manifest, rows.frame, sample, background=finish.background)
        bundle = written(converted, manifest, asked, as_given, rooms, shown)
        return bundle, (*((_UNCOMPARED,) if held is None else held.notes), *converted.notes, *sample.notes)


class _Packed:
    """A file's bytes, looked at in the environment that it will run in."""

    def __init__(self, content: bytes, seen: Seen, wanted: tuple[str, ...] | None, limits: Limits, path: str) -> None:
        self._content = content
        self._limits = limits
        self._python = plugins.attribute(f"{_ROOM}.environments", "running_python")()
        self._wanted = wanted
        self._seen = seen
        self._path = path
        self.kind = ""

    def converted(self, fields: tuple[Field, ...], target: str, here: tuple[Afar, Any] | None) -> Converted:
        """Find what the object can be asked, and which versions it needs.

        Args:
            fields: of the signature.
            target: the name of what is predicted.
            here: what asks the object in the sandbox, and rows for it; None where it does not load there.

        Raises:
            NotConvertibleError: it does not load there, or cannot be asked.
        """
        try:
            session = plugins.load("runtimes", RUNTIME).start(
                self._archive(self._wanted or (), "predict", 1), threads=1
            )
        except VerificationError as error:
            message = (
                f"{self._path} does not load in a process of its own ({error.message}); give the versions that it was "
                "written with: --requirements FILE, as `pip freeze` lists them there"
            )
            raise NotConvertibleError(message) from error
        try:
            looked = session.looked()
            look = msgspec.convert(looked, Look)
            modules = set(looked["modules"])
        finally:
            session.close()
        self.kind = look.kind
        method, signature = signature_of(look, fields, target)
        notes: tuple[str, ...] = (NOTE,) if method == "chosen" else ()
        if here is not None:
            method, notes = decided(*here, method, signature.classes)
        requirements = self._wanted if self._wanted is not None else locked({*_ALWAYS, *modules})
        return Converted(
            graph=self._archive(requirements, method, len(signature.classes) or 1),
            preparation=preparation_of(self._seen),
            signature=signature,
            notes=("the file itself, with its code, in a process of its own", *notes),
        )

    def _archive(self, requirements: Sequence[str], method: Any, outputs: int) -> bytes:
        return archive(
            self._content,
            self._seen,
            python=self._python,
            requirements=requirements,
            method=method,
            outputs=outputs,
            limits=self._limits,
        )


def _refuse_others(file: CodeFile) -> None:
    if file.handler != _PICKLES:
        message = (
            f"{file.path} is no pickle, and only those run in a process of their own; import it without --isolated"
        )
        raise UsageError(message)


def _as_asked(frame: Any, held: Trusted | None, path: Path) -> _Rows:
    """Bring the sample into the form that the object answers, where it is loaded here; else into that of a frame."""
    if held is None:
        frame = _as_read(frame, ())
        return _Rows(frame, frame)
    frame = _as_read(sample_columns(frame, held.loaded.columns, str(path)), held.loaded.none_texts)
    return _Rows(frame, _form(held, frame, path))


def _seen(rows: _Rows) -> tuple[Seen, tuple[Field, ...]]:
    seen: Seen
    seen, fields = plugins.attribute(f"{_ROOM}.seen", "seen_of")(rows.frame)
    if isinstance(rows.form, np.ndarray):
        seen = msgspec.structs.replace(seen, container="array", dtype=rows.form.dtype.name)
    return seen, fields


def _shown(manifest: Manifest, frame: Any, sample: Sample, *, background: int) -> Shown:
    columns = table_columns(manifest.signature, frame)
    return Shown(
        reference=columns,
        proved_on={field: column[:MOST_PROVED] for field, column in columns.items()},
        baseline=baseline_file(manifest.signature, sample.answers),
        data=sample.digest,
        background=background,
    )


def _held(held: Trusted, form: Any, told: Isolated) -> tuple[Asked, AsGiven]:
    original = Original(Afar(held), told)
    return original.columns, lambda start, stop: original.given(_cut(form, start, stop))


def _another(manifest: Manifest, converted: Converted, frame: Any) -> tuple[Asked, AsGiven]:
    road: Road = open_road(manifest, converted.graph, plugins.load("runtimes", RUNTIME))
    columns = table_columns(manifest.signature, frame)

    def part(start: int, stop: int) -> dict[str, Column]:
        return {name: column[start:stop] for name, column in columns.items()}

    return road.columns, lambda start, stop: road.columns(part(start, stop))


def _cut(form: Any, start: int, stop: int) -> Any:
    return form[start:stop] if isinstance(form, np.ndarray) else form.iloc[start:stop]


def _as_read(frame: Any, none_texts: Sequence[str]) -> Any:
    """Give a frame in which missing texts are NaN, as pandas reads them, but for columns that are known otherwise."""
    changed = {
        name: frame[name].where(frame[name].notna(), np.nan)
        for name in frame.columns
        if frame[name].dtype == object and name not in none_texts
    }
    return frame.assign(**changed)


def _form(held: Trusted, frame: Any, path: Path) -> Any:
    """Give the sample in the form that the object answers: a frame, or where it takes none an array of numbers.

    Raises:
        NotConvertibleError: it answers neither.
    """
    forms = [frame, *([frame.to_numpy(np.float64)] if _is_numeric(frame) else ())]
    reasons = []
    for form in forms:
        try:
            held.ask("predict", _cut(form, 0, _TRIED))
        except (ValueError, DataError) as error:
            reasons.append(str(error))
            continue
        return form
    message = f"{path} does not answer rows of the sample ({reasons[0]}); give them as the model saw them in training"
    raise NotConvertibleError(message)


def _is_numeric(frame: Any) -> bool:
    return all(frame[name].dtype.kind in "biuf" for name in frame.columns)


def _resolved(path: Path) -> tuple[str, ...]:
    resolved: tuple[str, ...] = plugins.attribute(f"{_ROOM}.environments", "resolved")(
        (*read_requirements(path), *_ALWAYS)
    )
    return resolved


def _lineage(file: CodeFile, kind: str, sample: Sample) -> Lineage:
    versions = {f"{library} of the file": version for library, version in file.saved_by.items()}
    return Lineage(
        data={file.path.name: digest_of(file.path.read_bytes()), sample.source: sample.digest},
        rows=len(sample.answers),
        code=code_version(),
        environment=versions,
        model=kind,
    )
