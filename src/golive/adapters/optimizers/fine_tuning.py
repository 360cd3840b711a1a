"""Fine-tuning: a pruned network goes on learning until it answers nearly as the bundle does; needs torch.

It learns the bundle's own answers (probabilities, not labels: what is nearly as likely is told too) to real rows and to
rows made of them.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx

from golive import plugins
from golive.adapters.optimizers.lessons import Lesson, lesson
from golive.adapters.optimizers.narrow import in_single_precision
from golive.adapters.optimizers.pruning import in_two_forms, smaller_networks, values_of
from golive.adapters.optimizers.regions import shapes_of
from golive.adapters.optimizers.surgery import Surgery, run
from golive.adapters.optimizers.torch_graph import TorchGraph, current
from golive.errors import NotConvertibleError
from golive.ports import Candidate, Subject

MOST_ROWS, LEAST_ROWS = 6_000, 500
"""So many rows, real and made ones, a network learns from."""
BATCH = 64
RATE = 3e-3
"""Of learning at the beginning; it sinks to 0 along half a cosine."""
MOST_PASSES, LEAST_PASSES = 10, 3
WORK = 3e10
"""So many multiplications fine-tuning may take, about ten seconds of one core; large networks see fewer rows."""
FORTH_AND_BACK = 3
ALIKE = 1e-3
"""How far torch's answers may be from the graph's before training, as a share of the greatest."""
LEAST = 1e-7
"""Probabilities below this one teach nothing."""
_FLOATS = (np.float32, np.float64)


class FineTuneOptimizer:
    """Offers pruned networks that have learned the bundle's answers again."""

    name = "fine_tuning"
    effort_s = 8.0

    def candidates(self, subject: Subject) -> Iterator[Candidate]:
        """Give networks without a half, three quarters and a quarter of their units; none for other graphs.

        Raises:
            MissingExtraError: torch is not installed.
            NotConvertibleError: the network has an operator that cannot be trained, or gives no number for a row.
        """
        taught: Lesson | None = None
        for name, graph in smaller_networks(subject):
            plugins.library("torch")
            taught = taught or lesson(subject, rows_for(graph))
            tuned = fine_tuned(graph, taught, is_classification=subject.task == "classification", seed=subject.seed)
            yield from in_two_forms(f"{name}, fine-tuned", in_single_precision(tuned) or tuned)


def fine_tuned(content: bytes, taught: Lesson, *, is_classification: bool, seed: int) -> bytes:
    """Train the products of a network until they answer as they are taught.

    Args:
        content: the network.
        taught: rows, and the answers to come near to.
        is_classification: whether the answers are probabilities (else values).
        seed: of the order of rows.

    Raises:
        MissingExtraError: torch is not installed.
        NotConvertibleError: the network has an operator that cannot be trained.
    """
    torch = plugins.library("torch")
    torch.set_num_threads(1)
    content = current(content)
    graph = TorchGraph(content)
    inputs = [torch.from_numpy(x).float() for x in values_of(content, graph.inputs, taught.numbers, taught.codes)]
    goal = torch.from_numpy(taught.answers).float()
    _check(content, graph, [x[:BATCH] for x in inputs], taught)
    loss = _likeness(torch) if is_classification else _nearness(goal)
    learner = torch.optim.Adam(list(graph.trained.values()), lr=RATE)
    steps = passes(content, len(goal)) * math.ceil(len(goal) / BATCH)
    for step, some in enumerate(_batches(torch, len(goal), steps, seed)):
        learner.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * step / steps)) / 2
        learner.zero_grad()
        loss(graph.answers([x[some] for x in inputs]), goal[some]).backward()
        learner.step()
    return graph.bytes()


def _batches(torch: Any, rows: int, steps: int, seed: int) -> Iterator[Any]:
    """Give the rows of each step: all of them in a new order, again and again."""
    order = np.random.default_rng(seed)
    while steps > 0:
        for some in torch.from_numpy(order.permutation(rows)).split(BATCH)[:steps]:
            yield some
            steps -= 1


def _check(content: bytes, graph: TorchGraph, inputs: Sequence[Any], taught: Lesson) -> None:
    """Make sure that torch computes what the graph says, on a batch of rows, and that its products can learn.

    Raises:
        NotConvertibleError: it does not, or they cannot.
    """
    [expected] = run(content, ["P"], taught.numbers[:BATCH], taught.codes[:BATCH])
    answers = graph.answers(inputs)
    if not answers.requires_grad:
        message = "the network rounds or compares what its products give, so that no training reaches them"
        raise NotConvertibleError(message)
    apart = np.abs(answers.detach().numpy() - expected).max()
    if not apart <= ALIKE * max(np.abs(expected).max(), 1.0):
        message = f"torch computes the network otherwise, by {apart:.1g}, so it cannot be trained here"
        raise NotConvertibleError(message)


def rows_for(content: bytes) -> int:
    """Say from how many rows a network may learn, by what one row costs it."""
    return int(np.clip(WORK / (LEAST_PASSES * _cost(content)), LEAST_ROWS, MOST_ROWS))


def passes(content: bytes, rows: int) -> int:
    """Say how often it may see each of them."""
    return int(np.clip(WORK / (rows * _cost(content)), LEAST_PASSES, MOST_PASSES))


def _cost(content: bytes) -> int:
    return FORTH_AND_BACK * multiplications(content)


def multiplications(content: bytes) -> int:
    """Count the multiplications of a network's products for one row, as far as its shapes are known."""
    surgery = Surgery(content)
    shapes = shapes_of(surgery)
    total = 1
    for layer in [layer for dtype in _FLOATS for layer in surgery.layers(dtype)]:
        weight, node = surgery.constant(layer.weight), surgery.nodes[layer.place]
        if weight is not None:
            total += weight.size * _places(node, shapes.get(node.output[0], ()))
    return total


def _places(node: onnx.NodeProto, shape: tuple[int | None, ...]) -> int:
    lengths = shape[2:] if node.op_type == "Conv" else shape[1:-1]
    return math.prod(length or 1 for length in lengths)


def _likeness(torch: Any) -> Any:
    """Give the cross-entropy between what is taught and what is answered."""
    return lambda answers, goal: -(goal * torch.log(answers.clamp_min(LEAST))).sum(dim=1).mean()


def _nearness(goal: Any) -> Any:
    """Give the squared error as a share of the variance."""
    spread = float(goal.var()) or 1.0
    return lambda answers, right: ((answers - right) ** 2).mean() / spread
