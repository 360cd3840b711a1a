"""Request: the body of ``:explain`` in, its rows and what is asked about them out."""

from collections.abc import Sequence
from typing import Any

import msgspec

from golive.domain.serving import Placed
from golive.errors import RequestError, TooLargeError, UsageError
from golive.inference.goal import Goal, check_goal
from golive.inference.labels import labels_of
from golive.inference.road import Road
from golive.serving.answer import Ask
from golive.serving.codecs.codec import prediction_writer
from golive.serving.codecs.instances import InstancesCodec
from golive.serving.codecs.rowtypes import Rows, converting, decoding
from golive.serving.codecs.tokens import decoded_loosely, has_tokens

MAX_ROWS = 100
"""Rows that one request may have explained."""
MAX_COUNTERFACTUALS = 10
"""Rows of a request that asks what would have changed the answers: each asks the model about thousands of rows."""
Label = str | int | float | bool


class Asked(msgspec.Struct, frozen=True):
    """What is asked about rows."""

    rows: Rows
    output: int | None
    """The index of the class that is explained; None for the usual one."""
    goal: Goal | None
    """What would have been answered instead, where that is asked."""
    immutable: tuple[str, ...]
    """Inputs that stay as they are, besides those that the bundle names."""


class _Options(msgspec.Struct, frozen=True):
    output: Label | None = None
    counterfactual: bool = False
    target: dict[str, Any] | None = None
    immutable: tuple[str, ...] = ()


class ExplainRequests:
    """Reads the requests of one model: the rows as ``:predict`` takes them, and options beside them."""

    rows_path = InstancesCodec.rows_path
    row_status = InstancesCodec.row_status

    def __init__(self, placed: Placed, road: Road, *, max_rows: int = MAX_ROWS) -> None:
        signature = road.signature
        self._signature = signature
        self._max_rows = max_rows
        self._rows = InstancesCodec(signature, prediction_writer(placed, signature, road.labels))
        self._options = msgspec.json.Decoder(_Options)
        self._labels = tuple(str(label) for label in labels_of(signature))

    def read(self, body: bytes, ask: Ask) -> Asked:
        """Read a body.

        Raises:
            RequestError: it is malformed, or asks for what the model does not have.
            InvalidRowError: a value does not fit the signature.
            TooLargeError: there are too many rows.
        """
        rows, _ = self._rows.decode(body, ask)
        options = self._decoded(body)
        wants_change = options.counterfactual or options.target is not None
        _check_count(rows, MAX_COUNTERFACTUALS if wants_change else self._max_rows, wants_change=wants_change)
        for name in options.immutable:
            if name not in self._signature.names:
                known = ", ".join(self._signature.names)
                message = f"there is no input {name!r} to leave as it is; the inputs are: {known}"
                raise RequestError(message, field="$.immutable")
        return Asked(
            rows=rows,
            output=None if options.output is None else self._output(options.output),
            goal=self._goal(options.target or {}) if wants_change else None,
            immutable=options.immutable,
        )

    def _decoded(self, body: bytes) -> _Options:
        if has_tokens(body):
            options: _Options = converting(decoded_loosely(body), _Options, "$", self._signature)
            return options
        decoded: _Options = decoding(self._options.decode, body, self._signature)
        return decoded

    def _goal(self, target: dict[str, Any]) -> Goal:
        for name in target:
            if name not in Goal.__struct_fields__:
                message = f"there is no target {name!r}; the targets are: {', '.join(Goal.__struct_fields__)}"
                raise RequestError(message, field=f"$.target.{name}")
        goal: Goal = converting(target, Goal, "$.target", self._signature)
        try:
            check_goal(goal, self._signature)
        except UsageError as error:
            raise RequestError(error.message, field="$.target") from error
        return goal

    def _output(self, label: Label) -> int:
        if not self._labels:
            message = f"{self._signature.target!r} is a number and has no classes; leave 'output' out"
            raise RequestError(message, field="$.output")
        if str(label) not in self._labels:
            message = f"there is no answer {label!r} to explain; the answers are: {', '.join(self._labels)}"
            raise RequestError(message, field="$.output")
        return self._labels.index(str(label))


def _check_count(rows: Sequence[Any], most: int, *, wants_change: bool) -> None:
    if len(rows) > most:
        kind = "with counterfactuals" if wants_change else "explained"
        message = (
            f"the request has {len(rows)} rows, and at most {most} can be {kind} at once; send fewer in one request, "
            "or explain a table with `golive explain`"
        )
        raise TooLargeError(message)
