"""Switchboard: every hot path and the handler that answers it; a change of traffic swaps the whole table."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

from golive.domain.release import check_shares
from golive.domain.serving import Route, TrafficTable
from golive.errors import GoliveError, NotFoundError
from golive.serving.answer import Answer, Handler, LongHandler, error_body
from golive.serving.lane import Handlers, Lane
from golive.serving.metrics import Snapshot
from golive.serving.recorder import Recorder

_NAMED: tuple[tuple[Callable[[Lane], Handlers], str, str], ...] = (
    (lambda lane: lane.instances, "/v1/models/{m}:predict", "/v1/models/{m}/versions/{v}:predict"),
    (lambda lane: lane.tensors, "/v2/models/{m}/infer", "/v2/models/{m}/versions/{v}/infer"),
    (lambda lane: lane.features, "/predict/{m}", "/predict/{m}/versions/{v}"),
)
"""How to take the handlers from a lane, their path, and their path for one version."""

_NAMELESS: tuple[tuple[Callable[[Lane], Handlers], bytes], ...] = (
    (lambda lane: lane.features, b"/predict"),
    (lambda lane: lane.invocations, b"/invocations"),
)
"""Paths without a name: the one model that is served."""


class Switchboard:
    """The lanes of a worker and how traffic is split between them.

    ``routes`` maps the bytes of a path to its handler for short requests, ``long_routes`` to the one for long ones.
    They are never changed, only replaced, so a request that has read its table once is answered by one table.
    """

    def __init__(self, lanes: Sequence[Lane], traffic: TrafficTable, *, recorder: Recorder | None = None) -> None:
        self.lanes = {(lane.placed.name, lane.placed.version): lane for lane in lanes}
        self.recorder = recorder
        self.traffic: TrafficTable = ()
        self.routes: Mapping[bytes, Handler] = {}
        self.long_routes: Mapping[bytes, LongHandler] = {}
        self._rejected: dict[str, int] = {}
        self.shift(traffic)

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
            for take, path, _ in _NAMED:
                handlers[path.replace("{m}", route.name).encode()] = _shared(split, take)
        if len(traffic) == 1:
            split = self._split(traffic[0])
            for take, nameless in _NAMELESS:
                handlers[nameless] = _shared(split, take)
        short = {path: each.short for path, each in handlers.items()}
        long = {path: each.long for path, each in handlers.items()}
        self.traffic, self.routes, self.long_routes = traffic, short, long

    def find(self, name: str, version: int | None = None) -> Lane:
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

    def unrouted(self, path: str) -> NotFoundError:
        """Say why a posted path leads nowhere."""
        parts = path.strip("/").split("/")
        if path in {nameless.decode() for _, nameless in _NAMELESS}:
            known = ", ".join(self.names) or "none"
            return NotFoundError(f"{path} needs exactly one served model, here are: {known}; post to /predict/NAME")
        if parts[0] == "predict" and len(parts) > 1:
            return self.unknown(parts[1], _version(parts))
        if len(parts) > 2 and parts[0] in {"v1", "v2"} and parts[1] == "models":  # noqa: PLR2004  v1/models/{m}
            return self.unknown(parts[2].partition(":")[0], _version(parts))
        return NotFoundError(f"there is no route {path!r}; GET / lists the routes")

    def rejected(self, error: GoliveError, request_id: str, status: int | None = None) -> Answer:
        """Count a request that reached no model, and answer it."""
        self._rejected[error.code] = self._rejected.get(error.code, 0) + 1
        return status or error.status, b"", error_body(error, request_id)

    def snapshot(self) -> Snapshot:
        """Copy all counters into one value that can be sent and added."""
        return Snapshot(
            lanes=tuple(lane.snapshot() for lane in self.lanes.values()),
            rejected=dict(self._rejected),
            records=self.recorder.sent if self.recorder else 0,
            records_dropped=self.recorder.dropped if self.recorder else 0,
        )

    def _pinned(self) -> dict[bytes, Handlers]:
        return {
            path.replace("{m}", name).replace("{v}", str(version)).encode(): take(lane)
            for (name, version), lane in self.lanes.items()
            for take, _, path in _NAMED
        }

    def _split(self, route: Route) -> tuple[tuple[float, Lane], ...]:
        check_shares(route.name, route.split)
        split, upper = [], 0.0
        for share in route.split:
            lane = self.find(route.name, share.version)
            if share.share > 0:
                upper += share.share
                split.append((upper, lane))
        return tuple(split)


def _shared(split: tuple[tuple[float, Lane], ...], take: Callable[[Lane], Handlers]) -> Handlers:
    if len(split) == 1:
        return take(split[0][1])
    choices = tuple((int(upper * 2**64), take(lane)) for upper, lane in split)
    last = choices[-1][1]

    def chosen(request_id: str) -> Handlers:
        # By the request id, so that a caller's repeated request meets the same version in every worker.
        point = int.from_bytes(blake2b(request_id.encode(), digest_size=8).digest(), "big")
        for upper, choice in choices:
            if point < upper:
                return choice
        return last

    return Handlers(
        short=lambda body, request_id: chosen(request_id).short(body, request_id),
        long=lambda body, request_id: chosen(request_id).long(body, request_id),
    )


def _version(parts: Sequence[str]) -> str:
    return parts[parts.index("versions") + 1].partition(":")[0] if "versions" in parts[:-1] else ""
