"""The local target: the supervisor of a state folder on this machine, through its administration socket."""

from pathlib import Path
from typing import Self

import httpx
import msgspec

from golive.control.running.messages import Refusal, Residence
from golive.control.running.processes import running
from golive.domain.serving import Observed, Step
from golive.errors import UnavailableError, UsageError

_LOOK_S = 30.0
_APPLY_S = 600.0
"""A step may load big models; the supervisor has its own, shorter limit."""


class LocalTarget:
    """Observes and drives the supervisor of one state folder.

    Args:
        state: the state folder; ``at`` gives a target for another one.
    """

    name = "local"

    def __init__(self, state: Path = Path(".golive")) -> None:
        self._state = state

    def at(self, state: Path) -> Self:
        """Give this target for a state folder."""
        return type(self)(state)

    def observe(self) -> Observed:
        """Say what runs now.

        Raises:
            UnavailableError: no supervisor runs.
        """
        return msgspec.json.decode(self._call("GET", "/observed", None, _LOOK_S), type=Observed)

    def residence(self) -> Residence:
        """Say which groups of models run, and what they take.

        Raises:
            UnavailableError: no supervisor runs.
        """
        return msgspec.json.decode(self._call("GET", "/groups", None, _LOOK_S), type=Residence)

    def apply(self, step: Step) -> None:
        """Carry out one step and return when it holds. Doing a step twice changes nothing more.

        Raises:
            UnavailableError: no supervisor runs, or the step did not take effect; what served before still serves.
            UsageError: the step contradicts itself or what is loaded.
        """
        self._call("POST", "/apply", msgspec.json.encode(step), _APPLY_S)

    def _call(self, method: str, path: str, content: bytes | None, timeout_s: float) -> bytes:
        supervisor = running(self._state)
        if supervisor is None:
            message = f"no server runs for {str(self._state)!r}; `golive up` starts one"
            raise UnavailableError(message)
        try:
            with httpx.Client(
                transport=httpx.HTTPTransport(uds=str(supervisor.admin)),
                base_url="http://supervisor",
                timeout=timeout_s,
            ) as client:
                answer = client.request(method, path, content=content)
        except httpx.HTTPError as error:
            message = (
                f"the server (pid {supervisor.pid}) did not answer on its administration socket "
                f"({str(error) or type(error).__name__}); `golive down` and `golive up` start it anew"
            )
            raise UnavailableError(message) from error
        if answer.is_success:
            return answer.content
        raise _refusal(answer)


def _refusal(answer: httpx.Response) -> UnavailableError | UsageError:
    try:
        refusal = msgspec.json.decode(answer.content, type=Refusal)
    except msgspec.DecodeError:
        message = f"the server answered {answer.status_code} on its administration socket; its log says why"
        return UnavailableError(message)
    return UsageError(refusal.error) if refusal.code == UsageError.code else UnavailableError(refusal.error)
