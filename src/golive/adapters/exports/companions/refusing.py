"""Refusing: says, before anything is written, which part of a bundle a form cannot carry."""

from collections.abc import Collection

import msgspec

from golive.domain.bundle import Bundle
from golive.errors import NotConvertibleError

ISOLATED = "isolated"
"""The runtime of bundles that hold Python code instead of a graph."""
ALL_BUT_TEXTS = frozenset({"normalize", "recode", "bound", "date_parts", "text_counts", "combine"})
"""The declared steps that a few lines of any language can carry out."""


def check_carried(bundle: Bundle, form: str, *, tensors: bool, steps: Collection[str] = ALL_BUT_TEXTS) -> None:
    """Check that a form can carry a bundle.

    Args:
        bundle: What is to be exported.
        form: What the form is called in the message, such as ``C source``.
        tensors: Whether it carries graphs of tensors.
        steps: The tags of the declared steps that it carries (``recode``, ``text_terms``, ...).

    Raises:
        NotConvertibleError: it cannot; the message names the part and a form that can.
    """
    if bundle.manifest.runtime == ISOLATED:
        message = (
            f"{bundle.name!r} holds Python code and no graph, so there is no {form} of it; replace the part that made "
            "it isolated (golive show names it), or serve it with golive serve, which needs golive there"
        )
        raise NotConvertibleError(message)
    if bundle.signature.task == "tensors" and not tensors:
        message = (
            f"{bundle.name!r} reads tensors, which {form} does not carry; import it with --sample and --target so "
            "that it reads rows, or export it as onnx"
        )
        raise NotConvertibleError(message)
    for step in bundle.manifest.preparation.steps:
        if (tag := step_tag(step)) not in steps:
            message = (
                f"the column {column_of(step)!r} goes through the declared step {tag}, which {form} does not carry; "
                "leave that column out of the model, or export it as script, which carries every step"
            )
            raise NotConvertibleError(message)


def step_tag(step: msgspec.Struct) -> str:
    """Give the name of a declared step's kind, as the manifest writes it."""
    return str(type(step).__struct_config__.tag)


def column_of(step: msgspec.Struct) -> str:
    """Give the column that a declared step changes or makes."""
    return str(getattr(step, "into", "") or "") if step_tag(step) == "combine" else str(getattr(step, "column", ""))
