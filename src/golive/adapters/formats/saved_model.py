"""SavedModel: which operators the answer of a SavedModel needs, read from its file without TensorFlow.

The file is a protocol buffer. Only the parts that name operators, functions and signatures are walked, all others are
passed over, and nothing in it is run. What loading the folder would run (tables that fill themselves, savers of their
own) is refused, and so is an answer that keeps state, touches files or calls Python.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from golive.errors import DataError

GRAPH = "saved_model.pb"
SIGNATURE = "serving_default"
MOST_BYTES = (2 << 30) - 1
MOST_PARTS = 5_000_000
"""Of one file, so that no file takes long; a network of a thousand layers has a tenth of it."""
OUTSIDE = {
    "ReadFile": "reads files",
    "WriteFile": "writes files",
    "MatchingFiles": "looks for files",
    "PrintV2": "writes text",
    "PyFunc": "calls Python",
    "PyFuncStateless": "calls Python",
    "EagerPyFunc": "calls Python",
    "SaveV2": "writes files",
    "RestoreV2": "reads files",
    "Save": "writes files",
    "Restore": "reads files",
    "MergeV2Checkpoints": "moves files",
    "LookupTableFindV2": "looks up a table that is filled when it is loaded",
    "HashTableV2": "looks up a table that is filled when it is loaded",
}
"""Operators that do more than compute, and what they do."""
_CHANGES = ("Assign", "ResourceScatter", "ResourceApply", "ResourceSparseApply", "ResourceStridedSliceAssign")
"""How the names of operators begin that change a variable."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_RESOURCE, _SAVEABLE = 10, 11
"""Fields of a saved object: a table or the like, and functions that save and restore it."""

Part = tuple[int, bytes]
Node = tuple[str, str, tuple[str, ...], tuple[str, ...]]
"""Name, operator, names of the nodes it waits for, names of the functions it calls."""


class SavedModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a SavedModel says of itself."""

    signature: str
    operators: tuple[str, ...]
    """Every operator that the signature's answer needs, in functions too, in order of their names."""


def saved_model_facts(folder: Path, *, most_parts: int = MOST_PARTS) -> SavedModelFacts:
    """Walk a SavedModel's graph, through so many parts of its file at most.

    Raises:
        DataError: it is damaged, of TensorFlow 1, has no signature to serve, or its answer does more than compute.
    """
    content = _content(folder)
    try:
        facts, once = _walked(content, folder, iter(range(most_parts)))
    except (ValueError, IndexError, KeyError, UnicodeDecodeError) as error:
        message = (
            f"{folder / GRAPH} is no SavedModel of TensorFlow, or one that was cut short ({error}); get a whole copy"
        )
        raise DataError(message) from error
    _check(folder, facts, once)
    _check_variables(folder, facts)
    return facts


def _content(folder: Path) -> bytes:
    path = folder / GRAPH
    if not path.is_file():
        message = f"{folder} has its graph as text ({GRAPH}txt); save the model with tf.saved_model.save"
        raise DataError(message)
    if (size := path.stat().st_size) > MOST_BYTES:
        message = f"{path} has {size:,} bytes, more than the 2 GB that one graph can hold; it is made to do harm"
        raise DataError(message)
    return path.read_bytes()


def _check_variables(folder: Path, facts: SavedModelFacts) -> None:
    index = folder / "variables" / "variables.index"
    has_data = index.is_file() and any(index.parent.glob("variables.data-*-of-*"))
    if "VarHandleOp" in facts.operators and not has_data:
        message = f"{folder} lacks the files variables/variables.*, so its weights are missing; copy it whole"
        raise DataError(message)


def _check(folder: Path, facts: SavedModelFacts, once: tuple[str, ...]) -> None:
    if once:
        message = (
            f"{folder} runs functions of its own while it is loaded ({', '.join(once)}), such as those that fill "
            "tables; leave look-ups of texts out of the model, and do them before it"
        )
        raise DataError(message)
    for operator in facts.operators:
        if operator.startswith(_CHANGES):
            message = (
                f"the answer of {folder} changes a variable with every call ({operator}), and a server keeps no state "
                "between requests; give the state as one more input and output of the model"
            )
            raise DataError(message)
        if operator in OUTSIDE or "Dataset" in operator:
            does = OUTSIDE.get(operator, "reads data")
            message = (
                f"the answer of {folder} needs the operator {operator}, which {does}; a graph that is served only "
                "computes: save a function without it"
            )
            raise DataError(message)


def _walked(content: bytes, folder: Path, budget: Iterator[int]) -> tuple[SavedModelFacts, tuple[str, ...]]:
    graphs = [part for number, part in _parts(content, budget) if number == 2]  # noqa: PLR2004 - meta_graphs
    if not graphs:
        message = "it holds no graph"
        raise ValueError(message)
    parts = list(_parts(graphs[0], budget))
    saved = [part for number, part in parts if number == 7]  # noqa: PLR2004 - object_graph_def
    if not saved:
        message = (
            f"{folder} was written by TensorFlow 1, which runs a part of the file to load it; load it with TensorFlow "
            "2 where you trust it, and save that with tf.saved_model.save"
        )
        raise DataError(message)
    name, wanted = _signature(parts, folder, budget)
    nodes, functions = _graph(parts, budget)
    operators = _reached(nodes, functions, wanted)
    return SavedModelFacts(signature=name, operators=operators), _run_at_load(saved[0], budget)


def _signature(parts: list[Part], folder: Path, budget: Iterator[int]) -> tuple[str, list[str]]:
    """Choose a signature, and give the names of the nodes that its outputs come from."""
    found = {}
    for number, part in parts:
        if number == 5:  # noqa: PLR2004 - signature_def
            entry = dict(_parts(part, budget))
            name = entry.get(1, b"").decode()
            outputs = [dict(_parts(dict(_parts(value, budget))[2], budget)) for value in _all(entry[2], 2, budget)]
            found[name] = [output[1].decode().partition(":")[0] for output in outputs if 1 in output]
    # The signature of start-up is there in every file, and gives nothing.
    serving = {name: nodes for name, nodes in found.items() if nodes and not name.startswith("__")}
    name = SIGNATURE if SIGNATURE in serving else min(serving, default="")
    if not name or (name != SIGNATURE and len(serving) > 1):
        message = (
            f"{folder} has {'no signature' if not serving else 'the signatures ' + ', '.join(sorted(serving))}, and "
            f"{SIGNATURE!r} is the one that is served; save it with tf.saved_model.save(model, folder, "
            "signatures=model.f)"
        )
        raise DataError(message)
    return name, serving[name]


def _graph(parts: list[Part], budget: Iterator[int]) -> tuple[dict[str, Node], dict[str, list[Node]]]:
    nodes: dict[str, Node] = {}
    functions: dict[str, list[Node]] = {}
    for graph in (part for number, part in parts if number == 2):  # noqa: PLR2004 - graph_def
        for number, part in _parts(graph, budget):
            if number == 1:
                node = _node(part, budget)
                nodes[node[0]] = node
            elif number == 2:  # noqa: PLR2004 - library
                for function in _all(part, 1, budget):
                    inside = list(_parts(function, budget))
                    named = next((value for key, value in inside if key == 1), b"")
                    name = next(iter(_all(named, 1, budget)), b"").decode()
                    functions[name] = [_node(value, budget) for key, value in inside if key == 3]  # noqa: PLR2004
    return nodes, functions


def _reached(nodes: dict[str, Node], functions: dict[str, list[Node]], wanted: list[str]) -> tuple[str, ...]:
    """Give the operators of the nodes that are wanted, of all that they wait for, and of the functions they call."""
    waiting, seen, called = list(wanted), set[str](), list[str]()
    operators = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in nodes:
            continue
        seen.add(name)
        _, operator, before, calls = nodes[name]
        operators.add(operator)
        waiting += before
        called += [*calls, operator]
    done = set[str]()
    while called:
        name = called.pop()
        if name in done or name not in functions:
            continue
        done.add(name)
        for _, operator, _, calls in functions[name]:
            operators.add(operator)
            called += [*calls, operator]
    return tuple(sorted(operators - set(functions)))


def _run_at_load(saved: bytes, budget: Iterator[int]) -> tuple[str, ...]:
    """Name what loading would run: creators and initializers of resources, and restoring functions."""
    found = set()
    for number, node in _parts(saved, budget):
        if number != 1:
            continue
        for key, value in _parts(node, budget):
            if key == _RESOURCE:
                found.add("a resource such as a table")
            elif key == _SAVEABLE and value:
                found.add("a function that restores weights")
    return tuple(sorted(found))


def _node(content: bytes, budget: Iterator[int]) -> Node:
    name = operator = ""
    before: list[str] = []
    calls: list[str] = []
    for number, part in _parts(content, budget):
        match number:
            case 1:
                name = part.decode()
            case 2:
                operator = part.decode()
            case 3:
                before.append(part.decode().removeprefix("^").partition(":")[0])
            case 5:
                calls += _called(part, budget)
    return name, operator, tuple(before), tuple(calls)


def _called(attribute: bytes, budget: Iterator[int]) -> Iterator[str]:
    """Give the functions that an attribute names: alone, or in a list."""
    for value in _all(attribute, 2, budget):
        for number, part in _parts(value, budget):
            listed = [part] if number == 10 else _all(part, 9, budget) if number == 1 else []  # noqa: PLR2004
            for one in listed:
                yield from (name.decode() for name in _all(one, 1, budget))


def _all(content: bytes, wanted: int, budget: Iterator[int]) -> list[bytes]:
    return [part for number, part in _parts(content, budget) if number == wanted]


def _parts(content: bytes, budget: Iterator[int]) -> Iterator[Part]:
    """Give the fields of a message that are bytes, with their numbers; numbers of their own are passed over.

    Raises:
        ValueError: the bytes are no such message, or hold more parts than any model.
    """
    place, end = 0, len(content)
    while place < end:
        if next(budget, None) is None:
            message = "it has more parts than any model"
            raise ValueError(message)
        key, place = _number(content, place)
        kind = key & 7
        if kind == _VARINT:
            _, place = _number(content, place)
        elif kind in {_FIXED64, _FIXED32}:
            place += 8 if kind == _FIXED64 else 4
        elif kind == _BYTES:
            length, place = _number(content, place)
            if length > end - place:
                message = f"a part of {length} bytes where {end - place} are left"
                raise ValueError(message)
            yield key >> 3, content[place : place + length]
            place += length
        else:
            message = f"a field of the unknown kind {kind}"
            raise ValueError(message)


def _number(content: bytes, place: int) -> tuple[int, int]:
    value = 0
    for step in range(_LONGEST_VARINT):
        if place + step >= len(content):
            break
        byte = content[place + step]
        value |= (byte & 0x7F) << (7 * step)
        if byte < 0x80:  # noqa: PLR2004 - the last byte has no mark
            return value, place + step + 1
    message = "a number without an end"
    raise ValueError(message)
