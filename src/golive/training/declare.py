"""Declare: a recipe in, the steps that turn a caller's columns into the prepared ones out. Pure.

The same steps prepare training rows and served rows, so what cleaning does to a cell it does in both places.
"""

from collections.abc import Mapping

from golive.domain.preparation import Bound, Combine, DateParts, DeclaredStep, Normalize, Recode, TextCounts
from golive.training.recipe import Recipe

Bounds = Mapping[str, tuple[float, float]]
"""Number column -> (lowest, highest) value that is no outlier."""


def cell_steps(recipe: Recipe, columns: frozenset[str]) -> tuple[Normalize | Recode | Bound, ...]:
    """Give the steps that repair single cells of these columns: one form, then missing codes, then ranges.

    A range that drops rows from training reads such values as missing when serving.
    """
    cleaning = recipe.cleaning
    normalize = [Normalize(column=name) for name in cleaning.normalize if name in columns]
    recode = [Recode(column=name, missing=codes) for name, codes in cleaning.missing_codes.items() if name in columns]
    bound = [
        Bound(
            column=name,
            minimum=limits.minimum,
            maximum=limits.maximum,
            outside="missing" if limits.outside == "drop" else limits.outside,
        )
        for name, limits in cleaning.ranges.items()
        if name in columns
    ]
    return (*normalize, *recode, *bound)


def outlier_steps(recipe: Recipe, bounds: Bounds) -> tuple[Bound, ...]:
    """Give the steps that clip outliers or read them as missing; dropping concerns training rows only."""
    action = recipe.cleaning.outliers.action
    if action == "drop":
        return ()
    return tuple(Bound(column=name, minimum=low, maximum=high, outside=action) for name, (low, high) in bounds.items())


def feature_steps(recipe: Recipe) -> tuple[DateParts | TextCounts | Combine, ...]:
    """Give the steps that make new columns: of dates, of texts, then the constructed ones in their order."""
    features = recipe.features
    dates = [DateParts(column=name, parts=features.date_parts) for name in features.dates]
    texts = [TextCounts(column=name) for name in features.texts]
    combined = [Combine(into=made.into, operation=made.operation, columns=made.columns) for made in features.construct]
    return (*dates, *texts, *combined)


def declared_steps(recipe: Recipe, outlier_bounds: Bounds) -> tuple[DeclaredStep, ...]:
    """Give all steps in the order they are applied; ``outlier_bounds`` were fitted on training rows."""
    features = recipe.features
    used = frozenset((*features.numbers, *features.categories, *features.dates, *features.texts, *operands(recipe)))
    return (*cell_steps(recipe, used), *outlier_steps(recipe, outlier_bounds), *feature_steps(recipe))


def needed_steps(steps: tuple[DeclaredStep, ...], wanted: frozenset[str]) -> tuple[DeclaredStep, ...]:
    """Leave out the steps whose columns nobody reads; ``wanted`` are prepared columns."""
    needed = set(wanted)
    kept: list[DeclaredStep] = []
    for step in reversed(steps):
        made = made_by(step)
        if needed.isdisjoint(made):
            continue
        kept.append(_only_needed_parts(step, needed))
        needed.update(read_by(step))
    return tuple(reversed(kept))


def made_by(step: DeclaredStep) -> tuple[str, ...]:
    """Name the columns that a step writes."""
    match step:
        case DateParts():
            return tuple(f"{step.column}_{part}" for part in step.parts)
        case TextCounts():
            return (f"{step.column}_chars", f"{step.column}_words")
        case Combine():
            return (step.into,)
        case _:
            return (step.column,)


def read_by(step: DeclaredStep) -> tuple[str, ...]:
    """Name the columns that a step reads."""
    return step.columns if isinstance(step, Combine) else (step.column,)


def operands(recipe: Recipe) -> tuple[str, ...]:
    """Name the columns of the table that only constructed columns read, in order of first use."""
    features = recipe.features
    known = set(features.numbers) | {name for step in feature_steps(recipe) for name in made_by(step)}
    found = [name for made in features.construct for name in made.columns if name not in known]
    return tuple(dict.fromkeys(found))


def _only_needed_parts(step: DeclaredStep, needed: set[str]) -> DeclaredStep:
    if not isinstance(step, DateParts):
        return step
    parts = tuple(part for part in step.parts if f"{step.column}_{part}" in needed)
    return DateParts(column=step.column, parts=parts)
