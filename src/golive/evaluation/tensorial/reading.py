"""Reading: known answers and the tensor that a model gives, in; which task that is and how to measure it, out.

=====================================  ==================================================================
truth                                  answer
=====================================  ==================================================================
integers, texts, ``[n]`` (or one-hot)  ``[n, classes]``: probabilities, else logits, whose softmax is taken
0 and 1 (two classes), ``[n]``         ``[n]``, ``[n, 1]``: probabilities of the second, else its logits
integers, texts, ``[n]``               integers or texts ``[n]``: the label that the model decided for
numbers, ``[n]`` or ``[n, ...]``       the same shape: a number, or several, for each row
=====================================  ==================================================================

Axes of length 1 behind the first one do not matter.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np

from golive.errors import DataError, UsageError
from golive.evaluation.roles import Note, note
from golive.inference.values import text_of
from golive.ports import Column, Float64, Int64
from golive.statistics.metrics import Bool

Form = Literal["probabilities", "logits", "second", "second_logit", "labels", "values"]

_SLACK = 1e-3
_UNKNOWN = -1
_TWO = 2
_MOST_LABELS = 1000
_MOST_OUTPUTS = 100
_MOST_CELLS = 500_000
_SHOWN = 5
_NOTES: Mapping[str, str] = {
    "logits": "the answers in {answer!r} are no probabilities; they are taken as logits, and their softmax is measured",
    "second_logit": "the answers in {answer!r} are no probabilities; they are taken as logits of class {label}, and "
    "their logistic function is measured",
    "labels": "the answers in {answer!r} are labels, so measures of probabilities say no more than the decisions do",
}


class Reading(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What is measured."""

    task: Literal["classification", "regression"]
    classes: tuple[str, ...] = ()
    form: Form
    truth: Float64 | Int64
    """int64 ``[n]`` class indices (-1 where unknown), or float64 ``[n, outputs]``."""
    notes: tuple[Note, ...] = ()

    def answers(self, given: Column) -> Float64:
        """Bring answers into the form that is measured: float64 ``[n, classes]`` or ``[n, outputs]``."""
        return brought(self.form, self.classes, given)


def brought(form: Form, classes: Sequence[str], given: Column) -> Float64:
    """Bring answers of a form into float64 ``[n, classes]``, or ``[n, outputs]`` of numbers; NaN stays NaN."""
    if form == "labels":
        return _one_hot(given.reshape(len(given)), classes)
    values = np.asarray(given, dtype=np.float64).reshape(len(given), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        match form:
            case "values":
                return values
            case "second" | "second_logit":
                second = values[:, 0] if form == "second" else 1.0 / (1.0 + np.exp(-values[:, 0]))
                return np.column_stack([1.0 - second, second])
            case "logits":
                values = np.exp(values - values.max(axis=1, keepdims=True))
        total = values.sum(axis=1, keepdims=True)
        near = np.abs(total - 1.0) <= _SLACK
        return np.asarray(np.where(near | (form == "logits"), values / total, values), dtype=np.float64)


def form_of(given: Column, classes: int) -> Form:
    """Say how answers state classes."""
    if given.dtype.kind not in "fc":
        return "labels"
    values = np.asarray(given, dtype=np.float64).reshape(len(given), -1)
    values = values[np.isfinite(values).all(axis=1)]
    inside = bool(((values >= -_SLACK) & (values <= 1.0 + _SLACK)).all())
    if classes == _TWO and values.shape[1] == 1:
        return "second" if inside else "second_logit"
    return "probabilities" if inside else "logits"


def outputs_of(truth: Column) -> Int64 | None:
    """Choose the numbers of a row that are measured, ``[outputs]`` places; None where a row has one answer.

    At most a hundred are, evenly spread, and fewer of very many rows.
    """
    if truth.dtype.kind != "f" or truth[:1].size <= 1:
        return None
    each = truth[0].size
    most = max(min(_MOST_OUTPUTS, _MOST_CELLS // len(truth)), 1)
    return np.arange(each) if each <= most else np.unique(np.linspace(0, each - 1, most).astype(np.int64))


def read(truth: Column, given: Column, *, names: tuple[str, str], classes: Sequence[str] = ()) -> Reading:
    """Say what is measured of answers to rows whose true answers are known.

    Args:
        truth: known answers ``[n, ...]``: integers, booleans, texts or floats.
        given: what the model gave, ``[n, ...]``; of several numbers a row only those of :func:`outputs_of`.
        names: how the truth and the answer are called.
        classes: labels, in the order of the answers.

    Raises:
        DataError: the truth has no form that can be measured, or does not fit the answers.
        UsageError: there are not as many classes as answers.
    """
    truth, given = _squeezed(_plain(truth, names[0])), _squeezed(_plain(given, names[1]))
    places = outputs_of(truth)
    if places is not None:
        return _numbers(truth.reshape(len(truth), -1)[:, places], given, names)
    truth = _from_one_hot(truth, given)
    if truth.ndim != 1 or given.ndim > _TWO:
        raise DataError(_unfit(truth, given, names))
    if not classes and _is_number(truth, given):
        return _numbers(truth.reshape(-1, 1).astype(np.float64), given, names)
    return _classes(truth, given, names, tuple(classes))


def _numbers(truth: Float64, given: Column, names: tuple[str, str]) -> Reading:
    values = given.reshape(len(given), -1)
    if values.shape != truth.shape or given.dtype.kind not in "fiu":
        raise DataError(_unfit(_squeezed(truth), given, names))
    return Reading(task="regression", form="values", truth=np.asarray(truth, dtype=np.float64))


def _classes(truth: Column, given: Column, names: tuple[str, str], classes: tuple[str, ...]) -> Reading:
    if len(set(classes)) < len(classes):
        message = f"the classes {', '.join(classes)} are not all different; name each once, in the order of the answers"
        raise UsageError(message)
    decided = given.dtype.kind != "f"
    if decided and given.ndim == _TWO:
        raise DataError(_unfit(truth, given, names))
    labels = classes or (_labels_seen(truth, given) if decided else _numbered(_width(given)))
    if not decided and len(labels) != _width(given):
        message = (
            f"{len(labels)} classes were named and {names[1]!r} gives {_width(given)} numbers a row; name one class "
            "for each, in their order"
        )
        raise UsageError(message)
    form = form_of(given, len(labels))
    told = _NOTES.get(form, "")
    second = labels[1] if len(labels) > 1 else ""
    return Reading(
        task="classification",
        classes=labels,
        form=form,
        truth=_indices(truth, labels, names, named=bool(classes) or decided),
        notes=(note(f"tensors_{form}", told, answer=names[1], label=second),) if told else (),
    )


def _indices(truth: Column, labels: Sequence[str], names: tuple[str, str], *, named: bool) -> Int64:
    texts = _texts(truth)
    known = {label: place for place, label in enumerate(labels)}
    numbered = {label: place for place, label in enumerate(_numbered(len(labels)))}
    distinct = {text for text in texts if text is not None and text != str(_UNKNOWN)}
    if not distinct & known.keys() and distinct <= numbered.keys():
        known = numbered
    strange = sorted(distinct - known.keys())
    if strange and (not named or len(strange) == len(distinct)):
        shown = ", ".join(map(repr, strange[:_SHOWN])) + (" …" if len(strange) > _SHOWN else "")
        message = (
            f"the truth {names[0]!r} holds {shown}, and {names[1]!r} is of the classes {labels[0]!r} … {labels[-1]!r}; "
            "name the classes in the order of the answers (--classes A,B,…; classes=[...]), or choose another answer"
        )
        raise DataError(message)
    return np.array([known.get(text, _UNKNOWN) if text is not None else _UNKNOWN for text in texts], dtype=np.int64)


def _is_number(truth: Column, given: Column) -> bool:
    """Say whether one number a row is predicted, not a class."""
    if truth.dtype.kind not in "fiu" or given.dtype.kind not in "fiu":
        return False
    finite = truth[np.isfinite(truth)] if truth.dtype.kind == "f" else truth
    whole = bool((finite == np.floor(finite)).all()) and len(finite) > 0
    if given.ndim == _TWO:
        return not whole
    if given.dtype.kind in "iu":
        return not whole or len(np.unique(finite)) > _MOST_LABELS
    two = bool(np.isin(finite, (0, 1, _UNKNOWN)).all()) and len(finite) > 0
    return not two or (truth.dtype.kind == "f" and form_of(given, _TWO) != "second")


def _plain(array: Column, name: str) -> Column:
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8").astype(object)
    if array.dtype.kind == "b":
        return array.astype(np.int64)
    if array.dtype.kind == "U":
        return array.astype(object)
    if array.dtype.kind in "fiu":
        return array
    if array.dtype.kind == "O" and all(value is None or isinstance(value, (str, bytes)) for value in array.flat):
        texts = [value.decode() if isinstance(value, bytes) else value for value in array.flat]
        return np.array([*texts, None], dtype=object)[:-1].reshape(array.shape)
    message = f"{name!r} is an array of {array.dtype}; known answers are integers, booleans, floats or texts"
    raise DataError(message)


def _squeezed(array: Column) -> Column:
    return array.reshape(len(array), *(length for length in array.shape[1:] if length != 1))


def _from_one_hot(truth: Column, given: Column) -> Column:
    if truth.dtype.kind not in "iu" or truth.ndim != _TWO or truth.shape != given.shape:
        return truth
    hot = bool(np.isin(truth, (0, 1)).all()) and bool((truth.sum(axis=1) == 1).all())
    return np.asarray(truth.argmax(axis=1)) if hot else truth


def _one_hot(labels: Column, classes: Sequence[str]) -> Float64:
    known = {label: place for place, label in enumerate(classes)}
    hot = np.zeros((len(labels), len(classes)))
    for row, text in enumerate(_texts(labels)):
        if text in known:
            hot[row, known[text]] = 1.0
    return hot


def _texts(values: Column) -> list[str | None]:
    if values.dtype.kind == "f":
        return [None if np.isnan(value) else f"{value:.0f}" for value in values.tolist()]
    return [None if value is None else text_of(value) for value in values.tolist()]


def _labels_seen(truth: Column, given: Column) -> tuple[str, ...]:
    whole = truth.dtype.kind != "O" and given.dtype.kind != "O"
    seen = {text for text in (*_texts(truth), *_texts(given)) if text is not None}
    return tuple(sorted(seen, key=int if whole else str))


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))


def _width(given: Column) -> int:
    return given.shape[1] if given.ndim == _TWO else _TWO


def _unfit(truth: Column, given: Column, names: tuple[str, str]) -> str:
    return (
        f"the truth {names[0]!r} is {_kind(truth)} {list(truth.shape)} and the answer {names[1]!r} is {_kind(given)} "
        f"{list(given.shape)}; give one class for each row and a number for each class, or as many numbers as are "
        "answered"
    )


def _kind(array: Column) -> str:
    return "text" if array.dtype == object else str(array.dtype)


def finite_rows(truth: Float64 | Int64) -> Bool:
    """Say of each row ``[n]`` whether its true answer is known."""
    if truth.dtype.kind == "f":
        return np.asarray(np.isfinite(truth).reshape(len(truth), -1).all(axis=1))
    return np.asarray(truth >= 0)
