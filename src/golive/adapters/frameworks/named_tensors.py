"""Named tensors: what a network gives (a tensor, several, a dictionary of them) as tensors with names."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from golive.errors import NotConvertibleError

ONLY = "output"
"""What the only tensor of a network is called that does not name it."""

IsTensor = Callable[[Any], bool]


def named(answer: Any, is_tensor: IsTensor, *, inputs: Sequence[str], outputs: Sequence[str] = ()) -> dict[str, Any]:
    """Give an answer's tensors by name, in their order.

    A dictionary and a named tuple say the names; others are numbered. A state that goes in under the same name comes
    out as ``NAME_out``: in a graph each tensor has a name of its own.

    Args:
        answer: What the network gave.
        is_tensor: Tells a tensor of its library.
        inputs: The names of what it read.
        outputs: Names to use instead, one for each tensor.

    Raises:
        NotConvertibleError: it gave something that is no tensor, or another number of them than was named.
    """
    found = list(_tensors(answer, "", is_tensor))
    if outputs and len(outputs) != len(found):
        message = (
            f"the network gives {len(found)} tensors, and outputs={tuple(outputs)!r} names {len(outputs)}; mend it"
        )
        raise NotConvertibleError(message)
    given = list(outputs) or [name or ONLY for name, _ in found]
    taken = set(inputs)
    names = [f"{name}_out" if name in taken else name for name in given]
    if len(set(names)) < len(names) or not names:
        message = f"the network's outputs would be called {names}; name each of them: outputs=(...)"
        raise NotConvertibleError(message)
    return dict(zip(names, (tensor for _, tensor in found), strict=True))


def _tensors(answer: Any, name: str, is_tensor: IsTensor) -> Iterator[tuple[str, Any]]:
    if is_tensor(answer):
        yield name, answer
        return
    for inner, part in _parts(answer):
        if part is not None:
            yield from _tensors(part, f"{name}_{inner}" if name else inner, is_tensor)


def _parts(answer: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(answer, Mapping):
        return ((str(name), part) for name, part in answer.items())
    if isinstance(answer, tuple) and hasattr(answer, "_fields"):
        return zip(answer._fields, answer, strict=True)
    if isinstance(answer, (tuple, list)):
        return ((str(place) if len(answer) > 1 else "", part) for place, part in enumerate(answer))
    message = (
        f"the network gives a {type(answer).__name__}, and tensors are needed; wrap it in a module whose forward "
        "gives a tensor, several, or a dictionary of them"
    )
    raise NotConvertibleError(message)
