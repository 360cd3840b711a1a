"""Explanation: a table in, the body of an explain request out; its answer in, why each row was answered so out."""

from collections.abc import Iterator
from typing import Any

import msgspec

from golive.client.columns import plain, sendable
from golive.client.contract import decoded
from golive.client.exchange import Reply
from golive.client.table import Table
from golive.errors import InvalidRowError


class Reason(msgspec.Struct, frozen=True):
    """One of the inputs that moved an answer the most."""

    input: str
    effect: str
    """``raises`` or ``lowers``."""
    text: str
    """The same as a sentence, with the row's value and by how much it moved the answer."""


class Change(msgspec.Struct, frozen=True):
    """One input of a changed row."""

    input: str
    before: Any
    after: Any


class Changed(msgspec.Struct, frozen=True):
    """A row that gets another answer."""

    changes: tuple[Change, ...]
    prediction: Any
    distance: float
    """How far it is from the row: one for each changed input, and the numbers in units of their spread."""
    probabilities: tuple[float, ...] | None = None


class Counterfactual(msgspec.Struct, frozen=True):
    """What would have changed an answer."""

    found: tuple[Changed, ...]
    """The nearest first."""
    reason: str | None = None
    """Why nothing was found."""


class Explanation(msgspec.Struct, frozen=True):
    """Why one row was answered so: ``answer`` is ``base`` and all contributions added up."""

    prediction: Any
    base: float | None
    """The mean answer to the background rows of the bundle."""
    answer: float | None
    """The answer on the scale of the explanation."""
    contributions: dict[str, float | None]
    values: dict[str, Any]
    """What the row holds."""
    reasons: tuple[Reason, ...] = ()
    probabilities: tuple[float | None, ...] | None = None
    output: Any = None
    """The class that is explained."""
    standard_errors: dict[str, float | None] | None = None
    """Of contributions that were sampled; None where they are exact."""
    counterfactual: Counterfactual | None = None


class Explanations(msgspec.Struct, frozen=True, kw_only=True):
    """The explanations of rows, in their order."""

    rows: tuple[Explanation, ...]
    method: str
    """``tree``, ``linear`` or ``permutation``."""
    scale: str
    """What contributions add up to: a ``value``, ``log_odds`` or a ``probability``."""
    additivity_error: float
    """The greatest difference between an answer and what its contributions add up to."""
    evaluations: int = 0
    """Answers that the model was asked for to explain a row; 0 where its own parts were read instead."""
    background_rows: int = 0
    """How many background rows each row was compared with; 0 where the server does not say."""
    model: str
    version: str
    request_id: str

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Explanation:
        """Give one row's."""
        return self.rows[index]

    def __iter__(self) -> Iterator[Explanation]:
        """Give them one after the other."""
        return iter(self.rows)


class _Answer(msgspec.Struct):
    explanations: tuple[Explanation, ...]
    method: str
    scale: str
    additivity_error: float
    evaluations: int = 0
    background_rows: int = 0
    model_name: str = ""
    model_version: str = ""


def explain_body(
    table: Table, *, output: Any, counterfactual: bool, target: dict[str, Any] | None, immutable: tuple[str, ...]
) -> bytes:
    """Write an explain request.

    Raises:
        InvalidRowError: a value is one that no request can carry.
    """
    names = table.names or tuple(f"[{index}]" for index in range(len(table.columns)))
    columns = [sendable(plain(name, column), name) for name, column in zip(names, table.columns, strict=True)]
    rows = list(zip(*columns, strict=True))
    body: dict[str, Any] = {
        "instances": rows if table.names is None else [dict(zip(names, row, strict=True)) for row in rows]
    }
    if output is not None:
        body["output"] = output
    if counterfactual or target is not None:
        body["counterfactual"] = True
    if target is not None:
        body["target"] = target
    if immutable:
        body["immutable"] = immutable
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError as error:
        message = f"the text {error.object[:40]!r} is no valid Unicode; give texts that UTF-8 can write"
        raise InvalidRowError(message) from None


def explanations_of(reply: Reply, *, request_id: str) -> Explanations:
    """Read an explain answer.

    Raises:
        VerificationError: it is not one.
    """
    answer: _Answer = decoded(reply, _Answer)
    return Explanations(
        rows=answer.explanations,
        method=answer.method,
        scale=answer.scale,
        additivity_error=answer.additivity_error,
        evaluations=answer.evaluations,
        background_rows=answer.background_rows,
        model=answer.model_name,
        version=answer.model_version,
        request_id=reply.headers.get("x-request-id", request_id),
    )
