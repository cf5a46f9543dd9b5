"""What a report makes of a parcel: its new state, its new events, what the carrier withdrew.

Owns the step between a carrier's Report and the rows to write, without I/O: state, report and clock in,
state out. The rules of status are in `tracker.timeline`, of pace in `tracker.cadence`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from carriers.sdk.codes import Effect, Meaning
from carriers.sdk.errors import AccountError, BadPayload, CarrierError, InvalidNumber, NotFound, NumberError
from carriers.sdk.events import Event, Place, Report, Shipment, ZoneSource
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.status import ENDED, RECEIVED, FulfillmentStatus
from carriers.sdk.zones import zone_of
from tracker.cadence import Cadence, Situation, gives_up, next_poll, priority
from tracker.routing import DIRECT, Routes
from tracker.timeline import RETURNING, Timeline, choose, event_key, fold, relevant, remap

#: What a poll that brings nothing new writes.
TOUCHED = ("last_polled_at", "next_poll_at", "priority", "not_found", "not_found_since", "failures", "last_error")

#: A carrier's clock may run ahead of ours by so much; an event further ahead is taken for a mistake.
CLOCK_SKEW = timedelta(minutes=15)


class Rules(NamedTuple):
    """How the answers of one account are judged: the cadence, and what the merchant's configuration adds."""

    cadence: Cadence
    reuse_margin: timedelta
    mapping: Mapping[str, Meaning]
    source: str = ""
    """Code of the carrier or aggregator that answers."""
    aggregator: bool = False
    """Whether it tells of other carriers' parcels: they stay those carriers'."""
    routes: Routes = DIRECT
    """Where a parcel can be asked about that is not known here."""
    elsewhere: timedelta = timedelta(days=1)
    """How long a number must have been unknown before it is tried at another source."""
    fall_back: timedelta = timedelta(hours=2)
    """How long an account must have been silent before the next source of its parcels is asked."""


class ParcelState(NamedTuple):
    """A parcel as the database has it; `cancelled`: every order it belongs to was cancelled; the place is the
    order's destination."""

    id: int
    number: str
    fulfilled_at: datetime
    status: FulfillmentStatus | None
    status_at: datetime | None
    reason: str
    last_movement_at: datetime | None
    delivered_at: datetime | None
    estimated_delivery: datetime | None
    shipment_id: str
    known: bool
    fingerprint: str
    first_asked_at: datetime | None
    ended_at: datetime | None
    not_found: bool
    failures: int
    cancelled: bool
    country: str
    state: str
    postal_code: str
    carrier: str
    source: str
    route: str
    step: int
    not_found_since: datetime | None


class Known(NamedTuple):
    """An event the database already has."""

    occurred_at: datetime
    withdrawn: bool


@dataclass(slots=True)
class Progress:
    """What to write: `row` for the parcel; events to add; keys the carrier withdrew or restored."""

    row: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    changed: bool = False
    """Whether the parcel's status is another one."""
    carrier: str | None = None
    """The carrier that turned out to have it, where it is another one than was thought."""


@dataclass(slots=True)
class Reading:
    """A report settled on one shipment, or on the error that stands for it."""

    shipment: Shipment | None
    keys: list[str]
    error: CarrierError | None
    fingerprint: str = ""
    ahead: bool = False
    """Whether an event lies in the future: the carrier's clock is wrong, and ours decides when it was."""


def interpret(state: ParcelState, report: Report, now: datetime, rules: Rules) -> Reading:
    """Choose the shipment a report means for this parcel, and key its events."""
    if report.error is not None:
        return Reading(None, [], report.error)
    try:
        shipment = choose(report.shipments, state.fulfilled_at, state.shipment_id)
    except NumberError as error:
        return Reading(None, [], error)
    shipment = relevant(shipment, state.fulfilled_at, rules.reuse_margin)
    if not shipment.events and shipment.summary is None:
        return Reading(None, [], NotFound("nothing known yet but an older use of the number"))
    if rules.mapping:
        shipment = remap(shipment, rules.mapping)
    keys = [event_key(event) for event in shipment.events]
    latest = now + CLOCK_SKEW
    ahead = any(event.occurred_at > latest for event in shipment.events)
    return Reading(shipment, keys, None, report.fingerprint, ahead)


def untold(state: ParcelState, *, now: datetime, rules: Rules, chance: float) -> Progress:
    """The parcel's state after an answer that was the last one again."""
    row: dict[str, Any] = {
        "id": state.id,
        "status": state.status,
        "status_at": state.status_at,
        "last_movement_at": state.last_movement_at,
        "first_asked_at": state.first_asked_at or now,
        "ended_at": state.ended_at,
        "estimated_delivery": state.estimated_delivery,
        "last_polled_at": now,
        "not_found": False,
        "not_found_since": None,
        "failures": 0,
        "last_error": None,
    }
    _schedule(row, state, now, rules, chance)
    return Progress({name: row[name] for name in ("id", *TOUCHED)})


def forgotten(reading: Reading, known: Mapping[str, Known]) -> list[str]:
    """Keys of standing events from before the oldest that the carrier still tells of: its answers reach back
    only so far, which is no reason to forget."""
    if reading.shipment is None or not reading.shipment.events:
        return []
    oldest = min(event.occurred_at for event in reading.shipment.events)
    told = set(reading.keys)
    return [
        key for key, event in known.items() if event.occurred_at < oldest and not event.withdrawn and key not in told
    ]


def advance(
    state: ParcelState,
    reading: Reading,
    known: Mapping[str, Known],
    earlier: Sequence[Event],
    *,
    now: datetime,
    rules: Rules,
    chance: float,
) -> Progress:
    """The parcel's state after this answer.

    `known`: the parcel's events in the database by key. `earlier`: the `forgotten` ones among them, whole.
    `chance` in [0, 1) spreads the next poll.
    """
    row = state._asdict()
    for name in ("number", "fulfilled_at", "cancelled", "country", "state", "postal_code", "carrier", "route"):
        del row[name]
    row |= {"last_polled_at": now, "first_asked_at": state.first_asked_at or now, "last_error": None}
    progress = Progress(row)
    if reading.shipment is None:
        _take_error(progress, state, reading.error, now, rules)
    else:
        row |= {"not_found": False, "not_found_since": None, "failures": 0, "known": True}
        if not rules.aggregator and rules.source not in ("", state.carrier):
            progress.carrier = rules.source
        shipment = _compare(progress, reading.shipment, reading.keys, known, earlier, now, rules.source)
        row["fingerprint"] = "" if reading.ahead else reading.fingerprint
        row["shipment_id"] = shipment.id or state.shipment_id
        destination = zone_of(Place(state=state.state, postal_code=state.postal_code, country=state.country))
        _take_timeline(row, state, fold(shipment, earlier=earlier, now=now, destination=destination), now)
        if not shipment.events:  # the summary alone: what scans told before is a fact still
            row["last_movement_at"] = state.last_movement_at
            row["delivered_at"] = state.delivered_at if row["status"] in RECEIVED else None
            if state.reason.startswith(RETURNING):  # delivered to the sender, as far as a summary can tell
                row |= {"status": state.status, "status_at": state.status_at, "reason": state.reason}
    _schedule(row, state, now, rules, chance)
    progress.changed = row["status"] is not None and row["status"] != state.status
    return progress


def _take_error(
    progress: Progress, state: ParcelState, error: CarrierError | None, now: datetime, rules: Rules
) -> None:
    """A number's own trouble changes no status, but for a label that was never known within the patience."""
    row = progress.row
    row["last_error"] = f"{type(error).__name__}: {error}" if error else None
    if isinstance(error, BadPayload | AccountError):
        row["failures"] = state.failures + 1
        return
    row["not_found"] = isinstance(error, NotFound | InvalidNumber)
    row["not_found_since"] = (state.not_found_since or now) if row["not_found"] else None
    row["failures"] = 0
    if state.known or state.cancelled or state.status in ENDED:
        return
    if row["not_found"] and now - row["not_found_since"] >= rules.elsewhere:
        _go_on(row, state, rules.routes)
    situation = _situation(row)
    if gives_up(situation, now, rules.cadence):
        since = row["not_found_since"]
        row |= {
            "status": FulfillmentStatus.FAILURE,
            "status_at": now,
            "reason": f"never known to the carrier since {since:%Y-%m-%d}",
        }


def _go_on(row: dict[str, Any], state: ParcelState, routes: Routes) -> None:
    """Ask at the next of the parcel's sources, and of the carriers its number may belong to as well; then again at
    the first."""
    own = tuple(state.route.split()) or (state.carrier,)
    sources = own + routes.elsewhere(TrackingNumber(state.number), besides=(*own, state.carrier))
    row["step"] = (state.step + 1) % len(sources)
    row["source"] = sources[row["step"]]


def _compare(
    progress: Progress,
    shipment: Shipment,
    keys: Sequence[str],
    known: Mapping[str, Known],
    earlier: Sequence[Event],
    now: datetime,
    source: str,
) -> Shipment:
    """Find what is new, withdrawn and restored; returns the shipment with no event in the future."""
    events = list(shipment.events)
    latest = now + CLOCK_SKEW
    told: set[str] = set()
    for position, key in enumerate(keys):
        before = known.get(key)
        if events[position].occurred_at > latest:
            first_seen = before.occurred_at if before else now
            events[position] = events[position]._replace(occurred_at=first_seen, zone=ZoneSource.ASSUMED)
        if key in told:
            continue
        told.add(key)
        if before is None:
            progress.events.append(_event_row(progress.row["id"], key, source, events[position], position, now))
        elif before.withdrawn:
            progress.restored.append(key)
    if events:
        told.update(event_key(event) for event in earlier)
        progress.withdrawn = [key for key, event in known.items() if key not in told and not event.withdrawn]
    return replace(shipment, events=tuple(events))


def _take_timeline(row: dict[str, Any], state: ParcelState, timeline: Timeline, now: datetime) -> None:
    if timeline.status is not None:
        reason = without_names(timeline.reason)
        same = timeline.status == state.status and reason == state.reason
        row |= {"status": timeline.status, "reason": reason}
        # a status the carrier gives without an instant is as old as our first sight of it
        row["status_at"] = timeline.status_at or (state.status_at if same else None) or now
    row |= {
        "last_movement_at": timeline.last_movement_at,
        "delivered_at": timeline.delivered_at,
        "estimated_delivery": timeline.estimated_delivery,
    }


def _schedule(row: dict[str, Any], state: ParcelState, now: datetime, rules: Rules, chance: float) -> None:
    status = row["status"]
    if status not in ENDED:
        row["ended_at"] = None
    elif status != state.status:
        row["ended_at"] = now
    situation = _situation(row)
    row["priority"] = priority(situation, now)
    row["next_poll_at"] = next_poll(situation, now, rules.cadence, chance)
    if state.cancelled and row["last_movement_at"] is None and row["failures"] == 0:
        row["next_poll_at"] = None  # the order was cancelled and its label never used


def _situation(row: Mapping[str, Any]) -> Situation:
    return Situation(
        status=row["status"],
        status_at=row["status_at"],
        last_movement_at=row["last_movement_at"],
        first_asked_at=row["not_found_since"] or row["first_asked_at"],
        ended_at=row["ended_at"],
        not_found=row["not_found"],
        failures=row["failures"],
        estimated_delivery=row["estimated_delivery"],
    )


_SIGNATURE = re.compile(r"\b(signed(?:\s+for)?\s+by|(?:received|accepted)\s+by|unterschrieben\s+von)\b.*", re.I | re.S)


def without_names(text: str) -> str:
    """A carrier's text, 300 characters of it, without the name of who signed: personal data stops at the door."""
    return _SIGNATURE.sub(r"\1 …", text)[:300]


def _event_row(parcel_id: int, key: str, source: str, event: Event, position: int, now: datetime) -> dict[str, Any]:
    meaning = event.meaning
    place = event.place or Place()
    offset = event.occurred_at.utcoffset() or timedelta(0)
    return {
        "parcel_id": parcel_id,
        "key": key,
        "source": source,
        "occurred_at": event.occurred_at,
        "utc_offset": int(offset.total_seconds() // 60),
        "zone": event.zone,
        "code": event.code[:100],
        "mapped": meaning is not None,
        "status": meaning.status if meaning else None,
        "effect": meaning.effect if meaning else Effect.NONE,
        "description": without_names(event.description),
        "city": place.city[:100],
        "state": place.state[:50],
        "postal_code": place.postal_code[:20],
        "country": place.country[:50],
        "position": position,
        "seen_at": now,
        "withdrawn_at": None,
    }


def stored_event(row: Any) -> Event:
    """A row of `events` as an Event again."""
    meaning = Meaning(row.status, row.effect) if row.mapped else None
    place = Place(row.city, row.state, row.postal_code, row.country)
    return Event(row.occurred_at, row.zone, row.code, meaning, row.description, place)
