"""``golive package``: from a fitted object to a bundle in the store, with the proof that both answer alike."""

from pathlib import Path

import msgspec

from golive.control.packing.frameworks import converted_by, framework_for
from golive.control.packing.opened import table_columns
from golive.control.packing.proof import RUNTIME, Shown, parity_text, prove_and_write
from golive.control.packing.truth import baseline_file
from golive.control.project.file import Project
from golive.control.rooms import Rooms, code_version, environment
from golive.control.stages import Say, Stage, kept, key_of, source_digest
from golive.control.train import Trained
from golive.domain.bundle import Bundle, Lineage, Manifest
from golive.domain.digest import short
from golive.packaging.build import assemble
from golive.packaging.finish import finished
from golive.training.fitted import Fitted


def package(project: Project, trained: Trained, rooms: Rooms, *, say: Say) -> Bundle:
    """Convert the fitted object, prove the conversion, and write the bundle; or give the one already made.

    Raises:
        NotConvertibleError: a part of the pipeline has no exact form.
        ParityError: the converted model answers differently; the message shows the worst row.
    """
    key = key_of(
        trained=trained.key,
        name=project.name,
        optimization=project.optimization,
        answers=project.answers,
        immutable=project.evaluation.immutable,
        code=source_digest(
            "packaging", "adapters/frameworks", "adapters/explainers", "adapters/runtimes", "inference", "domain"
        ),
    )

    def make(folder: Path) -> None:
        bundle = _make(project, trained, rooms)
        (folder / "bundle.txt").write_text(bundle.digest, "utf-8")

    folder, reused, seconds = kept(rooms.home.cache, "package", key, make)
    bundle = rooms.bundles.open(rooms.bundles.find((folder / "bundle.txt").read_text("utf-8")).digest)
    text = f"{bundle.name} {short(bundle.digest)}, {bundle.size_bytes / 1e6:.2f} MB; {parity_text(bundle, rooms)}"
    say(Stage(name="package", text=text, seconds=seconds, reused=reused))
    return bundle


def lineage(trained: Trained, fitted: Fitted) -> Lineage:
    """Say where a trained model comes from."""
    best = trained.trials[trained.chosen]
    return Lineage(
        data={trained.source: trained.data},
        rows=trained.report.rows_train,
        code=code_version(),
        environment=environment(),
        seed=fitted.recipe.seed,
        model=best.candidate,
        parameters=msgspec.to_builtins(best.parameters),
    )


def shown_of(project: Project, trained: Trained, fitted: Fitted, manifest: Manifest) -> Shown:
    """Give the rows of a project that its bundle is proved on and profiled from."""
    return Shown(
        reference=table_columns(manifest.signature, fitted.train_raw),
        proved_on=table_columns(manifest.signature, fitted.test_raw),
        baseline=baseline_file(manifest.signature, fitted.train_target),
        data=trained.data,
        background=project.answers.background,
    )


def _make(project: Project, trained: Trained, rooms: Rooms) -> Bundle:
    fitted = trained.fitted()
    framework = framework_for(fitted.pipeline)
    sample = fitted.prepare(fitted.train_raw)
    converted = finished(
        converted_by(framework, fitted.pipeline, sample, target=project.target), project.answers.finish
    )
    manifest = assemble(
        project.name,
        converted,
        steps=fitted.steps,
        inputs=fitted.inputs,
        runtime=RUNTIME,
        lineage=lineage(trained, fitted),
        unit=fitted.signature.unit,
        immutable=project.evaluation.immutable,
    )
    bundle = prove_and_write(
        manifest,
        converted,
        lambda columns: framework.predict(fitted.pipeline, fitted.prepare(columns)),
        rooms,
        shown_of(project, trained, fitted, manifest),
        tolerance=project.optimization.tolerance,
        seed=project.seed,
    )
    rooms.bundles.attach(
        bundle.digest,
        kind="data-report",
        content=msgspec.json.encode(trained.report),
        media_type="application/vnd.golive.data-report.v1+json",
        at=rooms.now(),
    )
    return bundle
