"""Handles: what a notebook holds in its hands, a bundle, evidence and a live model, and what they can do."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import msgspec
import numpy as np

from golive.control.deploy import rollback
from golive.control.judging.explain import Wish as ExplainWish
from golive.control.judging.explain import account_of, explain_rows
from golive.control.notebook.explained import ExplanationHandle
from golive.control.notebook.frames import named_columns
from golive.control.packing.opened import open_bundle
from golive.control.packing.tensors import OpenTensors, open_tensors
from golive.control.refs import serving_release
from golive.control.rooms import Rooms
from golive.control.rows_only import refuse_tensors
from golive.control.status import Status
from golive.control.status import status as status_of
from golive.domain.bundle import Bundle
from golive.domain.digest import short
from golive.domain.evidence import Evidence
from golive.errors import InvalidRowError, NotFoundError, RequestError, UnavailableError, UsageError
from golive.evaluation.pages.notebook import evidence_html, figure_of, near, plots_of
from golive.evaluation.pages.phrases import Language
from golive.inference.goal import Goal
from golive.inference.road import Road
from golive.inference.values import not_finite, text_of
from golive.serving.explaining.account import Account
from golive.settings import secret_key

_TIMEOUT_S = 30.0


class BundleHandle:
    """A bundle that can answer."""

    def __init__(self, bundle: Bundle, rooms: Rooms) -> None:
        self.bundle = bundle
        self._rooms = rooms
        self._road: Road | None = None
        self._tensors: OpenTensors | None = None
        self._account: Account | None = None

    @property
    def digest(self) -> str:
        """The bundle's name in every store."""
        return self.bundle.digest

    @property
    def name(self) -> str:
        """What its author calls it."""
        return self.bundle.name

    @property
    def road(self) -> Road:
        """The bundle, opened in this process.

        Raises:
            UsageError: the model reads tensors and no rows.
        """
        refuse_tensors(self.bundle, f"ask it with .infer({{{self._example_name!r}: array}})")
        if self._road is None:
            self._road = open_bundle(self.bundle, self._rooms.bundles.files(self.bundle))
        return self._road

    def infer(self, inputs: Any) -> dict[str, np.ndarray[Any, Any]]:
        """Ask a model of tensors: arrays by name (or the only one) in, arrays by name out, as a server gives them.

        Raises:
            UsageError: the model reads rows.
            RequestError: an array is not what the signature says, or cannot go through the graph.
        """
        if self._tensors is None:
            self._tensors = open_tensors(self.bundle, self._rooms.bundles.files(self.bundle))
        return self._tensors.run(inputs)

    def predict(self, rows: Any) -> np.ndarray[Any, Any]:
        """Predict a data frame (or a mapping of columns): numbers or labels, the very ones a server gives."""
        return np.asarray(self.road.labels(self.road.columns(named_columns(rows, self.bundle))))

    def predict_proba(self, rows: Any) -> np.ndarray[Any, Any]:
        """Give float64 ``[rows, classes]``, one probability a class.

        Raises:
            UsageError: the model is a regression.
        """
        if not self.bundle.signature.classes:
            message = f"{self.name} predicts {self.bundle.signature.target}, a number; it has no probabilities"
            raise UsageError(message)
        return self.road.columns(named_columns(rows, self.bundle))

    def explain(
        self,
        rows: Any,
        *,
        output: Any = None,
        counterfactual: bool = False,
        target: Mapping[str, Any] | None = None,
        immutable: Sequence[str] = (),
    ) -> ExplanationHandle:
        """Say how much each input moved the answer to each row; one row shows itself as a waterfall.

        Args:
            rows: A data frame, a mapping of columns, or an array in the order of the signature.
            output: The class whose answer is explained; None for the second of two, else the one that was answered.
            counterfactual: Also look for the smallest changes that would have changed each answer.
            target: What it should have been: ``{"label": "yes"}``, ``{"at_least": 100.0}``, ``{"at_most": 50.0}``.
            immutable: Inputs that no change may touch, besides those that the bundle names.

        Raises:
            UnexplainableError: the bundle was packaged without background rows, or reads tensors.
            UsageError: what is asked does not fit the model.
        """
        if self._account is None:
            self._account = account_of(self.bundle, self._rooms)
        goal = Goal(**(target or {})) if counterfactual or target is not None else None
        label = None if output is None else str(output)
        wish = ExplainWish(output=label, goal=goal, immutable=tuple(immutable))
        return ExplanationHandle(explain_rows(self.bundle, self._account, named_columns(rows, self.bundle), wish))

    @property
    def _example_name(self) -> str:
        return next((tensor.name for tensor in self.bundle.signature.tensors), "input")

    def __repr__(self) -> str:
        return f"<golive bundle {self.name} {short(self.digest)}>"


class EvidenceHandle:
    """Evidence that shows itself as a table in a notebook."""

    def __init__(self, evidence: Evidence, bundle: BundleHandle) -> None:
        self.evidence = evidence
        self.bundle = bundle

    def __getitem__(self, name: str) -> float:
        """Give the value of a measure."""
        measure = self.evidence.find(name)
        if measure is None:
            raise KeyError(name)
        return measure.value

    @property
    def plots(self) -> tuple[str, ...]:
        """The names of the report's plots."""
        return tuple(plots_of(self.evidence))

    def plot(self, name: str, *, lang: Language = "en") -> Any:
        """Give a plot of the report as a figure of matplotlib.

        Raises:
            NotFoundError: there is no such plot.
        """
        drawn = plots_of(self.evidence, lang)
        if name not in drawn:
            alike = near(name, drawn)
            those = f"did you mean {' or '.join(alike)}? " if alike else ""
            message = f"there is no plot {name!r}; {those}This evidence has {', '.join(drawn) or 'none'}"
            raise NotFoundError(message)
        return figure_of(drawn[name])

    def _repr_html_(self) -> str:
        return evidence_html(self.evidence)

    def __repr__(self) -> str:
        first = self.evidence.measures[0]
        return f"<golive evidence {first.name}={first.value:.5g} on {self.evidence.rows} rows>"


class LiveModel:
    """A name that serves."""

    def __init__(self, name: str, rooms: Rooms, url: str) -> None:
        self.name = name
        self.url = url
        self._rooms = rooms

    def predict(self, rows: Any) -> list[Any]:
        """Ask the server: a data frame, a list of dictionaries, or an array in the order of the signature.

        Raises:
            RequestError: the server refuses the rows; the message is the server's.
            UnavailableError: no server answers, or it cannot answer now.
        """
        body = msgspec.json.encode({"instances": self._instances(rows)})
        key = secret_key(self._rooms.settings)
        headers = {"X-Api-Key": key} if key else {}
        try:
            answer = httpx.post(
                f"{self.url}/v1/models/{self.name}:predict", content=body, headers=headers, timeout=_TIMEOUT_S
            )
        except httpx.TransportError as error:
            message = f"no server answers at {self.url} ({error}); `golive status` says what runs"
            raise UnavailableError(message) from error
        told = msgspec.json.decode(answer.content)
        if answer.status_code == httpx.codes.OK:
            return list(told["predictions"])
        kind = UnavailableError if answer.is_server_error else RequestError
        raise kind(told["error"], field=told["field"] or "")

    def _instances(self, rows: Any) -> list[dict[str, Any]]:
        if isinstance(rows, Sequence) and all(isinstance(row, Mapping) for row in rows):
            return [{name: _json(name, value) for name, value in row.items()} for row in rows]
        bundle = self._rooms.bundles.open(serving_release(self.name, self._rooms).bundle)
        columns = named_columns(rows, bundle)
        return [
            {name: _json(name, value) for name, value in zip(columns, row, strict=True)}
            for row in zip(*columns.values(), strict=True)
        ]

    def status(self) -> Status:
        """Say what serves."""
        return status_of(self._rooms)

    def rollback(self, *, to: int | None = None, reason: str = "") -> None:
        """Make an earlier release serve again."""
        rollback(self.name, self._rooms, to=to, reason=reason)

    def __repr__(self) -> str:
        return f"<golive live model {self.name} at {self.url}>"


def _json(name: str, value: Any) -> Any:
    """Give a value as JSON has it, which has no NaN, no infinity and no dates."""
    plain = value.item() if isinstance(value, np.generic) and value.dtype.kind not in "mM" else value
    if isinstance(plain, float):
        if math.isinf(plain):
            raise InvalidRowError(not_finite(name, plain), field=name)
        return None if math.isnan(plain) else plain
    return plain if isinstance(plain, (bool, int)) else text_of(plain)
