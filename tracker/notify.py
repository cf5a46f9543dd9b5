"""Status changes on their way to webhook endpoints, by Standard Webhooks: at least once, in order, never lost.

Owns the use case for one endpoint: claim, sign, send, write down what came of it. Every change is told, none is
superseded: whoever listens may count. What can never succeed ends as a dead letter, and trouble with the endpoint as
a whole counts against no message. Source: the Standard Webhooks specification 1.0.
"""

import asyncio
import base64
import hmac
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

import orjson
import structlog
from sqlalchemy import Connection

from carriers.sdk.errors import CarrierError
from carriers.sdk.exchange import Call, Reply
from tracker.clock import Clock
from tracker.meters import Meters
from tracker.models import PushState
from tracker.orders import Answer, Verdict
from tracker.relay import ATTEMPTS, FAILURES, FIRST_WAIT, LEASE, LONGEST_TOLD, LONGEST_WAIT
from tracker.shapes import fulfillment_whole_shape, iso
from tracker.store import messages, queries
from tracker.store.messages import Due
from tracker.store.writer import Writer

log = structlog.get_logger(__name__)

STATUS_CHANGED = "fulfillment.status_changed"
#: What `tracker hooks test` sends.
TEST = "tracker.test"

#: Messages under way at once.
CONNECTIONS = 4
#: How long an endpoint that says it is gone (410) is left alone.
GONE = timedelta(days=1)
#: Sent messages are kept so long, dead ones so long.
SENT_KEPT, DEAD_KEPT = timedelta(days=7), timedelta(days=30)


class Sender(Protocol):
    """Sends a Call; `tracker.http.CarrierClient` is one."""

    async def send(self, call: Call) -> Reply:
        """Make the call."""


@dataclass(slots=True)
class Tally:
    """What a run did."""

    sent: int = 0
    postponed: int = 0
    dead: int = 0


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()


async def send(sender: Sender, key: bytes, message_id: str, body: bytes, clock: Clock) -> Answer:
    """Send a message, signed now; what the endpoint makes of it."""
    timestamp = int(clock.now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(key, message_id, timestamp, body),
    }
    try:
        return _judge(await sender.send(Call((), "POST", "", headers=headers, body=body)))
    except CarrierError as error:
        return Answer(Verdict.LATER, f"{type(error).__name__}: {error}", error.retry_after, fault_there=True)


async def test(name: str, key: bytes, sender: Sender, clock: Clock) -> Answer:
    """Send an endpoint a message that says nothing."""
    body = orjson.dumps({"type": TEST, "timestamp": iso(clock.now()), "data": {"endpoint": name}})
    return await send(sender, key, f"msg_{secrets.token_hex(12)}", body, clock)


class Notifier:
    """Tells one endpoint."""

    def __init__(
        self, name: str, key: bytes, sender: Sender, writer: Writer, clock: Clock, meters: Meters | None = None
    ) -> None:
        """`key`: what messages are signed with."""
        self.name = name
        self._key = key
        self._sender = sender
        self._writer = writer
        self._clock = clock
        self._meters = meters or Meters()
        self._in_a_row = 0
        self._paused = False

    async def run(self, stop: asyncio.Event) -> Tally:
        """Send what is due until nothing is, the endpoint fails or `stop` is set."""
        tally = Tally()
        self._paused = False
        while not (stop.is_set() or self._paused):
            token = secrets.token_hex(8)
            due = await self._writer.run(partial(self._claim, token))
            if not due:
                break
            left = iter(due)
            async with asyncio.TaskGroup() as tasks:
                for _ in range(CONNECTIONS):
                    tasks.create_task(self._work(left, token, tally, stop))
        for outcome, count in (("sent", tally.sent), ("postponed", tally.postponed), ("dead", tally.dead)):
            self._meters.told(self.name, outcome, count)
        return tally

    def _claim(self, token: str, tx: Connection) -> list[Due]:
        now = self._clock.now()
        state = messages.state(tx, self.name)
        if state is None or state.is_paused(now):
            return []
        until = now + self._clock.wall(LEASE)
        due = messages.claim(tx, self.name, limit=4 * CONNECTIONS, token=token, now=now, until=until)
        written = _payloads(tx, [one for one in due if one.payload is None])
        messages.write(tx, written)
        return [one._replace(payload=one.payload or written[one.id]) for one in due]

    async def _work(self, left: Iterator[Due], token: str, tally: Tally, stop: asyncio.Event) -> None:
        for due in left:
            if self._paused or stop.is_set():
                answer = Answer(Verdict.ALL_LATER)  # given back untried
            else:
                answer = await send(self._sender, self._key, due.message_id, due.payload or b"", self._clock)
            await self._writer.run(partial(self._write, due, answer, token, tally))

    def _write(self, due: Due, answer: Answer, token: str, tally: Tally, tx: Connection) -> None:
        now = self._clock.now()
        match answer.verdict:
            case Verdict.DONE:
                self._in_a_row = 0
                tally.sent += 1
                messages.finish(tx, due.id, token, PushState.SENT, now=now, error=None)
                if messages.succeeded(tx, self.name, now):
                    log.info("webhook answers again", webhook=self.name)
            case Verdict.NEVER:
                self._die(tx, due, answer, token, tally, now)
                if answer.retry_after is not None:
                    self._pause(tx, now, answer)
            case Verdict.LATER if due.attempts >= ATTEMPTS and self._at_fault(tx, due):
                self._die(tx, due, answer, token, tally, now)
            case Verdict.LATER:
                tally.postponed += 1
                wait = self._clock.wall(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(due.attempts - 1, 20)))
                messages.postpone(tx, due.id, token, at=now + wait, error=answer.message)
                self._in_a_row += 1
                if self._in_a_row >= FAILURES and not self._paused:
                    self._pause(tx, now, answer)
            case Verdict.ALL_LATER:
                tally.postponed += 1
                if answer.message and not self._paused:
                    self._pause(tx, now, answer)
                messages.postpone(tx, due.id, token, at=now, error=answer.message or None, counted=False)

    def _at_fault(self, tx: Connection, due: Due) -> bool:
        """Whether it is the message that keeps failing, and not the endpoint: it took others meanwhile."""
        state = messages.state(tx, self.name)
        return state is not None and state.last_success_at is not None and state.last_success_at > due.created_at

    def _die(self, tx: Connection, due: Due, answer: Answer, token: str, tally: Tally, now: datetime) -> None:
        tally.dead += 1
        messages.finish(tx, due.id, token, PushState.DEAD, now=now, error=answer.message)
        log.error("webhook message is dead", webhook=self.name, message=due.message_id, reason=answer.message)

    def _pause(self, tx: Connection, now: datetime, answer: Answer) -> None:
        self._paused = True
        told = timedelta(seconds=min(answer.retry_after, LONGEST_TOLD)) if answer.retry_after else None
        first, longest = self._clock.wall(FIRST_WAIT), self._clock.wall(LONGEST_WAIT)
        until = messages.pause(tx, self.name, now=now, reason=answer.message, first=first, longest=longest, told=told)
        if until is not None:
            log.warning("webhook paused", webhook=self.name, reason=answer.message, until=until)


def _judge(reply: Reply) -> Answer:
    """What an endpoint's answer means. Its words are not kept: they may hold anything."""
    message = f"HTTP {reply.status}"
    if 200 <= reply.status < 300:
        return Answer(Verdict.DONE)
    if reply.status < 400:
        return Answer(Verdict.ALL_LATER, f"{message}: it redirects, which is not followed; is the url right?")
    if reply.status in (401, 403, 404):  # all messages go the same way: it is the endpoint
        return Answer(Verdict.ALL_LATER, f"{message}: is the url right, and the secret?")
    if reply.status == 410:
        return Answer(Verdict.NEVER, f"{message}: it wants no more; take it out of the configuration", _GONE)
    if reply.status == 429 or (reply.status >= 500 and reply.retry_after is not None):
        return Answer(Verdict.ALL_LATER, message, reply.retry_after)
    if reply.status in (408, 425) or reply.status >= 500:
        return Answer(Verdict.LATER, message, fault_there=True)
    return Answer(Verdict.NEVER, message)


_GONE = GONE.total_seconds()


def _payloads(tx: Connection, due: Sequence[Due]) -> dict[int, bytes]:
    """What messages say: the fulfillment in the shape of `tracker status --json`, as of the change each is about."""
    found = {one.row.id: one for one in queries.tracked_by_id(tx, [d.fulfillment_id for d in due], history=True)}
    events = queries.events(tx, [parcel.id for one in found.values() for parcel in one.parcels])
    payloads = {}
    for one in due:
        fulfillment = found[one.fulfillment_id]
        so_far = [change for change in fulfillment.history if change.id <= one.change_id]
        data: dict[str, Any] = fulfillment_whole_shape(replace(fulfillment, history=so_far), events)
        data |= {"status": one.status, "statusAt": iso(one.at), "reason": one.reason}
        payload = {"type": STATUS_CHANGED, "timestamp": iso(one.recorded_at), "data": data}
        payloads[one.id] = orjson.dumps(payload)
    return payloads
