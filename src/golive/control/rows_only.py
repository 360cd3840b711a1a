"""Rows only: what is not done with bundles of tensors, and what to do instead."""

from golive.domain.bundle import Bundle
from golive.errors import UsageError
from golive.inference.feeds import tensor_text


def refuse_tensors(bundle: Bundle, remedy: str) -> None:
    """Refuse a bundle of tensors where rows of fields are needed.

    Raises:
        UsageError: it is one; the message tells the remedy.
    """
    if bundle.signature.task != "tensors":
        return
    takes = ", ".join(map(tensor_text, bundle.signature.tensors))
    message = f"{bundle.name} reads tensors ({takes}) and no rows of fields; {remedy}"
    raise UsageError(message)
