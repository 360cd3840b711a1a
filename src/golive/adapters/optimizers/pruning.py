"""Pruning: hidden units of a network, and channels of its images, are taken away whole.

A matrix with a part of its units is a smaller matrix, in every runtime. Single weights set to zero would leave a graph
of the same size and speed, so they are not offered. What reads the units that stay is fitted anew on real rows, in
closed form; fine-tuning the whole network is an optimizer of its own.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper

from golive.adapters.optimizers.narrow import in_single_precision, with_byte_weights
from golive.adapters.optimizers.reconstruction import Fitted, reconstructed
from golive.adapters.optimizers.regions import Region, attributes, regions, shapes_of
from golive.adapters.optimizers.surgery import Array, Layer, Surgery, run, some_rows
from golive.ports import Candidate, Float64, Int64, Subject

SHARES = (0.5, 0.75, 0.25)
"""Of the units of each layer, those that go; tried in this order."""
LEAST_UNITS = 8
"""A layer of fewer units keeps them all."""
ROWS = 4_000
"""So many real rows weights are fitted on."""
BLOCK = 16
"""Channels are computed so many at a time: 24 of 32 take longer than all 32."""
_MOST_CELLS = 16_000_000
_FLOATS = (np.float32, np.float64)
_MATRIX = 2


class PruneOptimizer:
    """Offers networks with a part of their hidden units and channels."""

    name = "pruning"
    effort_s = 2.0

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give networks without a half, three quarters and a quarter of their units; none for other graphs."""
        for name, graph in smaller_networks(subject):
            yield from in_two_forms(name, in_single_precision(graph) or graph)


def smaller_networks(subject: Subject) -> Iterator[tuple[str, bytes]]:
    """Give the network without each of :data:`SHARES`, named; no form comes twice."""
    seen: set[bytes] = set()
    for share in SHARES:
        graph = pruned(subject, share)
        if graph is not None and graph not in seen:
            seen.add(graph)
            yield f"pruned {100 * share:.0f} %", graph


def in_two_forms(name: str, graph: bytes) -> Iterator[Candidate]:
    """Offer a network as it is, and with its weights kept in 8 bits."""
    yield Candidate(name=name, graph=graph)
    small = with_byte_weights(graph)
    if small is not None:
        yield Candidate(name=f"{name}, int8 weights", graph=small)


def pruned(subject: Subject, share: float) -> bytes | None:
    """Take a share of the units of every layer away; None where the graph has no layer whose units could go."""
    original = with_offsets(subject.graph)
    found = regions(Surgery(original))
    graph = original
    for number, region in enumerate(found):
        keep = kept_of(region.units, share, is_channels=_is_conv(original, region))
        if keep == region.units:
            continue
        # Nodes stay where they are, so the regions of the original are those of what is left of it.
        current = regions(Surgery(graph))[number]
        graph = _without(graph, current, _fitted(subject, original, graph, current, keep))
    return None if graph == original else graph


def kept_of(units: int, share: float, *, is_channels: bool) -> int:
    """Say how many units stay of so many."""
    if units < LEAST_UNITS:
        return units
    keep = units - round(units * share)
    return keep - keep % BLOCK if is_channels and keep > BLOCK else keep


def with_offsets(content: bytes) -> bytes:
    """Write each product of rows with a constant matrix, and the addition behind it, as one ``Gemm``."""
    surgery = Surgery(content)
    shapes = shapes_of(surgery)
    for layer in [layer for dtype in _FLOATS for layer in surgery.layers(dtype)]:
        node, weight = surgery.nodes[layer.place], surgery.constant(layer.weight)
        is_table = len(shapes.get(node.input[0], ())) == _MATRIX
        if weight is None or node.op_type != "MatMul" or weight.ndim != _MATRIX or not is_table:
            continue
        added = _addition(surgery, node.output[0], weight.shape[1])
        offset = np.zeros(weight.shape[1], weight.dtype) if added is None else added[1].reshape(-1)
        output = node.output[0]
        if added is not None:
            output = surgery.nodes[added[0]].output[0]
            surgery.nodes[added[0]] = helper.make_node("Identity", [output], [surgery.fresh()])
        inputs = [node.input[0], layer.weight, surgery.add_constant(offset)]
        surgery.nodes[layer.place] = helper.make_node("Gemm", inputs, [output])
    return surgery.bytes()


def values_of(content: bytes, names: Sequence[str], numbers: Float64, codes: Int64) -> list[Array]:
    """Give tensors of a graph for rows, as float64."""
    surgery = Surgery(content)
    wide = [surgery.fresh() for _ in names]
    surgery.nodes = [
        *surgery.nodes,
        *(helper.make_node("Cast", [name], [to], to=TensorProto.DOUBLE) for name, to in zip(names, wide, strict=True)),
    ]
    return run(surgery.bytes(outputs=wide), wide, numbers, codes)


def _addition(surgery: Surgery, name: str, units: int) -> tuple[int, Array] | None:
    """Find the addition of a constant to each unit, where nothing else reads the product."""
    readers = [place for place, node in enumerate(surgery.nodes) if name in node.input]
    if len(readers) != 1 or surgery.nodes[readers[0]].op_type != "Add":
        return None
    [constant] = [surgery.constant(other) for other in surgery.nodes[readers[0]].input if other != name] or [None]
    if constant is None or constant.shape not in {(units,), (1, units)}:
        return None
    return readers[0], constant


def _fitted(subject: Subject, original: bytes, graph: bytes, region: Region, keep: int) -> Fitted:
    """Fit the product behind the units to what the original's gives, on what reaches it now."""
    rows = some_rows(subject, ROWS)
    numbers, codes = subject.numbers[rows], subject.codes[rows]
    node = Surgery(graph).nodes[region.last.place]
    # One row tells how much room all of them take.
    [cells] = _read(graph, region, [(graph, node.input[0])], numbers[:1], codes[:1])
    most = max(_MOST_CELLS // max(cells.size, 1), 1)
    sources = [(graph, node.input[0]), (original, node.output[0])]
    inputs, outputs = _read(graph, region, sources, numbers[:most], codes[:most])
    return reconstructed(inputs, outputs, _owners(graph, region), _matrix(graph, region.last), keep)


def _read(
    graph: bytes, region: Region, sources: Sequence[tuple[bytes, str]], numbers: Float64, codes: Int64
) -> list[Float64]:
    """Give what the product reads and gives as tables: one row for each place its kernel stands at."""
    surgery = Surgery(graph)
    node, weight = surgery.nodes[region.last.place], surgery.constant(region.last.weight)
    found = [values_of(content, [name], numbers, codes)[0] for content, name in sources]
    if node.op_type != "Conv" or weight is None:
        return found
    patches = patches_of(found[0], weight.shape[2:], node)
    return [patches, *(np.moveaxis(given, 1, -1).reshape(-1, given.shape[1]) for given in found[1:])]


def patches_of(images: Float64, kernel: Sequence[int], node: onnx.NodeProto) -> Float64:
    """Give what a kernel sees at each place of images ``[rows, channels, ...]``: ``[rows x places, cells]``."""
    axes = len(kernel)
    told = attributes(node)
    pads = told.get("pads", [0] * 2 * axes)
    steps, apart = told.get("strides", [1] * axes), told.get("dilations", [1] * axes)
    padded = np.pad(images, [(0, 0), (0, 0), *zip(pads[:axes], pads[axes:], strict=True)])
    spans = [(length - 1) * step + 1 for length, step in zip(kernel, apart, strict=True)]
    windows = np.lib.stride_tricks.sliding_window_view(padded, spans, tuple(range(2, 2 + axes)))
    wanted = [slice(None), slice(None), *(slice(None, None, step) for step in (*steps, *apart))]
    windows = windows[tuple(wanted)]
    return np.asarray(np.moveaxis(windows, 1, 1 + axes).reshape(-1, images.shape[1] * int(np.prod(kernel))))


def _matrix(graph: bytes, layer: Layer) -> Float64:
    """Give the weights of a product as ``[inputs, outputs]``."""
    weight = Surgery(graph).constant(layer.weight)
    if weight is None:
        return np.zeros((0, 0))
    matrix = np.asarray(weight, np.float64).reshape(len(weight), -1)
    return matrix.T if layer.axis == 0 else matrix


def _is_conv(graph: bytes, region: Region) -> bool:
    return Surgery(graph).nodes[region.first.place].op_type == "Conv"


def _owners(graph: bytes, region: Region) -> Int64:
    surgery = Surgery(graph)
    weight = surgery.constant(region.last.weight)
    if weight is None or surgery.nodes[region.last.place].op_type != "Conv":
        return region.owners
    return np.repeat(region.owners, int(np.prod(weight.shape[2:])))


def _without(graph: bytes, region: Region, fitted: Fitted) -> bytes:
    """Take the units away that are not kept, and give the product behind them its new weights."""
    surgery = Surgery(graph)
    _narrowed(surgery, region.first, fitted.kept)
    for share in region.shares:
        node = surgery.nodes[share.place]
        value = surgery.constant(node.input[share.argument])
        if value is not None:
            stays = np.flatnonzero(np.isin(share.owners, fitted.kept))
            node.input[share.argument] = surgery.add_constant(value.take(stays, axis=share.axis))
    for place, owners in region.flattened.items():
        width = int(np.isin(owners, fitted.kept).sum())
        surgery.nodes[place].input[1] = surgery.add_constant(np.array([-1, width]))
    _replaced(surgery, region.last, fitted)
    return surgery.bytes()


def _narrowed(surgery: Surgery, layer: Layer, kept: Int64) -> None:
    node, weight = surgery.nodes[layer.place], surgery.constant(layer.weight)
    if weight is None:
        return
    node.input[1] = surgery.add_constant(weight.take(kept, axis=layer.axis))
    offset = surgery.constant(node.input[2]) if len(node.input) > _MATRIX else None
    if offset is not None and offset.ndim and offset.shape[-1] == weight.shape[layer.axis]:
        node.input[2] = surgery.add_constant(offset.take(kept, axis=-1))


def _replaced(surgery: Surgery, layer: Layer, fitted: Fitted) -> None:
    node, weight = surgery.nodes[layer.place], surgery.constant(layer.weight)
    if weight is None:
        return
    turned = fitted.weight.T if layer.axis == 0 else fitted.weight
    shaped = turned.reshape(weight.shape[0], -1, *weight.shape[2:]) if node.op_type == "Conv" else turned
    node.input[1] = surgery.add_constant(shaped.astype(weight.dtype))
    offset = surgery.add_constant(fitted.offset.astype(weight.dtype))
    if len(node.input) > _MATRIX:
        node.input[2] = offset
    else:
        node.input.append(offset)
