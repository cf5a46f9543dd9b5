"""What people do with one fulfillment: ask now, give it a status, take that back, mute it, write something down.

Owns the use case: what each of these changes, and that it is written down who did it. Knows no HTTP; whether somebody
may is the surface's to say. A status given by hand goes through the outbox like any other, and stands until a carrier
says something else of one of the parcels.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from carriers.sdk.status import FulfillmentStatus
from tracker.store import desk, outbox
from tracker.store.desk import Muted, Noted, Overridden
from tracker.store.outbox import Change
from tracker.timeline import RollUp

#: How the reason of a status given by hand begins.
BY_HAND = "by hand"
#: Characters of a note that are kept.
LONGEST = 1000


class Refused(Exception):
    """It cannot be done; the message says why, and what to do."""


class Person(NamedTuple):
    """Who does it, and when."""

    name: str
    at: datetime


def poll_now(tx: Connection, fulfillment_id: int, person: Person) -> int:
    """Have the carriers asked next, out of turn but within the quota; about how many parcels.

    Raises Refused where nobody can be asked.
    """
    parcels = desk.ask_now(tx, fulfillment_id, person.at)
    if not parcels:
        raise Refused("none of its parcels can be asked about: their carrier is unknown, or the number was given again")
    _note(tx, fulfillment_id, person, "asked to poll now")
    return parcels


def give_status(tx: Connection, fulfillment_id: int, status: FulfillmentStatus, note: str, person: Person) -> None:
    """Give it this status, push it, and keep it over what the parcels come to.

    Raises Refused without a note, and where it has that status already.
    """
    note = _kept(note)
    if not note:
        raise Refused("a status given by hand needs a note that says why")
    part = outbox.parts(tx, [fulfillment_id]).get(fulfillment_id)
    before = desk.status_of(tx, fulfillment_id)
    if before is None:
        raise Refused("there is no such fulfillment any more")
    if before is status:
        raise Refused(f"it is {status} already")
    parcels = part.parcels if part else []
    earlier = desk.before_override(tx, fulfillment_id) or before
    outbox.record(tx, [Change(fulfillment_id, status, person.at, f"{BY_HAND}, {person.name}: {note}")], person.at)
    desk.set_override(tx, fulfillment_id, Overridden(status, person.at, person.name, note), earlier, parcels)
    _note(tx, fulfillment_id, person, f"gave it {status}", note)


def take_back(tx: Connection, fulfillment_id: int, person: Person, rule: RollUp) -> None:
    """End a status given by hand: what the parcels come to counts again, and is pushed.

    Raises Refused where none stands.
    """
    before = desk.before_override(tx, fulfillment_id)
    if before is None:
        raise Refused("no status given by hand stands any more")
    by_hand = desk.status_of(tx, fulfillment_id)
    desk.end_overrides(tx, [fulfillment_id])
    spoken = outbox.parts(tx, [fulfillment_id]).get(fulfillment_id)
    if spoken is not None and any(parcel.status for parcel in spoken.parcels):
        outbox.refold(tx, [fulfillment_id], person.at, rule)
    elif by_hand is not before:
        outbox.record(tx, [Change(fulfillment_id, before, person.at, f"{BY_HAND} taken back")], person.at)
    _note(tx, fulfillment_id, person, "took the status given by hand back")


def mute(tx: Connection, fulfillment_id: int, note: str, person: Person) -> None:
    """Hold back its pushes, and need nobody for it."""
    desk.mute(tx, fulfillment_id, Muted(person.at, person.name, _kept(note)))
    _note(tx, fulfillment_id, person, "muted it", _kept(note))


def unmute(tx: Connection, fulfillment_id: int, person: Person) -> None:
    """Push again: of what was held back, the newest status."""
    desk.unmute(tx, fulfillment_id)
    _note(tx, fulfillment_id, person, "unmuted it")


def write_down(tx: Connection, fulfillment_id: int, note: str, person: Person) -> None:
    """Keep a note. Raises Refused where it is empty."""
    if not _kept(note):
        raise Refused("the note is empty")
    _note(tx, fulfillment_id, person, "", _kept(note))


def _note(tx: Connection, fulfillment_id: int, person: Person, action: str, text: str = "") -> None:
    desk.note(tx, fulfillment_id, Noted(person.at, person.name, action, text))


def _kept(note: str) -> str:
    return note.strip()[:LONGEST]
