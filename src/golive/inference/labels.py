"""Labels: the texts of classes in, the labels of answers out, in the type that the signature says."""

from golive.domain.signature import DType, Signature

Label = str | int | float | bool
_TRUE = frozenset({"true", "True", "1"})


def labels_of(signature: Signature) -> tuple[Label, ...]:
    """Give the labels of a classifier, in the order of its probabilities; none for a regression."""
    return tuple(_label(text, signature.class_dtype) for text in signature.classes)


def _label(text: str, dtype: DType) -> Label:
    if dtype == "int64":
        return int(float(text)) if "." in text else int(text)
    if dtype == "float64":
        return float(text)
    return text in _TRUE if dtype == "bool" else text
