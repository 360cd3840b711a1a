"""``golive up``: from golive.yaml to a live, watched model; runs only what changed since last time."""

import time
from pathlib import Path

import msgspec

from golive.control.deploy import Deployed, deploy, one_at_a_time, release
from golive.control.judging.gate import refuse_unless_allowed
from golive.control.judging.report import write_changes, write_report
from golive.control.live import ensure_running, order_for, write_example
from golive.control.openness import asks_for_key
from golive.control.optimizing.optimize_project import evaluated
from golive.control.packing.package import package
from golive.control.project.file import Project
from golive.control.project.read import base_of, read_project
from golive.control.rooms import Rooms, open_rooms
from golive.control.running.processes import RunningSupervisor
from golive.control.stages import Say, Stage
from golive.control.train import Progress, Trained, train
from golive.domain.bundle import Bundle
from golive.domain.evidence import Evidence
from golive.domain.policy import Verdict
from golive.domain.release import Release
from golive.evaluation.pages.phrases import Language
from golive.judge import judge
from golive.store.files import sweep


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A project's bundle with its evidence and its verdict."""

    project: Project
    bundle: Bundle
    evidence: Evidence
    verdict: Verdict
    report: Path
    changes: Path
    """Every row and cell that cleaning changed, as CSV."""


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What `golive up` leaves behind."""

    judged: Judged
    release: Release
    deployed: Deployed
    supervisor: RunningSupervisor
    example: Path
    """A request body that the model answers."""
    asks_for_key: bool
    """Whether callers must show an API key."""


def build(
    folder: Path, rooms: Rooms, *, say: Say, on_progress: Progress, forced: str = "", lang: Language = "en"
) -> Judged:
    """Train, package, evaluate and judge a project.

    Raises:
        GoliveError: a stage failed; nothing half-made is left.
    """
    project = read_project(folder)
    for written_in in (rooms.home.folder, rooms.home.reports, rooms.home.log.parent):
        sweep(written_in)
    trained = train(project, base_of(folder), rooms, say=say, on_progress=on_progress)
    packaged = package(project, trained, rooms, say=say)
    bundle, evidence = evaluated(project, trained, packaged, rooms, say=say, on_progress=on_progress)
    started = time.monotonic()
    verdict = judge(evidence, project.gate, forced=forced)
    report = write_report(
        bundle, evidence, verdict, rooms, trials=_table(trained), data_report=trained.report, lang=lang
    )
    changes = write_changes(bundle, trained.folder / "changes.csv", rooms)
    holds = sum(reason.outcome == "pass" for reason in verdict.reasons)
    text = f"{verdict.outcome}: {holds} of {len(verdict.reasons)} rules hold; {report}"
    say(Stage(name="gate", text=text, seconds=time.monotonic() - started))
    return Judged(project=project, bundle=bundle, evidence=evidence, verdict=verdict, report=report, changes=changes)


def build_project(folder: Path, *, say: Say, on_progress: Progress, forced: str = "", lang: Language = "en") -> Judged:
    """Build a project in its own state folder; a folder without a project gets no state."""
    read_project(folder)
    return build(folder, open_rooms(base_of(folder)), say=say, on_progress=on_progress, forced=forced, lang=lang)


def up(
    folder: Path,
    *,
    say: Say,
    on_progress: Progress,
    detach: bool = False,
    forced: str = "",
    lang: Language = "en",
) -> Live:
    """Build a project, and make the result serve all traffic of its name.

    Raises:
        GateRefusedError: the verdict does not allow a release.
        UnavailableError: the server or the new version did not come up.
    """
    read_project(folder)  # a folder without a project gets no state either
    rooms = open_rooms(base_of(folder))
    judged = build(folder, rooms, say=say, on_progress=on_progress, forced=forced, lang=lang)
    refuse_unless_allowed(judged.verdict, judged.bundle)
    started = time.monotonic()
    order = order_for(judged.project, rooms, base_of(folder))
    with one_at_a_time(rooms):
        made = release(judged.bundle, judged.verdict, rooms)
        supervisor = ensure_running(order, detach=detach, log=rooms.home.log)
        plan = judged.project.release
        deployed = deploy(made.name, made.version, rooms, target=plan.target, strategy=plan.strategy)
    text = f"{made.name} release {made.version} at {supervisor.url}"
    say(Stage(name="live", text=text, seconds=time.monotonic() - started, reused=not deployed.steps))
    return Live(
        judged=judged,
        release=made,
        deployed=deployed,
        supervisor=supervisor,
        example=write_example(judged.bundle, rooms.home),
        asks_for_key=asks_for_key(supervisor, rooms),
    )


def _table(trained: Trained) -> list[dict[str, object]]:
    return [
        {
            "candidate": trial.candidate,
            "parameters": trial.parameters,
            "mean": trial.mean,
            "scores": list(trial.scores),
            "fit_s": trial.fit_s,
            "error": trial.error,
            "chosen": index == trained.chosen,
        }
        for index, trial in enumerate(trained.trials)
    ]
