"""Robustness of models of tensors: images and other floats made worse, with the measures that rows have.

Images get the stresses of ``stress.pictures``, other tensors of floats normal noise of so many of their standard
deviations; measures and the chapter of the report are those of ``stress.part``.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from golive.domain.evidence import Measure
from golive.evaluation.roles import Note, note
from golive.evaluation.stress.asked import length
from golive.evaluation.stress.bench import Bench, bench_of, tried
from golive.evaluation.stress.family import Changed, Family
from golive.evaluation.stress.flips import STRENGTHS, Flips
from golive.evaluation.stress.graded import NOISE
from golive.evaluation.stress.limits import (
    Level,
    findings_of,
    limits_of,
    looked_of,
    metrics_of,
    small_levels,
    unfollowed,
)
from golive.evaluation.stress.named import level_measures, shown
from golive.evaluation.stress.pictures import PictureStress, picture_stresses
from golive.evaluation.stress.told import clean_details, family_details, flip_details, limit_details, single_details
from golive.evaluation.subject import Section, Subject
from golive.evaluation.tensorial.pictures import Layout
from golive.ports import Arrays, Column, Float64

_VALUES = 8_000_000
_AT_ONCE = 4_000_000
_FEWEST_ROWS, _MOST_ROWS = 50, 4000


def tensor_robustness(subject: Subject, layouts: Mapping[str, Layout]) -> Section:
    """Stress the inputs and measure what becomes of the answers.

    ``subject.test.columns`` holds a tensor ``[n, ...]`` for each input of its signature. At most 4,000 rows are tried,
    of large tensors fewer.
    """
    table = subject.test.columns
    values = sum(array[:1].size for array in table.values())
    most = int(np.clip(_VALUES // max(values, 1), _FEWEST_ROWS, _MOST_ROWS))
    bench = bench_of(subject, most, metrics_of(subject))
    families = _families(bench.table, layouts, subject.seed)
    unfit = subject.declared.picture is not None and not layouts
    text = "the declared picture fits no tensor of the model, so no image stress was tried"
    notes = [note("tensors_no_picture", text)] if unfit else [_told(name, layout) for name, layout in layouts.items()]
    if not families:
        return Section(notes=(*notes, *looked_of((), 0)[1]))
    levels = [level for family in families for level in _levels(bench, family)]
    limits = limits_of(bench, levels)
    small = small_levels(levels)
    checked, unlooked = looked_of(limits, small)
    return Section(
        measures=_measures(bench, levels),
        details={
            "metrics": list(shown(bench)),
            "rows": bench.rows,
            "of": subject.rows,
            "columns": {"all": len(table), "tried": len({name for family in families for name in family.columns})},
            "clean": clean_details(bench),
            "families": [family_details(bench, family, levels) for family in families],
            "singles": single_details(bench, []),
            "flips": flip_details(bench, _no_flips(bench)),
            "limits": [limit_details(limit) for limit in limits],
            "unfollowed": unfollowed(subject, limits),
        },
        findings=tuple(findings_of(limits, small)),
        checked=checked,
        notes=(*notes, *unlooked),
    )


def _measures(bench: Bench, levels: Sequence[Level]) -> tuple[Measure, ...]:
    return tuple(level_measures(bench, levels))


def _levels(bench: Bench, family: Family) -> Iterator[Level]:
    for strength in family.strengths:
        trial = tried(bench, family.change(strength))
        yield Level(family=family.name, form=family.form, strength=strength, trial=trial)


def _families(table: Arrays, layouts: Mapping[str, Layout], seed: int) -> list[Family]:
    found = _picture_families({name: table[name] for name in layouts}, layouts, seed) if layouts else []
    spread = {name: _spread(array) for name, array in table.items() if name not in layouts and array.dtype.kind == "f"}
    noisy = {name: sd for name, sd in spread.items() if sd.any()}
    return [*found, _noise(table, noisy, seed)] if noisy else found


def _spread(array: Column) -> Float64:
    """Give the standard deviation of each value over the rows, or of all in one where rows are long."""
    values = array.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        deviations = np.nanstd(values, axis=0) if array.ndim <= 2 else np.nanstd(values, keepdims=True)[0]  # noqa: PLR2004  rows and columns
    return np.asarray(np.nan_to_num(deviations, nan=0.0, posinf=0.0), dtype=np.float64)


def _noise(table: Arrays, spread: Mapping[str, Float64], seed: int) -> Family:
    def change(strength: float) -> Changed:
        rng = np.random.default_rng([seed, 1])
        return {
            name: (table[name] + strength * sd * rng.standard_normal(table[name].shape)).astype(table[name].dtype)
            for name, sd in spread.items()
        }

    return Family(name="noise", strengths=NOISE, columns=tuple(spread), change=change, form="plain")


def _picture_families(tensors: Arrays, layouts: Mapping[str, Layout], seed: int) -> list[Family]:
    ranges = {name: _range(array) for name, array in tensors.items()}
    kinds = picture_stresses(np.zeros((1, 2, 2, 1)), 0.0, 1.0, seed)

    def change(place: int, strength: float) -> Changed:
        return {
            name: _stressed(array, layouts[name], ranges[name], place=place, strength=strength, seed=seed)
            for name, array in tensors.items()
        }

    return [
        Family(
            name=kind.name,
            strengths=kind.strengths,
            columns=tuple(tensors),
            change=partial(change, place),
            form=kind.form,
        )
        for place, kind in enumerate(kinds)
    ]


def _range(array: Column) -> tuple[float, float]:
    finite = array if array.dtype.kind in "iu" else array[np.isfinite(array)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _stressed(
    array: Column, layout: Layout, ends: tuple[float, float], *, place: int, strength: float, seed: int
) -> Column:
    """Stress some images at a time, as they are float64 meanwhile."""
    stressed = np.empty_like(array)
    step = max(_AT_ONCE // max(array[:1].size, 1), 1)
    for start in range(0, length({"": array}), step):
        part = array[start : start + step]
        stress: PictureStress = picture_stresses(layout.images(part), *ends, seed + start)[place]
        stressed[start : start + step] = layout.tensor(np.clip(stress.change(strength), *ends), part)
    return stressed


def _no_flips(bench: Bench) -> Flips:
    return Flips(
        columns=(),
        refused=(),
        effect=np.empty((bench.rows, 0)),
        change=np.empty((bench.rows, 0, len(STRENGTHS))),
    )


def _told(name: str, layout: Layout) -> Note:
    text = "the input {input!r} is taken as images: {height} x {width} pixels, channels: {channels}"
    return note(
        "tensors_pictures", text, input=name, height=layout.height, width=layout.width, channels=layout.channels
    )
