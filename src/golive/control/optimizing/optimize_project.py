"""The optimize stage of a project: from the bundle of the model that won to the smaller or faster one."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from golive import plugins
from golive.control.judging.evaluate import evaluate
from golive.control.optimizing.halves import Rows, halves, taken
from golive.control.optimizing.optimize import Optimized, Plan, optimize
from golive.control.packing.opened import accepted, table_columns
from golive.control.packing.truth import truth_of
from golive.control.project.file import Project
from golive.control.rooms import Rooms
from golive.control.stages import Say, Stage, kept, key_of, source_digest
from golive.control.train import Progress, Trained
from golive.domain.bundle import Bundle
from golive.domain.digest import short
from golive.domain.evidence import Evidence
from golive.optimization.limits import Limits
from golive.optimization.tried import Tried
from golive.ports import Int64

CHOICE_SHARE = 0.5
"""Of a project's test rows: so many choose the candidate; the others measure the one that was chosen."""
_CHOSEN, _MEASURING = "chosen.json", "measuring.npy"


class ProjectRows(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The rows of a project, divided."""

    rows: Rows
    """Training rows to make candidates from, and a part of the test rows to choose one by."""
    measuring: Int64
    """The positions of the other test rows, which no choice looks at."""


class _Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What the stage keeps."""

    bundle: str
    """The digest of the child; empty where nothing was good enough."""
    text: str


def project_rows(bundle: Bundle, trained: Trained) -> ProjectRows:
    """Divide a project's rows: to make candidates from, to choose by, and to measure the chosen one on."""
    fitted = trained.fitted()
    training, test = (table_columns(bundle.signature, frame) for frame in (fitted.train_raw, fitted.test_raw))
    truth = truth_of(bundle.signature, np.asarray(fitted.test_target))
    making, _ = halves(accepted(bundle, training), 1.0)
    choosing, _ = halves(accepted(bundle, test), CHOICE_SHARE)
    rows = Rows(
        making=taken(training, making),
        judging=taken(test, choosing),
        truth=truth[choosing],
        data=trained.data,
        rows_from="test",
        trained=True,
    )
    return ProjectRows(rows=rows, measuring=np.setdiff1d(np.arange(len(truth)), choosing).astype(np.int64))


def evaluated(
    project: Project,
    trained: Trained,
    bundle: Bundle,
    rooms: Rooms,
    *,
    say: Say,
    on_progress: Progress,
    against: Bundle | None = None,
) -> tuple[Bundle, Evidence]:
    """Optimize a project's bundle where golive.yaml says so, and evaluate what is to go live.

    Where something was chosen by test rows, it is evaluated on the others.
    """
    found, measuring = optimized(project, trained, bundle, rooms, say=say, on_progress=on_progress)
    return found, evaluate(
        project, trained, found, rooms, say=say, positions=measuring, against=against, on_progress=on_progress
    )


def optimized(
    project: Project, trained: Trained, bundle: Bundle, rooms: Rooms, *, say: Say, on_progress: Progress
) -> tuple[Bundle, Int64 | None]:
    """Give the child that golive.yaml's search found, now or in an earlier run; the bundle itself where it found none.

    Beside it are the positions of the test rows that the search did not look at; None where there was no search.

    Raises:
        GoliveError: as ``golive optimize`` does.
    """
    asked = project.optimize
    if asked is None:
        return bundle, None
    limits = Limits(max_loss=asked.max_loss, prefer=asked.prefer)
    plan = Plan(limits=limits, metric=project.search.metric or "", budget_s=asked.budget_s, only=asked.only)
    key = key_of(
        bundle=bundle.digest,
        trained=trained.key,
        plan=plan,
        installed=[plugins.names(group) for group in ("optimizers", "runtimes")],
        code=source_digest("optimization", "adapters/graphs", "adapters/optimizers", "adapters/runtimes"),
    )

    def make(folder: Path) -> None:
        divided = project_rows(bundle, trained)
        found = optimize(bundle, divided.rows, plan, rooms, told=_counted(on_progress))
        if found.bundle is not None:
            _hand_down(bundle, found.bundle, rooms)
        chosen = _Chosen(bundle=found.bundle.digest if found.bundle else "", text=headline(found))
        (folder / _CHOSEN).write_bytes(msgspec.json.encode(chosen))
        np.save(folder / _MEASURING, divided.measuring)

    folder, reused, seconds = kept(rooms.home.cache, "optimize", key, make)
    chosen = msgspec.json.decode((folder / _CHOSEN).read_bytes(), type=_Chosen)
    say(Stage(name="optimize", text=chosen.text, seconds=seconds, reused=reused))
    made = rooms.bundles.find(chosen.bundle) if chosen.bundle else bundle
    return made, np.load(folder / _MEASURING)


def headline(found: Optimized) -> str:
    """Say what an optimization came to, in a line."""
    best, count = found.searched.best, len(found.searched.tried)
    tried = f"{count} {'candidate' if count == 1 else 'candidates'} tried"
    missed = f"; no time was left for {', '.join(found.searched.left_out)}" if found.searched.left_out else ""
    if best is None or found.bundle is None:
        return f"nothing smaller or faster is good enough, {tried}{missed}"
    made = f"{short(found.bundle.digest)} made from {short(found.parent.digest)}"
    return f"{best.candidate.name}: {best.reason}; {made}; {tried}{missed}"


def _hand_down(parent: Bundle, child: Bundle, rooms: Rooms) -> None:
    """Attach to the child what is known about the rows that both were trained on."""
    for report in rooms.bundles.attached(parent.digest, "data-report")[-1:]:
        media_type = "application/vnd.golive.data-report.v1+json"
        rooms.bundles.attach(child.digest, kind="data-report", content=report, media_type=media_type, at=rooms.now())


def _counted(on_progress: Progress) -> Callable[[Tried], None]:
    done = 0

    def told(one: Tried) -> None:
        nonlocal done
        done += 1
        on_progress(done, done + 1, one.candidate.name)

    return told
