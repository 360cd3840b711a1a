"""Switchboard: every hot path and the handler that answers it; a change of traffic swaps the whole table."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import cast

from golive.domain.release import check_shares
from golive.domain.serving import Route, TrafficTable
from golive.errors import GoliveError, NotFoundError
from golive.serving.answer import Answer, Ask, Handler, refusal
from golive.serving.codecs.examples import VERBS, wrong_verb
from golive.serving.served import Served
from golive.serving.telemetry.metrics import Snapshot
from golive.serving.telemetry.recorder import Recorder

_NAMED: tuple[tuple[Callable[[Served], Handler], str, str], ...] = (
    (lambda lane: lane.instances, "/v1/models/{m}:predict", "/v1/models/{m}/versions/{v}:predict"),
    (lambda lane: lane.examples, "/v1/models/{m}:{verb}", "/v1/models/{m}/versions/{v}:{verb}"),
    (lambda lane: lane.tensors, "/v2/models/{m}/infer", "/v2/models/{m}/versions/{v}/infer"),
    (lambda lane: lane.features, "/predict/{m}", "/predict/{m}/versions/{v}"),
)
"""How to take the handler from a lane, their path, and their path for one version."""

_CALLS: tuple[Callable[[Served], Handler], str, str] = (lambda lane: cast("Handler", lane.calls), " {m}", " {m}/{v}")
"""The same for calls over gRPC, where it is on: no path of HTTP has a blank."""

_EXPLAIN = "/v1/models/{m}:explain", "/v1/models/{m}/versions/{v}:explain"

_NAMELESS: tuple[tuple[Callable[[Served], Handler], bytes], ...] = (
    (lambda lane: lane.features, b"/predict"),
    (lambda lane: lane.invocations, b"/invocations"),
)
"""Paths without a name: the one model that is served."""


class Switchboard:
    """The lanes of a worker and how traffic is split between them.

    Args:
        lanes: what is loaded.
        traffic: how it is split.
        recorder: the one that the lanes keep predictions with, for its counters.
        predict_path: a further path for the instances of the one model that is served; none when empty.
        explain: gives what answers the requests to explain a lane's predictions; None leaves that route out.

    ``routes`` maps the bytes of a path to its handler. It is never changed, only replaced, so a request that has read
    its table once is answered by one table.
    """

    def __init__(
        self,
        lanes: Sequence[Served],
        traffic: TrafficTable,
        *,
        recorder: Recorder | None = None,
        predict_path: str = "",
        explain: Callable[[Served], Handler] | None = None,
    ) -> None:
        self.lanes = {(lane.placed.name, lane.placed.version): lane for lane in lanes}
        self.recorder = recorder
        self.connections = 0
        """Connections that are open; whoever accepts one counts it."""
        self._explain = explain
        self._nameless = _NAMELESS
        if predict_path:
            # Last, so that it is this protocol that a platform finds on a path that has another one too.
            self._nameless = (*_NAMELESS, (lambda lane: lane.instances, predict_path.encode()))
        self.traffic: TrafficTable = ()
        self.routes: Mapping[bytes, Handler] = {}
        self._rejected: dict[str, int] = {}
        self.shift(traffic)

    @property
    def _named(self) -> tuple[tuple[Callable[[Served], Handler], str, str], ...]:
        has_calls = any(lane.calls is not None for lane in self.lanes.values())
        named = (*_NAMED, _CALLS) if has_calls else _NAMED
        return (*named, (self._explain, *_EXPLAIN)) if self._explain is not None else named

    @property
    def explains(self) -> bool:
        """Whether there is a route that explains."""
        return self._explain is not None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that traffic goes to."""
        return tuple(route.name for route in self.traffic)

    def versions(self, name: str) -> tuple[int, ...]:
        """The loaded versions of a name."""
        return tuple(sorted(version for known, version in self.lanes if known == name))

    def shift(self, traffic: TrafficTable) -> None:
        """Swap the whole traffic table in one assignment.

        Raises:
            NotFoundError: a version in the table is not loaded here; nothing changes.
            UsageError: the shares of a name do not sum to 1; nothing changes.
        """
        handlers = self._pinned()
        for route in traffic:
            split = self._split(route)
            for take, path, _ in self._named:
                handlers[_filled(path, split[0][1])] = _shared(split, take)
        if len(traffic) == 1:
            split = self._split(traffic[0])
            for take, nameless in self._nameless:
                handlers[nameless] = _shared(split, take)
        self.traffic, self.routes = traffic, handlers

    def swap(self, lanes: Sequence[Served], traffic: TrafficTable) -> None:
        """Swap the lanes, and the traffic table with them.

        Raises:
            NotFoundError: a version in the table is not among the lanes.
            UsageError: the shares of a name do not sum to 1.
        """
        self.lanes = {(lane.placed.name, lane.placed.version): lane for lane in lanes}
        self.shift(traffic)

    def find(self, name: str, version: int | None = None) -> Served:
        """Give the lane of a version, or of the version with the largest share.

        Raises:
            NotFoundError: nothing of that name and version is served; the message lists what is.
        """
        if version is None:
            for route in self.traffic:
                if route.name == name:
                    return self.lanes[name, max(route.split, key=lambda share: share.share).version]
            raise self.unknown(name)
        lane = self.lanes.get((name, version))
        if lane is None:
            raise self.unknown(name, str(version))
        return lane

    def unknown(self, name: str, version: str = "") -> NotFoundError:
        """Say that a model or version is not served, and which are."""
        versions = self.versions(name)
        if version and versions:
            known = ", ".join(map(str, versions))
            return NotFoundError(f"the model {name!r} has no version {version!r} here; loaded are: {known}")
        known = ", ".join(self.names) or "none"
        return NotFoundError(f"there is no model {name!r}; served are: {known}")

    def unrouted(self, path: str) -> GoliveError:
        """Say why a posted path leads nowhere."""
        parts = path.strip("/").split("/")
        if path.encode("utf-8", "surrogateescape") in {nameless for _, nameless in self._nameless}:
            known = ", ".join(self.names) or "none"
            return NotFoundError(f"{path} needs exactly one served model, here are: {known}; post to /predict/NAME")
        if parts[0] == "predict" and len(parts) > 1:
            return self.unknown(parts[1], _version(parts))
        if len(parts) > 2 and parts[0] in {"v1", "v2"} and parts[1] == "models":  # noqa: PLR2004  v1/models/{m}
            return self._misdirected(path, parts)
        return NotFoundError(f"there is no route {path[:200]!r}; GET /docs shows the routes")

    def no_label(self, name: str, label: str) -> NotFoundError:
        """Say that versions have no labels here."""
        known = ", ".join(map(str, self.versions(name)))
        return NotFoundError(
            f"versions have no labels here, so {name!r} has none called {label[:40]!r}; "
            f"ask for /v1/models/{name}/versions/N, N one of: {known}"
        )

    def _misdirected(self, path: str, parts: Sequence[str]) -> GoliveError:
        """Say what is wrong with a path below a model: the model, its version or what comes after them."""
        name, version = parts[2].partition(":")[0], _version(parts)
        versions = self.versions(name)
        if not versions or (version and version not in map(str, versions)):
            return self.unknown(name, version)
        lane, verb = self.lanes[name, int(version) if version else versions[-1]], parts[-1].partition(":")[2]
        if parts[0] == "v1" and "labels" in parts[3:-1]:
            return self.no_label(name, parts[parts.index("labels", 3) + 1].partition(":")[0])
        if verb in VERBS.values():
            return wrong_verb(name, lane.signature)
        own = VERBS.get(lane.signature.task)
        verbs = [":predict", *([f":{own}"] if own else []), *([":explain"] if self._explain is not None else [])]
        known = f"{', '.join(verbs[:-1])} or {verbs[-1]} (v1)" if len(verbs) > 1 else ":predict (v1)"
        return NotFoundError(f"there is no route {path[:200]!r}; the model {name!r} takes {known}, /infer (v2)")

    def rejected(self, error: GoliveError, request_id: str, status: int | None = None) -> Answer:
        """Count a request that reached no model, and answer it."""
        self._rejected[error.code] = self._rejected.get(error.code, 0) + 1
        return refusal(error, request_id, status=status or 0)

    def snapshot(self) -> Snapshot:
        """Copy all counters into one value that can be sent and added."""
        return Snapshot(
            lanes=tuple(lane.snapshot() for lane in self.lanes.values()),
            rejected=dict(self._rejected),
            records=self.recorder.sent if self.recorder else 0,
            records_dropped=self.recorder.dropped if self.recorder else 0,
            connections=self.connections,
        )

    def _pinned(self) -> dict[bytes, Handler]:
        return {_filled(path, lane): take(lane) for lane in self.lanes.values() for take, _, path in self._named}

    def _split(self, route: Route) -> tuple[tuple[float, Served], ...]:
        check_shares(route.name, route.split)
        split, upper = [], 0.0
        for share in route.split:
            lane = self.find(route.name, share.version)
            if share.share > 0:
                upper += share.share
                split.append((upper, lane))
        return tuple(split)


def _filled(path: str, lane: Served) -> bytes:
    # A blank is in no path, so that what a model has no verb for is not found.
    placed, verb = lane.placed, VERBS.get(lane.signature.task, " ")
    return path.replace("{m}", placed.name).replace("{v}", str(placed.version)).replace("{verb}", verb).encode()


def _shared(split: tuple[tuple[float, Served], ...], take: Callable[[Served], Handler]) -> Handler:
    if len(split) == 1:
        return take(split[0][1])
    choices = tuple((int(upper * 2**64), take(lane)) for upper, lane in split)
    last = choices[-1][1]

    def answer(body: bytes, ask: Ask) -> Answer | asyncio.Future[Answer]:
        # By the request id, so that a caller's repeated request meets the same version in every worker.
        point = int.from_bytes(blake2b(ask.request_id.encode(), digest_size=8).digest(), "big")
        for upper, choice in choices:
            if point < upper:
                return choice(body, ask)
        return last(body, ask)

    return answer


def _version(parts: Sequence[str]) -> str:
    return parts[parts.index("versions") + 1].partition(":")[0] if "versions" in parts[:-1] else ""
