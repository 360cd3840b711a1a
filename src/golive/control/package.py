"""``golive package``: from a fitted object to a bundle in the store, with the proof that both answer alike."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive import plugins
from golive.control.project_file import Project
from golive.control.rooms import Rooms, code_version, environment
from golive.control.stages import Say, Stage, kept, key_of, source_digest
from golive.control.train import Trained
from golive.domain.bundle import Bundle, Lineage
from golive.domain.digest import short
from golive.domain.evidence import Evidence
from golive.errors import NotConvertibleError
from golive.inference.road import Road, open_road
from golive.packaging.boundary import boundary_rows
from golive.packaging.build import assemble, pack
from golive.packaging.parity import prove
from golive.packaging.profile import profile
from golive.ports import Framework
from golive.training.fitted import Fitted

RUNTIME = "onnxruntime"


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
        code=source_digest("packaging", "adapters/frameworks", "adapters/runtimes", "inference", "domain"),
    )

    def make(folder: Path) -> None:
        bundle = _make(project, trained, rooms)
        (folder / "bundle.txt").write_text(bundle.digest, "utf-8")

    folder, reused, seconds = kept(rooms.home.cache, "package", key, make)
    bundle = rooms.bundles.open(rooms.bundles.find((folder / "bundle.txt").read_text("utf-8")).digest)
    parity = _parity(bundle, rooms)
    text = f"{bundle.name} {short(bundle.digest)}, {bundle.size_bytes / 1e6:.2f} MB; {parity}"
    say(Stage(name="package", text=text, seconds=seconds, reused=reused))
    return bundle


def framework_for(model: object) -> Framework:
    """Find the framework plug-in that knows a model.

    Raises:
        NotConvertibleError: none does.
    """
    frameworks: Iterator[Framework] = plugins.load_all("frameworks")
    for framework in frameworks:
        if framework.recognizes(model):
            return framework
    known = ", ".join(plugins.names("frameworks"))
    message = (
        f"no framework plug-in knows a {type(model).__module__}.{type(model).__qualname__}; installed are: {known}"
    )
    raise NotConvertibleError(message)


def open_bundle(bundle: Bundle, files: Mapping[str, bytes], *, threads: int = 1) -> Road:
    """Open a bundle's graph in this process."""
    manifest = bundle.manifest
    return open_road(manifest, files[manifest.graph], plugins.load("runtimes", manifest.runtime), threads=threads)


def lineage(trained: Trained, fitted: Fitted) -> Lineage:
    """Say where a trained model comes from."""
    best = trained.trials[trained.chosen]
    return Lineage(
        data={trained.source: trained.data},
        rows=trained.report.rows_train,
        code=code_version(),
        environment=environment(),
        seed=fitted.seed,
        model=best.candidate,
        parameters=msgspec.to_builtins(best.parameters),
    )


def _make(project: Project, trained: Trained, rooms: Rooms) -> Bundle:
    fitted = trained.fitted()
    framework = framework_for(fitted.pipeline)
    sample = fitted.prepare(fitted.train_columns)
    converted = framework.convert(fitted.pipeline, sample, target=project.target)
    manifest = assemble(
        project.name,
        converted,
        steps=fitted.steps,
        inputs=fitted.inputs,
        runtime=RUNTIME,
        lineage=lineage(trained, fitted),
    )
    road = open_road(manifest, converted.graph, plugins.load("runtimes", RUNTIME))

    def original(columns: Mapping[str, Any]) -> Any:
        return framework.predict(fitted.pipeline, fitted.prepare(columns))

    proof = prove(
        original,
        road,
        fitted.test_columns,
        boundary_rows(fitted.test_columns, converted.thresholds, manifest, rng=np.random.default_rng(project.seed)),
        tolerance=project.optimization.tolerance,
    )
    reference = profile(manifest.signature, fitted.train_columns, road.columns(fitted.train_columns))
    files = pack(manifest, converted.graph, reference)
    bundle = rooms.bundles.write(manifest, files, created_at=rooms.now())
    rooms.bundles.attach_evidence(
        Evidence(
            bundle=bundle.digest,
            kind="parity",
            data=trained.data,
            rows=proof.rows,
            measured_at=rooms.now(),
            code=code_version(),
            measures=proof.measures,
            details=proof.details,
        )
    )
    rooms.bundles.attach(
        bundle.digest,
        kind="data-report",
        content=msgspec.json.encode(trained.report),
        media_type="application/vnd.golive.data-report.v1+json",
        at=rooms.now(),
    )
    return bundle


def _parity(bundle: Bundle, rooms: Rooms) -> str:
    proofs = [evidence for evidence in rooms.bundles.evidence(bundle.digest) if evidence.kind == "parity"]
    measure = proofs[-1].find("parity.difference") if proofs else None
    if measure is None:
        return "no parity proof is attached"
    return f"equal to the original on {measure.rows:,} rows (greatest difference {measure.value:.1e})"
