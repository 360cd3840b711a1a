"""Blocking: the client whose methods return when the answer is there."""

import ssl
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from golive.client.address import address_of, checked_key
from golive.client.chances import real_chances
from golive.client.contract import ModelMetadata
from golive.client.conversation import Conversation, Version
from golive.client.exchange import Flow, Outcome, Send, Wait
from golive.client.explanation import Explanations
from golive.client.prediction import Prediction, TensorAnswer
from golive.client.sockets import Sockets
from golive.client.trust import trust

_Given = TypeVar("_Given")


class Client:
    """Asks one server; safe to use from several threads. Close it, or use it in a ``with``.

    Args:
        url: Where the server is, such as ``http://127.0.0.1:8080``.
        api_key: Goes with every request; "" for none.
        timeout_s: Seconds that a call may take, attempts, waits and pieces together.
        retries: How often a request is sent again after a failed connection, a 429, or a 503 that says when.
        tls: What to trust and show over https; None for the authorities that the system trusts.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str = "",
        timeout_s: float = 10.0,
        retries: int = 2,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._address = address_of(url)
        self._talk = Conversation(
            shown=str(self._address),
            api_key=checked_key(api_key),
            timeout_s=timeout_s,
            retries=retries,
            chances=real_chances(),
        )
        self._sockets = Sockets(self._address, trust(self._address, tls))

    def predict(
        self,
        model: str,
        data: Any,
        *,
        version: Version = None,
        timeout_s: float | None = None,
        batch_rows: int | None = None,
        timings: bool = False,
    ) -> Prediction:
        """Ask a model about rows.

        Args:
            model: The name it is served under.
            data: One row (a dict), rows (dicts, or lists in the order of the inputs), an array ``[rows, inputs]``, a
                data frame, or a dict of columns. None and NaN are missing values.
            version: Ask this version; else the server's traffic table decides.
            timeout_s: Seconds for this call.
            batch_rows: Send at most so many rows in one request; one version answers them all.
            timings: Ask the server what it spent its time on.

        Raises:
            RequestError: the rows are not what the model takes; ``field`` says where.
            TooLargeError: there are more rows than the server takes at once; ``batch_rows`` cuts them.
            NotFoundError: the server has no such model or version.
            DeniedError: the server wants another API key.
            DeadlineError: there was no answer in time.
            UnavailableError: no server answers, or it cannot answer now.
        """
        flow = self._talk.predict(
            model, data, version=version, timeout_s=timeout_s, batch_rows=batch_rows, timings=timings
        )
        return self._run(flow)

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
    ) -> Explanations:
        """Ask why a model answers rows as it does: how much each input moved each answer.

        Args:
            model: The name it is served under.
            data: Rows, as :meth:`predict` takes them; a server explains a hundred at once.
            output: The class whose answer is explained; None for the second of two, else the one that was answered.
            counterfactual: Also look for the smallest changes that would have changed each answer.
            target: What it should have been: ``{"label": "yes"}``, ``{"at_least": 100.0}``, ``{"at_most": 50.0}``; a
                number needs one, a classifier looks for any other label without one.
            immutable: Inputs that no change may touch, besides those that the model's author named.
            version: Ask this version; else the server's traffic table decides.
            timeout_s: Seconds for this call.

        Raises:
            RequestError: the rows, or what is asked of them, do not fit the model.
            TooLargeError: there are more rows than the server explains at once.
            UsageError: the server explains nothing, or this model was packaged without background rows.
            NotFoundError: the server has no such model or version.
            DeniedError: the server wants another API key.
            DeadlineError: there was no answer in time.
            UnavailableError: no server answers, or it has too many to explain now.
        """
        flow = self._talk.explain(
            model,
            data,
            output=output,
            counterfactual=counterfactual,
            target=target,
            immutable=immutable,
            version=version,
            timeout_s=timeout_s,
        )
        return self._run(flow)

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Any],
        *,
        outputs: Sequence[str] = (),
        version: Version = None,
        timeout_s: float | None = None,
        timings: bool = False,
    ) -> TensorAnswer:
        """Ask a model of tensors.

        Args:
            model: The name it is served under.
            inputs: Name -> array. An array goes with its own type and shape; lists become what the model takes.
            outputs: The names of the outputs that are wanted; () for all.
            version: Ask this version; else the server's traffic table decides.
            timeout_s: Seconds for this call.
            timings: Ask the server what it spent its time on.

        Raises:
            RequestError: a tensor is not what the model takes; ``field`` names it.
            TooLargeError: the tensors are larger than the server takes at once.
            NotFoundError: the server has no such model or version.
            DeniedError: the server wants another API key.
            DeadlineError: there was no answer in time.
            UnavailableError: no server answers, or it cannot answer now.
        """
        flow = self._talk.infer(model, inputs, outputs=outputs, version=version, timeout_s=timeout_s, timings=timings)
        return self._run(flow)

    def metadata(self, model: str, *, version: Version = None, timeout_s: float | None = None) -> ModelMetadata:
        """Ask what a model takes and gives.

        Raises:
            NotFoundError: the server has no such model or version.
            UnavailableError: no server answers.
        """
        return self._run(self._talk.metadata(model, version=version, timeout_s=timeout_s))

    def models(self, *, timeout_s: float | None = None) -> list[str]:
        """Ask for the names that are served (``GET /v1/models``, which golive and KServe have).

        Raises:
            UnavailableError: no server answers.
        """
        return self._run(self._talk.models(timeout_s=timeout_s))

    def ready(self, *, timeout_s: float | None = None) -> bool:
        """Ask once whether predictions are answered; no answer is a no."""
        return self._run(self._talk.is_up("/v2/health/ready", timeout_s=timeout_s))

    def live(self, *, timeout_s: float | None = None) -> bool:
        """Ask once whether the server lives; no answer is a no."""
        return self._run(self._talk.is_up("/v2/health/live", timeout_s=timeout_s))

    def close(self) -> None:
        """Close the connections."""
        self._sockets.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<golive client of {self._address}>"

    def _run(self, flow: Flow[_Given]) -> _Given:
        outcome: Outcome = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            outcome = self._done(step)

    def _done(self, step: Send | Wait) -> Outcome:
        if isinstance(step, Wait):
            time.sleep(step.seconds)
            return None
        return self._sockets.send(step)
