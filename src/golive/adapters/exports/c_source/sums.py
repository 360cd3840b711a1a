"""Sums: operators that gather many elements into one, products of matrices among them."""

from collections.abc import Mapping
from math import prod

from golive.adapters.exports.c_source.graph import Node, Rule
from golive.adapters.exports.c_source.literals import number
from golive.adapters.exports.c_source.loops import Nest, broadcast, packed, spread
from golive.adapters.exports.c_source.program import Program, Value, seen_as

_EXTREMES = {"ReduceMax": ">", "ReduceMin": "<"}
_LONG = "ReduceLogSumExp"
_OUTER, _INNER = "ijklmn", "pqrstu"


def _axes(node: Node, value: Value) -> set[int]:
    given = node.integers("axes", 1)
    rank = len(value.shape)
    if not given:
        return set() if node.attributes.get("noop_with_empty_axes", 0) else set(range(rank))
    return {axis % rank for axis in given}


def _reduce(program: Program, node: Node) -> Value:
    name, value = node.proto.op_type, node.value(0)
    axes = _axes(node, value)
    made = _log_sum_exp(program, value, axes) if name == _LONG else _reduced(program, value, axes, name)
    keep = node.attributes.get("keepdims", 1)
    lengths = (None if axis in axes and not keep else made.shape[axis] for axis in range(len(value.shape)))
    return seen_as(made, [length for length in lengths if length is not None])


def _reduced(program: Program, value: Value, axes: set[int], name: str) -> Value:
    kept = tuple(1 if axis in axes else length for axis, length in enumerate(value.shape))
    gone = tuple(length if axis in axes else 1 for axis, length in enumerate(value.shape))
    made = program.new(kept, value.kind)
    strides = packed(value.shape)
    outer = Nest(kept, [packed(kept), strides], _OUTER)
    inner = Nest(gone, [strides], _INNER)
    element = program.element(value, _index(outer.index(1), inner.index(0)))
    first = {"ReduceProd": "1"}.get(name, program.element(value, outer.index(1)) if name in _EXTREMES else "0")
    last = {"ReduceL2": "sqrt(sum)", "ReduceLogSum": "log(sum)", "ReduceMean": f"sum / {prod(gone)}"}.get(name, "sum")
    program.say(
        *_block(
            outer,
            f"{value.kind} sum = {first};",
            *inner.around(_step(name, element)),
            f"{made.name}[{outer.index(0)}] = {last};",
        )
    )
    return made


def _step(name: str, element: str) -> str:
    match name:
        case "ReduceMax" | "ReduceMin":
            # As in ONNX Runtime, a missing number counts where it is the first.
            return f"if ({element} {_EXTREMES[name]} sum) sum = {element};"
        case "ReduceProd":
            return f"sum *= {element};"
        case "ReduceSumSquare" | "ReduceL2":
            return f"sum += {element} * {element};"
        case "ReduceL1":
            return f"sum += fabs({element});"
    return f"sum += {element};"


def _index(*parts: str) -> str:
    return " + ".join(part for part in parts if part != "0") or "0"


def _log_sum_exp(program: Program, value: Value, axes: set[int]) -> Value:
    greatest = _reduced(program, value, axes, "ReduceMax")
    # Where all are -inf there is nothing to take away.
    base = program.each(value.kind, lambda a: f"isinf({a}) ? 0 : {a}", greatest)
    grown = program.each(value.kind, lambda a, b: f"exp({a} - {b})", value, base)
    total = _reduced(program, grown, axes, "ReduceSum")
    return program.each(value.kind, lambda a, b: f"log({a}) + {b}", total, base)


def _softmax(program: Program, node: Node) -> Value:
    value = node.value(0)
    axes = {int(node.attributes.get("axis", -1)) % len(value.shape)}
    exp = "expf" if value.kind == "float" else "exp"
    greatest = _reduced(program, value, axes, "ReduceMax")
    grown = program.each(value.kind, lambda a, b: f"{exp}({a} - {b})", value, greatest)
    total = _reduced(program, grown, axes, "ReduceSum")
    return program.each(value.kind, lambda a, b: f"{a} / {b}", grown, total)


def _best(program: Program, node: Node) -> Value:
    value = node.value(0)
    axis = int(node.attributes.get("axis", 0)) % len(value.shape)
    kept = tuple(1 if each == axis else length for each, length in enumerate(value.shape))
    sign = ">" if node.proto.op_type == "ArgMax" else "<"
    better = f"{sign}=" if node.attributes.get("select_last_index", 0) else sign
    made = program.new(kept, "int64_t")
    strides = packed(value.shape)
    outer = Nest(kept, [packed(kept), strides], _OUTER)
    here, there = (_index(outer.index(1), f"{place} * {strides[axis]}") for place in ("p", "best"))
    program.say(
        *(
            _block(
                outer,
                "int best = 0;",
                f"for (int p = 1; p < {value.shape[axis]}; p++)",
                f"    if ({program.element(value, here)} {better} {program.element(value, there)}) best = p;",
                f"{made.name}[{outer.index(0)}] = best;",
            )
        )
    )
    gone = [length for each, length in enumerate(kept) if each != axis]
    return made if node.attributes.get("keepdims", 1) else seen_as(made, gone)


def _block(nest: Nest, *statements: str) -> list[str]:
    """Put statements that declare something into the loops, or into a block where there is none."""
    lines = nest.around(*statements)
    return lines if lines[0].startswith("for") else ["{", *("    " + line for line in lines), "}"]


def _cumulative(program: Program, node: Node) -> Value:
    value, axis = node.value(0), int(node.known(1).reshape(-1)[0]) % len(node.value(0).shape)
    length, stride = value.shape[axis], packed(value.shape)[axis]
    made = program.new(value.shape, value.kind)
    kept = tuple(1 if each == axis else n for each, n in enumerate(value.shape))
    outer = Nest(kept, [packed(value.shape)], _OUTER)
    place = f"{length - 1} - p" if node.attributes.get("reverse", 0) else "p"
    index = _index(outer.index(0), f"({place}) * {stride}" if stride > 1 else place)
    steps = [f"sum += {program.element(value, index)};", f"{made.name}[{index}] = sum;"]
    if node.attributes.get("exclusive", 0):
        steps.reverse()
    program.say(
        *_block(
            outer,
            f"{value.kind} sum = 0;",
            f"for (int p = 0; p < {length}; p++) {{",
            *("    " + step for step in steps),
            "}",
        )
    )
    return made


def _product(program: Program, node: Node) -> Value:
    left, right = node.value(0), node.value(1)
    alone = len(left.shape) == 1, len(right.shape) == 1
    one = seen_as(left, (1, *left.shape)) if alone[0] else left
    two = seen_as(right, (*right.shape, 1)) if alone[1] else right
    kind = "int32_t" if node.proto.op_type == "MatMulInteger" else left.kind
    made = matrix_product(program, one, two, kind)
    ends = [length for length, is_gone in zip(made.shape[-2:], alone, strict=True) if not is_gone]
    return seen_as(made, [*made.shape[:-2], *ends])


def matrix_product(program: Program, left: Value, right: Value, kind: str) -> Value:
    """Multiply matrices, or stacks of them; sums go in the order of the elements."""
    stack = broadcast([left.shape[:-2], right.shape[:-2]])
    rows, width, columns = left.shape[-2], left.shape[-1], right.shape[-1]
    shape = (*stack, rows, columns)
    made = program.new(shape, kind)
    own = tuple(stride * rows * width for stride in spread(left.shape[:-2], stack))
    other = tuple(stride * width * columns for stride in spread(right.shape[:-2], stack))
    outer = Nest(shape, [packed(shape), (*own, width, 0), (*other, 0, 1)], _OUTER)
    first = program.element(left, _index(outer.index(1), "p"))
    second = program.element(right, _index(outer.index(2), f"p * {columns}" if columns > 1 else "p"))
    program.say(
        *_block(
            outer,
            f"{kind} sum = 0;",
            f"for (int p = 0; p < {width}; p++) sum += {first} * {second};",
            f"{made.name}[{outer.index(0)}] = sum;",
        )
    )
    return made


def _gemm(program: Program, node: Node) -> Value:
    sides = []
    for place, name in ((0, "transA"), (1, "transB")):
        value = node.value(place)
        if node.attributes.get(name, 0):
            if value.constant is not None:
                value = program.constant(value.constant.T.copy())
            else:
                value = program.moved(value, value.shape[::-1], packed(value.shape)[::-1])
        sides.append(value)
    kind = sides[0].kind
    made = matrix_product(program, sides[0], sides[1], kind)
    alpha, beta = (float(node.attributes.get(name, 1.0)) for name in ("alpha", "beta"))
    if alpha != 1.0:
        made = program.each(kind, lambda a: f"{number(alpha, kind)} * {a}", made)
    added = node.optional(2)
    if added is None:
        return made
    if beta != 1.0:
        added = program.each(kind, lambda a: f"{number(beta, kind)} * {a}", added)
    return program.each(kind, lambda a, b: f"{a} + {b}", made, added)


def _scan(program: Program, node: Node) -> tuple[Value, ...]:
    """Write a loop over the first axis whose states stay what they are, as distances to many rows are written."""
    count = int(node.attributes["num_scan_inputs"])
    values = [node.value(place) for place in range(len(node.inputs))]
    states, scanned = values[: len(values) - count], values[len(values) - count :]
    turned = (*node.attributes.get("scan_input_axes", ()), *node.attributes.get("scan_input_directions", ()))
    turned += (*node.attributes.get("scan_output_axes", ()), *node.attributes.get("scan_output_directions", ()))
    if any(turned):
        node.refuse("over another axis than the first")
    body, length = node.attributes["body"], scanned[0].shape[0]
    counter = program.fresh("s")
    pointers = [program.pointer(value) for value in scanned]
    made: list[Value] = []
    before = len(program.lines)
    with program.inside(f"for (int {counter} = 0; {counter} < {length}; {counter}++)"):
        slices = [
            Value(f"({name} + {counter} * {value.size // length})", value.shape[1:], value.kind)
            for name, value in zip(pointers, scanned, strict=True)
        ]
        given = dict(zip((each.name for each in body.input), (*states, *slices), strict=True))
        outputs = node.walk(body, given)
        if any(out.name != state.name for out, state in zip(outputs, states, strict=False)):
            node.refuse("with a state that changes")
        for out in outputs[len(states) :]:
            whole = Value(program.fresh("t"), (length, *out.shape), out.kind)
            target = Value(f"({whole.name} + {counter} * {out.size})", out.shape, out.kind)
            program.copied(out, packed(out.shape), 0, target, packed(out.shape), 0, out.shape)
            made.append(whole)
    program.lines[before:before] = [program.declaration(whole) for whole in made]
    return (*states, *made)


_REDUCTIONS = (
    "ReduceSum",
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceSumSquare",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    _LONG,
)
SUMS: Mapping[str, Rule] = {
    **dict.fromkeys(_REDUCTIONS, _reduce),
    "Softmax": _softmax,
    "ArgMax": _best,
    "ArgMin": _best,
    "CumSum": _cumulative,
    "MatMul": _product,
    "MatMulInteger": _product,
    "Gemm": _gemm,
    "Scan": _scan,
}
"""Operator -> its rule."""
