"""Emitter: walks a fitted model and writes each part by the rule found under its class name.

Rules are plain functions in tables (``numbers.RULES`` and so on), found along a part's method resolution order, so a
subclass of a known class that only fits differently is written like its parent.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from golive.adapters.frameworks.graph import Block, Graph
from golive.adapters.frameworks.inputs import Columns, Inputs
from golive.errors import NotConvertibleError

Flow = Columns | Block
"""What reaches a part: raw columns, or a table of numbers made by earlier parts."""

FlowRule = Callable[["Emitter", Any, Flow], Block]
"""Writes one fitted part that may read raw columns."""

BlockRule = Callable[["Emitter", Any, Block], Block]
"""Writes one fitted part that reads numbers only."""

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
        if (rule := rule_for(part, self._transformers)) is not None:
            return rule(self, part, flow)
        if hasattr(part, "get_support"):
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
        if hasattr(model, "best_estimator_"):
            return self._estimate(model.best_estimator_, flow, rules, why)
        if is_pipeline(model):
            name, last = model.steps[-1]
            reached = self.transform(model[:-1], flow) if len(model.steps) > 1 else flow
            with self.inside(name):
                return self._estimate(last, reached, rules, why)
        if (rule := rule_for(model, rules)) is None:
            raise self.refusal(model, why, REMEDY)
        return rule(self, model, flow)


def is_pipeline(part: Any) -> bool:
    """Say whether a part is a chain of steps."""
    return hasattr(part, "steps") and hasattr(part, "named_steps")


def rule_for(part: Any, rules: Mapping[str, FlowRule]) -> FlowRule | None:
    """Find the rule of a part's class or of its nearest known parent class."""
    return next((rules[cls.__name__] for cls in type(part).__mro__ if cls.__name__ in rules), None)


def on_blocks(rules: Mapping[str, BlockRule]) -> dict[str, FlowRule]:
    """Let rules that read numbers only be called with raw columns too."""
    return {name: _on_block(rule) for name, rule in rules.items()}


def _on_block(rule: BlockRule) -> FlowRule:
    return lambda emitter, part, flow: rule(emitter, part, emitter.block(part, flow))
