"""Answers: what every protocol asks of a run's outputs before it writes them."""

from typing import Any

import numpy.typing as npt

from golive.errors import RequestError
from golive.serving.tensorial.entrance import TensorLimits
from golive.serving.tensorial.tensor_rows import TensorRows


class Answers:
    """Looks at the outputs of a request. Holds no state: safe from several threads."""

    def __init__(self, limits: TensorLimits) -> None:
        self._limits = limits

    def checked(self, outputs: TensorRows) -> dict[str, npt.NDArray[Any]]:
        """Give the outputs by name.

        Raises:
            RequestError: they are too long to be written.
        """
        if outputs.nbytes > self._limits.answer_bytes:
            message = (
                f"the outputs have {outputs.nbytes} bytes, and the limit of an answer is {self._limits.answer_bytes}; "
                "ask for less in one request"
            )
            raise RequestError(message)
        return dict(outputs.arrays)

    def by_row(self, outputs: TensorRows, count: int) -> dict[str, npt.NDArray[Any]]:
        """Give the outputs by name, each of so many rows.

        Raises:
            RequestError: one has another number of rows: its first axis is not that of the instances.
        """
        arrays = self.checked(outputs)
        for name, array in arrays.items():
            if array.ndim == 0 or len(array) != count:
                message = (
                    f"the output {name!r} has the shape {list(array.shape)}, which is not one row for each of "
                    f"{count} instances; send whole tensors as 'inputs', and the answer comes whole as 'outputs'"
                )
                raise RequestError(message, field="$.instances")
        return arrays
