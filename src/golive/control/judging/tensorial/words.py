"""Words: what a person says of arrays, and what has no meaning for them."""

import msgspec

from golive.domain.bundle import Bundle
from golive.domain.signature import Signature
from golive.errors import UsageError
from golive.evaluation.roles import Note, note


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of arrays."""

    truth: str = ""
    """The array with the known answers; empty: one called target, y, label, labels or truth."""
    answer: str = ""
    """The output that is measured; empty: the only one, else the one that the bundle predicts."""
    classes: tuple[str, ...] = ()
    """Labels in the order of the answers; empty: 0, 1, 2, and so on."""


def refuse_words(name: str, target: str, words: Words | None) -> None:
    """Refuse words about arrays where a model of that name reads rows of fields.

    Raises:
        UsageError: there are any.
    """
    if words is not None and words != Words():
        message = (
            f"{name} reads rows of fields, whose truth is the column {target!r}; leave out truth, answer and classes"
        )
        raise UsageError(message)


def refuse_training(bundle: Bundle, training: object) -> None:
    """Refuse training rows where a bundle reads tensors.

    Raises:
        UsageError: there are any.
    """
    if training is not None:
        message = f"{bundle.name} reads tensors, which are not compared with those of training; leave the latter out"
        raise UsageError(message)


def output_of(signature: Signature, words: Words) -> tuple[str, tuple[Note, ...]]:
    """Choose the output that is measured, with a note where a person did not and the model gives several.

    Raises:
        UsageError: there is no such output, or several and none is named.
    """
    names = [tensor.name for tensor in signature.outputs]
    if words.answer in names:
        return words.answer, ()
    if words.answer:
        message = f"there is no output {words.answer!r}; the model gives {', '.join(names)}"
        raise UsageError(message)
    if len(names) == 1:
        return names[0], ()
    if signature.target not in names:
        message = f"the model gives {', '.join(names)}; say which is measured: --answer OUTPUT (in Python answer=...)"
        raise UsageError(message)
    text = "the output {output!r} is measured; the model also gives {others}"
    others = ", ".join(name for name in names if name != signature.target)
    return signature.target, (note("tensors_answer", text, output=signature.target, others=others),)
