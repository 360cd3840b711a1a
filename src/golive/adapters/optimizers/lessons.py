"""Lessons: rows to learn a bundle's answers from, real ones and made ones, and what it answers to each."""

from collections.abc import Mapping

import msgspec
import numpy as np

from golive.adapters.optimizers.regions import shapes_of
from golive.adapters.optimizers.surgery import Surgery, run
from golive.errors import NotConvertibleError
from golive.ports import Float64, Int64, Subject

MADE_SHARE = 0.25
"""Of the cells of a made row, those that come from another row."""
MOVED_BY = 1
"""Made images are moved by at most so many pixels."""
_IMAGES = 4
_ALIKE = frozenset(("Identity", "Cast", "Sub", "Add", "Mul", "Div"))
"""Operators that leave the cells of a row where they are."""


class Lesson(msgspec.Struct, frozen=True, eq=False):
    """Rows as a graph reads them, and what the bundle answers to them."""

    numbers: Float64
    codes: Int64
    answers: Float64


def lesson(subject: Subject, count: int) -> Lesson:
    """Give at most ``count`` real rows, and as many made ones as are missing then.

    A made row takes a part of its cells from another one; a made image is a real one moved by a pixel.

    Raises:
        NotConvertibleError: the bundle gives no number for a row.
    """
    rng = np.random.default_rng(subject.seed)
    real = rng.permutation(len(subject.answers))[:count]
    made = max(count - len(real), 0)
    shape = image_of(subject)
    if shape is None:
        numbers, codes = _mixed(subject, real, made, rng)
    else:
        base = real[rng.integers(0, len(real), made)]
        numbers, codes = _moved(subject.numbers[base], shape, rng), subject.codes[base]
    numbers = np.concatenate([subject.numbers[real], numbers])
    codes = np.concatenate([subject.codes[real], codes])
    [answers] = run(subject.graph, ["P"], numbers, codes)
    if not np.isfinite(answers).all():
        message = "the bundle gives no number for some rows, so there is nothing to learn from them"
        raise NotConvertibleError(message)
    return Lesson(numbers, codes, answers)


def image_of(subject: Subject) -> tuple[int, ...] | None:
    """Give the shape (channels, height, width) or (height, width, channels) that a graph reads its numbers in.

    None where it reads them as a table, or categories beside them.
    """
    if subject.codes.shape[1]:
        return None
    surgery = Surgery(subject.graph)
    shapes = shapes_of(surgery)
    alike = {"N"}
    for node in surgery.nodes:
        if not alike.intersection(node.input):
            continue
        if node.op_type == "Reshape" and node.input[0] in alike:
            return _lengths(shapes.get(node.output[0], ()), subject.numbers.shape[1])
        if node.op_type not in _ALIKE:
            return None
        alike.update(node.output)
    return None


def _lengths(shape: tuple[int | None, ...], columns: int) -> tuple[int, ...] | None:
    lengths = tuple(length for length in shape[1:] if length is not None)
    is_image = len(shape) == _IMAGES and len(lengths) == _IMAGES - 1 and np.prod(lengths) == columns
    return lengths if is_image else None


def _mixed(subject: Subject, real: Int64, made: int, rng: np.random.Generator) -> tuple[Float64, Int64]:
    base, other = rng.integers(0, len(real), (2, made))
    parts: Mapping[str, Float64 | Int64] = {
        name: np.where(rng.random((made, table.shape[1])) < MADE_SHARE, table[real[other]], table[real[base]])
        for name, table in (("numbers", subject.numbers), ("codes", subject.codes))
    }
    return parts["numbers"].astype(np.float64), parts["codes"].astype(np.int64)


def _moved(rows: Float64, shape: tuple[int, ...], rng: np.random.Generator) -> Float64:
    """Move images by a pixel, each its own way; what comes in is what stood at the border."""
    images = rows.reshape(-1, *shape)
    # The two longer axes are those of the picture; the channels come first or last.
    axes = (1, 2) if shape[-1] < shape[0] else (2, 3)
    for axis in axes:
        length = images.shape[axis]
        steps = rng.integers(-MOVED_BY, MOVED_BY + 1, len(images))
        places = np.clip(np.arange(length)[None, :] + steps[:, None], 0, length - 1)
        along = [1, 1, 1, 1]
        along[0], along[axis] = len(images), length
        images = np.take_along_axis(images, places.reshape(along), axis=axis)
    return images.reshape(rows.shape)
