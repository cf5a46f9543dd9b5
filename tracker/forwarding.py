"""Merchants' own calls to Order Protection, made through the tracker.

Owns the use case: what a call says about parcels, what of it is registered and when, and the line of calls that wait
while Order Protection is down. A call is forwarded as it came. Its parcels are registered when Order Protection took
it, or when it waits in the line: of a call that was refused nothing is kept, so that it can be made again. Knows no
server and no SQL.
"""

import asyncio
import math
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from urllib.parse import unquote

import orjson
import structlog
from sqlalchemy import Connection

from carriers.sdk.errors import AuthFailed, CarrierError
from carriers.sdk.exchange import Call, Reply
from carriers.sdk.registry import known_infos
from carriers.sdk.status import FulfillmentStatus
from tracker import intake
from tracker.clock import Clock
from tracker.config import FrontDoor, Settings
from tracker.intake import FulfillmentGiven, Registration
from tracker.intake.payloads import registration
from tracker.orders import Answer, OrderProtection, Verdict, judge
from tracker.relay import FIRST_WAIT, LEASE, LONGEST_TOLD, LONGEST_WAIT, NAME
from tracker.routing import Routes
from tracker.store import accounts, forwards, outbox
from tracker.store.forwards import Waiting
from tracker.store.writer import Writer

log = structlog.get_logger(__name__)

#: How long it is remembered that a call was given up; what it held is gone at once.
DEAD_KEPT = timedelta(days=30)
#: Wall seconds after which a run begins no further call.
LONGEST_RUN = 30.0
#: Seconds after which a caller may try again where Order Protection does not say.
TRY_AGAIN = 30

NOT_FOUND, CONFLICT = 404, 409


@dataclass(frozen=True, slots=True)
class MerchantCall:
    """A call as it came. `path` with its query, percent-encoded."""

    method: str
    path: str
    content_type: str
    body: bytes

    @property
    def ids(self) -> list[str]:
        """The ids in the path, decoded: of the order, and of the fulfillment."""
        segments = [unquote(part) for part in self.path.partition("?")[0].split("/")]
        return segments[3:6:2]  # /v1/orders/{id}/fulfillments/{id}

    @property
    def source_order_id(self) -> str:
        """Which order it is about; '' where nobody can tell."""
        if self.ids:
            return self.ids[0]
        registration = self.registration()
        return registration.source_order_id if registration else ""

    def registration(self) -> Registration | None:
        """What it says of parcels; None where it cannot be read. Never that an order has no other fulfillments: a
        call that creates an order, and perhaps comes a second time, knows nothing of those that came after it."""
        try:
            body = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(body, dict):
            return None
        match self.ids:
            case [order, fulfillment]:
                try:
                    status = FulfillmentStatus.read(str(body.get("status")))
                except ValueError:
                    return None
                return Registration(order, fulfillments=(FulfillmentGiven(fulfillment, status, {}),))
            case [order]:
                body["sourceOrderId"] = order
        found = registration(body, "", "")
        return replace(found, complete=False) if isinstance(found, Registration) else None

    def call(self) -> Call:
        """For the sender."""
        headers = {"Content-Type": self.content_type} if self.content_type else {}
        return Call((), self.method, self.path, headers=headers, body=self.body or None)


@dataclass(frozen=True, slots=True)
class Queued:
    """The call waits, and will be made."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Order Protection could not be given the call, and nothing of it was kept."""

    reason: str
    mendable: bool
    """Whether the configuration has to be mended: trying again does not help."""
    retry_after: int


@dataclass(slots=True)
class Tally:
    """What a run did."""

    delivered: int = 0
    postponed: int = 0
    dead: int = 0


class Forwarding:
    """The way of merchants' calls."""

    def __init__(
        self,
        orders: OrderProtection | None,
        writer: Writer,
        clock: Clock,
        settings: Settings,
        routes: Routes,
    ) -> None:
        self._orders = orders
        self._writer = writer
        self._clock = clock
        self._settings = settings
        self._routes = routes
        self._infos = known_infos()

    async def look(self, call: MerchantCall) -> Reply | Undelivered:
        """Forward a question; it is never queued."""
        reply, trouble = await self._try(call.call())
        return _undelivered(reply, trouble) if reply is None or _ours(reply) else reply

    async def tell(self, call: MerchantCall) -> Reply | Queued | Undelivered:
        """Forward a call that changes something, and register what it says where Order Protection takes it."""
        queues = self._settings.web.front_door is FrontDoor.QUEUE
        if await self._writer.run(lambda tx: self._line_up(tx, call, behind=True)):
            return Queued()
        reply, trouble = await self._try(call.call())
        if _failed(reply, trouble):
            if queues:
                await self._writer.run(lambda tx: self._line_up(tx, call))
                return Queued()
            return _undelivered(reply, trouble) if reply is None or _ours(reply) else reply
        assert reply is not None, "no reply is a failure"  # noqa: S101 - tells the type checker
        if _taken(reply):
            await self._writer.run(lambda tx: self._take(tx, call, reply))
        return reply

    async def run(self, stop: asyncio.Event) -> Tally:
        """Make the calls that wait, until none is due, Order Protection fails or `stop` is set."""
        tally = Tally()
        end = asyncio.get_running_loop().time() + LONGEST_RUN
        while not stop.is_set() and asyncio.get_running_loop().time() < end:
            token = secrets.token_hex(8)
            due = await self._writer.run(partial(self._claim, token))
            if due is None:
                break
            call = MerchantCall(due.method, due.path, due.content_type, due.body)
            reply, answer = await self._try(call.call())
            await self._writer.run(partial(self._write, due, call, reply, answer, token, tally))
        return tally

    async def _try(self, call: Call) -> tuple[Reply | None, Answer]:
        """The reply, if there is one, and what it means."""
        if self._orders is None:
            return None, Answer(Verdict.ALL_LATER, "there is no way to authenticate with Order Protection")
        try:
            reply = await self._orders.forward(call)
        except CarrierError as error:
            return None, Answer(Verdict.ALL_LATER, f"{type(error).__name__}: {error}", error.retry_after)
        return reply, judge(reply)

    def _line_up(self, tx: Connection, call: MerchantCall, *, behind: bool = False) -> bool:
        """Put a call into the line and register what it says; with `behind`, only where calls of its order wait."""
        if behind and not forwards.any_waiting(tx, call.source_order_id):
            return False
        now = self._clock.now()
        forwards.add(tx, call.source_order_id, call.method, call.path, call.content_type, call.body, now)
        self._register(tx, call)
        return True

    def _take(self, tx: Connection, call: MerchantCall, reply: Reply) -> None:
        """Order Protection has the call: register what it says."""
        self._register(tx, call)
        self._tell_again(tx, call, reply)

    def _tell_again(self, tx: Connection, call: MerchantCall, reply: Reply) -> None:
        """Order Protection has the call's statuses now; where a carrier gave another, that is pushed again."""
        given = call.registration()
        if given is None or reply.status == CONFLICT:
            return
        said = {one.source_fulfillment_id: one.status for one in given.fulfillments}
        known = forwards.known(tx, given.source_order_id, list(said))
        others = [one.id for id, one in known.items() if one.spoken and said[id] not in (None, one.status)]
        outbox.push_again(tx, others, self._clock.now())

    def _register(self, tx: Connection, call: MerchantCall) -> None:
        """Take the call as an import; the status alone of a fulfillment that is not followed here is none."""
        given = call.registration()
        if given is None:
            log.warning("a merchant's call cannot be read, its parcels are not registered", method=call.method)
            return
        ids = [one.source_fulfillment_id for one in given.fulfillments]
        if len(call.ids) > 1 and not forwards.known(tx, given.source_order_id, ids):
            return
        polling, now = self._settings.polling, self._clock.now()
        intake.register(tx, [given], now, self._infos, polling.aggregate, polling.reuse_margin, self._routes)

    def _claim(self, token: str, tx: Connection) -> Waiting | None:
        now = self._clock.now()
        state = accounts.state(tx, NAME)
        if state is None:
            accounts.ensure(tx, NAME, NAME)
        elif state.is_paused(now):
            return None
        return forwards.claim(tx, token=token, now=now, until=now + self._clock.wall(LEASE))

    def _write(
        self,
        due: Waiting,
        call: MerchantCall,
        reply: Reply | None,
        answer: Answer,
        token: str,
        tally: Tally,
        tx: Connection,
    ) -> None:
        now = self._clock.now()
        if not _failed(reply, answer) and reply is not None:
            if accounts.succeeded(tx, NAME, at=now):
                log.info("Order Protection answers again")
            if _taken(reply):
                tally.delivered += 1
                self._tell_again(tx, call, reply)
                forwards.delivered(tx, due.id, token)
            else:
                tally.dead += 1
                forwards.dead(tx, due.id, token, now=now, error=f"HTTP {reply.status}")
                log.error(
                    "a merchant's call is dead", order=due.source_order_id, method=due.method, status=reply.status
                )
            return
        tally.postponed += 1
        if answer.verdict is Verdict.ALL_LATER:
            self._pause(tx, answer)
            forwards.postpone(tx, due.id, token, at=now, error=answer.message, counted=False)
        else:
            wait = self._clock.wall(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(due.attempts - 1, 20)))
            forwards.postpone(tx, due.id, token, at=now + wait, error=answer.message, counted=True)

    def _pause(self, tx: Connection, answer: Answer) -> None:
        now = self._clock.now()
        told = timedelta(seconds=min(answer.retry_after, LONGEST_TOLD)) if answer.retry_after else None
        first, longest = self._clock.wall(FIRST_WAIT), self._clock.wall(LONGEST_WAIT)
        until = accounts.back_off(tx, NAME, now=now, reason=answer.message, first=first, longest=longest, told=told)
        if until is not None:
            log.warning("Order Protection paused", reason=answer.message, until=until)


def _taken(reply: Reply) -> bool:
    """Whether Order Protection has what the call says: it took it, or had it before."""
    return 200 <= reply.status < 300 or reply.status == CONFLICT


def _failed(reply: Reply | None, answer: Answer) -> bool:
    """Whether the call may succeed another time. What is unknown there (404) stays so: of a line of calls about one
    order, the one that creates it went first."""
    return reply is None or (answer.verdict in (Verdict.ALL_LATER, Verdict.LATER) and reply.status != NOT_FOUND)


def _ours(reply: Reply) -> bool:
    """Whether the answer is about the tracker and its configuration, not about the call."""
    return reply.status in (401, 403) or 300 <= reply.status < 400


def _undelivered(reply: Reply | None, answer: Answer) -> Undelivered:
    mendable = reply is not None or answer.message.startswith(AuthFailed.__name__)
    return Undelivered(answer.message, mendable, math.ceil(answer.retry_after or TRY_AGAIN))
