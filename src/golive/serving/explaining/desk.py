"""Desk: explains one request after the other, of any bundle, in the process that is there for it.

It is told with each request which bundle answered, so it needs no orders: a version that is deployed is opened when its
first question comes, and forgotten when others were asked about since.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from threading import Event

import msgspec
import orjson

from golive.domain.serving import Placed
from golive.errors import DeadlineError, GoliveError, InvalidRowError, UnavailableError, UnexplainableError
from golive.inference.counterfactual import Reach
from golive.inference.explaining.permutation import EVALUATIONS
from golive.serving.answer import JSON_HEAD, Answer, Ask, Handler, deadline_ns_of, refusal, version_head
from golive.serving.batching.refusal import OverloadedError
from golive.serving.explaining.account import Account, Question
from golive.serving.explaining.paths import placed_of
from golive.serving.explaining.request import MAX_ROWS, Asked, ExplainRequests
from golive.serving.switchboard import Switchboard

Open = Callable[[Placed], Account]
"""Opens a placed version; raises GoliveError where it cannot be explained."""
Alarm = Callable[[float], AbstractContextManager[object]]
"""Ends the process when what is inside takes more seconds than that."""

_GRACE_S = 2.0
"""Work that does not look at the time ends the process so long after its limit."""
_OPENING_S = 60.0
_PART = 0.5
"""Of the time limit: what the answers of the model itself may take."""
_FEWEST = 64


class DeskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the process may take."""

    limit_s: float = 1.0
    """How long one request may take."""
    rows: int = MAX_ROWS
    """Rows of a request."""
    waiting: int = 32
    """Requests that wait for their turn; a further one is told to come back."""
    bundles: int = 8
    """Bundles that stay open; the one that was not asked about for the longest is closed first."""


class _Opened(msgspec.Struct, frozen=True, eq=False):
    account: Account
    requests: ExplainRequests
    cost_ns: float


class Desk:
    """Explains requests.

    Args:
        open_: opens a placed version.
        limits: what it may take.
        alarm: ends the process where the work hangs.
    """

    def __init__(self, open_: Open, limits: DeskLimits, alarm: Alarm = nullcontext) -> None:
        self._open = open_
        self._limits = limits
        self._alarm = alarm
        self._opened: OrderedDict[Placed, _Opened | str] = OrderedDict()
        self._waiting = 0
        # The loop has to say no to others meanwhile; one thread, for two would only take turns.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="golive-explain")
        self._log = logging.getLogger("golive.serving")

    def handler(self, placed: Placed) -> Handler:
        """Answer the requests about one version."""

        def answer(body: bytes, ask: Ask) -> Answer | asyncio.Future[Answer]:
            if self._waiting >= self._limits.waiting:
                message = f"{self._waiting} requests wait to be explained already; come back in a second"
                return _refused(OverloadedError(message, retry_after_s=1), placed, ask)
            return asyncio.ensure_future(self._in_turn(placed, body, ask))

        return answer

    async def _in_turn(self, placed: Placed, body: bytes, ask: Ask) -> Answer:
        is_gone = Event()
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._thread.submit(self._answer, placed, body, ask, is_gone))
        finally:
            self._waiting -= 1
            is_gone.set()

    def _answer(self, placed: Placed, body: bytes, ask: Ask, is_gone: Event) -> Answer:
        try:
            with self._alarm(_OPENING_S):
                opened = self._found(placed)
            with self._alarm(self._limits.limit_s + _GRACE_S):
                return self._explained(opened, placed, body, ask, is_gone)
        except GoliveError as error:
            return _refused(error, placed, ask)
        except MemoryError:
            # Others' bundles go too: what is left of the process's memory is for the next request.
            self._opened.clear()
            message = "the explanation takes more memory than its process may use; explain fewer rows in one request"
            return _refused(UnavailableError(message), placed, ask)
        except Exception as error:  # noqa: BLE001  the border: a request ends nothing
            self._log.error("request %s about %s could not be explained", ask.request_id, placed.name, exc_info=error)
            message = f"the model {placed.name!r} could not explain this request; the server's log has the cause"
            return _refused(GoliveError(message), placed, ask)

    def _explained(self, opened: _Opened, placed: Placed, body: bytes, ask: Ask, is_gone: Event) -> Answer:
        look = self._clock(ask, is_gone)
        look()
        asked = opened.requests.read(body, ask)
        try:
            told = opened.account.explain(opened.account.columns(asked.rows), self._question(asked, opened), look=look)
        except InvalidRowError as error:
            # The road names rows from $ on; the request has them below its own name.
            error.field = f"{opened.requests.rows_path}{error.field.removeprefix('$')}"
            raise
        account = opened.account
        body = orjson.dumps(
            {
                "explanations": told.rows,
                "method": account.method,
                "scale": account.scale,
                "additivity_error": told.error,
                "evaluations": told.evaluations,
                "background_rows": told.background_rows,
                "model_name": placed.name,
                "model_version": str(placed.version),
                "request_id": ask.request_id,
            }
        )
        return 200, JSON_HEAD + version_head(placed.version), body

    def _question(self, asked: Asked, opened: _Opened) -> Question:
        """Say how often the model may be asked, so that its answers take half of the time where that is enough.

        Raises:
            DeadlineError: even the fewest answers that its columns need would take all of it.
        """
        limit_s, needed = self._limits.limit_s, opened.account.fewest
        affordable = limit_s * 1e9 / opened.cost_ns
        if needed * len(asked.rows) > affordable:
            rows = int(affordable / needed)
            remedy = f"explain fewer rows in one request (at most {rows}), or use" if rows else "use"
            message = (
                f"each row needs {needed} answers of the model, and {len(asked.rows)} rows would take longer than "
                f"{limit_s:g} s; {remedy} `golive explain`, which has no limit"
            )
            raise DeadlineError(message)
        evaluations = max(needed, _power_of_two(int(_PART * affordable / len(asked.rows)), EVALUATIONS))
        return Question(
            output=asked.output,
            goal=asked.goal,
            immutable=asked.immutable,
            evaluations=evaluations,
            reach=Reach(rows=min(Reach().rows, evaluations)),
        )

    def _clock(self, ask: Ask, is_gone: Event) -> Callable[[], None]:
        limit_s = self._limits.limit_s
        until = time.perf_counter_ns() + int(limit_s * 1e9)
        caller = deadline_ns_of(ask)

        def look() -> None:
            now = time.perf_counter_ns()
            if is_gone.is_set() or (caller is not None and now > caller):
                message = "the explanation would come after the request's deadline; allow more time"
                raise DeadlineError(message)
            if now > until:
                message = (
                    f"the explanation takes longer than {limit_s:g} s; explain fewer rows in one request, "
                    "or use `golive explain`, which has no limit"
                )
                raise DeadlineError(message)

        return look

    def _found(self, placed: Placed) -> _Opened:
        found = self._opened.get(placed)
        if found is None:
            found = self._opened[placed] = self._opening(placed)
            while len(self._opened) > self._limits.bundles:
                self._opened.popitem(last=False)
        self._opened.move_to_end(placed)
        if isinstance(found, str):
            raise UnexplainableError(found)
        return found

    def _opening(self, placed: Placed) -> _Opened | str:
        try:
            account = self._open(placed)
        except UnexplainableError as error:
            # It stays so: the store need not be read again for the next one who asks. The words are kept and not the
            # error, whose traceback would keep every request that it answers.
            return error.message
        return _Opened(account, ExplainRequests(placed, account.road, max_rows=self._limits.rows), account.cost_ns())


class DeskBoard(Switchboard):
    """The switchboard of the process that explains: each path names the version that is meant.

    Args:
        desk: explains.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__((), ())
        self.routes = _Paths(desk)


class _Paths(Mapping[bytes, Handler]):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __getitem__(self, path: bytes) -> Handler:
        placed = placed_of(path)
        if placed is None:
            raise KeyError(path)
        return self._desk.handler(placed)

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _power_of_two(number: int, most: int) -> int:
    """Give the greatest power of two up to a number: the same on a machine that is a little slower now and then."""
    return most if number >= most else 1 << max(_FEWEST, number).bit_length() - 1


def _refused(error: GoliveError, placed: Placed, ask: Ask) -> Answer:
    status = ExplainRequests.row_status if isinstance(error, InvalidRowError) else error.status
    return refusal(error, ask.request_id, status=status, head=version_head(placed.version))
