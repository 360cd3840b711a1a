"""Openness: whether callers of a running server must show a key."""

import httpx

from golive.control.rooms import Rooms
from golive.control.running.processes import RunningSupervisor

_ASK_S = 5.0


def asks_for_key(supervisor: RunningSupervisor, rooms: Rooms) -> bool:
    """Say whether callers must show a key: one was made, or the running server got one when it started."""
    return bool(rooms.ledger.keys()) or _turns_away(supervisor.url)


def _turns_away(url: str) -> bool:
    try:
        # Only the status is read and no secret is sent, so any certificate will do.
        answer = httpx.get(f"{url}/v1/models", verify=False, timeout=_ASK_S)  # noqa: S501
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.UNAUTHORIZED
