"""Tensor codec: ``ModelInferRequest`` in, a model's tensors out; its outputs in, ``ModelInferResponse`` out.

Values are raw (``raw_input_contents``) or typed (``contents``), never both in one request; the answer comes in the form
of the request, though an answer with a FP16 output is raw, for the protocol has no typed form of it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from golive.domain.serving import Placed
from golive.domain.signature import Signature
from golive.errors import RequestError
from golive.serving.answer import Ask
from golive.serving.codecs.raw_tensors import raw_of
from golive.serving.codecs.tensor_types import DATATYPES, dtype_of
from golive.serving.grpc import wire
from golive.serving.grpc.codec import CONTENTS, RAW_HEADER, Form, RequestParser, check_raw, values_of_tensor, wanted_of
from golive.serving.grpc.protos import Messages
from golive.serving.tensorial.answers import Answers
from golive.serving.tensorial.entrance import Entrance
from golive.serving.tensorial.tensor_rows import TensorRows


class TensorGrpcCodec:
    """Reads infer requests and writes infer responses for one model of tensors. Safe from several threads."""

    row_status = 400
    rows_path = "$.inputs"

    def __init__(
        self, placed: Placed, signature: Signature, entrance: Entrance, answers: Answers, messages: Messages
    ) -> None:
        self._entrance = entrance
        self._answers = answers
        self._has_texts = any(tensor.dtype == "string" for tensor in (*signature.tensors, *signature.outputs))
        self._parse = RequestParser(placed.name, messages)
        self._contents = messages["inference.InferTensorContents"]
        self._datatypes = {tensor.name: DATATYPES[tensor.dtype] for tensor in signature.outputs}
        self._start = wire.text(1, placed.name) + wire.text(2, str(placed.version))

    def is_slow(self, ask: Ask) -> bool:
        """Raw numbers are only looked at; all else is read value by value."""
        return self._has_texts or RAW_HEADER not in ask.headers

    def decode(self, body: bytes, ask: Ask) -> tuple[TensorRows, Form]:
        """Read the tensors, and how the answer must look.

        Raises:
            RequestError: the body is not a request that this model can answer.
        """
        del ask
        request = self._parse(body)
        raws = request.raw_input_contents
        if raws:
            check_raw(request.inputs, raws)
        arrays: dict[str, npt.NDArray[Any]] = {}
        for index, sent in enumerate(request.inputs):
            name, shape = sent.name, tuple(sent.shape)
            tensor = self._entrance.announced(name, sent.datatype, shape)
            if name in arrays:
                message = f"tensor {name!r} is there twice; send each once"
                raise RequestError(message, field=name)
            values = values_of_tensor(sent, raws, index)
            arrays[name] = np.asarray(values, dtype=dtype_of(tensor.dtype)).reshape(shape)
        outputs = wanted_of(request.outputs, tuple(self._datatypes))
        raw = bool(raws) or any(self._datatypes[name] == "FP16" for name in outputs)
        return self._entrance.admit(arrays), Form(raw=raw, id=wire.text(3, request.id), outputs=outputs)

    def encode(self, outputs: TensorRows, form: Form, ask: Ask) -> tuple[bytes, bytes]:
        """Write the outputs that were asked for. There are no header lines: gRPC has a content type of its own."""
        del ask
        arrays = self._answers.checked(outputs)
        tensors, raws = [], []
        for name in form.outputs:
            array, datatype = arrays[name], self._datatypes[name]
            shape = b"".join(map(wire.varint, array.shape))
            head = wire.text(1, name) + wire.text(2, datatype) + (wire.sized(3, shape) if shape else b"")
            if form.raw:
                raws.append(wire.sized(6, raw_of(datatype, array.ravel() if datatype == "BYTES" else array)))
            else:
                head += wire.sized(5, self._typed(datatype, array))
            tensors.append(wire.sized(5, head))
        return b"", b"".join([self._start, form.id, *tensors, *raws])

    def _typed(self, datatype: str, array: npt.NDArray[Any]) -> bytes:
        values = array.ravel().tolist()
        if datatype == "BYTES":
            values = [text.encode() for text in values]
        contents: bytes = self._contents(**{CONTENTS[datatype][0]: values}).SerializeToString()
        return contents
