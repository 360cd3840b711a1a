"""Judging: what an author declares about rows and their meaning, so that a model can be judged on it."""

from typing import Annotated, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]


class Costs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What wrong decisions between two classes cost; the second class is the positive one."""

    false_positive: Annotated[float, msgspec.Meta(ge=0.0)] = 1.0
    false_negative: Annotated[float, msgspec.Meta(ge=0.0)] = 1.0
    true_positive: float = 0.0
    """Negative for a gain."""
    true_negative: float = 0.0
    unit: str = ""


class Picture(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Number columns that are the pixels of an image, row by row."""

    height: Annotated[int, msgspec.Meta(ge=2)]
    width: Annotated[int, msgspec.Meta(ge=2)]
    channels: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    columns: tuple[str, ...] = ()
    """In that order; empty: all inputs, in theirs."""


class Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``evaluation`` section of golive.yaml; every column named may be one that the model does not read."""

    kind: Literal["plain", "anomaly", "ranking"] = "plain"
    """What the answers are for, where it is more than the task says. ``anomaly``: the second class is rare and few
    rows can be looked at; ``ranking``: the answers order the rows of each group."""
    sensitive: tuple[str, ...] = ()
    """Columns that say which group of people a row belongs to; fairness is measured by them and their pairs."""
    favorable: str = ""
    """The class that people wish for (a loan, a place); empty: the second one."""
    slices: tuple[str, ...] = ()
    """Columns whose values are shown as slices, whatever is found."""
    time: str = ""
    """When the row was: a date, or a number that grows."""
    group: str = ""
    """Rows of one query (ranking), or of one customer."""
    identifiers: tuple[str, ...] = ()
    """Columns that are known to be names of rows; no finding is made of them."""
    immutable: tuple[str, ...] = ()
    """Columns that no counterfactual may change."""
    costs: Costs | None = None
    quantile: Share | None = None
    """Of a model that predicts this quantile of the target, not its mean."""
    top: Annotated[int, msgspec.Meta(ge=1)] = 10
    """Rows of a group that count (ranking)."""
    budget: Share = 0.05
    """Share of rows that can be looked at (anomaly)."""
    picture: Picture | None = None
    learning_curve: bool = True
    """Whether a project's winner is fitted again on parts of the training rows."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is named, each once."""
        named = (*self.sensitive, *self.slices, self.time, self.group, *self.identifiers)
        return tuple(dict.fromkeys(name for name in named if name))
