"""``golive train``: from golive.yaml and its data to a fitted object and every trial."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from golive.control.project.file import Project
from golive.control.rooms import Rooms, environment
from golive.control.stages import Say, Stage, kept, key_of, source_digest
from golive.domain.data_report import DataReport
from golive.domain.digest import Digest
from golive.domain.metric import better, default_metric
from golive.domain.trial import Trial
from golive.evaluation.numbers import number
from golive.training.fit import train as fit
from golive.training.fitted import Fitted, load_fitted, save_fitted
from golive.training.inspect import with_inferred_features
from golive.training.source import read_source

Progress = Callable[[int, int, str], None]


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted object in the cache, and what it was made of."""

    key: Digest
    folder: Path
    base: Path
    """The folder that paths in golive.yaml are relative to."""
    source: str
    data: Digest
    report: DataReport
    trials: tuple[Trial, ...]
    chosen: int
    metric: str
    """What the search went by."""

    def fitted(self) -> Fitted:
        """Load the fitted object. It is golive's own file in golive's own cache, never one from elsewhere."""
        return load_fitted(self.folder / "fitted.joblib")


def train(project: Project, base: Path, rooms: Rooms, *, say: Say, on_progress: Progress) -> Trained:
    """Read, clean, split, search and fit; or give what an earlier run with the same inputs made.

    Raises:
        DataError: the table cannot be read or trained on.
    """
    started = time.monotonic()
    frame, digest, description = read_source(project.data, base)
    recipe = with_inferred_features(project.recipe, frame)
    key = key_of(
        recipe=recipe,
        data=digest,
        environment=environment(),
        code=source_digest("training", "inference", "adapters/tables", "adapters/searches"),
    )

    def make(folder: Path) -> None:
        fitted = fit(recipe, frame, data_digest=digest, jobs=project.search.jobs, on_progress=on_progress)
        save_fitted(fitted, folder / "fitted.joblib")
        fitted.changes.to_csv(folder / "changes.csv", index=False)
        (folder / "report.json").write_bytes(msgspec.json.encode(fitted.report))
        (folder / "trials.json").write_bytes(msgspec.json.encode({"trials": fitted.trials, "chosen": fitted.chosen}))

    folder, reused, _ = kept(rooms.home.cache, "train", key, make)
    trained = _open(folder, key, project, digest, base)
    if key not in rooms.ledger.runs():
        rooms.ledger.add_trials(key, trained.trials, chosen=trained.chosen, at=rooms.now())
    best = trained.trials[trained.chosen]
    count = f"{len(trained.trials)} {'trial' if len(trained.trials) == 1 else 'trials'}"
    text = f"{description}; {count}; best is {best.candidate} ({_scored(best, trained.metric)})"
    say(Stage(name="train", text=text, seconds=time.monotonic() - started, reused=reused))
    return trained


def _scored(trial: Trial, metric: str) -> str:
    # Scores are greater-is-better, so errors come negated.
    value = -trial.mean if better(metric) == "lower" else trial.mean
    return f"{metric} {number(value)} in cross-validation"


class _Trials(msgspec.Struct, frozen=True):
    trials: tuple[Trial, ...]
    chosen: int


def _open(folder: Path, key: Digest, project: Project, data: Digest, base: Path) -> Trained:
    kept_trials = msgspec.json.decode((folder / "trials.json").read_bytes(), type=_Trials)
    return Trained(
        key=key,
        folder=folder,
        base=base,
        # Where the file stands is this machine's affair, and is told to nobody who gets the bundle.
        source=Path(project.data.file).name or project.data.package,
        data=data,
        report=msgspec.json.decode((folder / "report.json").read_bytes(), type=DataReport),
        trials=kept_trials.trials,
        chosen=kept_trials.chosen,
        metric=project.search.metric or default_metric(project.task),
    )
