"""Truth: true answers in the form that evaluation reads, and the answer of a model that reads nothing else."""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from golive.domain.signature import DType, Signature
from golive.errors import DataError
from golive.evaluation.run import baseline_predictions
from golive.inference.values import text_of
from golive.ports import Float64, Int64

BASELINE = "baseline.json"
"""The file of a bundle that holds the answer of a model that reads no input."""
_TRUTH_VALUES = {"true": 1.0, "false": 0.0}


def baseline_file(signature: Signature, target: Any) -> bytes:
    """Write down what a model that reads no input would answer: the mean, or the class shares, as a JSON list.

    Raises:
        DataError: no true answer is of the kind that the model gives.
    """
    check_answers(signature, np.asarray(target))
    answer = baseline_predictions(signature.task, truth_of(signature, np.asarray(target)), signature.classes, 1)
    return msgspec.json.encode(answer[0].tolist())


def check_answers(signature: Signature, answers: npt.NDArray[Any]) -> None:
    """See that true answers are of the kind that the model gives.

    Raises:
        DataError: they are texts beside a number, or none of them is one of the classes.
    """
    if signature.task == "regression":
        if len(answers) and not _are_numbers(answers):
            message = (
                f"the model answers with numbers, but {signature.target!r} of the sample holds texts such as "
                f"{answers[0]!r}; name the column with the numbers it predicts"
            )
            raise DataError(message)
        return
    if len(answers) and (truth_of(signature, answers) < 0).all():
        shown = ", ".join(signature.classes[:10])
        message = (
            f"the model's classes are {shown}, but {signature.target!r} of the sample holds values such as "
            f"{answers[0]!r}; write the true answers as the model does"
        )
        raise DataError(message)


def truth_of(signature: Signature, values: npt.NDArray[Any]) -> Float64 | Int64:
    """Bring true answers into the form that evaluation reads: float64 values, or class indices (-1: unknown).

    A class is recognized however it is written: of the labels 0 and 1, ``1``, ``1.0``, ``"1"`` and ``True`` are one.
    Where answers have names of their own for the classes, both these and those of the data are read.

    Raises:
        DataError: the answers are one number a row for a regression, and something here is none.
    """
    if signature.task == "regression":
        try:
            return values.astype(np.float64)
        except (ValueError, TypeError) as error:
            message = f"the true values of {signature.target!r} must be numbers ({error}); mend or leave out those rows"
            raise DataError(message) from error
    answered = _positions(signature.classes, signature.class_dtype, values)
    if not signature.known_as:
        return answered
    return np.where(answered < 0, _positions(signature.known_as, signature.known_dtype, values), answered)


def _are_numbers(answers: npt.NDArray[Any]) -> bool:
    if answers.dtype.kind != "O":
        return answers.dtype.kind in "fiub"
    try:
        answers.astype(np.float64)
    except (ValueError, TypeError):
        return False
    return not any(isinstance(answer, str) for answer in answers.tolist())


def _positions(classes: tuple[str, ...], dtype: DType, values: npt.NDArray[Any]) -> Int64:
    index = {_label_key(name, dtype): position for position, name in enumerate(classes)}
    return np.array([index.get(_label_key(text_of(value), dtype), -1) for value in values.tolist()], np.int64)


def _label_key(text: str | None, dtype: DType) -> str | float | None:
    if text is None or dtype == "string":
        return text
    try:
        return _TRUTH_VALUES[text.lower()] if text.lower() in _TRUTH_VALUES else float(text)
    except ValueError:
        return text
