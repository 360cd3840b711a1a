"""``golive import --isolated``: a file that runs code, served as it is, in a process of its own."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive import plugins
from golive.control.bringing.sample import Sample
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
from golive.control.packing.package import table_columns
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
_REQUIREMENT = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[A-Za-z0-9._, -]+\])?((?:\s*(?:===?|[<>~!]=|[<>])\s*[\w.*+!-]+,?)*)"
)


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
    if file.handler != _PICKLES:
        message = (
            f"{file.path} is no pickle, and only those run in a process of their own; import it without --isolated"
        )
        raise UsageError(message)
    wanted = _resolved(requirements) if requirements is not None else None
    content = file.path.read_bytes()
    limits = limits or Limits()
    frame, held = sample.frame, None
    form: Any = frame
    try:
        if wanted is not None:
            form = frame = _as_read(frame, ())
        else:
            held = Trusted(file)
            frame = _columns_it_knows(frame, held.loaded.columns, file.path)
            frame = _as_read(frame, held.loaded.none_texts)
            form = _form(held, frame, file.path)
        seen, fields = plugins.attribute(f"{_ROOM}.seen", "seen_of")(frame)
        if isinstance(form, np.ndarray):
            seen = msgspec.structs.replace(seen, container="array", dtype=form.dtype.name)
        packed = _Packed(content, seen, wanted, limits, str(file.path))
        asked_here = None if held is None else (Afar(held), form)
        converted = finished(packed.converted(fields, sample.target, asked_here), finish)
        told, _ = opened(converted.graph)
        origin = _lineage(file, packed.kind, sample)
        manifest = labelled(assemble(name, converted, lineage=origin), converted)
        if held is not None:
            asked, as_given = _held(held, form, told)
        else:
            asked, as_given = _another(manifest, converted, frame)
        columns = table_columns(manifest.signature, frame)
        proved = {field: column[:MOST_PROVED] for field, column in columns.items()}
        bundle = written(
            converted,
            manifest,
            asked,
            as_given,
            rooms,
            reference=columns,
            proved_on=proved,
            answers=sample.answers,
            data=sample.digest,
            background=finish.background,
        )
        return bundle, (*(held.notes if held else (_UNCOMPARED,)), *converted.notes, *sample.notes)
    finally:
        if held is not None:
            held.close()


_UNCOMPARED = "the file was not loaded under the versions installed here: its own process was compared with another one"


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


def _columns_it_knows(frame: Any, names: Sequence[str], path: Path) -> Any:
    absent = [name for name in names if name not in frame.columns]
    if absent:
        message = (
            f"{path} was fitted on columns that the sample lacks: {', '.join(absent[:10])}; the sample has "
            f"{', '.join(frame.columns[:20])}"
        )
        raise DataError(message)
    return frame[list(names)] if names else frame


def read_requirements(path: Path) -> tuple[str, ...]:
    """Read names and versions, one a line, as ``pip freeze`` writes them.

    Raises:
        DataError: a line is more than that, such as an option, a path or a URL; or there is no such file.
    """
    try:
        lines = [line.partition(" #")[0].strip() for line in path.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read as a list of requirements ({error}); write one with `pip freeze`"
        raise DataError(message) from error
    found = [line for line in lines if line and not line.startswith("#")]
    strange = [line for line in found if not _REQUIREMENT.fullmatch(line)]
    if strange:
        message = f"{path} has the line {strange[0]!r}, and names with versions are taken only (scikit-learn==1.7.2)"
        raise DataError(message)
    return tuple(found)


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
