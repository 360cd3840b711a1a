"""Columns: the rules of parts that route columns: ColumnTransformer, Pipeline, FeatureUnion, and encoders."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.adapters.frameworks.categories import ENCODERS, branch, encoder, known_values, needs_table, text_steps
from golive.adapters.frameworks.emitter import Emitter, Flow, FlowRule
from golive.adapters.frameworks.graph import Block
from golive.adapters.frameworks.inputs import Columns
from golive.adapters.frameworks.text import reads_text


def pipeline(emitter: Emitter, chain: Any, flow: Flow) -> Block:
    """Write the steps one after the other; the first ones become a table where they read text."""
    steps = [(name, part) for name, part in chain.steps if part is not None and part != "passthrough"]
    if isinstance(flow, Columns) and steps and _wants_table(emitter, steps[0][1], flow):
        count = text_steps(emitter, steps, flow)
        with emitter.inside(steps[count - 1][0]):
            flow = branch(emitter, [part for _, part in steps[:count]], flow)
        steps = steps[count:]
    for name, part in steps:
        with emitter.inside(name):
            flow = _transformed(emitter, part, flow)
    return emitter.block(chain, flow)


def column_transformer(emitter: Emitter, transformer: Any, flow: Flow) -> Block:
    """Write every branch on its own columns and put the results side by side."""
    routes = _routes(emitter, transformer, flow)
    for _, part, reached in routes:
        if isinstance(reached, Columns) and not reads_text(part):
            _declare(emitter, part, reached)
    blocks = []
    for name, part, reached in routes:
        with emitter.inside(name):
            block = _transformed(emitter, part, reached)
        weight = (transformer.transformer_weights or {}).get(name)
        blocks.append(block if weight is None else emitter.graph.by_row("Mul", block, float(weight)))
    if not any(block.width for block in blocks):
        raise emitter.refusal(transformer, "keeps no column", "give it a column to pass on")
    return emitter.graph.join(blocks)


def feature_union(emitter: Emitter, union: Any, flow: Flow) -> Block:
    """Write every branch on the same columns."""
    blocks = []
    for name, part in union.transformer_list:
        if part == "drop":
            continue
        with emitter.inside(name):
            block = _transformed(emitter, part, flow)
        weight = (union.transformer_weights or {}).get(name)
        blocks.append(block if weight is None else emitter.graph.by_row("Mul", block, float(weight)))
    return emitter.graph.join(blocks)


def _transformed(emitter: Emitter, part: Any, flow: Flow) -> Block:
    if part is None or part == "passthrough":
        return emitter.block("passthrough", flow)
    if isinstance(flow, Columns) and _wants_table(emitter, part, flow) and not _routes_further(part):
        return pipeline(emitter, _Chain([(type(part).__name__, part)]), flow)
    return emitter.transform(part, flow)


def _wants_table(emitter: Emitter, part: Any, columns: Columns) -> bool:
    return not reads_text(part) and needs_table(emitter, part, columns)


class _Chain:
    """A chain of one step, so that a single part and a Pipeline are written alike."""

    def __init__(self, steps: list[tuple[str, Any]]) -> None:
        self.steps = steps


def _routes_further(part: Any) -> bool:
    return hasattr(part, "steps") or hasattr(part, "transformer_list") or type(part).__name__ in ENCODERS


def _declare(emitter: Emitter, part: Any, columns: Columns) -> None:
    for name, values in zip(columns.names, known_values([part], len(columns.names)), strict=True):
        if emitter.inputs.is_text(name):
            emitter.inputs.declare(name, values)


def _routes(emitter: Emitter, transformer: Any, flow: Flow) -> list[tuple[str, Any, Flow]]:
    routes: list[tuple[str, Any, Flow]] = []
    for name, part, wanted in transformer.transformers_:
        if isinstance(part, str) and part == "drop":
            continue
        with emitter.inside(name):
            reached = _taken(emitter, transformer, part, wanted, flow)
        if (reached.width if isinstance(reached, Block) else len(reached.names)) > 0:
            routes.append((name, part, reached))
    return routes


def _taken(emitter: Emitter, transformer: Any, part: Any, wanted: Any, flow: Flow) -> Flow:
    if isinstance(wanted, str) and not reads_text(part):
        raise emitter.refusal(
            transformer, f"passes the column {wanted!r} as a bare series", f"name it in a list: [{wanted!r}]"
        )
    names = flow.names if isinstance(flow, Columns) else None
    width = len(names) if names is not None else transformer.n_features_in_
    if names is None:
        positions = _positions(emitter, transformer, wanted, width, {})
        return emitter.graph.select(emitter.block(transformer, flow), positions)
    fitted = [str(name) for name in getattr(transformer, "feature_names_in_", names)]
    order = fitted if set(fitted) <= set(names) else list(names)
    positions = _positions(emitter, transformer, wanted, len(order), {name: i for i, name in enumerate(order)})
    return Columns(tuple(order[position] for position in positions))


def _positions(emitter: Emitter, transformer: Any, wanted: Any, width: int, places: Mapping[str, int]) -> list[int]:
    if isinstance(wanted, slice):
        if isinstance(wanted.start, str) or isinstance(wanted.stop, str):
            start = places[wanted.start] if wanted.start is not None else 0
            stop = places[wanted.stop] + 1 if wanted.stop is not None else width
            return list(range(start, stop))
        return list(range(width))[wanted]
    items: Sequence[Any] = np.asarray(wanted).tolist() if not np.isscalar(wanted) else [wanted]
    if items and isinstance(items[0], bool):
        return [position for position, taken in enumerate(items) if taken]
    if items and isinstance(items[0], str):
        absent = [item for item in items if item not in places]
        if absent:
            raise emitter.refusal(
                transformer,
                f"asks for the column {absent[0]!r} by name, which is not there",
                "name columns by position",
            )
        return [places[item] for item in items]
    return [int(item) % width for item in items]


RULES: Mapping[str, FlowRule] = {
    "Pipeline": pipeline,
    "ColumnTransformer": column_transformer,
    "FeatureUnion": feature_union,
    **dict.fromkeys(ENCODERS, encoder),
}
"""Class name of a part that routes columns or reads categories -> how it is written."""
