"""Table: each operator of ONNX opset 13 and later, and TreeEnsemble of ai.onnx.ml 5, as a rule for any backend.

What operators do is told at https://onnx.ai/onnx/operators.
"""

from collections.abc import Mapping, Sequence

import onnx

from golive.adapters.graphs.activations import ACTIVATIONS
from golive.adapters.graphs.arithmetic import ARITHMETIC
from golive.adapters.graphs.backend import Backend
from golive.adapters.graphs.layers import LAYERS
from golive.adapters.graphs.places import PLACES
from golive.adapters.graphs.quantized import QUANTIZED
from golive.adapters.graphs.reductions import REDUCTIONS
from golive.adapters.graphs.shapes import SHAPES
from golive.adapters.graphs.tree_ensemble import DOMAIN, OPERATOR
from golive.adapters.graphs.tree_tables import trees
from golive.adapters.graphs.values import Attributes, Rule, Value, tensor

OLDEST = 13


def is_known(node: onnx.NodeProto) -> bool:
    """Say whether the table has an operator."""
    if node.op_type == OPERATOR:
        return bool(node.domain == DOMAIN)
    return node.domain in {"", "ai.onnx"} and node.op_type in TABLE


def _trees(b: Backend, given: Sequence[Value], attributes: Attributes) -> Value:
    return trees(b, tensor(b, given[0]), attributes)


TABLE: Mapping[str, Rule] = {
    **ARITHMETIC,
    **ACTIVATIONS,
    **SHAPES,
    **PLACES,
    **REDUCTIONS,
    **LAYERS,
    **QUANTIZED,
    OPERATOR: _trees,
}
"""Operator -> how it is told to a backend."""
