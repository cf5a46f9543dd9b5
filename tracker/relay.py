"""The outbox on its way to Order Protection: at least once, in order, never lost.

Owns the use case: claim, push, write down what came of it. One push is under way for each fulfillment; what
can never succeed ends as a dead letter, and trouble with the receiver as a whole counts against no push.
"""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import orjson
import structlog
from sqlalchemy import Connection

from carriers.sdk.errors import CarrierError
from tracker.clock import Clock
from tracker.models import PushState
from tracker.orders import Answer, OrderProtection, Verdict
from tracker.store import accounts, outbox
from tracker.store.outbox import Due
from tracker.store.writer import Writer

log = structlog.get_logger(__name__)

NAME = "order_protection"

#: Wall seconds of a push's lease: longer than all its calls may take, so that no second push of the same
#: fulfillment can start while the first may still arrive.
LEASE = 600.0
#: Waits between attempts of one push double from the first to the last of these, in wall seconds.
FIRST_WAIT, LONGEST_WAIT = 5.0, 3600.0
#: The most seconds for which its Retry-After is believed.
LONGEST_TOLD = 86400.0
#: A push that fails so often, about a day long, while others succeed is dead.
ATTEMPTS = 30
#: So many failures in a row without a success: it is the receiver, and everything waits.
FAILURES = 5


@dataclass(slots=True)
class Tally:
    """What a run did."""

    pushed: int = 0
    postponed: int = 0
    dead: int = 0


class Relay:
    """Pushes what the outbox holds."""

    def __init__(self, orders: OrderProtection, writer: Writer, clock: Clock, *, connections: int) -> None:
        """`connections`: pushes under way at once."""
        self._orders = orders
        self._writer = writer
        self._clock = clock
        self._connections = connections
        self._in_a_row = 0
        self._paused = False

    async def run(self, stop: asyncio.Event) -> Tally:
        """Push what is due until nothing is, the receiver fails or `stop` is set."""
        tally = Tally()
        self._paused = False
        while not (stop.is_set() or self._paused):
            token = secrets.token_hex(8)
            due = await self._writer.run(partial(self._claim, token))
            if not due:
                break
            pushes = iter(due)
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self._connections):
                    tasks.create_task(self._work(pushes, token, tally, stop))
        return tally

    def _claim(self, token: str, tx: Connection) -> list[Due]:
        now = self._clock.now()
        if self.paused(tx, now):
            return []
        until = now + self._clock.wall(LEASE)
        return outbox.claim(tx, limit=4 * self._connections, token=token, now=now, until=until)

    async def _work(self, pushes: Iterator[Due], token: str, tally: Tally, stop: asyncio.Event) -> None:
        for due in pushes:
            if self._paused or stop.is_set():
                answer = Answer(Verdict.ALL_LATER)  # given back untried
            else:
                answer = await self._push(due)
            await self._writer.run(partial(self._write, due, answer, token, tally))

    async def _push(self, due: Due) -> Answer:
        try:
            return await self._orders.push(
                due.source_order_id,
                due.source_fulfillment_id,
                due.status,
                orjson.loads(due.fulfillment_payload),
                None if due.order_payload is None else orjson.loads(due.order_payload),
            )
        except CarrierError as error:
            return Answer(Verdict.ALL_LATER, f"{type(error).__name__}: {error}", error.retry_after)

    def _write(self, due: Due, answer: Answer, token: str, tally: Tally, tx: Connection) -> None:
        now = self._clock.now()
        match answer.verdict:
            case Verdict.DONE:
                self._in_a_row = 0
                tally.pushed += 1
                outbox.finish(tx, due.id, token, PushState.SENT, now=now, error=None)
                self.answered(tx, now)
            case Verdict.NEVER:
                self._die(tx, due, answer, token, tally, now)
            case Verdict.LATER if due.attempts >= ATTEMPTS and self._at_fault(tx, due, answer):
                self._die(tx, due, answer, token, tally, now)
            case Verdict.LATER:
                tally.postponed += 1
                wait = self._clock.wall(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(due.attempts - 1, 20)))
                outbox.postpone(tx, due.id, token, next_attempt_at=now + wait, error=answer.message)
                self._in_a_row += answer.fault_there
                if self._in_a_row >= FAILURES and not self._paused:
                    self.pause(tx, now, answer)
            case Verdict.ALL_LATER:
                tally.postponed += 1
                if answer.message and not self._paused:
                    self.pause(tx, now, answer)
                outbox.postpone(tx, due.id, token, next_attempt_at=now, error=answer.message or None, counted=False)

    def _at_fault(self, tx: Connection, due: Due, answer: Answer) -> bool:
        """Whether it is the push that keeps failing, and not the receiver: others succeeded meanwhile."""
        if not answer.fault_there:
            return True
        state = accounts.state(tx, NAME)
        return state is not None and state.last_success_at is not None and state.last_success_at > due.created_at

    def _die(self, tx: Connection, due: Due, answer: Answer, token: str, tally: Tally, now: datetime) -> None:
        tally.dead += 1
        outbox.finish(tx, due.id, token, PushState.DEAD, now=now, error=answer.message)
        log.error("push is dead", fulfillment=due.source_fulfillment_id, status=due.status, reason=answer.message)

    def paused(self, tx: Connection, now: datetime) -> bool:
        """Whether Order Protection must not be called at present, for whatever purpose."""
        state = accounts.state(tx, NAME)
        if state is None:
            accounts.ensure(tx, NAME, NAME)
        return state is not None and state.is_paused(now)

    def answered(self, tx: Connection, now: datetime) -> None:
        """It answered: what pause there was is over."""
        if accounts.succeeded(tx, NAME, at=now):
            log.info("Order Protection answers again")

    def pause(self, tx: Connection, now: datetime, answer: Answer) -> None:
        """It failed as a whole: everybody leaves it alone for a while."""
        self._paused = True
        told = timedelta(seconds=min(answer.retry_after, LONGEST_TOLD)) if answer.retry_after else None
        first, longest = self._clock.wall(FIRST_WAIT), self._clock.wall(LONGEST_WAIT)
        until = accounts.back_off(tx, NAME, now=now, reason=answer.message, first=first, longest=longest, told=told)
        if until is not None:
            log.warning("Order Protection paused", reason=answer.message, until=until)
