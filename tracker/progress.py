"""What a report makes of a parcel: its new state, its new events, what the carrier withdrew.

Owns the step between a carrier's Report and the rows to write, without I/O: state, report and clock in,
state out. The rules of status are in `tracker.timeline`, of pace in `tracker.cadence`.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from carriers.sdk.codes import Effect, Meaning
from carriers.sdk.errors import AccountError, BadPayload, CarrierError, InvalidNumber, NotFound, NumberError
from carriers.sdk.events import Event, Place, Report, Shipment, ZoneSource
from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.status import ENDED, RECEIVED, FulfillmentStatus
from carriers.sdk.zones import zone_of
from tracker.cadence import Cadence, Hazards, Look, Situation, Stage, Stay, gives_up, next_look, priority
from tracker.routing import DIRECT, Routes
from tracker.timeline import RETURNING, Timeline, choose, event_key, fold, relevant, remap
from tracker.whereabouts import offset_of, service_of, stays, whereabouts

#: What a poll that brings nothing new writes.
TOUCHED = (
    "last_polled_at",
    "next_poll_at",
    "look_at",
    "priority",
    "not_found",
    "not_found_since",
    "failures",
    "last_error",
)

#: What of a parcel's state no poll changes.
NOT_SAVED = (
    *("number", "fulfilled_at", "cancelled", "country", "state", "postal_code"),
    *("carrier", "route", "company", "last_hook_at"),
)

#: The hazards as they are shipped.
SHIPPED = Hazards()

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
    sources: Collection[str] = ()
    """The account's own; it stands in for others about parcels of any other source."""
    hazards: Hazards = SHIPPED
    """How soon news is to be expected."""
    price: float = 0.15
    """What asking about one number costs now: a call's price, shared by those that ride in it."""
    upload_delays: Mapping[str, timedelta] = MappingProxyType({})
    """How late carriers were learnt to show their scans."""
    hooked: timedelta = timedelta(hours=12)
    """How long a parcel is not asked about after its carrier delivered news of it, and how long its carrier's answers
    may lag behind such news."""


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
    company: str
    stage: Stage | None
    stage_at: datetime | None
    utc_offset: int
    last_hook_at: datetime | None = None
    last_polled_at: datetime | None = None


class Known(NamedTuple):
    """An event the database already has."""

    occurred_at: datetime
    withdrawn: bool
    hooked_at: datetime | None = None
    """When a hook told it, where that was first."""
    code: str = ""
    """Of one that a hook told first."""


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
    stays: Sequence[Stay] = ()
    """What its news teaches about how long parcels stay in a stage."""


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
        "stage": state.stage,
        "stage_at": state.stage_at,
        "utc_offset": state.utc_offset,
        "last_polled_at": now,
        "not_found": False,
        "not_found_since": None,
        "failures": 0,
        "last_error": None,
    }
    _schedule(row, state, now, rules, chance)
    return Progress({name: row[name] for name in ("id", *TOUCHED)})


def forgotten(reading: Reading, known: Mapping[str, Known], hooked_since: datetime | None = None) -> list[str]:
    """Keys of standing events that the carrier leaves out of its answer, which is no reason to forget them: those from
    before the oldest it still tells of, for its answers reach back only so far, and those that it delivered by itself
    after `hooked_since`, for its answers lag behind that."""
    if reading.shipment is None:
        return []
    oldest = min((event.occurred_at for event in reading.shipment.events), default=None)
    told = set(reading.keys)
    again = {(event.occurred_at, event.code) for event in reading.shipment.events}

    def lags(event: Known) -> bool:
        """Whether the answer may be older than the delivery; not where it has the event, with more of its place."""
        recent = event.hooked_at is not None and hooked_since is not None and event.hooked_at > hooked_since
        return recent and (event.occurred_at, event.code) not in again

    return [
        key
        for key, event in known.items()
        if not event.withdrawn
        and key not in told
        and ((oldest is not None and event.occurred_at < oldest) or lags(event))
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
    for name in NOT_SAVED:
        del row[name]
    row |= {"last_polled_at": now, "first_asked_at": state.first_asked_at or now, "last_error": None}
    progress = Progress(row)
    if reading.shipment is None:
        _take_error(progress, state, reading.error, now, rules)
    else:
        row |= {"not_found": False, "not_found_since": None, "failures": 0}
        if state.source in rules.sources:
            row["known"] = True
        elif state.source not in state.route.split():  # where its number was only tried
            row |= {"source": state.route.split()[0], "step": 0}
        if not rules.aggregator and rules.source not in ("", state.carrier):
            progress.carrier = rules.source
        shipment = _compare(progress, reading.shipment, reading.keys, known, earlier, now, rules.source)
        row["fingerprint"] = "" if reading.ahead else reading.fingerprint
        row["shipment_id"] = shipment.id or state.shipment_id
        destination = Place(state=state.state, postal_code=state.postal_code, country=state.country)
        zone = zone_of(destination)
        _take_timeline(row, state, fold(shipment, earlier=earlier, now=now, destination=zone), now)
        if not shipment.events:  # the summary alone: what scans told before is a fact still
            row["last_movement_at"] = state.last_movement_at
            row["delivered_at"] = state.delivered_at if row["status"] in RECEIVED else None
            if state.reason.startswith(RETURNING):  # delivered to the sender, as far as a summary can tell
                row |= {"status": state.status, "status_at": state.status_at, "reason": state.reason}
        newest = shipment.events[0].occurred_at if shipment.events else None
        offset = offset_of(now.astimezone(zone)) if zone else offset_of(newest) if newest else state.utc_offset
        stage = whereabouts(shipment.events, row["status"], destination)
        row |= {"stage": stage.stage, "stage_at": stage.since or state.stage_at, "utc_offset": offset}
        promised = state.estimated_delivery
        progress.stays = tuple(stays(shipment.events, destination, state.stage_at, offset, promised))
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
    situation = _situation(row, state)
    if gives_up(situation, now, rules.cadence):
        since = row["not_found_since"]
        row |= {
            "status": FulfillmentStatus.FAILURE,
            "status_at": now,
            "reason": f"never known to the carrier since {since:%Y-%m-%d}",
        }
        progress.stays = (Stay(Stage.LABEL, row["first_asked_at"], None, now, state.utc_offset),)


def _go_on(row: dict[str, Any], state: ParcelState, routes: Routes) -> None:
    """Ask at the next of the parcel's sources, and of the carriers its number may belong to as long as nobody ever
    told of it; then again at the first."""
    sources = tuple(state.route.split())
    if state.status is None:
        sources += routes.elsewhere(TrackingNumber(state.number), besides=(*sources, state.carrier))
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
    situation = _situation(row, state)
    row["priority"] = priority(situation, now)
    row["next_poll_at"] = _after_hook(next_turn(situation, now, rules, chance), status, state, rules)
    if state.cancelled and row["last_movement_at"] is None and row["failures"] == 0:
        row["next_poll_at"] = None  # the order was cancelled and its label never used
    row["look_at"] = row["next_poll_at"]


def _after_hook(
    turn: datetime | None, status: FulfillmentStatus | None, state: ParcelState, rules: Rules
) -> datetime | None:
    """A parcel's turn, put off for a while after its carrier delivered news of it: more may come the same way."""
    if turn is None or state.last_hook_at is None or status in ENDED:
        return turn
    return max(turn, state.last_hook_at + rules.hooked)


def look_at(situation: Situation, now: datetime, rules: Rules, chance: float) -> Look:
    """When the cadence wants to look, by what this account knows and pays now."""
    delay = rules.upload_delays.get(situation.carrier)
    return next_look(
        situation._replace(upload_delay=delay) if delay else situation,
        now,
        cadence=rules.cadence,
        hazards=rules.hazards,
        price=rules.price,
        chance=chance,
    )


def next_turn(situation: Situation, now: datetime, rules: Rules, chance: float) -> datetime | None:
    """When a parcel's turn comes: at its next look, or before, where that is far off and its price may fall."""
    return turn_of(look_at(situation, now, rules, chance), situation, now, rules)


def turn_of(look: Look, situation: Situation, now: datetime, rules: Rules) -> datetime | None:
    """The turn that a look makes."""
    if look.at is None or situation.status in ENDED:
        return look.at
    return min(look.at, now + rules.cadence.rejudge)


def _situation(row: Mapping[str, Any], state: ParcelState) -> Situation:
    since = row["first_asked_at"]
    if row["status"] is None and row["not_found_since"]:  # while nobody answered, nobody denied the number either
        since = row["not_found_since"]
    return Situation(
        status=row["status"],
        status_at=row["status_at"],
        last_movement_at=row["last_movement_at"],
        first_asked_at=since,
        ended_at=row["ended_at"],
        not_found=row["not_found"],
        failures=row["failures"],
        estimated_delivery=row["estimated_delivery"],
        carrier=state.carrier,
        service=service_of(state.company),
        stage=row["stage"],
        stage_at=row["stage_at"],
        utc_offset=row["utc_offset"],
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
        "hooked_at": None,
    }


def stored_event(row: Any) -> Event:
    """A row of `events` as an Event again."""
    meaning = Meaning(row.status, row.effect) if row.mapped else None
    place = Place(row.city, row.state, row.postal_code, row.country)
    return Event(row.occurred_at, row.zone, row.code, meaning, row.description, place)
