"""Tensor form: a network's file without a declaration, as ONNX with the inputs that it has."""

from golive import plugins
from golive.errors import DataError, NotConvertibleError
from golive.packaging.network_file import NetworkFile


def as_tensors(file: NetworkFile) -> bytes:
    """Write a network that brings an example of its inputs as ONNX, in a sandbox.

    Raises:
        DataError: it cannot be loaded or written; the message says why.
    """
    with plugins.attribute("golive.adapters.frameworks.network_file", "OpenFile")(file) as opened:
        try:
            content: bytes = opened.tensors()
        except NotConvertibleError as error:
            raise DataError(error.message) from error
    return content
