"""Announced: the parts of an evaluation, each of which says that it begins, for the person who waits."""

from collections.abc import Callable, Mapping

from golive.evaluation.subject import Part, Section, Subject

Progress = Callable[[int, int, str], None]
"""Told how much is done, of how much, and what comes now."""

_DOING: Mapping[str, str] = {
    "recalibration": "are its probabilities right",
    "thresholds": "what other thresholds would do",
    "anomaly": "scores of anomalies",
    "ranking": "the order of its answers",
    "checks": "leaks, units and other faults",
    "fairness": "groups of people",
    "slices": "where it is weak",
    "label_noise": "answers that may be wrong in the data",
    "robustness": "what worse inputs do",
    "explained": "what it goes by",
    "reweighting": "fitted again with weighed groups",
    "learning_curve": "fitted again on fewer rows",
}


def quiet(_done: int, _total: int, _text: str) -> None:
    """Tell nobody."""


def announced(parts: Mapping[str, Part], progress: Progress) -> dict[str, Part]:
    """Give the same parts; each of them says that it begins."""
    return {name: _one(name, part, done, len(parts), progress) for done, (name, part) in enumerate(parts.items())}


def _one(name: str, part: Part, done: int, total: int, progress: Progress) -> Part:
    def told(subject: Subject) -> Section:
        progress(done, total, f"evaluate: {_DOING.get(name, name)}")
        return part(subject)

    return told
