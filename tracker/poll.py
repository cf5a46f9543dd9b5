"""The way of the data, from due to saved: claim, fetch, read, fold, save.

Owns the use case. Calls are granted before anything is claimed; no transaction is held across HTTP; one
transaction per batch, behind the lease. Trouble with an account pauses it and touches no parcel.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import blake2b
from importlib.metadata import version
from typing import NamedTuple, Protocol

import structlog
from sqlalchemy import Connection

from carriers.sdk.carrier import Aggregator, Carrier, Quota, read
from carriers.sdk.errors import (
    AccountError,
    AmbiguousShipment,
    BadPayload,
    CarrierError,
    InvalidNumber,
    NotFound,
    Unavailable,
)
from carriers.sdk.events import Report
from carriers.sdk.exchange import Call, Reply
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.status import CARRIER_STATUSES, FulfillmentStatus
from carriers.sdk.unchanged import ReadBefore
from tracker import news
from tracker.budget import HORIZON, LEASE, Budget, QuotaSpent, Settlement
from tracker.clock import Clock
from tracker.meters import Meters
from tracker.pricing import RESERVE, LearntHazards, Pricing, choose
from tracker.progress import ParcelState, Progress, Rules, untold
from tracker.store import accounts, parcels
from tracker.store.hours import Done
from tracker.store.parcels import Claimed, Source
from tracker.store.quotas import Granted
from tracker.store.writer import Writer
from tracker.timeline import RollUp

log = structlog.get_logger(__name__)

_S = FulfillmentStatus

#: So many answers in a row that are of no use, or do not know a parcel the carrier knew: it is the carrier that is
#: out of order, not the parcels.
STRANGE = 8
#: News that somebody waits for, or has to act upon.
VALUABLE = frozenset(CARRIER_STATUSES) - {_S.CONFIRMED, _S.CARRIER_PICKED_UP, _S.IN_TRANSIT}
_OUTCOMES: Mapping[type[CarrierError], str] = {
    NotFound: "not_found",
    InvalidNumber: "invalid_number",
    AmbiguousShipment: "ambiguous",
    BadPayload: "unreadable",
}
#: A run of one account stops claiming after this many wall seconds; the next heartbeat goes on.
RUN = 30.0
#: Calls claimed ahead of each connection, so that none waits for the database.
AHEAD = 8
#: Wall seconds for which answers are gathered before they are saved: a transaction costs more than one parcel in it.
GATHER = 0.05


class Client(Protocol):
    """Sends a Call; `tracker.http.CarrierClient` is one."""

    async def send(self, call: Call) -> Reply:
        """Make the call. Raises CarrierError, or QuotaSpent; the cause of that is what a retry was wanted for."""


class Outcome(NamedTuple):
    """What one parcel's question came to."""

    claimed: Claimed
    report: Report


class Answered(NamedTuple):
    """What one parcel's question came to, for the person who asked."""

    id: int
    """The parcel's."""
    carrier: str
    """Code of the parcel's carrier, as it is known now."""
    number: str
    status: FulfillmentStatus | None
    changed: bool
    error: str | None


@dataclass(slots=True)
class Tally:
    """What a run did."""

    polls: int = 0
    calls: int = 0
    events: int = 0
    changes: int = 0
    failure: str | None = None
    """Why the account was paused, where it was."""
    answers: list["Answered"] = field(default_factory=list)
    """What each parcel's question came to; filled for polls by hand."""


class Poller:
    """Polls one account's due parcels."""

    def __init__(
        self,
        carrier: Carrier,
        client: Client,
        budget: Budget,
        writer: Writer,
        clock: Clock,
        *,
        batch: int,
        connections: int,
        rules: Rules,
        roll_up_rule: RollUp,
        quota: Quota | None = None,
        hazards: "LearntHazards | None" = None,
        meters: Meters | None = None,
    ) -> None:
        """`batch`: numbers a call; `connections`: calls under way at once."""
        self.name = budget.name
        self.carrier = carrier
        self._client = client
        self._budget = budget
        self._writer = writer
        self._clock = clock
        self._batch = batch
        self._connections = connections
        self.sources = rules.routes.served_by(budget.name) or (carrier.info.code,)
        self.rules = rules._replace(sources=self.sources)
        self._pricing = Pricing(self.name, quota or Quota(), batch, rules.cadence)
        self._hazards = hazards or LearntHazards()
        self._meters = (meters or Meters()).of(self.name)
        self._roll_up_rule = roll_up_rule
        self._read_by = _read_by(carrier, rules)
        self._strange: list[CarrierError | None] = []
        self._failed = False
        self._parser_failed = False
        """Its last answer broke the parser: one line tells that, however many more do."""

    async def run(self, stop: asyncio.Event, *, only: Sequence[int] | None = None, by_hand: bool = False) -> Tally:
        """Ask about what is due until nothing is, the quota is spent, the account fails or `stop` is set.

        `only`: these parcels, due or not. `by_hand`: a person waits for each parcel's answer.
        """
        run = _Run(secrets.token_hex(8), asyncio.Queue(), asyncio.Queue(), Tally(), stop, only, by_hand)
        self._failed = False
        async with asyncio.TaskGroup() as tasks:
            saver = tasks.create_task(self._save(run))
            fetchers = [tasks.create_task(self._fetch(run)) for _ in range(self._connections)]
            try:
                await self._feed(run)
            finally:
                for _ in fetchers:
                    run.lots.put_nowait(None)
            await asyncio.gather(*fetchers)
            run.outcomes.put_nowait(None)
            await saver
        settle = self._budget.settlement(unused=True)
        await self._writer.run(lambda tx: settle(tx, self._clock.now()))
        return run.tally

    def open(self, tx: Connection) -> None:
        """Make the account known to the database."""
        self._budget.open(tx)

    # --- claim

    async def _feed(self, run: "_Run") -> None:
        """Keep the fetchers supplied with claimed lots."""
        want = self._connections * AHEAD
        while not (self._failed or run.over()):
            granted, lots = await self._writer.run(lambda tx: self._claim(tx, run, want))
            self._budget.admit(granted)
            for lot in lots:
                run.lots.put_nowait(lot)
            if run.only:  # the rest of what a person asked for waits for its turn, if that is what it lacks
                if not granted.calls and granted.first_at <= self._clock.now():
                    return
                await asyncio.sleep(0 if lots else HORIZON / 2)
            elif len(lots) < want:
                return
            while run.lots.qsize() > want // 2 and not self._failed:
                await run.wanted.wait()
                run.wanted.clear()

    def _claim(self, tx: Connection, run: "_Run", want: int) -> tuple[Granted, list[list[Claimed]]]:
        """In one transaction: calls from the budget, then as many parcels as they can ask about."""
        now = self._clock.now()
        until = now + self._clock.wall(LEASE)
        if pause := self._budget.paused(tx, now):
            run.tally.failure = run.tally.failure or pause
            return Granted(0, now), []
        sources = self._sources(tx, now)
        self.rules = self.rules._replace(
            price=self._pricing.step(tx, sources, self.rules, now) / self._batch,
            hazards=self._hazards.hazards,
            upload_delays=self._hazards.upload_delays,
        )
        if run.only is None and not parcels.any_due(tx, sources, now):
            return Granted(0, now), []
        if run.only is not None:
            want = min(want, -(-len(run.only) // self._batch))
            granted = self._budget.reserve(tx, want, now)
            limit = granted.calls * self._batch
            now_asked, run.only = run.only[:limit], run.only[limit:]
            chosen = parcels.these(tx, now_asked, now=now)
        else:
            granted, chosen = self._most_valuable(tx, sources, want, now)
            for turn in parcels.turns(tx, chosen, now):
                self._meters.late((now - turn).total_seconds())
        return granted, _lots(parcels.lease(tx, chosen, token=run.token, now=now, until=until), self._batch)

    def _most_valuable(
        self, tx: Connection, sources: list[Source], want: int, now: datetime
    ) -> tuple[Granted, list[Claimed]]:
        """Calls for what is due, and the parcels most worth them. A reserve of the quota is for those alone that
        nobody asked about yet."""
        granted = self._budget.reserve(tx, want, now, spare=RESERVE)
        if not granted.calls:
            fresh = parcels.unasked(tx, sources, limit=self._batch * want, now=now)
            granted = self._budget.reserve(tx, -(-len(fresh) // self._batch), now) if fresh else granted
            return granted, fresh[: granted.calls * self._batch]
        limit = granted.calls * self._batch
        chosen = choose(tx, sources, self.rules, limit=limit, now=now, chance=news.chance())
        if empty := -len(chosen) % self._batch:
            cadence = self.rules.cadence
            near, before = now + cadence.rejudge, now - cadence.minimum
            riders = parcels.riders(tx, sources, limit=empty, now=now, near=near, before=before)
            passengers = {one.number: one for one in (*riders, *chosen)}  # two of one number would make another call
            chosen += [rider for rider in riders if passengers[rider.number] is rider]
        return granted, chosen

    def _sources(self, tx: Connection, now: datetime) -> list[Source]:
        """Whose parcels this account asks about: its own, and those of accounts that have not answered for long."""
        routes, own = self.rules.routes, self.sources
        failing = accounts.failing(tx, now - self.rules.fall_back, now)
        silent = [
            source
            for source in routes.all_sources
            if source not in own and failing.issuperset(routes.accounts_of(source))
        ]
        return [*(Source(name) for name in own), *(Source(name, own) for name in silent)]

    # --- fetch and read

    async def _fetch(self, run: "_Run") -> None:
        while (lot := await run.lots.get()) is not None:
            run.wanted.set()
            outcomes: list[Outcome] = []
            trouble: CarrierError | None = None
            try:
                await self._ask(run, lot, outcomes)
            except QuotaSpent as spent:  # perhaps by the retries of a call that failed
                trouble = spent.__cause__ if isinstance(spent.__cause__, CarrierError) else None
            except (AccountError, BadPayload) as error:
                trouble = error
            unasked = lot[len(outcomes) :]
            if trouble is not None:
                await self._fail(run, unasked, trouble)
            elif unasked:
                await self._release(run, unasked)
            if outcomes:
                run.outcomes.put_nowait(outcomes)
        run.wanted.set()

    async def _ask(self, run: "_Run", lot: list[Claimed], outcomes: list[Outcome]) -> None:
        """Ask about a lot; where the answer is unreadable about its halves, until a culprit stands alone.

        Adds to `outcomes` in the lot's order. Stops early, with what it has, when the run is to end; raises
        the last BadPayload when nothing but unreadable answers come: then no number is at fault.
        """
        parts, unreadable = [lot], 0
        while parts and not (self._failed or run.over()):
            part = parts.pop()
            try:
                reports = await self._reports(run, part)
            except BadPayload as error:
                unreadable += 1
                if len(part) == 1:
                    outcomes.append(Outcome(part[0], Report(part[0].number, error=error)))
                if unreadable == STRANGE:
                    raise
                if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
            else:
                unreadable = 0
                outcomes += map(Outcome, part, reports)

    async def _reports(self, run: "_Run", part: list[Claimed]) -> list[Report]:
        """One call. Raises CarrierError; a parser that fails in any other way makes the answer unreadable."""
        asked = {claimed.number: claimed.carrier for claimed in part}
        reply = await self._send(run, _call(self.carrier, asked))
        before = ReadBefore(self._read_by, {claimed.number: claimed.fingerprint for claimed in part})
        try:
            reports = read(self.carrier, reply, before)
            enrolments = list(self.carrier.enrol(reply, asked)) if isinstance(self.carrier, Aggregator) else []
        except CarrierError:
            raise
        except Exception as error:
            if not self._parser_failed:
                log.exception("the carrier's parser failed", account=self.name)
            self._parser_failed = True
            raise BadPayload(f"the parser failed: {type(error).__name__}") from error
        self._parser_failed = False
        for call in enrolments:
            await self._enrol(run, call)
        return reports

    async def _send(self, run: "_Run", call: Call) -> Reply:
        reply = await self._client.send(call)
        self._budget.obey(reply)
        run.tally.calls += 1
        return reply

    async def _enrol(self, run: "_Run", call: Call) -> None:
        """Have the aggregator follow numbers from now on. One it will not take stays as unknown as it was; an
        account that is in trouble shows it at the next question."""
        try:
            reply = await self._send(run, call)
        except (QuotaSpent, CarrierError) as error:
            log.warning("numbers were not enrolled", account=self.name, reason=str(error), numbers=len(call.numbers))
        else:
            if failure := reply.failure():
                log.info("numbers were not enrolled", account=self.name, reason=str(failure), numbers=len(call.numbers))

    async def _release(self, run: "_Run", lot: list[Claimed]) -> None:
        ids = [claimed.id for claimed in lot]
        await self._writer.run(lambda tx: parcels.release(tx, ids, run.token))

    async def _fail(self, run: "_Run", lot: list[Claimed], error: CarrierError) -> None:
        """A wholesale failure: the account pauses, the parcels stay as they are, and stay due."""
        first, self._failed = not self._failed, True
        run.wanted.set()
        reason = f"{type(error).__name__}: {error}"
        settle = self._budget.settlement()

        def work(tx: Connection) -> None:
            now = self._clock.now()
            settle(tx, now, Done(errors=1))
            parcels.release(tx, [claimed.id for claimed in lot], run.token)
            if first:
                self._meters.failed(type(error).__name__)
            if first and self._budget.pause(tx, now, reason, error.retry_after):
                log.warning("account paused", account=self.name, reason=reason)

        await self._writer.run(work)
        run.tally.failure = run.tally.failure or reason

    # --- fold and save

    async def _save(self, run: "_Run") -> None:
        """Save whatever answers come together, in one transaction."""
        while (outcomes := await run.outcomes.get()) is not None:
            await asyncio.sleep(GATHER)
            while not run.outcomes.empty():
                more = run.outcomes.get_nowait()
                if more is None:
                    run.outcomes.put_nowait(None)
                    break
                outcomes = outcomes + more
            settle = self._budget.settlement()
            await self._writer.run(partial(self._write, run, outcomes, settle))
            if len(self._strange) >= STRANGE:
                name, last = self.carrier.info.name, self._strange[-1]
                self._strange.clear()
                reason = f"{STRANGE} answers in a row were unreadable, or did not know what {name} knew: {last}"
                await self._fail(run, [], Unavailable(reason))

    def _write(self, run: "_Run", outcomes: list[Outcome], settle: Settlement, tx: Connection) -> None:
        now = self._clock.now()
        reports = {outcome.claimed.id: outcome.report for outcome in outcomes}
        states = parcels.leased(tx, list(reports), run.token)
        told = [state for state in states if not reports[state.id].unchanged]
        silent = [state for state in states if reports[state.id].unchanged and state.fingerprint]
        # one that an import changed while it was asked about is to be read anew: it stays due
        outdated = [state.id for state in states if reports[state.id].unchanged and not state.fingerprint]
        parcels.release(tx, outdated, run.token)
        for state in states:
            self._watch(state, reports[state.id].error)
        touched = [untold(state, now=now, rules=self.rules, chance=news.chance()) for state in silent]
        parcels.touch(tx, [progress.row for progress in touched], run.token)
        progresses = news.answered(tx, told, reports, self.rules, now)
        parcels.save(tx, [progress.row for progress in progresses], run.token)
        run.tally.changes += news.save(tx, told, progresses, now, self._roll_up_rule)
        settle(tx, now, _done(outcomes, told, progresses, now))
        self._count(states, reports, zip(told, progresses, strict=True), now)
        sense = any(not self._is_strange(state, reports[state.id].error) for state in states)
        if sense and not self._failed and accounts.succeeded(tx, self.name, at=now):
            log.info("account answers again", account=self.name)
        run.tally.polls += len(states)
        run.tally.events += sum(len(progress.events) for progress in progresses)
        if run.by_hand:
            run.tally.answers += [
                Answered(
                    state.id,
                    p.carrier or state.carrier,
                    state.number,
                    p.row["status"],
                    p.changed,
                    p.row["last_error"],
                )
                for state, p in zip(told, progresses, strict=True)
            ]
            run.tally.answers += [
                Answered(state.id, state.carrier, state.number, state.status, False, None) for state in silent
            ]

    def _count(
        self,
        states: Sequence[ParcelState],
        reports: Mapping[int, Report],
        told: Iterable[tuple[ParcelState, Progress]],
        now: datetime,
    ) -> None:
        """Tell the meters what came of these questions."""
        outcomes = {state.id: _outcome(reports[state.id].error) for state in states}
        for state, progress in told:
            if progress.events or progress.changed:
                outcomes[state.id] = "news"
            for event in progress.events:
                self._meters.event(mapped=event["mapped"])
                if state.first_asked_at is not None:
                    lag = (now - event["occurred_at"]).total_seconds()
                    self._meters.news(lag, valuable=event["status"] in VALUABLE)
        for outcome in outcomes.values():
            self._meters.polled(outcome)

    def _watch(self, state: ParcelState, error: CarrierError | None) -> None:
        """Count the answers that make no sense; one that does starts the count again."""
        if self._is_strange(state, error):
            self._strange.append(error)
        elif error is None:
            self._strange.clear()

    def _is_strange(self, state: ParcelState, error: CarrierError | None) -> bool:
        """Whether an answer is of no use: unreadable, an outage told number by number, or without what was known
        here before."""
        forgotten = isinstance(error, NotFound) and state.known and state.source in self.sources
        return isinstance(error, BadPayload | AccountError) or forgotten


def _outcome(error: CarrierError | None) -> str:
    """A question without news, in a word."""
    return "same" if error is None else _OUTCOMES.get(type(error), "unavailable")


def _done(
    outcomes: Sequence[Outcome], told: Sequence[ParcelState], progresses: Sequence[Progress], now: datetime
) -> Done:
    """What came of these calls: news is what happened to parcels that were asked about before."""
    lags = [
        (now - event["occurred_at"]).total_seconds()
        for state, progress in zip(told, progresses, strict=True)
        if state.first_asked_at is not None
        for event in progress.events
    ]
    errors = sum(isinstance(outcome.report.error, BadPayload) for outcome in outcomes)
    return Done(errors=errors, polls=len(outcomes), news=len(lags), lag_seconds=sum(lags))


def _read_by(carrier: Carrier, rules: Rules) -> bytes:
    """Stands for all that an answer of this carrier is read by: program, carrier, the merchant's own settings."""
    settings = (sorted(rules.mapping.items()), rules.reuse_margin)
    told = f"{version('fulfillment-tracker')} {carrier.read_by} {settings!r}"
    return blake2b(told.encode(), digest_size=32).digest()


def _lots(claimed: Sequence[Claimed], size: int) -> list[list[Claimed]]:
    """Parcels in lots of up to `size`. Two of one number are never in one lot: an answer could not tell them apart."""
    turns: list[list[Claimed]] = []
    seen: Counter[TrackingNumber] = Counter()
    for one in claimed:
        if seen[one.number] == len(turns):
            turns.append([])
        turns[seen[one.number]].append(one)
        seen[one.number] += 1
    return [turn[at : at + size] for turn in turns for at in range(0, len(turn), size)]


def _call(carrier: Carrier, asked: Mapping[TrackingNumber, str]) -> Call:
    return carrier.call_for(asked) if isinstance(carrier, Aggregator) else carrier.call(list(asked))


@dataclass(slots=True)
class _Run:
    """One run of one account: its lease token, and the queues between claim, fetch and save."""

    token: str
    lots: "asyncio.Queue[list[Claimed] | None]"
    outcomes: "asyncio.Queue[list[Outcome] | None]"
    tally: Tally
    stop: asyncio.Event
    only: Sequence[int] | None
    by_hand: bool
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    until: float = field(default_factory=lambda: asyncio.get_running_loop().time() + RUN)

    def over(self) -> bool:
        """Whether nothing new is to be begun: what is left stays due."""
        return self.stop.is_set() or asyncio.get_running_loop().time() > self.until
