"""The verbs that can point at a project folder or at a bundle: train, package, evaluate, gate, deploy."""

from pathlib import Path

import msgspec

from golive.control.deploy import Deployed, deploy, one_at_a_time, release
from golive.control.here import here_policy, here_project, project_folder
from golive.control.judging.evaluate import Own, evaluate_table
from golive.control.judging.gate import append_summary, refuse_unless_allowed, verdict_on, write_junit
from golive.control.judging.judged import project_training
from golive.control.judging.report import write_report
from golive.control.judging.tensorial.words import Words, refuse_words
from golive.control.optimizing.optimize_project import evaluated, optimized
from golive.control.packing.isolate import package_project_isolated
from golive.control.packing.package import package
from golive.control.project.file import Project
from golive.control.project.read import base_of, read_project
from golive.control.refs import find_bundle, find_release
from golive.control.rooms import Rooms, open_rooms
from golive.control.rules import refuse_unanswerable
from golive.control.stages import Say
from golive.control.train import Progress, Trained, train
from golive.domain.bundle import Bundle
from golive.domain.evidence import Evidence
from golive.domain.judging import Declared
from golive.domain.policy import Policy, Verdict
from golive.errors import UsageError
from golive.evaluation.pages.phrases import Language
from golive.judge import judge


class Packaged(msgspec.Struct, frozen=True):
    """A project's trained model and its bundle."""

    trained: Trained
    bundle: Bundle


def train_project(folder: Path, *, say: Say, on_progress: Progress) -> Trained:
    """Train a project."""
    base = base_of(folder)
    return train(read_project(folder), base, open_rooms(base), say=say, on_progress=on_progress)


def package_project(folder: Path, *, say: Say, on_progress: Progress, isolated: bool = False) -> Bundle:
    """Train a project where needed, and package it; ``isolated``: the fitted object itself, with its code."""
    if isolated:
        base, project = base_of(folder), read_project(folder)
        rooms = open_rooms(base)
        trained = train(project, base, rooms, say=say, on_progress=on_progress)
        return package_project_isolated(project, trained, rooms, say=say)
    return _packaged(folder, open_rooms(base_of(folder)), say=say, on_progress=on_progress).bundle


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """The files to judge a bundle on, and what is said of their columns."""

    data: Path | None = None
    training: Path | None = None
    declared: Declared = Declared()
    """What stands in it goes before the project's own ``evaluation`` section."""
    words: Words = Words()
    """What the arrays of a model of tensors mean."""


def evaluate_reference(
    reference: str, *, rows: Rows, against: str, lang: Language, say: Say, on_progress: Progress
) -> tuple[Evidence, Path]:
    """Evaluate a project's bundle on its test rows, or any bundle on the rows of a file; write the report.

    Raises:
        UsageError: a bundle outside its project needs rows, or training rows are given without them.
    """
    folder = project_folder(reference)
    rooms = open_rooms(base_of(folder) if folder else None)
    other = find_bundle(against, rooms) if against else None
    policy = read_project(folder).gate if folder else here_policy()
    if rows.data is None and rows.training is not None:
        message = (
            f"training rows are there to be compared with others; give those: golive evaluate {reference} --data FILE"
        )
        raise UsageError(message)
    if folder is not None:
        asked = read_project(folder)
        refuse_words(asked.name, asked.target, rows.words)
    if folder is not None and rows.data is None:
        made = _packaged(folder, rooms, say=say, on_progress=on_progress)
        project = read_project(folder)
        project = msgspec.structs.replace(project, evaluation=_declared(rows.declared, project.declared))
        bundle, evidence = evaluated(
            project, made.trained, made.bundle, rooms, say=say, on_progress=on_progress, against=other
        )
    elif rows.data is not None:
        if folder is not None:
            bundle, trained = _going_live(folder, rooms, say=say, on_progress=on_progress)
            around: Project | None = read_project(folder)
        else:
            bundle, trained, around = find_bundle(reference, rooms), None, here_project()
        if around is not None and around.name != bundle.name:
            around = None
        declared = _declared(rows.declared, around.declared if around is not None else Declared())
        evidence = evaluate_table(
            bundle,
            rows.data,
            rooms,
            training=rows.training,
            own=_own(around, declared, trained if rows.training is None else None, bundle),
            declared=declared,
            policy=policy,
            against=other,
            words=rows.words,
            on_progress=on_progress,
        )
    else:
        message = f"{reference} is a bundle, so its test rows must be given: golive evaluate {reference} --data FILE"
        raise UsageError(message)
    report = write_report(bundle, evidence, judge(evidence, policy), rooms, lang=lang)
    return evidence, report


def _own(project: Project | None, declared: Declared, trained: Trained | None, bundle: Bundle) -> Own:
    """Give what a project knows of the rows of its bundle: with the training rows, where it was trained just there."""
    if project is None:
        return Own()
    project = msgspec.structs.replace(project, evaluation=declared)
    training = None if trained is None else project_training(project, trained, bundle)
    return Own(cleaning=project.cleaning, training=training)


def _declared(said: Declared, own: Declared) -> Declared:
    """Give a project's own section, with what was said now in place of it."""
    nothing = Declared()
    changed = {
        field: getattr(said, field)
        for field in Declared.__struct_fields__
        if getattr(said, field) != getattr(nothing, field)
    }
    return msgspec.structs.replace(own, **changed)


class Gated(msgspec.Struct, frozen=True, kw_only=True):
    """Which rules decide, and where the verdict is written besides."""

    policy: Path | None = None
    rules: tuple[str, ...] = ()
    against: str = ""
    """The bundle that it must have been compared with; empty: any."""
    junit: Path | None = None
    summary: Path | None = None


def gate_reference(reference: str, gated: Gated) -> Verdict:
    """Judge a project's newest bundle, or any bundle, by its newest evaluation on test rows, else on other rows.

    Raises:
        GateRefusedError: it was never evaluated, or not against that bundle.
        PolicyError: a rule cannot be read, or names what is never measured.
    """
    folder = project_folder(reference)
    rooms = open_rooms(base_of(folder) if folder else None)
    name = read_project(folder).name if folder else reference
    bundle = find_bundle(name, rooms)
    if gated.rules:
        chosen = Policy(rules=gated.rules)
    elif gated.policy is not None:
        chosen = read_project(gated.policy).gate
    else:
        chosen = read_project(folder).gate if folder else here_policy()
    refuse_unanswerable(chosen.rules, bundle.signature.task, classes=bundle.signature.classes)
    against = find_bundle(gated.against, rooms) if gated.against else None
    verdict = verdict_on(bundle, chosen, rooms, against=against)
    if gated.junit is not None:
        write_junit(verdict, bundle, gated.junit)
    if gated.summary is not None:
        append_summary(verdict, bundle, rooms, gated.summary)
    return verdict


def deploy_reference(name: str, reference: str, *, target: str, forced: str, reason: str) -> Deployed:
    """Deploy a release, or judge a bundle and release it first.

    Raises:
        GateRefusedError: the verdict does not allow it.
        UsageError: the reference is a bundle of another name.
    """
    rooms = open_rooms()
    with one_at_a_time(rooms):
        if "@" in reference:
            owner, _, version = reference.partition("@")
            _same_name(name, owner)
            made = find_release(name, version, rooms)
        else:
            bundle = find_bundle(reference, rooms)
            _same_name(name, bundle.name)
            verdict = verdict_on(bundle, here_policy(), rooms, forced=forced)
            refuse_unless_allowed(verdict, bundle)
            made = release(bundle, verdict, rooms)
        return deploy(name, made.version, rooms, target=target, reason=reason)


def _packaged(folder: Path, rooms: Rooms, *, say: Say, on_progress: Progress) -> Packaged:
    project = read_project(folder)
    trained = train(project, base_of(folder), rooms, say=say, on_progress=on_progress)
    return Packaged(trained, package(project, trained, rooms, say=say))


def _going_live(folder: Path, rooms: Rooms, *, say: Say, on_progress: Progress) -> tuple[Bundle, Trained]:
    made, project = _packaged(folder, rooms, say=say, on_progress=on_progress), read_project(folder)
    found, _ = optimized(project, made.trained, made.bundle, rooms, say=say, on_progress=on_progress)
    return found, made.trained


def _same_name(name: str, owner: str) -> None:
    if name != owner:
        message = f"the reference names {owner!r}, but the deployment is of {name!r}; releases belong to one name"
        raise UsageError(message)
