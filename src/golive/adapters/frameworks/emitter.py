"""Emitter: walks a fitted model and writes each part by the rule found under its class name.

Rules are plain functions in tables (``numbers.RULES`` and so on), found along a part's method resolution order, so a
subclass of a known class that only fits differently is written like its parent. One that answers differently (it has
its own ``predict`` or ``transform``, say) is refused, and so is a stranger that only bears a known name.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pandas as pd
import scipy.sparse
from sklearn.pipeline import Pipeline

from golive.adapters.frameworks.asking import as_trained
from golive.adapters.frameworks.graph import Block, Graph
from golive.adapters.frameworks.inputs import Columns, Inputs
from golive.errors import NotConvertibleError

Flow = Columns | Block
"""What reaches a part: raw columns, or a table of numbers made by earlier parts."""

FlowRule = Callable[["Emitter", Any, Flow], Block]
"""Writes one fitted part that may read raw columns."""

BlockRule = Callable[["Emitter", Any, Block], Block]
"""Writes one fitted part that reads numbers only."""

Probe = Callable[[], Any]
"""Gives a few rows as the original hands them to a part: a frame, an array or a sparse table."""

LIBRARIES = {"sklearn", "lightgbm", "xgboost", "golive"}
"""Top-level packages whose classes the rules are about."""
ANSWERING = (
    "predict",
    "predict_proba",
    "decision_function",
    "transform",
    "inverse_transform",
    "_predict",
    "_predict_proba_lr",
    "_transform",
    "_decision_function",
    "_joint_log_likelihood",
    "_raw_predict",
)
"""Methods that decide answers: a subclass with one of its own is not written like its parent."""
PROBE_ROWS = 2

REMEDY = "replace it by a part that golive can write (docs of golive.adapters.frameworks list them)"


class Emitter:
    """One conversion under way: the graph, the inputs, the rules, and where in the model we are."""

    def __init__(
        self,
        inputs: Inputs,
        *,
        transformers: Mapping[str, FlowRule],
        answers: Mapping[str, FlowRule],
        decisions: Mapping[str, FlowRule],
    ) -> None:
        self.graph = Graph()
        self.inputs = inputs
        self._transformers = transformers
        self._answers = answers
        self._decisions = decisions
        self._path: list[str] = []
        self._probe: Probe = lambda: inputs.sample.iloc[:PROBE_ROWS]
        self.tolerance = 0.0
        """The least tolerance that what was written so far needs."""
        self.in_float32 = False
        """Whether a part answers in float32."""

    def answers_in_float32(self, *, tolerance: float) -> None:
        """Note that a part answers in float32, and how far the graph may be from it."""
        self.in_float32 = True
        self.tolerance = max(self.tolerance, tolerance)

    def is_sparse(self) -> bool:
        """Say whether the original hands a sparse table to the part that is being written."""
        return bool(scipy.sparse.issparse(self._probe()))

    @contextmanager
    def reached_by(self, probe: Probe) -> Iterator[None]:
        """Say what the original hands to the parts written inside."""
        before, self._probe = self._probe, probe
        yield
        self._probe = before

    @contextmanager
    def inside(self, step: str) -> Iterator[None]:
        """Name the step that is being written, for error messages."""
        self._path.append(step)
        yield
        self._path.pop()

    def transform(self, part: Any, flow: Flow) -> Block:
        """Write a fitted transformer.

        Raises:
            NotConvertibleError: there is no rule for it; the message names the part and its step.
        """
        if (rule := self._rule(part, self._transformers)) is not None:
            return rule(self, part, flow)
        if hasattr(part, "get_support") and _is_of_sklearn(type(part).transform):
            return self.graph.select(self.block(part, flow), part.get_support(indices=True))
        raise self.refusal(part, "has no exact form in the graph", REMEDY)

    def answer(self, model: Any, flow: Flow) -> Block:
        """Write a fitted estimator: ``[rows, 1]`` values or ``[rows, classes]`` probabilities.

        Raises:
            NotConvertibleError: there is no rule for it, or for a part of it.
        """
        return self._estimate(model, flow, self._answers, "has no exact form in the graph")

    def decision(self, model: Any, flow: Flow) -> Block:
        """Write a classifier's ``decision_function``: ``[rows, 1]`` for two classes, else ``[rows, classes]``.

        Raises:
            NotConvertibleError: there is no rule for it, or for a part of it.
        """
        return self._estimate(model, flow, self._decisions, "has no exact decision function in the graph")

    def block(self, part: Any, flow: Flow) -> Block:
        """Give the numbers that reach a part.

        Raises:
            NotConvertibleError: text reaches a part that reads numbers only.
        """
        if isinstance(flow, Block):
            return flow
        texts = [name for name in flow.names if self.inputs.is_text(name)]
        if texts:
            raise self.refusal(
                part,
                f"reads the text column {texts[0]!r}",
                "put an encoder such as OneHotEncoder(handle_unknown='ignore') before it",
            )
        return self.inputs.numbers(self.graph, flow.names)

    def refusal(self, part: Any, why: str, remedy: str) -> NotConvertibleError:
        """Make the error that names a part, its step and the way out."""
        where = f" (step {' > '.join(repr(step) for step in self._path)})" if self._path else ""
        name = part if isinstance(part, str) else type(part).__name__
        return NotConvertibleError(f"{name}{where} {why}; {remedy}", field=" > ".join(self._path))

    def _estimate(self, model: Any, flow: Flow, rules: Mapping[str, FlowRule], why: str) -> Block:
        if _is_search(model):
            return self._estimate(model.best_estimator_, flow, rules, why)
        if is_pipeline(model):
            self._check_own_answers(model, Pipeline)
            name, last = model.steps[-1]
            reached = self.transform(model[:-1], flow) if len(model.steps) > 1 else flow
            with self.inside(name), self.reached_by(_passed_on(model, self._probe)):
                return self._estimate(last, reached, rules, why)
        if (rule := self._rule(model, rules)) is None:
            raise self.refusal(model, why, REMEDY)
        return rule(self, model, flow)

    def _rule(self, part: Any, rules: Mapping[str, FlowRule]) -> FlowRule | None:
        """Find the rule of a part's class or of its nearest known parent class.

        Raises:
            NotConvertibleError: the class is not the library's, and answers in its own way.
        """
        for cls in type(part).__mro__:
            if cls.__name__ in rules and cls.__module__.partition(".")[0] in LIBRARIES:
                self._check_own_answers(part, cls)
                return rules[cls.__name__]
        return None

    def _check_own_answers(self, part: Any, known: type) -> None:
        derived = type(part).__mro__[: type(part).__mro__.index(known)]
        own = [name for name in ANSWERING if name in vars(part) or any(name in vars(cls) for cls in derived)]
        if own:
            raise self.refusal(part, f"has its own {own[0]!r}, unlike {known.__name__}", REMEDY)


def is_pipeline(part: Any) -> bool:
    """Say whether a part is a chain of steps."""
    return isinstance(part, Pipeline)


def _passed_on(model: Any, probe: Probe) -> Probe:
    """Give the probe as the pipeline's last step gets it."""

    def passed() -> Any:
        rows = probe()
        rows = as_trained(model, rows) if isinstance(rows, pd.DataFrame) else rows
        return model[:-1].transform(rows) if len(model.steps) > 1 else rows

    return passed


def _is_search(model: Any) -> bool:
    return hasattr(model, "best_estimator_") and _is_of_sklearn(type(model).predict)


def _is_of_sklearn(method: Any) -> bool:
    return str(getattr(method, "__module__", "")).partition(".")[0] == "sklearn"


def on_blocks(rules: Mapping[str, BlockRule]) -> dict[str, FlowRule]:
    """Let rules that read numbers only be called with raw columns too."""
    return {name: _on_block(rule) for name, rule in rules.items()}


def _on_block(rule: BlockRule) -> FlowRule:
    return lambda emitter, part, flow: rule(emitter, part, emitter.block(part, flow))
