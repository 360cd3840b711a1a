"""Contract: a model's metadata in, what it takes out."""

from typing import Any

import msgspec

from golive.client.exchange import Reply
from golive.errors import VerificationError

_FUSED = "input"
_PLATFORM = "golive_onnx"


class TensorSpec(msgspec.Struct, frozen=True):
    """One tensor as the metadata describes it; -1 stands for any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]


class ModelMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says of a model."""

    name: str
    platform: str = ""
    versions: tuple[str, ...] | None = None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()


class Matrix(msgspec.Struct, frozen=True):
    """An input that holds all columns as one tensor ``[rows, columns]``."""

    name: str
    datatype: str
    width: int
    """How many columns; -1 where the metadata leaves it open."""
    named: bool
    """Whether the columns are the model's inputs, whose names are known."""


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """What a model takes, and for which versions that is known."""

    metadata: ModelMetadata
    versions: frozenset[str]

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The inputs, in the order of the model's columns."""
        return self.metadata.inputs

    @property
    def matrix(self) -> Matrix | None:
        """The one tensor that takes all columns, if there is such a one."""
        inputs = self.inputs
        if len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].shape[1] != 1:  # noqa: PLR2004 - rows, columns
            return Matrix(inputs[0].name, inputs[0].datatype, inputs[0].shape[1], named=False)
        if self.metadata.platform == _PLATFORM and {each.datatype for each in inputs} <= {"FP64", "INT64"}:
            return Matrix(_FUSED, "FP64", len(inputs), named=True)
        return None

    def also(self, version: str) -> "Contract":
        """The same contract, known to hold for one more version."""
        return msgspec.structs.replace(self, versions=self.versions | {version})


def contract_of(reply: Reply, version: str) -> Contract:
    """Read the answer of ``GET /v2/models/{m}``; ``version`` is the one that was asked for, or nothing.

    Raises:
        VerificationError: the answer is not such metadata.
    """
    metadata = metadata_of(reply)
    told = version or reply.headers.get("x-model-version", "")
    versions = (told,) if told else (metadata.versions or ())
    return Contract(metadata=metadata, versions=frozenset(versions if len(versions) == 1 else ()))


def metadata_of(reply: Reply) -> ModelMetadata:
    """Read a model's metadata.

    Raises:
        VerificationError: it is none.
    """
    return decoded(reply, ModelMetadata)  # type: ignore[no-any-return]


def decoded(reply: Reply, kind: Any) -> Any:
    """Read a JSON answer.

    Raises:
        VerificationError: it does not have that form.
    """
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = (
            f"the answer is not one of the Open Inference Protocol ({error}); check that the url is a model server's"
        )
        raise VerificationError(message) from error
