"""Pictures: stresses of number columns that are declared the pixels of an image.

===============  ==============================================================================
image_noise      normal noise of so large a share of the range of the pixels
shift            the image stands so many pixels to a side, up or down; the edge is repeated
occlusion        a square of so large a share of the image is at the darkest value
brightness       all pixels are lighter or darker by so large a share of the range
contrast         pixels stand closer to their image's mean by so large a share
rotation         the image is turned by so many degrees, either way
===============  ==============================================================================
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from golive.domain.judging import Picture
from golive.evaluation.stress.asked import length
from golive.evaluation.stress.facts import Facts
from golive.evaluation.stress.family import Changed, Family
from golive.evaluation.subject import Table
from golive.ports import Float64, Int64

_HALF = 0.5
_SIDES = ((0, 1), (0, -1), (1, 0), (-1, 0))


class PictureStress(NamedTuple):
    """A kind of stress of images at several strengths."""

    name: str
    strengths: tuple[float, ...]
    form: Literal["share", "plain"]
    change: Callable[[float], Float64]
    """Gives all images anew, float64 ``[n, height, width, channels]``; may leave the range of the pixels."""


def picture_families(picture: Picture, pixels: Sequence[Facts], table: Table, seed: int) -> list[Family]:
    """Give the stresses of an image; ``pixels`` are its columns, row by row, with the channels of a pixel together."""
    rows = length(table)
    shape = (rows, picture.height, picture.width, picture.channels)
    images = np.stack([table[fact.name] for fact in pixels], axis=1).reshape(shape)
    low, high = min(fact.low for fact in pixels), max(fact.high for fact in pixels)
    names = tuple(fact.name for fact in pixels)

    def family(stress: PictureStress) -> Family:
        def change(strength: float) -> Changed:
            flat = np.clip(stress.change(strength), low, high).reshape(rows, -1)
            return {
                fact.name: np.round(flat[:, place]) if fact.whole else flat[:, place].copy()
                for place, fact in enumerate(pixels)
            }

        return Family(name=stress.name, strengths=stress.strengths, columns=names, change=change, form=stress.form)

    return [family(stress) for stress in picture_stresses(images, low, high, seed)]


def picture_stresses(images: Float64, low: float, high: float, seed: int) -> list[PictureStress]:
    """Give the stresses of images, float64 ``[n, height, width, channels]``, whose pixels range from ``low`` on."""
    rows = len(images)
    rng = np.random.default_rng([seed, 5])
    noise = rng.standard_normal(images.shape)
    side = rng.choice([-1.0, 1.0], rows)
    direction = rng.integers(0, len(_SIDES), rows)
    corner = rng.random((rows, 2))
    wide = side.reshape(-1, 1, 1, 1)
    middle = images.mean(axis=(1, 2, 3), keepdims=True)
    spread = high - low
    return [
        PictureStress("image_noise", (0.02, 0.05, 0.1, 0.2), "share", lambda share: images + share * spread * noise),
        PictureStress("shift", (1.0, 2.0), "plain", lambda pixels: _shifted(images, direction, int(pixels))),
        PictureStress("occlusion", (0.05, 0.1, 0.25), "share", lambda share: _covered(images, corner, share, low)),
        PictureStress("brightness", (0.1, 0.25), "share", lambda share: images + wide * share * spread),
        PictureStress("contrast", (0.1, 0.25, 0.5), "share", lambda share: middle + (1.0 - share) * (images - middle)),
        PictureStress("rotation", (5.0, 10.0, 20.0), "plain", lambda degrees: _turned(images, side, degrees)),
    ]


def _shifted(images: Float64, direction: Int64, pixels: int) -> Float64:
    height, width = images.shape[1:3]
    moved = np.empty_like(images)
    for place, (down, right) in enumerate(_SIDES):
        rows = direction == place
        lines = np.clip(np.arange(height) - down * pixels, 0, height - 1)
        columns = np.clip(np.arange(width) - right * pixels, 0, width - 1)
        moved[rows] = images[rows][:, lines][:, :, columns]
    return moved


def _covered(images: Float64, corner: Float64, share: float, dark: float) -> Float64:
    height, width = images.shape[1:3]
    tall, broad = (max(round(np.sqrt(share) * size), 1) for size in (height, width))
    top = np.floor(corner[:, 0] * (height - tall + 1)).astype(np.int64)[:, None]
    left = np.floor(corner[:, 1] * (width - broad + 1)).astype(np.int64)[:, None]
    lines = (np.arange(height) >= top) & (np.arange(height) < top + tall)
    columns = (np.arange(width) >= left) & (np.arange(width) < left + broad)
    return np.where((lines[:, :, None] & columns[:, None, :])[..., None], dark, images)


def _turned(images: Float64, side: Float64, degrees: float) -> Float64:
    """Turn about the center with bilinear interpolation; what comes from outside repeats the edge."""
    turned = np.empty_like(images)
    for sign in (-1.0, 1.0):
        rows = side == sign
        turned[rows] = _sampled(images[rows], sign * np.deg2rad(degrees))
    return turned


def _sampled(images: Float64, angle: float) -> Float64:
    height, width = images.shape[1:3]
    down, right = np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij")
    lines = np.clip(np.cos(angle) * down - np.sin(angle) * right + (height - 1) / 2, 0, height - 1)
    columns = np.clip(np.sin(angle) * down + np.cos(angle) * right + (width - 1) / 2, 0, width - 1)
    top, left = np.floor(lines).astype(np.int64), np.floor(columns).astype(np.int64)
    under, beside = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    y, x = (lines - top)[None, :, :, None], (columns - left)[None, :, :, None]
    above = (1 - x) * images[:, top, left] + x * images[:, top, beside]
    below = (1 - x) * images[:, under, left] + x * images[:, under, beside]
    return np.asarray((1 - y) * above + y * below, dtype=np.float64)
