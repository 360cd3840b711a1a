"""Examples: TensorFlow Serving's ``/v1/models/{m}:classify`` and ``:regress``."""

from typing import Any

import msgspec

from golive.domain.signature import Signature, Task
from golive.errors import RequestError
from golive.inference.ranking import ranking_of
from golive.ports import Float64
from golive.serving.answer import JSON_HEAD, Ask
from golive.serving.codecs.codec import json_of, some
from golive.serving.codecs.instances import check_signature_name
from golive.serving.codecs.rowtypes import Rows, converting, decoding, partial_type, row_type
from golive.serving.codecs.tokens import decoded_loosely, has_tokens, plain_text

VERBS: dict[Task, str] = {"classification": "classify", "regression": "regress"}
"""Task -> the verb that a model of it answers; one of tensors has none."""


class _Envelope(msgspec.Struct):
    examples: list[dict[str, Any]]
    context: dict[str, Any] = {}
    signature_name: Any = None


class ExamplesCodec:
    """``{"examples": [{name: value}, ...], "context": {name: value}}``: the context belongs to every example.

    A value may be a list of one value, and a text ``{"b64": "..."}``. Answers are ``{"result": [...]}``: for a
    classification ``[[label, score], ...]`` for each example, labels as texts in the order of the classes (of a model
    that answers its most probable labels: those, the best first); for a regression one number each, null where it is
    not finite.
    """

    row_status = 422
    rows_path = "$.examples"

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self._ranking = ranking_of(signature)
        self._row, self._some = row_type(signature), partial_type(signature)
        self._decoder = msgspec.json.Decoder(_Envelope)

    def is_slow(self, ask: Ask) -> bool:
        """Every long body of JSON is."""
        del ask
        return True

    def decode(self, body: bytes, ask: Ask) -> tuple[Rows, None]:
        """Read the rows."""
        del ask
        envelope: _Envelope = (
            converting(decoded_loosely(body), _Envelope, "$", self._signature)
            if has_tokens(body)
            else decoding(self._decoder.decode, body, self._signature)
        )
        check_signature_name(envelope.signature_name)
        context = _plain(envelope.context, "$.context")
        # Also where every example has values of its own, so that a mistake does not wait for one that has none.
        converting(context, self._some, "$.context", self._signature)
        return some([self._row_of(each, context, index) for index, each in enumerate(envelope.examples)]), None

    def encode(self, outputs: Float64, form: None, ask: Ask) -> tuple[bytes, bytes]:
        """Write the result."""
        del form, ask
        if self._signature.task == "regression":
            return JSON_HEAD, b'{"result":%b}' % json_of(outputs[:, 0])
        if self._ranking is not None:
            ranked = self._ranking(outputs)
            pairs = zip(ranked.labels, ranked.probabilities.tolist(), strict=True)
            rows = [[(str(label), score) for label, score in zip(*row, strict=True)] for row in pairs]
        else:
            classes = self._signature.classes
            rows = [list(zip(classes, scores, strict=True)) for scores in outputs.tolist()]
        return JSON_HEAD, b'{"result":%b}' % msgspec.json.encode(rows)

    def _row_of(self, example: dict[str, Any], context: dict[str, Any], index: int) -> tuple[Any, ...]:
        path = f"$.examples[{index}]"
        row: msgspec.Struct = converting({**context, **_plain(example, path)}, self._row, path, self._signature)
        return msgspec.structs.astuple(row)


def wrong_verb(name: str, signature: Signature) -> RequestError:
    """Say that a model does not answer this verb, and which it does."""
    verb = VERBS.get(signature.task)
    if verb is None:
        return RequestError(f"the model {name!r} takes tensors, not examples; post to /v1/models/{name}:predict")
    return RequestError(f"the model {name!r} is a {signature.task}; post to /v1/models/{name}:{verb} or :predict")


def _plain(features: dict[str, Any], path: str) -> dict[str, Any]:
    return {name: _single(value, f"{path}.{name}") for name, value in features.items()}


def _single(value: Any, path: str) -> Any:
    return plain_text(value[0] if isinstance(value, list) and len(value) == 1 else value, path)
