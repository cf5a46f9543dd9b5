"""What a parcel comes to when some of its stored events mean something else.

Owns the comparison: the stored events are folded twice, as they were read and as they read now, and only the
difference counts. So whatever else made the parcel's status (the carrier's coarse word or its summary, a promise that
passed, a number never known) stays as it is, unless an event that reads differently now speaks against it. Pure.

Coarse words and summaries are not stored as such. The one that decided is found again in the parcel's reason; where
the stored events do not explain the parcel's status even so, the status stays, and the next answer decides.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from carriers.sdk.codes import Effect, Meaning
from carriers.sdk.events import Event, Shipment, Summary
from carriers.sdk.status import ENDED, FulfillmentStatus
from tracker.progress import without_names
from tracker.replay.rulebook import SUMMARY, RuleBook, decider
from tracker.timeline import ON_THE_WAY, RETURNING, Timeline, fold, relevant

#: How the reasons begin that are the tracker's own.
OVERDUE, NEVER_KNOWN = "overdue: ", "never known to the carrier"


class Parcel(NamedTuple):
    """A parcel as the database has it."""

    id: int
    number: str
    carrier: str
    source: str
    """Of its summary, where that decided: who told of it last."""
    fulfilled_at: datetime
    status: FulfillmentStatus | None
    status_at: datetime | None
    reason: str
    last_movement_at: datetime | None
    delivered_at: datetime | None
    ended_at: datetime | None
    next_poll_at: datetime | None


class Told(NamedTuple):
    """A standing event of a parcel: as it was read, and as it reads now."""

    source: str
    before: Event
    after: Event

    @property
    def differs(self) -> bool:
        """Whether it means something else now."""
        return self.before.meaning != self.after.meaning


class Because(NamedTuple):
    """The code that made a status another one."""

    source: str
    code: str
    text: str


class Retelling(NamedTuple):
    """What becomes of a parcel. `row`: columns to write; `undecided`: its events read differently, but they do not
    explain the status it has, so that stays until its next answer."""

    row: dict[str, Any]
    because: Because | None = None
    undecided: bool = False


def retell(parcel: Parcel, told: Sequence[Told], book: RuleBook, margin: timedelta, now: datetime) -> Retelling:
    """What the parcel comes to. `told`: its standing events, newest first; `margin`: `polling.reuse_margin`."""
    if parcel.reason.startswith(NEVER_KNOWN):
        return Retelling({})
    told = _with_coarse_word(parcel, told)
    summaries = _summaries(parcel, book)
    shipments = (
        Shipment(tuple(one.before for one in told), summaries[0]),
        Shipment(tuple(one.after for one in told), summaries[1]),
    )
    before, after = (fold(relevant(shipment, parcel.fulfilled_at, margin)) for shipment in shipments)
    if after == before or after.status is None:
        return Retelling({})
    overdue = parcel.reason.startswith(OVERDUE)
    explained = before.status in ON_THE_WAY if overdue else before.status == parcel.status
    if not explained:
        settled = after.status == parcel.status
        return Retelling({} if settled else {"fingerprint": ""}, undecided=not settled)
    row = _facts(parcel, before, after)
    if not (overdue and _still_overdue(parcel, after)):
        row |= _status(parcel, after, now)
    return Retelling(row, _because(parcel, told, before, after))


def _with_coarse_word(parcel: Parcel, told: Sequence[Told]) -> Sequence[Told]:
    """With the coarse word of the event that decided, if its code was unknown: it said what the parcel's status is."""
    index = decider((one.before for one in told), parcel.reason, parcel.status_at)
    if index is None or told[index].before.meaning is not None:
        return told
    coarse, one = _present(parcel), told[index]
    again = one._replace(before=one.before._replace(coarse=coarse), after=one.after._replace(coarse=coarse))
    return [*told[:index], again, *told[index + 1 :]]


def _summaries(parcel: Parcel, book: RuleBook) -> tuple[Summary | None, Summary | None]:
    """The carrier's summary as it was read and as it reads now, where that decided."""
    said = parcel.reason.removeprefix(RETURNING)
    if not said.startswith(SUMMARY):
        return None, None
    code, _, description = said.removeprefix(SUMMARY).partition(": ")
    before = Summary(code, _present(parcel), description)
    meaning = book.read(parcel.source, code, description, before.meaning).meaning
    same = meaning is not None and meaning.status == parcel.status
    return before, before if same else before._replace(meaning=meaning)


def _present(parcel: Parcel) -> Meaning:
    """What somebody said who made the parcel's status what it is."""
    effect = Effect.RETURN if parcel.reason.startswith(RETURNING) else Effect.NONE
    return Meaning(parcel.status, effect)


def _facts(parcel: Parcel, before: Timeline, after: Timeline) -> dict[str, Any]:
    """Movement and delivery, where the events had them from what reads differently now."""
    row: dict[str, Any] = {}
    if before.last_movement_at == parcel.last_movement_at:
        row["last_movement_at"] = after.last_movement_at
    elif after.last_movement_at and parcel.last_movement_at:
        row["last_movement_at"] = max(after.last_movement_at, parcel.last_movement_at)
    if before.delivered_at == parcel.delivered_at:
        row["delivered_at"] = after.delivered_at
    return row


def _still_overdue(parcel: Parcel, after: Timeline) -> bool:
    """Whether the promise that has passed still makes the status: on the way, and no movement since."""
    assert parcel.status_at is not None  # noqa: S101 - the moment the promise ran out
    moved = after.last_movement_at is not None and after.last_movement_at >= parcel.status_at
    return after.status in ON_THE_WAY and not moved


def _status(parcel: Parcel, after: Timeline, now: datetime) -> dict[str, Any]:
    """The new status and what follows from it. Of an open parcel the next poll comes when it would have come; one
    that had ended and has not is due at once."""
    status, same = after.status, after.status == parcel.status
    row: dict[str, Any] = {
        "status": status,
        "status_at": after.status_at or (parcel.status_at if same else None) or now,
        "reason": without_names(after.reason),
    }
    if same:
        return row
    row |= {"ended_at": now if status in ENDED else None, "fingerprint": ""}
    if parcel.status in ENDED and status not in ENDED:
        row["next_poll_at"] = now
    return row


def _because(parcel: Parcel, told: Sequence[Told], before: Timeline, after: Timeline) -> Because:
    """The code behind the change: of the event that decides now, else of the one that did, else of the newest that
    reads differently; of the summary where there is none."""
    for events, timeline in (([one.after for one in told], after), ([one.before for one in told], before)):
        index = decider(events, without_names(timeline.reason), timeline.status_at)
        if index is not None and told[index].differs:
            return _of(told[index])
    newest = next((one for one in told if one.differs), None)
    if newest is not None:
        return _of(newest)
    code, _, text = parcel.reason.removeprefix(RETURNING).removeprefix(SUMMARY).partition(": ")
    return Because(parcel.source, code, text)


def _of(one: Told) -> Because:
    return Because(one.source, one.after.code, one.after.description)
