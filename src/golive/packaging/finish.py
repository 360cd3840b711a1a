"""Finish: what an author says of a model's answers: a threshold, names of labels, the best ones, a unit, a way back."""

import math
from collections.abc import Mapping
from typing import Any, TypedDict

import msgspec

from golive import plugins
from golive.domain.bundle import Decision
from golive.domain.signature import Signature
from golive.errors import UsageError
from golive.inference.explaining.background import MOST_ROWS
from golive.inference.values import text_of
from golive.packaging.parity import Original
from golive.ports import Converted

_PAIR = 2
_TARGETS = "golive.adapters.frameworks.targets"


class Finishing(TypedDict, total=False):
    """The words of :class:`Finish`, for functions that take each of them by name."""

    threshold: float | None
    labels: Mapping[Any, str]
    top_k: int
    unit: str
    target_transform: Any
    background: int


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a model's numbers before they are answers; without anything said, nothing."""

    threshold: float | None = None
    """Of two classes, the probability above which the second is answered; None: the model's own way."""
    labels: Mapping[Any, str] = {}
    """Class as the data has it -> what answers call it. Classes that are not named keep their names."""
    top_k: int = 0
    """So many of the most probable labels are answered, too, with their probabilities."""
    unit: str = ""
    """The unit of what is predicted."""
    target_transform: Any = None
    """What the target was transformed by before the model was trained, undone behind it: ``"log"``, ``"log1p"``,
    ``"sqrt"``, or a fitted transformer of scikit-learn."""
    background: int = MOST_ROWS
    """Training rows that stay in the bundle for explanations to compare with; with 0, nothing can be explained."""


UNFINISHED = Finish()
"""Nothing is said: the answers are the model's own."""


def finished(converted: Converted, finish: Finish) -> Converted:
    """Write into a converted model what its author says of its answers.

    Raises:
        UsageError: it does not fit the model: a threshold for three classes, a label of a class that is not there.
        NotConvertibleError: the way back from the transformed target has no exact form.
    """
    signature = converted.signature
    _check_task(signature, finish)
    decision = converted.decision if finish.threshold is None else _decision(signature, finish.threshold)
    if finish.target_transform is not None:
        converted = plugins.attribute(_TARGETS, "undone")(converted, finish.target_transform)
    signature = _named(signature, finish.labels) if finish.labels else signature
    signature = msgspec.structs.replace(
        signature, top_k=_places(signature, finish.top_k), unit=finish.unit or signature.unit
    )
    return msgspec.structs.replace(converted, signature=signature, decision=decision)


def finished_original(original: Original, finish: Finish) -> Original:
    """Give how the original is asked for answers of the same kind: on the scale of the target that people know."""
    if finish.target_transform is None:
        return original
    back = plugins.attribute(_TARGETS, "way_back")(finish.target_transform)
    return lambda rows: back(original(rows))


def _check_task(signature: Signature, finish: Finish) -> None:
    if signature.task == "classification":
        if finish.target_transform is not None:
            message = f"{signature.target} is a class, which no transformation of numbers was applied to; leave it out"
            raise UsageError(message, field="target_transform")
        return
    asked = {"threshold": finish.threshold is not None, "labels": bool(finish.labels), "top_k": finish.top_k > 0}
    wrong = [name for name, is_asked in asked.items() if is_asked]
    if wrong:
        message = f"{wrong[0]} is for models that answer with classes, but {signature.target} is a number; leave it out"
        raise UsageError(message, field=wrong[0])


def _decision(signature: Signature, threshold: float) -> Decision:
    if len(signature.classes) != _PAIR:
        message = (
            f"a threshold decides between two classes, but this model has {len(signature.classes)} "
            f"({', '.join(signature.classes[:10])}); leave it out: the most probable class is answered"
        )
        raise UsageError(message, field="threshold")
    if not 0.0 <= threshold <= 1.0 or math.isnan(threshold):
        message = f"the threshold is {threshold}, but it is a probability: give a number from 0 to 1"
        raise UsageError(message, field="threshold")
    return Decision(threshold=float(threshold))


def _named(signature: Signature, labels: Mapping[Any, str]) -> Signature:
    """Give the signature with other names of its classes; ``known_as`` keeps those of the data."""
    told = {_data_name(name, signature): label for name, label in labels.items()}
    unknown = [name for name in told if name not in signature.classes]
    if unknown:
        message = (
            f"labels name the class {unknown[0]!r}, which this model does not have; its classes are "
            f"{', '.join(map(repr, signature.classes[:20]))}"
        )
        raise UsageError(message, field="labels")
    named = tuple(told.get(name, name) for name in signature.classes)
    _check_labels(named, signature.classes)
    return msgspec.structs.replace(
        signature,
        classes=named,
        class_dtype="string",
        known_as=signature.classes,
        known_dtype=signature.class_dtype,
    )


def _data_name(name: Any, signature: Signature) -> str:
    """Give the text of a class as the signature has it, in whichever way it is written: ``True``, ``1``, ``"1"``."""
    text = text_of(name) or ""
    spellings = {"bool": {"true": "True", "false": "False"}, "int64": {"true": "1", "false": "0"}}
    spelled = spellings.get(signature.class_dtype, {}).get(text.lower(), text)
    if signature.class_dtype == "float64" and spelled not in signature.classes:
        return next((known for known in signature.classes if text_of(float(known)) == spelled), spelled)
    return spelled


def _check_labels(named: tuple[Any, ...], known: tuple[str, ...]) -> None:
    for label, name in zip(named, known, strict=True):
        if not isinstance(label, str) or not label.strip():
            message = f"the label of class {name!r} is {label!r}, but a text is needed; write one"
            raise UsageError(message, field="labels")
        if label != name and label in known:
            message = f"class {name!r} would be answered as {label!r}, which is another class in the data; name it anew"
            raise UsageError(message, field="labels")
    twice = next((label for label in named if named.count(label) > 1), None)
    if twice is not None:
        message = f"two classes would be answered as {twice!r}; give each class a name of its own"
        raise UsageError(message, field="labels")


def _places(signature: Signature, top_k: int) -> int:
    if not 0 <= top_k <= max(len(signature.classes), 0):
        message = f"top_k is {top_k}, but this model has {len(signature.classes)} classes; give a number up to that"
        raise UsageError(message, field="top_k")
    return top_k
