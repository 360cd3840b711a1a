"""Conversation: every verb of a client as a flow of what to send and when to wait; nothing is sent here."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from golive.client.chances import Chances
from golive.client.contract import Contract, ModelMetadata, contract_of, decoded, metadata_of
from golive.client.encode import encoded
from golive.client.exchange import Flow, Late, Reply, Send, Wait
from golive.client.explanation import Explanations, explain_body, explanations_of
from golive.client.failure import failure, no_answer
from golive.client.prediction import Prediction, TensorAnswer, joined, prediction_of, tensor_answer_of
from golive.client.retry import pause_s
from golive.client.table import Table, table_of
from golive.client.tensors import encoded_tensors
from golive.errors import NotFoundError, RequestError, TooLargeError, UsageError

Version = int | str | None

_BINARY = "binary_tensor_data"
_BAD = 400


class _Call(msgspec.Struct, frozen=True):
    """One call of a verb: all its attempts have one id and one deadline."""

    request_id: str
    deadline: float
    timeout_s: float


class _Server(msgspec.Struct):
    name: str = ""
    version: str = ""
    extensions: list[str] = []


class _Names(msgspec.Struct):
    models: list[str]


class Conversation:
    """Knows how to ask one server, and what it has said of its models.

    Args:
        shown: The server's address as errors name it, without secrets.
        api_key: Goes with every request; "" for none.
        timeout_s: Seconds that a call may take, unless it says otherwise.
        retries: How often a request may be sent again.
        chances: Clock, randomness and ids.
    """

    def __init__(self, *, shown: str, api_key: str, timeout_s: float, retries: int, chances: Chances) -> None:
        self._shown = shown
        self._headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._timeout_s = timeout_s
        self._retries = retries
        self._chances = chances
        self._contracts: dict[tuple[str, str], Contract] = {}
        self._binary: bool | None = None

    def predict(
        self,
        model: str,
        data: Any,
        *,
        version: Version = None,
        timeout_s: float | None = None,
        batch_rows: int | None = None,
        timings: bool = False,
    ) -> Flow[Prediction]:
        """Ask a model about a table, whole or in pieces."""
        if batch_rows is not None and batch_rows < 1:
            message = f"batch_rows is {batch_rows}, but a request has at least one row; give a number above 0"
            raise UsageError(message)
        call, table = self._call(timeout_s), table_of(data)
        pieces = table.pieces(table.rows if batch_rows is None else batch_rows)
        predictions: list[Prediction] = []
        asked = "" if version is None else str(version)
        for index, piece in enumerate(pieces):
            part = (
                call
                if table.rows == piece.rows
                else msgspec.structs.replace(call, request_id=f"{call.request_id}.{index}")
            )
            predictions.append((yield from self._predicted(part, model, asked, piece, timings=timings)))
            # Every piece is answered by the version that answered the first, also when traffic shifts meanwhile.
            asked = predictions[0].version
        return joined(predictions, call.request_id)

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Any],
        *,
        outputs: Sequence[str] = (),
        version: Version = None,
        timeout_s: float | None = None,
        timings: bool = False,
    ) -> Flow[TensorAnswer]:
        """Ask a model about tensors."""
        call, asked = self._call(timeout_s), "" if version is None else str(version)
        known = self._known(model, asked)
        contract = known or (yield from self._read(call, model, asked))
        binary = yield from self._takes_binary(call)
        while True:
            request = encoded_tensors(inputs, contract, outputs, binary=binary)
            headers = {**request.headers, "x-request-timing": "1"} if timings else request.headers
            path = f"{_path(model, asked)}/infer"
            try:
                reply = yield from self._asked(call, "POST", path, headers=headers, body=request.body)
            except (RequestError, NotFoundError):
                # What was known of the model may be about an earlier version of it.
                newer = None if known is None else (yield from self._read(call, model, asked))
                if newer is None or newer.inputs == contract.inputs:
                    raise
                known, contract = None, newer
            else:
                return tensor_answer_of(reply, model=model, request_id=call.request_id)

    def explain(
        self,
        model: str,
        data: Any,
        *,
        output: Any = None,
        counterfactual: bool = False,
        target: Mapping[str, Any] | None = None,
        immutable: Sequence[str] = (),
        version: Version = None,
        timeout_s: float | None = None,
    ) -> Flow[Explanations]:
        """Ask why a model answers rows as it does."""
        call, table = self._call(timeout_s), table_of(data)
        body = explain_body(
            table,
            output=output,
            counterfactual=counterfactual,
            target=None if target is None else dict(target),
            immutable=tuple(immutable),
        )
        at = f"/v1/models/{quote(model, safe='')}" + (
            "" if version is None else f"/versions/{quote(str(version), safe='')}"
        )
        headers = {"content-type": "application/json"}
        reply = yield from self._asked(call, "POST", f"{at}:explain", headers=headers, body=body)
        return explanations_of(reply, request_id=call.request_id)

    def metadata(self, model: str, *, version: Version = None, timeout_s: float | None = None) -> Flow[ModelMetadata]:
        """Ask what a model takes and gives."""
        path = _path(model, "" if version is None else str(version))
        return metadata_of((yield from self._asked(self._call(timeout_s), "GET", path)))

    def models(self, *, timeout_s: float | None = None) -> Flow[list[str]]:
        """Ask for the names that are served."""
        reply = yield from self._asked(self._call(timeout_s), "GET", "/v1/models")
        names: _Names = decoded(reply, _Names)
        return names.models

    def is_up(self, path: str, *, timeout_s: float | None = None) -> Flow[bool]:
        """Ask a health route once."""
        call = self._call(timeout_s)
        outcome = yield self._send(call, "GET", path)
        return isinstance(outcome, Reply) and outcome.status < _BAD

    def _predicted(self, call: _Call, model: str, version: str, table: Table, *, timings: bool) -> Flow[Prediction]:
        known = self._known(model, version)
        contract = known or (yield from self._read(call, model, version))
        while True:
            try:
                prediction = yield from self._inferred(call, model, version, table, contract, timings=timings)
            except (RequestError, NotFoundError):
                # What was known of the model may be about an earlier version of it.
                newer = None if known is None else (yield from self._read(call, model, version))
                if newer is None or newer.inputs == contract.inputs:
                    raise
                known, contract = None, newer
                continue
            if version or not prediction.version or prediction.version in contract.versions:
                return prediction
            # Another version answered than the one whose inputs are known. Its columns may stand in another order.
            theirs = yield from self._theirs(call, model, prediction.version)
            self._contracts[model, ""] = theirs.also(prediction.version)
            if theirs.inputs == contract.inputs:
                return prediction
            known, contract, version = None, theirs, prediction.version

    def _inferred(
        self, call: _Call, model: str, version: str, table: Table, contract: Contract, *, timings: bool
    ) -> Flow[Prediction]:
        request = encoded(table, contract, binary=(yield from self._takes_binary(call)))
        headers = {**request.headers, "x-request-timing": "1"} if timings else request.headers
        path = f"{_path(model, version)}/infer"
        try:
            reply = yield from self._asked(call, "POST", path, headers=headers, body=request.body)
        except TooLargeError as error:
            message = f"{error.message}; with batch_rows=, predict sends {table.rows} rows in several requests"
            raise TooLargeError(message, field=error.field, request_id=error.request_id) from error
        return prediction_of(reply, model=model, request_id=call.request_id)

    def _theirs(self, call: _Call, model: str, version: str) -> Flow[Contract]:
        known = self._known(model, version)
        if known is not None:
            return known
        try:
            return (yield from self._read(call, model, version))
        except NotFoundError:
            # It has gone since, or the server has no address for one version.
            return (yield from self._read(call, model, ""))

    def _known(self, model: str, version: str) -> Contract | None:
        usual = self._contracts.get((model, ""))
        is_usual = usual is not None and version in usual.versions
        return self._contracts.get((model, version), usual if is_usual else None)

    def _read(self, call: _Call, model: str, version: str) -> Flow[Contract]:
        contract = contract_of((yield from self._asked(call, "GET", _path(model, version))), version)
        self._contracts[model, version] = contract
        return contract

    def _takes_binary(self, call: _Call) -> Flow[bool]:
        if self._binary is None:
            server: _Server = decoded((yield from self._asked(call, "GET", "/v2")), _Server)
            self._binary = _BINARY in server.extensions
        return self._binary

    def _asked(
        self, call: _Call, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Flow[Reply]:
        """Send a request until it is answered, refused for good, or out of time."""
        what = f"{method} {self._shown}{path}"
        attempt = 0
        while True:
            left_s = self._left_s(call)
            outcome = (yield self._send(call, method, path, headers=headers, body=body)) if left_s > 0 else Late()
            if isinstance(outcome, Reply) and outcome.status < _BAD:
                return outcome
            pause = pause_s(
                outcome,
                attempt=attempt,
                retries=self._retries,
                left_s=self._left_s(call),
                jitter=self._chances.jitter(),
            )
            if pause is not None:
                yield Wait(pause)
                attempt += 1
            elif isinstance(outcome, Reply):
                raise failure(outcome, what=what, request_id=call.request_id)
            else:
                raise no_answer(outcome or Late(), what=what, timeout_s=call.timeout_s, request_id=call.request_id)

    def _send(
        self, call: _Call, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> Send:
        left_s = self._left_s(call)
        own = {"x-request-id": call.request_id, "x-request-timeout-ms": str(max(1, int(left_s * 1e3)))}
        return Send(
            method=method, path=path, headers={**self._headers, **own, **(headers or {})}, body=body, timeout_s=left_s
        )

    def _call(self, timeout_s: float | None) -> _Call:
        seconds = self._timeout_s if timeout_s is None else timeout_s
        if not seconds > 0:
            message = f"timeout_s is {seconds}, but a call needs some time; give a number above 0"
            raise UsageError(message)
        return _Call(self._chances.new_id(), self._chances.clock() + seconds, seconds)

    def _left_s(self, call: _Call) -> float:
        return call.deadline - self._chances.clock()


def _path(model: str, version: str) -> str:
    path = f"/v2/models/{quote(model, safe='')}"
    return f"{path}/versions/{quote(version, safe='')}" if version else path
