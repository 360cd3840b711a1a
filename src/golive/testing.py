"""The conformance kit: one call says whether a plug-in keeps the promises of its port.

Each function raises AssertionError with the promise that was broken.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from golive.domain.bundle import Bundle, Manifest
from golive.domain.serving import Observed
from golive.domain.trial import Trial
from golive.errors import DataError, GoliveError, VerificationError
from golive.inference.explaining.container import EXPLAINER
from golive.inference.explaining.open import open_explainer
from golive.inference.road import Road, open_road
from golive.packaging.build import assemble
from golive.packaging.explaining import explaining_files
from golive.ports import (
    Column,
    Explainer,
    Export,
    Framework,
    ModelFormat,
    Optimizer,
    Runtime,
    Search,
    SlicedTable,
    Subject,
    TableFormat,
    Target,
)

_ADDITIVE = 1e-5
_VARYING = {"index.json", "model.ort"}
"""An index has the time of writing; ONNX Runtime writes the parts of its own format in any order."""


def check_table(table: TableFormat, sample: Path) -> None:
    """Check a table format on a readable file of its kind, with at least one row; of a ``SlicedTable`` both sides."""
    assert table.suffixes, "suffixes names at least one file ending"
    pieces = list(table.read(sample, {}))
    assert pieces, "a table with rows gives at least one piece"
    assert sum(piece.num_rows for piece in pieces) > 0, "the pieces hold the rows"
    assert len({tuple(piece.schema.names) for piece in pieces}) == 1, "every piece has the same columns"
    with tempfile.TemporaryDirectory() as folder:
        broken = Path(folder) / f"broken{table.suffixes[0]}"
        for content in (None, b""):
            if content is not None:
                broken.write_bytes(content)
            _refuses(lambda: list(table.read(broken, {})), DataError, "a missing or empty file is a DataError")
        if isinstance(table, SlicedTable):
            rows = [row for piece in pieces for row in piece.to_pylist()]
            _check_slices(table, sample, rows)
            for suffix in table.writes:
                _check_parts(table, sample, rows, Path(folder), suffix)


def _check_slices(table: SlicedTable, sample: Path, rows: Sequence[Any]) -> None:
    place = str(sample)
    names = table.names(place, {})
    assert tuple(rows[0]) == tuple(names), "names are those of the pieces"
    schema = table.schema(place, {}, names)
    assert list(table.slices(place, {}, rows=1)) == list(table.slices(place, {}, rows=1)), "it cuts alike each time"
    found = [
        row
        for part in table.slices(place, {}, rows=1)
        for read in table.read_slice(place, part, {}, fields=(), kept=schema)
        for row in read.kept.to_pylist()
    ]
    assert found == list(rows), "the slices hold the rows, in order"
    assert table.state(place, {}) == table.state(place, {}) != "", "a table that is there has a state"


def _check_parts(table: SlicedTable, sample: Path, rows: Sequence[Any], folder: Path, suffix: str) -> None:
    place = str(sample)
    schema = table.schema(place, {}, table.names(place, {}))
    whole, part, target = folder / "whole", folder / "part", folder / f"joined{suffix}"
    content, notes = bytearray(table.head(schema)), []
    for piece in table.read(sample, {}):
        writer = table.writer(part, schema)
        writer.write(piece.replace_schema_metadata(None).cast(schema))
        writer.close()
        body = table.body(part, len(content))
        content += part.read_bytes()[body.start : body.stop]
        notes.append(body.note)
    whole.write_bytes(bytes(content) + table.tail(schema, notes))
    assert table.state(str(target), {}) == "", "what is not there has no state"
    table.deliver(whole, str(target), {})
    assert not whole.exists(), "a delivered file is used up"
    joined = [row for piece in table.read(target, {}) for row in piece.to_pylist()]
    assert joined == list(rows), "joined parts are the table"


def check_format(model_format: ModelFormat, sample: Path) -> Any:
    """Check a format of model files on a whole file or folder of its kind; gives what it read.

    Damaged copies of it, and files that are none, must be refused with a ``DataError`` that names them.
    """
    assert model_format.name, "it has a name"
    assert model_format.recognizes(sample), "it recognizes its own files"
    read = model_format.read(sample)
    assert read is not None, "it gives a model, or a CodeFile"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _check_strangers(model_format, folder)
        for number, change in enumerate((_empty, _half, _other)):
            copy = folder / str(number) / sample.name
            copy.parent.mkdir()
            _changed_copy(sample, copy, change)
            before = _content_of(copy)
            if model_format.recognizes(copy):
                _reads_or_refuses(model_format, copy, must_refuse=change is not _other)
            assert _content_of(copy) == before, "it changes nothing beside or in a file that it reads"
    return read


def _check_strangers(model_format: ModelFormat, folder: Path) -> None:
    text, nothing, inside = folder / "notes.strange", folder / "not there", folder / "empty"
    text.write_text("no model", "utf-8")
    inside.mkdir()
    for path in (text, nothing, inside):
        assert not model_format.recognizes(path), "it recognizes nothing else, and says so without an error"


def _reads_or_refuses(model_format: ModelFormat, path: Path, *, must_refuse: bool) -> None:
    told = None
    try:
        model_format.read(path)
    except DataError as error:
        told = error.message
    assert told is not None or not must_refuse, "an empty file, or half a file, is a DataError"
    names = [path.name, *(each.name for each in path.rglob("*"))]
    assert told is None or any(name in told for name in names), "a refusal names the file"


def _changed_copy(sample: Path, copy: Path, change: Callable[[bytes], bytes]) -> None:
    """Copy a file, or a folder whose largest file is changed and whose others stay as they are."""
    if sample.is_file():
        copy.write_bytes(change(sample.read_bytes()))
        return
    shutil.copytree(sample, copy)
    largest = max((path for path in copy.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    largest.write_bytes(change(largest.read_bytes()))


def _content_of(path: Path) -> dict[Path, bytes]:
    return {each: each.read_bytes() for each in path.parent.rglob("*") if each.is_file()}


def _empty(content: bytes) -> bytes:
    del content
    return b""


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _other(content: bytes) -> bytes:
    """Change a byte in the middle: that may be a weight, which no format can tell from another."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def check_framework(framework: Framework, model: object, sample: Any, runtime: Runtime) -> None:
    """Check a framework on a fitted model and the rows it was fitted on: the graph answers like the original."""
    assert framework.recognizes(model), "it recognizes its own models"
    assert not framework.recognizes(object()), "it recognizes nothing else"
    converted = framework.convert(model, sample, target="target")
    manifest: Manifest = assemble("checked", converted)
    road = open_road(manifest, converted.graph, runtime)
    original = framework.predict(model, sample)
    answered = road.columns({str(name): sample[name].to_numpy() for name in sample.columns})
    assert original.shape == answered.shape, "the graph gives one column a class, or one value"
    allowed = max(1e-9, converted.tolerance)
    np.testing.assert_allclose(answered, original, rtol=allowed, atol=allowed)


def check_runtime(
    runtime: Runtime, graph: bytes, numbers: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]
) -> None:
    """Check a runtime on a graph that reads ``N`` only, with rows and their known answers (float64 each)."""
    session = runtime.open(graph, threads=1)
    codes = np.zeros((len(numbers), 0), np.int64)
    first = session.run(numbers, codes)
    np.testing.assert_allclose(first, expected, rtol=1e-12)
    assert first.dtype == np.float64, "answers are float64"
    for row in range(len(numbers)):
        one = session.run(numbers[row : row + 1], codes[row : row + 1])
        np.testing.assert_allclose(
            one, first[row : row + 1], rtol=1e-12, err_msg="a row answers alike alone and among others"
        )
    session.run(numbers[:1] * 0, codes[:1])
    np.testing.assert_allclose(first, expected, rtol=1e-12, err_msg="an answer does not change with a later call")
    _refuses(lambda: runtime.open(b"no graph", threads=1), VerificationError, "bad bytes are a VerificationError")


def check_search(search: Search) -> None:
    """Check a search on a space whose best setting is known."""
    space: Mapping[str, Sequence[Any]] = {"depth": [1, 2, 3, 4], "rate": [0.1, 0.2]}

    def attempt(settings: Sequence[dict[str, Any]]) -> Sequence[Trial]:
        return [
            Trial(candidate="checked", parameters=one, scores=(-abs(one["depth"] - 3) - one["rate"],), fit_s=0.0)
            for one in settings
        ]

    most = 8
    first = search.run(space, trials=most, seed=1, attempt=attempt)
    assert first, "it tries something"
    assert len(first) <= most, "it keeps to the number of trials"
    assert all(trial.parameters[name] in choices for trial in first for name, choices in space.items()), "of the space"
    assert search.run(space, trials=most, seed=1, attempt=attempt) == first, "the same seed gives the same trials"


def check_optimizer(optimizer: Optimizer, subject: Subject, runtime: Runtime) -> None:
    """Check an optimizer on a graph that it can do something for: its candidates open and answer the same question."""
    assert optimizer.effort_s >= 0, "effort_s is a time"
    first = list(optimizer.candidates(subject))
    assert first, "it gives a candidate"
    assert all(candidate.name for candidate in first), "each has a name"
    assert [one.name for one in optimizer.candidates(subject)] == [one.name for one in first], "the same ones each time"
    for candidate in (one for one in first if one.preparation is None and not one.runtime):
        answers = runtime.open(candidate.graph, threads=1).run(subject.numbers, subject.codes)
        assert answers.shape == subject.answers.shape, "one answer a row, of the same width"
        assert np.isfinite(answers).all(), "answers are finite numbers"


def check_explainer(explainer: Explainer, road: Road, graph: bytes, columns: Mapping[str, Column]) -> None:
    """Check an explainer on a graph of its kind and some training rows: what it prepares explains the road's answers.

    ``columns`` are canonical; see ``golive.inference.table.columns_of``.
    """
    assert explainer.name, "it has a name"
    files = explaining_files(road, graph, columns, [explainer], rows=20)
    assert EXPLAINER in files, "it prepares a graph of its kind"
    assert explaining_files(road, graph, columns, [explainer], rows=20) == files, "the same bytes each time"
    told = open_explainer(road, files).explain({name: column[:10] for name, column in columns.items()})
    assert told.method != "permutation", "what it prepares is used"
    assert np.isfinite(told.contributions).all(), "contributions are finite numbers"
    size = max(1.0, float(np.abs(told.answers).max()))
    assert told.error <= _ADDITIVE * size, "base and contributions add up to the answers"


def check_target(target: Target) -> None:
    """Check that a target can be observed twice alike while nothing happens to it."""
    first = target.observe()
    assert isinstance(first, Observed), "observe gives Observed"
    assert target.observe() == first, "observing changes nothing"


def check_export(export: Export, bundle: Bundle, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Check that an export writes only into its folder, and the same files each time; gives the relative paths."""
    written: list[dict[Path, bytes]] = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "out"
            folder.mkdir()
            paths = export.write(bundle, files, folder, {})
            assert paths, "it says what it wrote"
            assert all(path.is_relative_to(folder) and path.exists() for path in paths), "inside the folder"
            content = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
            written.append({path: data for path, data in content.items() if path.name not in _VARYING})
    assert written[0] == written[1], "the same bundle gives the same files"
    return tuple(sorted(written[0]))


def _refuses(call: Any, kind: type[GoliveError], promise: str) -> None:
    try:
        call()
    except kind:
        return
    raise AssertionError(promise)
