"""What carriers told, into the database: folded, saved and put into the outbox, whichever way it came.

Owns the step that polls and hooks have in common, inside the caller's transaction. The rules are in
`tracker.progress`; who may write which parcels (the lease, or nobody's) is the caller's to know.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from carriers.sdk.events import Report
from tracker.cadence import Lesson, delay_lessons, lessons
from tracker.deliveries import joined, only_told
from tracker.progress import SHIPPED, ParcelState, Progress, Rules, advance, forgotten, interpret, stored_event
from tracker.store import learning, outbox, parcels
from tracker.timeline import RollUp
from tracker.whereabouts import service_of


def chance() -> float:
    """From 0 to below 1: spreads the next polls."""
    return random.random()  # noqa: S311 - spreads load, guards nothing


def answered(
    tx: Connection, states: Sequence[ParcelState], reports: Mapping[int, Report], rules: Rules, now: datetime
) -> list[Progress]:
    """What answers to polls make of these parcels. `reports`: by parcel."""
    readings = [interpret(state, reports[state.id], now, rules) for state in states]
    known = parcels.known_events(tx, [state.id for state in states])
    progresses: list[Progress] = []
    for state, reading in zip(states, readings, strict=True):
        before = known[state.id]
        gone = forgotten(reading, before, now - rules.hooked)
        earlier = [stored_event(row) for row in parcels.stored_events(tx, state.id, gone)] if gone else []
        if any(before[key].hooked_at is not None for key in gone):  # not for ever: read the same answer again
            reading.fingerprint = ""
        progresses.append(advance(state, reading, before, earlier, now=now, rules=rules, chance=chance()))
    return progresses


def delivered(
    tx: Connection, states: Sequence[ParcelState], reports: Mapping[int, Report], rules: Rules, now: datetime
) -> dict[int, Progress]:
    """What carriers' own deliveries make of these parcels, by parcel; those they say nothing of are left out.

    A delivery may tell of the newest event alone, may be late, and may be overtaken: it adds to what is known, and
    takes nothing back.
    """
    known = parcels.known_events(tx, [state.id for state in states])
    progresses: dict[int, Progress] = {}
    for state in states:
        before = known[state.id]
        reading = interpret(state, reports[state.id], now, rules)
        standing = [key for key, event in before.items() if not event.withdrawn]
        rows = parcels.stored_events(tx, state.id, standing) if standing else []
        whole = joined(state, reading, before, [(row.key, stored_event(row)) for row in rows])
        if whole is not None:
            heard = state._replace(last_hook_at=now) if whole.fresh else state
            progress = advance(heard, whole.reading, before, (), now=now, rules=rules, chance=chance())
            progresses[state.id] = only_told(progress, state, whole, now)
    return progresses


def save(
    tx: Connection, states: Sequence[ParcelState], progresses: Sequence[Progress], now: datetime, rule: RollUp
) -> int:
    """Write what came of parcels whose own rows are written: their carriers, events and lessons, and the fulfillments
    that have another status by it, each with its history and push. How many of these."""
    parcels.move(tx, {progress.row["id"]: progress.carrier for progress in progresses if progress.carrier})
    learning.add(tx, _lessons(states, progresses))
    parcels.add_events(tx, [row for progress in progresses for row in progress.events])
    parcels.withdraw_events(tx, [(p.row["id"], key) for p in progresses for key in p.withdrawn], now)
    parcels.withdraw_events(tx, [(p.row["id"], key) for p in progresses for key in p.restored], None)
    affected = outbox.fulfillments_of(tx, [p.row["id"] for p in progresses if p.changed])
    return outbox.refold(tx, affected, now, rule)


def _lessons(states: Sequence[ParcelState], progresses: Sequence[Progress]) -> Iterator[Lesson]:
    """What news teaches: how long parcels stay in a stage, and how late their carrier shows a scan."""
    for state, progress in zip(states, progresses, strict=True):
        carrier = progress.carrier or state.carrier
        if progress.stays:
            service = service_of(state.company)
            shipped = SHIPPED.tables("", service)
            for stay in progress.stays:
                yield from lessons(stay, carrier, service, shipped)
        if state.known and state.last_polled_at is not None:
            for event in progress.events:
                if event["hooked_at"] is None:  # a delivery is no look: it does not tell when one would show it
                    yield from delay_lessons(event["occurred_at"], state.last_polled_at, event["seen_at"], carrier)
