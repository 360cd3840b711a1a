"""Answered: what a model of tensors answers to known rows, and what the model to compare with answers to the same."""

import msgspec
import numpy as np

from golive.control.judging.tensorial.known import Known
from golive.control.judging.tensorial.rows import Keep, TensorRows, answers_of, tensor_rows
from golive.control.packing.tensors import OpenTensors, open_tensors
from golive.control.refs import serving_release
from golive.control.rooms import Rooms
from golive.domain.bundle import Bundle
from golive.domain.digest import short
from golive.errors import DataError, InvalidRowError, NotFoundError, RequestError, UsageError
from golive.evaluation.roles import Note, note
from golive.evaluation.subject import Table
from golive.evaluation.tensorial.reading import Reading, brought, finite_rows, form_of, outputs_of, read
from golive.ports import Column, Float64


class Answered(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A model's answers, and the way to ask for others."""

    opened: OpenTensors
    rows: TensorRows
    output: str
    keep: Keep
    reading: Reading
    predicted: Float64

    def predict(self, table: Table) -> Float64:
        """Ask about other rows; raises InvalidRowError for what the graph cannot take."""
        try:
            given = answers_of(self.opened, self.rows, self.output, keep=self.keep, table=table)
        except RequestError as error:
            raise InvalidRowError(str(error)) from error
        return self.reading.answers(given)


class Beside(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The model to compare with."""

    bundle: Bundle | None = None
    answers: Float64 | None = None
    """To the same rows, in the form of the model's; None where it does not take them or answers otherwise."""
    notes: tuple[Note, ...] = ()


def asked(bundle: Bundle, known: Known, rooms: Rooms, *, output: str, classes: tuple[str, ...]) -> Answered:
    """Ask a bundle about all known rows; ``classes`` are labels in the order of the answers, or empty.

    Raises:
        DataError: the arrays do not fit the model or one another, or no answer is known.
        RequestError: an array is not what the signature says.
        UsageError: the classes do not fit.
    """
    if known.truth.ndim == 0:
        message = f"the truth {known.name!r} is a single value; give one known answer for each row"
        raise DataError(message)
    rows = tensor_rows(bundle.signature, known.arrays, len(known.truth))
    opened = open_tensors(bundle, rooms.bundles.files(bundle))
    keep = _keeping(known, output)
    given = answers_of(opened, rows, output, keep=keep)
    reading = read(known.truth, given, names=(known.name, output), classes=classes)
    if not finite_rows(reading.truth).any():
        message = f"no value of the truth {known.name!r} is known, so nothing can be measured; give known answers"
        raise DataError(message)
    return Answered(
        opened=opened, rows=rows, output=output, keep=keep, reading=reading, predicted=reading.answers(given)
    )


def beside(bundle: Bundle, known: Known, rooms: Rooms, model: Answered, against: Bundle | None) -> Beside:
    """Ask what a bundle is compared with about the same rows: another bundle, or what serves under its name.

    Raises:
        UsageError: the other bundle reads rows of fields.
    """
    champion = _champion(bundle, rooms, against)
    if champion is None:
        return Beside()
    answers = _same_answers(champion, known, rooms, model)
    if answers is not None:
        return Beside(bundle=champion, answers=answers)
    text = "the model to compare with does not take these arrays or gives no such {output!r}, and is not measured"
    return Beside(bundle=champion, notes=(note("tensors_champion", text, output=model.output),))


def _keeping(known: Known, output: str) -> Keep:
    """Give what of each answer is kept: of several numbers a row only those that are measured."""
    places = outputs_of(known.truth)
    if places is None:
        return np.asarray
    each = known.truth[0].size

    def keep(given: Column) -> Column:
        flat = given.reshape(len(given), -1)
        if flat.shape[1] != each:
            message = (
                f"the truth {known.name!r} holds {each} numbers a row {list(known.truth.shape)}, and the answer "
                f"{output!r} {flat.shape[1]}; choose the output that it is the truth of"
            )
            raise DataError(message)
        return flat[:, places]

    return keep


def _champion(bundle: Bundle, rooms: Rooms, against: Bundle | None) -> Bundle | None:
    if against is not None:
        if against.signature.task != "tensors":
            message = (
                f"{against.name} {short(against.digest)} reads rows of fields and {bundle.name} tensors; compare "
                "bundles that answer the same question"
            )
            raise UsageError(message)
        return against
    try:
        live = rooms.bundles.open(serving_release(bundle.name, rooms).bundle)
    except NotFoundError:
        return None
    return live if live.digest != bundle.digest and live.signature.task == "tensors" else None


def _same_answers(champion: Bundle, known: Known, rooms: Rooms, model: Answered) -> Float64 | None:
    """Ask the champion, where it takes the rows and gives the same output."""
    if model.output not in [tensor.name for tensor in champion.signature.outputs]:
        return None
    try:
        rows = tensor_rows(champion.signature, known.arrays, len(known.truth))
        opened = open_tensors(champion, rooms.bundles.files(champion))
        given = answers_of(opened, rows, model.output, keep=model.keep)
    except (DataError, RequestError):
        return None
    reading = model.reading
    form = "values" if reading.task == "regression" else form_of(given, len(reading.classes))
    answers = brought(form, reading.classes, given)
    return answers if answers.shape == model.predicted.shape else None
