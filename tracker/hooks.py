"""What carriers deliver by themselves, from the door to saved: proven, new, read, folded, saved.

Owns the use case and its order: nothing is read before it is proven, and nothing is answered before it is saved.
A delivery goes the way of a poll's answer (`tracker.news`), and differs from one in what follows from its nature: it
may tell of the newest event alone, come late or twice, and be overtaken. So it adds events and withdraws none; and it
may arrive while a poll of the same parcel is under way. It takes no lease and breaks none. Each writes in one
transaction, made from what the database has then: the poll that saves after a delivery starts from the parcel with it,
and withdraws no event of it for a while, as its answer may be older; a delivery that is saved after the poll starts
from the parcel as the poll left it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from carriers.sdk.carrier import Carrier, read
from carriers.sdk.errors import BadPayload, CarrierError
from carriers.sdk.events import Report
from carriers.sdk.exchange import Call
from carriers.sdk.hooks import Delivery, Hook
from carriers.sdk.numbers import TrackingNumber
from tracker import news
from tracker.clock import Clock
from tracker.meters import Meters
from tracker.poll import Client
from tracker.progress import Rules
from tracker.store import hooks, parcels
from tracker.store.writer import Writer
from tracker.timeline import RollUp

log = structlog.get_logger(__name__)

#: A repetition within this time has no effect; longer than any carrier repeats.
REMEMBERED = timedelta(days=7)
#: How far the time that a delivery proves it was made at may be from ours.
TOLERANCE = timedelta(minutes=5)


class Outcome(StrEnum):
    """What became of a delivery."""

    TAKEN = "taken"
    """Saved, whether it said anything of a parcel that is followed or not."""
    REPEATED = "repeated"
    UNPROVEN = "unproven"
    CLOSED = "closed"
    """There is no secret to prove it by."""
    STALE = "stale"
    UNREADABLE = "unreadable"


class Received(NamedTuple):
    """A delivery, and what it came to."""

    outcome: Outcome
    news: int = 0
    """Events that were new."""
    parcels: int = 0
    """Parcels it was about that are followed here."""
    unknown: int = 0
    """Numbers that are not."""
    changes: int = 0
    """Fulfillments that have another status by it."""


class Account(NamedTuple):
    """An account whose carrier may deliver."""

    carrier: Carrier
    rules: Rules
    secret: str
    """'' where none is configured."""
    client: Client | None = None
    """To confirm deliveries with, where the carrier wants that."""

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Account({self.carrier.info.code})"


class Hooks:
    """Takes deliveries."""

    def __init__(
        self, accounts: Mapping[str, Account], writer: Writer, clock: Clock, rule: RollUp, meters: Meters | None = None
    ) -> None:
        """`accounts`: by name, those that are on."""
        self._accounts = {name: account for name, account in accounts.items() if account.carrier.hook}
        self._writer = writer
        self._clock = clock
        self._rule = rule
        self._meters = meters or Meters()
        self._confirming: set[asyncio.Task[None]] = set()

    def named(self, carrier: str, account: str = "") -> str | None:
        """The account that deliveries under this address are for: of a carrier's several it must be named."""
        if account or carrier in self._accounts:
            name = f"{carrier}/{account}" if account else carrier
            return name if name in self._accounts else None
        own = [name for name, account in self._accounts.items() if account.carrier.info.code == carrier]
        return own[0] if len(own) == 1 else None

    async def take(self, name: str, delivery: Delivery) -> Received:
        """Take a delivery for an account that `named` gave."""
        received = await self._take(name, self._accounts[name], delivery)
        self._meters.hooked(name, received.outcome)
        if received.outcome is Outcome.UNREADABLE:
            log.warning("a carrier's delivery could not be read", account=name)
        elif received.outcome in (Outcome.UNPROVEN, Outcome.CLOSED, Outcome.STALE):
            log.debug("a delivery was refused", account=name, reason=received.outcome)
        return received

    async def _take(self, name: str, account: Account, delivery: Delivery) -> Received:
        hook = account.carrier.hook
        assert hook is not None, "only accounts with one are kept"  # noqa: S101 - tells the type checker
        if not account.secret:
            return Received(Outcome.CLOSED)
        if not hook.proof.holds(delivery, account.secret):
            return Received(Outcome.UNPROVEN)
        made_at = hook.proof.made_at(delivery)
        if made_at is not None and abs(self._clock.now().timestamp() - made_at) > TOLERANCE.total_seconds():
            return Received(Outcome.STALE)
        try:
            identity = hook.identity(delivery)
            confirmation = hook.handshake(delivery.json()) if hook.handshake else None
            reports = self._reports(name, account.carrier, hook, delivery)
        except BadPayload:
            return Received(Outcome.UNREADABLE)
        received = await self._writer.run(partial(self._write, name, account, identity, reports))
        if confirmation is not None and account.client is not None and received.outcome is Outcome.TAKEN:
            task = asyncio.create_task(self._confirm(name, account.client, confirmation))
            self._confirming.add(task)
            task.add_done_callback(self._confirming.discard)
        return received

    def _reports(self, name: str, carrier: Carrier, hook: Hook, delivery: Delivery) -> list[Report]:
        """What it says of each number. Raises BadPayload where it cannot be read."""
        try:
            reply = hook.reply(delivery)
            return [] if reply is None else read(carrier, reply)
        except BadPayload:
            raise
        except CarrierError:  # the carrier says that it has nothing to say
            return []
        except Exception as error:
            log.exception("the carrier's parser failed", account=name)
            raise BadPayload(f"the parser failed: {type(error).__name__}") from error

    def _write(self, name: str, account: Account, identity: str, reports: Sequence[Report], tx: Connection) -> Received:
        now = self._clock.now()
        if not hooks.remember(tx, name, identity, now):
            return Received(Outcome.REPEATED)
        told = {report.number: report for report in reports}
        followed = hooks.followed(tx, told)
        sources = set(account.rules.sources)
        own = {parcel.id: parcel for parcel in followed if parcel.source in sources}
        # asked about elsewhere just now: two sources' codes are not to be mixed, but there is something to ask about
        others = [parcel for parcel in followed if parcel.id not in own and sources & set(parcel.route.split())]
        hooks.nudge(tx, [parcel.id for parcel in others], now)
        states = parcels.states(tx, list(own))
        by_parcel = {id: told[TrackingNumber(parcel.number)] for id, parcel in own.items()}
        progresses = news.delivered(tx, states, by_parcel, account.rules, now)
        hooks.save(tx, [progress.row for progress in progresses.values()])
        moved = [state for state in states if state.id in progresses]
        changes = news.save(tx, moved, [progresses[state.id] for state in moved], now, self._rule)
        known = {parcel.number for parcel in (*own.values(), *others)}
        received = Received(
            Outcome.TAKEN,
            news=sum(len(progress.events) for progress in progresses.values()),
            parcels=len(own) + len(others),
            unknown=len(told.keys() - known),
            changes=changes,
        )
        hooks.note(tx, name, identity, news=received.news, parcels=received.parcels, unknown=received.unknown)
        return received

    async def _confirm(self, name: str, client: Client, call: Call) -> None:
        """Show the carrier that its deliveries are wanted."""
        try:
            reply = await client.send(call)
        except CarrierError as error:
            log.warning("deliveries could not be confirmed", account=name, reason=str(error))
        else:
            if failure := reply.failure():
                log.warning("deliveries could not be confirmed", account=name, reason=str(failure))
            else:
                log.info("deliveries are confirmed", account=name)

    async def settle(self) -> None:
        """Wait for confirmations under way."""
        await asyncio.gather(*self._confirming)
