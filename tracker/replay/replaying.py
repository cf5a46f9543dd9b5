"""A replay on its way through the database: every stored code read again, then chunk by chunk what differs.

Owns the use case. Looking reads only. Applying takes a transaction for each chunk, which reads the chunk again before
it writes: what a poll saved meanwhile counts, and a poll under way finds what the replay wrote, for it reads its
parcels' state again when it saves. So neither loses the other's work, and leases stay as they are.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from carriers.sdk.codes import Meaning
from carriers.sdk.status import FulfillmentStatus
from tracker.progress import stored_event
from tracker.replay.retelling import Because, Parcel, Retelling, Told, retell
from tracker.replay.rulebook import Rule, RuleBook
from tracker.store import desk, outbox, replaying
from tracker.store.database import Database
from tracker.store.outbox import Change
from tracker.store.replaying import COLUMNS, Reread, StoredCode
from tracker.timeline import ParcelStatus, RollUp, roll_up

#: Parcels whose codes are read in one step, and parcels that are retold in one transaction.
STEP, CHUNK = 1000, 200

#: How the reason of a fulfillment's change begins.
REPLAYED = "replayed: "


class Scope(NamedTuple):
    """What is read again; all of it where nothing is said."""

    since: datetime | None = None
    """Parcels with an event since then."""
    carrier: str | None = None
    """Codes of this carrier's or aggregator's table."""


class Rewritten(NamedTuple):
    """A code that is read differently now, and by what."""

    source: str
    code: str
    before: Meaning | None
    after: Meaning | None
    rule: Rule


class Retold(NamedTuple):
    """A parcel whose status is another one."""

    number: str
    carrier: str
    before: FulfillmentStatus | None
    after: FulfillmentStatus
    because: Because


class Pushed(NamedTuple):
    """A fulfillment whose status is another one."""

    source_fulfillment_id: str
    source_order_id: str
    before: FulfillmentStatus
    after: FulfillmentStatus
    reason: str


@dataclass(slots=True)
class Tally:
    """What a replay did, or would do."""

    parcels_read: int = 0
    codes_read: int = 0
    events: Counter[Rewritten] = field(default_factory=Counter)
    """Stored events of each code that reads differently."""
    parcels: dict[Rewritten, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Ids of the parcels that have it."""
    retold: list[Retold] = field(default_factory=list)
    fulfillments: list[Pushed] = field(default_factory=list)
    undecided: int = 0
    """Parcels whose codes read differently, and whose status only their next answer can tell."""


Advanced = Callable[[int, int], None]
"""Is told how much is done, of how much."""


class Replay:
    """Reads what is stored by the rules as they are now."""

    def __init__(
        self,
        database: Database,
        book: RuleBook,
        *,
        roll_up_rule: RollUp,
        reuse_margin: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._book = book
        self._roll_up_rule = roll_up_rule
        self._margin = reuse_margin
        self._now = now

    def run(self, scope: Scope, *, apply: bool, advanced: Advanced = lambda done, whole: None) -> Tally:
        """Read all that is in scope; with `apply` write what differs, else only tell. A second run finds nothing."""
        tally = Tally()
        differing = self._scan(scope, tally, advanced)
        with self._database.read() as db:
            chunks = replaying.together(db, differing, CHUNK)
        begin = self._database.write if apply else self._database.read
        for done, chunk in enumerate(chunks, 1):
            with begin() as tx:
                self._chunk(tx, chunk, scope, tally, apply=apply)
            advanced(done, len(chunks))
        return tally

    def _scan(self, scope: Scope, tally: Tally, advanced: Advanced) -> list[int]:
        """The parcels that have a code which reads differently."""
        differing: dict[int, None] = {}
        with self._database.read() as db:
            last = replaying.last_id(db)
        for after in range(0, last, STEP):
            with self._database.read() as db:
                codes = replaying.codes(db, after, after + STEP, since=scope.since, carrier=scope.carrier)
            tally.codes_read += len(codes)
            tally.parcels_read += len({code.parcel_id for code in codes})
            differing |= dict.fromkeys(code.parcel_id for code in codes if self._differs(code))
            advanced(min(after + STEP, last), last)
        return list(differing)

    def _differs(self, stored: StoredCode) -> bool:
        after = self._book.read(stored.source, stored.code, stored.text, stored.meaning).meaning
        if stored.event_id is not None or after is None or stored.meaning is None:
            return after != stored.meaning
        return after.status not in (None, stored.meaning.status)  # of a summary only the status is told again

    def _chunk(self, tx: Connection, ids: Sequence[int], scope: Scope, tally: Tally, *, apply: bool) -> None:
        """Read these parcels again and tell what becomes of them; with `apply` write it."""
        now = self._now()
        events, tellers = replaying.events(tx, ids), replaying.tellers(tx, ids)
        reread: list[Reread] = []
        states: list[dict[str, Any]] = []
        told_anew: dict[int, ParcelStatus] = {}
        for row in replaying.parcels(tx, ids):
            told = []
            for event in events[row.id]:
                one, changed = self._told(event, row, scope, tally)
                reread += changed
                told += [] if event.withdrawn_at else [one]
            retelling = retell(_parcel(row, tellers[row.id]), told, self._book, self._margin, now)
            tally.undecided += retelling.undecided
            if retelling.row:
                state = {name: getattr(row, name) for name in ("id", *COLUMNS)} | retelling.row
                states.append(state)
                self._note(row, state, retelling, told_anew, tally)
        if apply:
            replaying.rewrite_events(tx, reread)
            replaying.rewrite_parcels(tx, states)
        changes = list(self._changes(tx, told_anew, now, tally))
        if apply:
            outbox.record(tx, changes, now)

    def _told(self, event: Row[Any], parcel: Row[Any], scope: Scope, tally: Tally) -> tuple[Told, list[Reread]]:
        """An event as it was read and as it reads now, and what to write if the two differ."""
        source = event.source or parcel.carrier
        before = stored_event(event)
        if scope.carrier not in (None, source):
            return Told(source, before, before), []
        ruling = self._book.read(source, event.code, event.description, before.meaning)
        if ruling.meaning == before.meaning:
            return Told(source, before, before), []
        rewritten = Rewritten(source, event.code, before.meaning, ruling.meaning, ruling.rule)
        tally.events[rewritten] += 1
        tally.parcels[rewritten].add(parcel.id)
        return Told(source, before, before._replace(meaning=ruling.meaning)), [Reread(event.id, ruling.meaning)]

    def _note(
        self,
        row: Row[Any],
        state: dict[str, Any],
        retelling: Retelling,
        told_anew: dict[int, ParcelStatus],
        tally: Tally,
    ) -> None:
        """Count a parcel whose status is another one, and keep what its fulfillments are rolled up from."""
        moved = state["last_movement_at"] is not None
        if state["status"] == row.status and moved == (row.last_movement_at is not None):
            return
        told_anew[row.id] = ParcelStatus(state["status"], state["status_at"], state["reason"], moved)
        if state["status"] != row.status and retelling.because is not None:
            tally.retold.append(Retold(row.number, row.carrier, row.status, state["status"], retelling.because))

    def _changes(
        self, tx: Connection, told_anew: dict[int, ParcelStatus], now: datetime, tally: Tally
    ) -> Iterator[Change]:
        """The fulfillments of these parcels that come out different."""
        wholes = replaying.wholes(tx, outbox.fulfillments_of(tx, list(told_anew)))
        parcels = {whole.id: [told_anew.get(id, state) for id, state in whole.parcels.items()] for whole in wholes}
        by_hand = desk.standing(tx, parcels)
        for whole in wholes:
            rolled = None if whole.id in by_hand else roll_up(parcels[whole.id], self._roll_up_rule)
            if rolled is None or rolled.status in (None, whole.status):
                continue
            reason = f"{REPLAYED}{rolled.reason}"
            change = Change(whole.id, rolled.status, rolled.status_at or now, reason)
            tally.fulfillments.append(
                Pushed(whole.source_fulfillment_id, whole.source_order_id, whole.status, change.status, reason)
            )
            yield change


def _parcel(row: Row[Any], teller: str) -> Parcel:
    columns = (getattr(row, name) for name in Parcel._fields if name not in ("id", "number", "carrier", "source"))
    return Parcel(row.id, row.number, row.carrier, teller, *columns)
