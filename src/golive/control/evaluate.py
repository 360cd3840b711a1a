"""``golive evaluate``: numbers about a bundle, against a dummy and against what is live."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive.control.package import open_bundle
from golive.control.refs import serving_release
from golive.control.rooms import Rooms, code_version
from golive.control.stages import Say, Stage, kept, key_of, source_digest
from golive.control.train import Trained
from golive.domain.bundle import Bundle
from golive.domain.digest import Digest, short
from golive.domain.evidence import Evidence
from golive.errors import NotFoundError
from golive.evaluation.run import baseline_predictions, measure_latency
from golive.evaluation.run import evaluate as measure
from golive.inference.road import Road
from golive.ports import Float64

_LATENCY_RUNS = 300


def evaluate(trained: Trained, bundle: Bundle, rooms: Rooms, *, say: Say) -> Evidence:
    """Measure a project's bundle on its test rows, or give the evidence that an earlier run attached."""
    champion = champion_of(bundle, rooms)
    key = key_of(
        bundle=bundle.digest,
        champion=champion.digest if champion else "",
        rows=trained.key,
        code=source_digest("evaluation", "statistics"),
    )

    def make(folder: Path) -> None:
        fitted = trained.fitted()
        evidence = measure_bundle(
            bundle,
            rooms,
            columns=fitted.test_columns,
            truth=fitted.test_target,
            train_target=fitted.train_target,
            champion=champion,
            data=trained.data,
        )
        rooms.bundles.attach_evidence(evidence)
        (folder / "evidence.json").write_bytes(msgspec.json.encode(evidence))

    folder, reused, seconds = kept(rooms.home.cache, "evaluate", key, make)
    evidence = msgspec.json.decode((folder / "evidence.json").read_bytes(), type=Evidence)
    say(Stage(name="evaluate", text=headline(evidence), seconds=seconds, reused=reused))
    return evidence


def champion_of(bundle: Bundle, rooms: Rooms) -> Bundle | None:
    """Give what serves under the bundle's name, unless it is this very bundle or answers another question."""
    try:
        live = rooms.bundles.open(serving_release(bundle.name, rooms).bundle)
    except NotFoundError:
        return None
    same_question = live.signature.task == bundle.signature.task and live.signature.classes == bundle.signature.classes
    return live if live.digest != bundle.digest and same_question else None


def measure_bundle(
    bundle: Bundle,
    rooms: Rooms,
    *,
    columns: Mapping[str, Any],
    truth: Any,
    train_target: Any,
    champion: Bundle | None,
    data: Digest,
) -> Evidence:
    """Predict with the bundle, the dummy and the champion on the same rows, and compare."""
    road = open_bundle(bundle, rooms.bundles.files(bundle))
    predicted = road.columns(columns)
    signature = bundle.signature
    return measure(
        bundle=bundle.digest,
        task=signature.task,
        classes=signature.classes,
        truth=truth,
        predicted=predicted,
        baseline=baseline_predictions(signature.task, train_target, signature.classes, len(predicted)),
        champion=_champion_predictions(champion, rooms, columns),
        champion_digest=champion.digest if champion else None,
        data_digest=data,
        measured_at=rooms.now(),
        code=code_version(),
        size_bytes=bundle.size_bytes,
        threshold=bundle.manifest.decision.threshold,
        extra_measures=tuple(measure_latency(_one_row(road, columns), _LATENCY_RUNS)),
    )


def headline(evidence: Evidence) -> str:
    """Say the first measure with its interval, and the baseline's."""
    first = evidence.measures[0]
    base = evidence.find(f"baseline.{first.name}")
    interval = f" [{first.lower:.4g}, {first.upper:.4g}]" if first.lower is not None and first.upper is not None else ""
    dummy = f"; dummy baseline {base.value:.4g}" if base else ""
    against = f"; champion {short(evidence.champion)}" if evidence.champion else ""
    return f"{first.name} {first.value:.5g}{interval} on {evidence.rows:,} test rows{dummy}{against}"


def _champion_predictions(champion: Bundle | None, rooms: Rooms, columns: Mapping[str, Any]) -> Float64 | None:
    if champion is None or not set(champion.signature.names) <= set(columns):
        return None
    return open_bundle(champion, rooms.bundles.files(champion)).columns(columns)


def _one_row(road: Road, columns: Mapping[str, Any]) -> Any:
    row = [_plain(columns[name][0]) for name in road.signature.names]
    return lambda: road.labels(road.rows([row]))


def _plain(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and np.isnan(plain) else plain
