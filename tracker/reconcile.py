"""What Order Protection holds against what we hold: compared, shown, and set right through the outbox.

Owns the use case and the rule of what is a difference, and whose fault it plainly is. Nothing of theirs is ever
written into ours: what is set right is pushed, or created, by the relay. A fulfillment of which a push waits or was
only just made is not compared; a failing receiver is left alone as the relay leaves it.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple, Protocol

import structlog
from sqlalchemy import Connection

from carriers.sdk.errors import CarrierError
from carriers.sdk.status import ENDED, FulfillmentStatus
from tracker.clock import Clock
from tracker.models import Outcome, PushState
from tracker.orders import Answer, Held, Holdings, OrderProtection, Verdict
from tracker.store import forwards, outbox, reconciling
from tracker.store.reconciling import Asked, Difference, Kept, Ours
from tracker.store.writer import Writer

log = structlog.get_logger(__name__)

#: Wall seconds after a push in which what they hold may be older than it.
QUIET = 60.0
#: Wall seconds until an order is looked at again of which something was under way, or was set right.
AGAIN = 600.0
#: Wall seconds until an order is tried again that the receiver failed over.
AFTER_FAILURE = 3600.0
#: So many such failures in a row: it is the receiver, and everything waits.
FAILURES = 5
#: Wall seconds that a repair of ours may be under way in another process before nobody waits for it any more.
PATIENCE = 10.0

DRIFT = (Outcome.DIFFERS, Outcome.MISSING_THERE)
"""Differences that a push of ours ends."""


class Line(Protocol):
    """What is needed of the relay: its pushes, and its patience with the receiver, which is everybody's."""

    async def run(self, stop: asyncio.Event) -> object:
        """Push what is due."""

    def paused(self, tx: Connection, now: datetime) -> bool:
        """Whether Order Protection must not be called at present."""

    def answered(self, tx: Connection, now: datetime) -> None:
        """It answered."""

    def pause(self, tx: Connection, now: datetime, answer: Answer) -> None:
        """It failed as a whole."""


class Judgement(NamedTuple):
    """One fulfillment's comparison. `ours` None: we do not hold it; `theirs` None: they do not."""

    source_fulfillment_id: str
    outcome: Outcome
    ours: Ours | None
    theirs: Held | None

    @property
    def plainly_ours(self) -> bool:
        """Whether they hold what we told them to forget: our newest status was accepted there, and what they hold
        now, nothing or a status it had here before, was not set after that. All else is for people to judge."""
        if self.ours is None or self.ours.told_at is None:
            return False
        if self.theirs is None:
            return self.outcome is Outcome.MISSING_THERE
        set_since = self.theirs.updated_at is not None and self.theirs.updated_at > self.ours.told_at + _SAME_MOMENT
        return self.outcome is Outcome.DIFFERS and self.theirs.status in self.ours.earlier and not set_since


#: Their clock and ours may differ by so much.
_SAME_MOMENT = timedelta(minutes=2)


def judge(ours: Sequence[Ours], theirs: Mapping[str, Held], *, quiet_since: datetime) -> list[Judgement]:
    """Compare an order's fulfillments with those they hold. Withdrawn ones are nobody's business any more.

    `quiet_since`: what was pushed later may not have been there yet when they were asked.
    """
    judged = []
    for mine in ours:
        held = theirs.get(mine.source_fulfillment_id)
        if not mine.withdrawn:
            judged.append(Judgement(mine.source_fulfillment_id, _outcome(mine, held, quiet_since), mine, held))
    known = {mine.source_fulfillment_id for mine in ours}
    return judged + [Judgement(id, Outcome.MISSING_HERE, None, held) for id, held in theirs.items() if id not in known]


def _outcome(mine: Ours, held: Held | None, quiet_since: datetime) -> Outcome:
    if mine.push is PushState.WAITING or (mine.told_at is not None and mine.told_at >= quiet_since):
        return Outcome.PENDING
    if held is not None and held.status == mine.status:
        return Outcome.SAME
    if mine.push is None:
        return Outcome.UNTOLD
    return Outcome.MISSING_THERE if held is None else Outcome.DIFFERS


@dataclass(slots=True)
class Compared:
    """One fulfillment's comparison, for whoever asked for it."""

    source_order_id: str
    judgement: Judgement
    since: datetime | None = None
    """When the difference was first found."""
    repaired: bool = False
    """Whether a push of ours was accepted over it."""
    error: str | None = None
    """Why it was not."""


@dataclass(slots=True)
class Run:
    """What comparing some orders came to."""

    orders: int = 0
    counts: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    found: list[Compared] = field(default_factory=list)
    """All but those that are the same."""
    failures: list[str] = field(default_factory=list)
    """Of orders that could not be compared, and why the rest was not tried."""
    left: int = 0
    """Orders that were not tried."""


class Reconciler:
    """Compares, and sets right."""

    def __init__(self, orders: OrderProtection, line: Line, writer: Writer, clock: Clock, interval: timedelta) -> None:
        """`interval`: how often an open fulfillment is compared in the background; 0 = never."""
        self._orders = orders
        self._line = line
        self._writer = writer
        self._clock = clock
        self._interval = interval
        self._in_a_row = 0

    async def step(self) -> bool:
        """The background share: compare the one order that has waited longest, if one is due, and set right what is
        plainly ours. Whether there was one."""
        asked = await self._writer.run(self._next)
        if asked is None:
            return False
        answer, _ = await self._compare(asked, by_hand=False, repair=True)
        if answer.verdict is not Verdict.DONE:
            await self._writer.run(partial(self._failed, asked, answer))
        return True

    async def run(self, orders: Iterable[Asked], *, repair: bool) -> Run:
        """Compare these orders now, one after the other; with `repair`, push ours over every difference there is."""
        run = Run()
        waiting = list(orders)
        while waiting:
            if await self._writer.run(lambda tx: self._line.paused(tx, self._clock.now())):
                run.failures.append("Order Protection is paused; `tracker check` tells why and until when")
                break
            asked = waiting.pop(0)
            answer, compared = await self._compare(asked, by_hand=True, repair=repair)
            if answer.verdict is not Verdict.DONE:
                run.failures.append(f"order {asked.source_order_id}: {answer.message}")
                await self._writer.run(partial(self._failed, asked, answer))
                continue
            run.orders += 1
            for one in compared:
                run.counts[one.judgement.outcome] += 1
                if one.judgement.outcome is not Outcome.SAME:
                    run.found.append(one)
        run.left = len(waiting)
        if repair:
            await self._push([one for one in run.found if one.judgement.outcome in DRIFT])
        return run

    def _next(self, tx: Connection) -> Asked | None:
        now = self._clock.now()
        reconciling.schedule(tx, self._interval, now)
        return None if self._line.paused(tx, now) else reconciling.due(tx, now)

    async def _compare(self, asked: Asked, *, by_hand: bool, repair: bool) -> tuple[Answer, list[Compared]]:
        """Ask them, and only then look at ours: what was pushed meanwhile shows, and is not taken for a difference."""
        quiet_since = self._clock.now() - self._clock.wall(QUIET)
        try:
            holdings = await self._orders.held(asked.source_order_id)
        except CarrierError as error:
            return Answer(Verdict.ALL_LATER, f"{type(error).__name__}: {error}", error.retry_after), []
        if holdings.answer.verdict is not Verdict.DONE:
            return holdings.answer, []
        compared = await self._writer.run(
            lambda tx: self._settle(tx, asked, holdings, quiet_since, by_hand=by_hand, repair=repair)
        )
        return holdings.answer, compared

    def _settle(
        self, tx: Connection, asked: Asked, holdings: Holdings, quiet_since: datetime, *, by_hand: bool, repair: bool
    ) -> list[Compared]:
        """Judge, enqueue what is to be set right, and write the outcome down."""
        now = self._clock.now()
        self._in_a_row = 0
        self._line.answered(tx, now)
        if forwards.any_waiting(tx, asked.source_order_id):  # the merchant has more to tell them of the order
            reconciling.postpone(tx, asked.id, now + self._clock.wall(AGAIN))
            judged = [
                Judgement(mine.source_fulfillment_id, Outcome.PENDING, mine, None)
                for mine in reconciling.ours(tx, asked.id)
                if not mine.withdrawn
            ]
            return [Compared(asked.source_order_id, judgement) for judgement in judged]
        judged = judge(reconciling.ours(tx, asked.id), holdings.fulfillments or {}, quiet_since=quiet_since)
        mended = {
            judgement.ours.id: judgement.source_fulfillment_id
            for judgement in judged
            if repair
            and judgement.ours is not None
            and not judgement.ours.muted
            and (judgement.outcome in DRIFT if by_hand else judgement.plainly_ours)
        }
        if mended:
            outbox.supersede(tx, mended, now)
            outbox.push_again(tx, list(mended), now)
        kept = self._keep(tx, asked, judged, set(mended.values()), now)
        _log(asked, judged, kept, set(mended.values()))
        return [Compared(asked.source_order_id, one, kept.since.get(one.source_fulfillment_id)) for one in judged]

    def _keep(self, tx: Connection, asked: Asked, judged: Sequence[Judgement], mended: set[str], now: datetime) -> Kept:
        pending = [one.source_fulfillment_id for one in judged if one.outcome is Outcome.PENDING]
        next_at: datetime | None = None
        if self._interval:
            if pending or mended:
                next_at = now + min(self._interval, self._clock.wall(AGAIN))
            elif any(one.outcome in DRIFT or (one.ours and one.ours.status not in ENDED) for one in judged):
                next_at = now + self._interval
        differences = [
            Difference(
                one.source_fulfillment_id,
                one.outcome,
                one.ours.status if one.ours else None,
                one.theirs.status if one.theirs else None,
                one.source_fulfillment_id in mended,
            )
            for one in judged
            if one.outcome in DRIFT or one.outcome is Outcome.MISSING_HERE
        ]
        return reconciling.keep(tx, asked.id, differences, unsure=pending, now=now, next_at=next_at)

    def _failed(self, asked: Asked, answer: Answer, tx: Connection) -> None:
        """An order could not be compared: over itself, or because the receiver fails."""
        now = self._clock.now()
        self._in_a_row += 1
        if answer.verdict is Verdict.ALL_LATER or self._in_a_row >= FAILURES:
            self._in_a_row = 0
            self._line.pause(tx, now, answer)
        elif self._interval:
            reconciling.postpone(tx, asked.id, now + min(self._interval, self._clock.wall(AFTER_FAILURE)))

    async def _push(self, differences: Sequence[Compared]) -> None:
        """Push the repairs now, and see what becomes of them; a daemon may have taken some up."""
        ids = {one.judgement.ours.id: one for one in differences if one.judgement.ours is not None}
        if not ids:
            return
        end = asyncio.get_running_loop().time() + PATIENCE
        while True:
            await self._line.run(asyncio.Event())
            pushes = await self._writer.run(lambda tx: reconciling.newest_pushes(tx, list(ids)))
            if not any(under_way for _, under_way, _ in pushes.values()) or asyncio.get_running_loop().time() > end:
                break
            await asyncio.sleep(0.2)
        for id, (state, _, error) in pushes.items():
            ids[id].repaired = state is PushState.SENT
            muted = ids[id].judgement.ours
            if muted is not None and muted.muted:
                ids[id].repaired, ids[id].error = False, "muted: its pushes are held back"
            elif not ids[id].repaired:
                ids[id].error = error or "the push waits in the outbox"


def _log(asked: Asked, judged: Sequence[Judgement], kept: Kept, mended: set[str]) -> None:
    """One line where a difference comes up, one where it is gone."""
    for one in judged:
        if one.source_fulfillment_id in kept.appeared:
            tell = log.info if one.outcome is Outcome.MISSING_HERE else log.warning
            tell(
                "Order Protection holds it otherwise",
                order=asked.source_order_id,
                fulfillment=one.source_fulfillment_id,
                outcome=one.outcome.value,
                ours=_status(one.ours),
                theirs=one.theirs.status if one.theirs else None,
                repaired=one.source_fulfillment_id in mended,
            )
    for id in kept.gone:
        log.info("Order Protection agrees again", order=asked.source_order_id, fulfillment=id)


def _status(ours: Ours | None) -> FulfillmentStatus | None:
    return ours.status if ours else None
