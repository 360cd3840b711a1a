"""Roles: which columns of a table a recipe uses and as what, checked against the table."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from golive.errors import DataError
from golive.training.declare import feature_steps, made_by, operands
from golive.training.frame import absent
from golive.training.recipe import Recipe


class Roles(msgspec.Struct, frozen=True, kw_only=True):
    """Names of the table's columns by what they are used as."""

    numbers: tuple[str, ...]
    """Numbers that the model reads, and numbers that only constructed columns read."""
    categories: tuple[str, ...]
    dates: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every column that a caller sends."""
        return (*self.numbers, *self.categories, *self.dates, *self.texts)

    def kind(self, name: str, target: str) -> str:
        """Say what a column is used as, in the words of the data report."""
        groups = {"number": self.numbers, "category": self.categories, "date": self.dates, "text": self.texts}
        found = next((kind for kind, names in groups.items() if name in names), "dropped")
        return "target" if name == target else found


def roles_of(recipe: Recipe, names: Iterable[str]) -> Roles:
    """Read the roles from the recipe.

    Raises:
        DataError: a named column is not in the table, is used twice, or nothing is used.
    """
    names = tuple(names)
    features = recipe.features
    roles = Roles(
        numbers=(*features.numbers, *operands(recipe)),
        categories=features.categories,
        dates=features.dates,
        texts=features.texts,
    )
    _check_present(recipe, roles, names)
    _check_single(recipe, roles)
    return roles


def prepared_numbers(recipe: Recipe) -> tuple[str, ...]:
    """Name the number columns that an estimator reads, before any is left out."""
    made = [name for step in feature_steps(recipe) for name in made_by(step)]
    return (*recipe.features.numbers, *made)


def _check_present(recipe: Recipe, roles: Roles, names: tuple[str, ...]) -> None:
    known = set(names)
    if recipe.target not in known:
        raise absent(recipe.target, "target", names)
    for name in roles.inputs:
        if name not in known:
            raise absent(name, "feature", names)
    if recipe.split.method in {"time", "group"} and recipe.split.column not in known:
        raise absent(recipe.split.column, f"{recipe.split.method} column", names)
    cleaning = recipe.cleaning
    for name in (*cleaning.ranges, *cleaning.missing_codes, *cleaning.normalize, *cleaning.outliers.columns):
        if name not in known:
            raise absent(name, "column in cleaning", names)


def _check_single(recipe: Recipe, roles: Roles) -> None:
    if not roles.inputs:
        message = "no features are listed; name columns under features.numbers, categories, dates or texts"
        raise DataError(message)
    if recipe.target in roles.inputs:
        message = f"the target {recipe.target!r} is also listed as a feature; remove it from features"
        raise DataError(message)
    counts = Counter((*roles.inputs, *(made.into for made in recipe.features.construct)))
    doubled = [name for name, count in counts.items() if count > 1]
    if doubled:
        message = f"features use {', '.join(map(repr, doubled))} more than once; a column has one kind"
        raise DataError(message)
