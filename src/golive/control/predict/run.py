"""``golive predict``: a table through a bundle into another table."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyarrow as pa

from golive import errors, plugins
from golive.control.predict.answers import answer_fields
from golive.control.predict.crew import scored
from golive.control.predict.hands import Hands
from golive.control.predict.order import Done, Order, Task, schema_of
from golive.control.predict.places import file_name, folder_for, is_here, writer_of
from golive.control.predict.plan import Plan, planned
from golive.control.predict.whole import Whole
from golive.control.refs import find_used
from golive.control.rooms import Rooms
from golive.domain.digest import Digest
from golive.errors import DataError, GoliveError, UnavailableError, UsageError
from golive.ports import SlicedTable
from golive.store.files import refused as disk_refuses
from golive.store.files import write_whole

ROWS_PER_PIECE = 200_000
Move = Callable[[int, int, str], None]


class Predicted(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did."""

    bundle: Digest
    model: str
    output: str
    rows: int
    """Rows of the input."""
    written: int
    refused: int
    refused_file: str
    """Where the refused rows are listed with their reasons; empty where there are none."""
    resumed_at: int
    """Rows that an earlier run had done."""
    seconds: float
    workers: int


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a run, besides the bundle, its input and its output."""

    columns: tuple[str, ...] | None = None
    """Input columns that pass through; None: all."""
    options: dict[str, str] = {}
    """How the input is read, as ``data.options`` in golive.yaml."""
    probabilities: bool = True
    skip: bool = False
    """Leave out rows that cannot be predicted, and list them; else the first one ends the run."""
    refused: Path | None = None
    """Where they are listed; otherwise beside the output."""
    workers: int = 0
    """Processes; 0: one a core."""
    rows: int = ROWS_PER_PIECE
    """Rows that one process has in hand, about."""
    resume: bool = False
    overwrite: bool = False


def predict(
    reference: str, place: str, output: str, rooms: Rooms, *, wish: Wish, move: Move, hands: Hands | None = None
) -> Predicted:
    """Predict every row of a table, in order.

    The output appears whole, at the end; until then it grows in ``OUTPUT.unfinished``, from where a killed run
    resumes. ``hands`` are processes that wait already.

    Raises:
        DataError: the input cannot be read, or a row cannot be predicted; the message says which and why.
        UsageError: the output is there, or an unfinished run is, and the wish does not say what to do about it.
        UnavailableError: the disk is full, or a process was killed; what is done is kept.
    """
    started = time.monotonic()
    bundle = find_used(reference, rooms)
    _check_place(output, wish)
    sink: SlicedTable = plugins.load("tables", writer_of(output))
    plan = planned(
        bundle,
        place,
        output,
        options=wish.options,
        columns=wish.columns,
        rows=wish.rows,
        probabilities=wish.probabilities,
        skip=wish.skip,
    )
    workers = wish.workers or len(os.sched_getaffinity(0))
    refused = wish.refused or _refused_path(output)
    folder = folder_for(output, rooms.home.folder)
    try:
        with _alone(folder, output):
            _begin(folder, plan, output, sink, wish)
            fields = answer_fields(bundle.signature, probabilities=plan.probabilities)
            with Whole(folder, sink, pa.schema([*schema_of(plan.kept), *fields])) as whole:
                resumed_at = whole.last.seen
                if not whole.is_sealed:
                    _fill_or_leave_nothing(whole, plan, rooms, workers=workers, hands=hands or Hands(0), move=move)
                last = whole.last
                whole.deliver(output, refused)
    except OSError as error:
        raise disk_refuses(Path(error.filename or folder), error) from error
    return Predicted(
        bundle=bundle.digest,
        model=bundle.name,
        output=output,
        rows=last.seen,
        written=last.written,
        refused=last.refused,
        refused_file=str(refused) if last.refused else "",
        resumed_at=resumed_at,
        seconds=round(time.monotonic() - started, 3),
        workers=workers,
    )


def _check_place(output: str, wish: Wish) -> None:
    if wish.resume and wish.overwrite:
        message = "--resume goes on with an unfinished run and --overwrite begins anew; choose one of them"
        raise UsageError(message)
    parent = Path(output).absolute().parent
    if is_here(output) and (Path(output).is_dir() or not parent.is_dir()):
        message = f"{output} cannot be written: give a file in a folder that is there"
        raise UsageError(message)


def _refused_path(output: str) -> Path:
    beside = Path(output).parent if is_here(output) else Path()
    return beside / f"{file_name(output)}.refused.jsonl"


@contextmanager
def _alone(folder: Path, output: str) -> Iterator[None]:
    """Hold the output against other runs; a dying process lets go of it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        message = f"another golive predict is writing {output}; wait for it, or write to another file"
        raise UnavailableError(message) from error
    finally:
        os.close(descriptor)


def _begin(folder: Path, plan: Plan, output: str, sink: SlicedTable, wish: Wish) -> None:
    """Make the folder that a run grows in ready for it: new, or as a killed run of the same plan left it."""
    kept = folder / "plan.json"
    if kept.is_file():
        if not wish.resume and not wish.overwrite:
            message = (
                f"an earlier run into {output} was not finished and is kept in {folder}; --resume goes on with it, "
                "--overwrite begins anew"
            )
            raise UsageError(message)
        if wish.resume:
            _check_same(msgspec.json.decode(kept.read_bytes(), type=Plan), plan, output)
            return
    elif sink.state(output, {}) and not wish.overwrite:
        folder.rmdir()
        message = f"{output} is there already; --overwrite replaces it when the new one is whole"
        raise UsageError(message)
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_whole(kept, msgspec.json.encode(plan))


def _check_same(before: Plan, now: Plan, output: str) -> None:
    words = {
        "bundle": "the bundle is another one",
        "state": "the input was changed",
        "place": "the input is another one",
        "options": "the input is read in another way",
        "kept": "other columns are kept",
    }
    # The rows that are done have their answers, whatever becomes of those that cannot have one.
    decisive = [name for name in Plan.__struct_fields__ if name != "skip"]
    others = [name for name in decisive if getattr(before, name) != getattr(now, name)]
    if others:
        why = "; ".join(dict.fromkeys(words.get(name, f"{name} is another") for name in others))
        message = f"the unfinished run into {output} cannot go on: {why}; undo that, or begin anew with --overwrite"
        raise UsageError(message)


def _fill_or_leave_nothing(whole: Whole, plan: Plan, rooms: Rooms, *, workers: int, hands: Hands, move: Move) -> None:
    try:
        _fill(whole, plan, rooms, workers=workers, hands=hands, move=move)
    except GoliveError:
        if not whole.slices:
            whole.discard()
        raise


def _fill(whole: Whole, plan: Plan, rooms: Rooms, *, workers: int, hands: Hands, move: Move) -> None:
    source: SlicedTable = plugins.load("tables", plan.source)
    slices = source.slices(plan.place, plan.options, rows=plan.rows)
    tasks = [Task(number, part) for number, part in enumerate(slices)]
    order = Order(
        store=str(rooms.home.store.absolute()),
        bundle=plan.bundle,
        place=plan.place,
        source=plan.source,
        options=plan.options,
        kept=plan.kept,
        sink=plan.sink,
        parts=str(whole.parts),
        probabilities=plan.probabilities,
        skip=plan.skip,
    )
    move(whole.slices, len(tasks), f"{whole.last.seen:,} rows")
    for done in scored(order, tasks[whole.slices :], workers=workers, hands=hands):
        _raise_told(done)
        if done.refused and not plan.skip:
            first = done.refused[0]
            goes_on = ", and --resume keeps what is done" if whole.slices else ""
            message = (
                f"row {whole.row_of(first):,} of {plan.place} cannot be predicted: {first.reason}; mend it, or leave "
                f"such rows out with --on-error skip{goes_on}"
            )
            raise DataError(message)
        whole.take(done)
        move(whole.slices, len(tasks), f"{whole.last.seen:,} rows")


def _raise_told(done: Done) -> None:
    """Raise the error that ended a slice.

    Raises:
        GoliveError: of the class that was told.
        RuntimeError: it was none of golive's.
    """
    if not done.error:
        return
    known = getattr(errors, done.error, None)
    if isinstance(known, type) and issubclass(known, GoliveError):
        raise known(done.message)
    raise RuntimeError(done.message)
