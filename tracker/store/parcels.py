"""Parcels on their way through a poll: claimed under a lease, then saved behind it.

Owns the statements of the hot path. All of them are set-based, and none makes an ORM object.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, text

from carriers.sdk.numbers import TrackingNumber
from carriers.sdk.status import FulfillmentStatus
from tracker.cadence import Situation, Stage
from tracker.models import ParcelEvent
from tracker.progress import TOUCHED, Known, ParcelState
from tracker.store import rows
from tracker.store.times import instant, stored
from tracker.whereabouts import service_of

#: How much sooner a parcel of each priority is served than its due time says, in days. The head start lets
#: the valuable ones pass under a scarce quota, and ends: the rest wait, they do not starve.
HEAD_START: Mapping[int, float] = {3: 0.5, 2: 0.125, 1: 0.0, 0: 0.0}

_EVENTS = ParcelEvent.__table__  # type: ignore[attr-defined]


class Claimed(NamedTuple):
    """A parcel under lease."""

    id: int
    number: TrackingNumber
    carrier: str
    """Code of the parcel's carrier, whoever is asked."""
    fingerprint: str
    """Of the answer last read; '' where the next one must be read whatever it says."""


class Source(NamedTuple):
    """Whose parcels are claimed: those asked about at `name`; with `before`, only those that have one of these
    among their further sources."""

    name: str
    before: tuple[str, ...] = ()


# A parcel whose promise may have run out is read again, for the answer means something else by now.
_FINGERPRINT = (
    "CASE WHEN estimated_delivery <= :now AND status IN ('CARRIER_PICKED_UP', 'IN_TRANSIT', 'OUT_FOR_DELIVERY')"
    " THEN '' ELSE fingerprint END"
)
_FREE = "(lease_until IS NULL OR lease_until <= :now)"
_MAY = (
    "(s.value ->> 1 = '[]' OR EXISTS (SELECT 1 FROM json_each(s.value, '$[1]') b"
    " WHERE instr(' ' || p.route || ' ', ' ' || b.value || ' ')))"
)
_DUE = " UNION ALL ".join(
    "SELECT * FROM (SELECT p.id,"
    f" julianday(p.next_poll_at) - {days} AS due FROM json_each(:sources) s CROSS JOIN parcels p"
    f" WHERE p.source = s.value ->> 0 AND p.priority = {priority} AND p.next_poll_at <= :now AND {_FREE}"
    f" AND {_MAY} ORDER BY p.next_poll_at LIMIT :limit)"
    for priority, days in HEAD_START.items()
)
_CLAIMED = ("id", "number", "carrier", _FINGERPRINT)
#: What a parcel's situation is made of.
JUDGED = (
    *("carrier", "status", "status_at", "last_movement_at", "first_asked_at", "ended_at", "not_found"),
    *("not_found_since", "failures", "estimated_delivery", "company", "stage", "stage_at", "last_polled_at"),
    "utc_offset",
)
_FOUND = (*_CLAIMED, "look_at IS NOT next_poll_at", *JUDGED)
_FIND_DUE = rows.selected(  # sorted by number and moment alone: whole rows would take twice as long
    _FOUND,
    f"(SELECT one.* FROM (SELECT * FROM ({_DUE}) ORDER BY due LIMIT :limit) d CROSS JOIN parcels one ON one.id = d.id"
    " ORDER BY d.due)",
)
_NEAR = " UNION ALL ".join(
    "SELECT * FROM (SELECT p.* FROM json_each(:sources) s CROSS JOIN parcels p WHERE p.source = s.value ->> 0"
    f" AND p.priority = {priority} AND p.next_poll_at > :now AND p.next_poll_at <= :near"
    f" AND p.last_polled_at <= :before AND p.failures = 0 AND {_FREE} AND {_MAY} ORDER BY p.next_poll_at LIMIT :limit)"
    for priority in (3, 2, 1)
)
_FIND_RIDERS = rows.selected(_CLAIMED, f"(SELECT * FROM ({_NEAR}) ORDER BY next_poll_at LIMIT :limit)")
_CHOOSE_THESE = rows.selected(_CLAIMED, f"parcels WHERE id IN (SELECT value FROM json_each(:ids)) AND {_FREE}")
_LEASE = (
    "UPDATE parcels SET lease_token = :token, lease_until = :until"
    f" WHERE id IN (SELECT value FROM json_each(:ids)) AND {_FREE}"
)
_ANY_DUE = "SELECT " + " OR ".join(
    "EXISTS (SELECT 1 FROM json_each(:sources) s CROSS JOIN parcels p"
    f" WHERE p.source = s.value ->> 0 AND p.priority = {priority} AND p.next_poll_at <= :now AND {_MAY})"
    for priority in HEAD_START  # a number of ours, no input
)


class Due(NamedTuple):
    """A parcel whose turn has come."""

    claimed: Claimed
    wanted: bool
    """Whether somebody wants it asked about whatever the cadence says: it is new, or changed, or asked for."""
    situation: Situation


def due(tx: Connection, sources: Sequence[Source], *, limit: int, now: datetime) -> list[Due]:
    """Up to `limit` parcels of these sources whose turn has come, the most urgent first; none is leased yet."""
    found = rows.fetch(tx, _FIND_DUE, {"sources": json.dumps(sources), "limit": limit, "now": stored(now)})
    return [_due(row, now) for row in found]


def _due(row: list[Any], now: datetime) -> Due:
    id, number, carrier, fingerprint, wanted, *judged = row
    one = situation(judged, now)
    claimed = Claimed(id, TrackingNumber(number), carrier, fingerprint)
    return Due(claimed, bool(wanted) or one.last_look_at is None, one)


def situation(row: Sequence[Any], now: datetime) -> Situation:
    """A parcel's situation, of a row of JUDGED."""
    carrier, status, status_at, moved_at, asked_at, ended_at, not_found, *rest = row
    not_found_since, failures, promised, company, stage, stage_at, looked_at, offset = rest
    first_asked_at = instant(not_found_since if status is None and not_found_since else asked_at)
    return Situation(
        status=FulfillmentStatus(status) if status else None,
        status_at=instant(status_at),
        last_movement_at=instant(moved_at),
        first_asked_at=first_asked_at or now,
        ended_at=instant(ended_at),
        not_found=bool(not_found),
        failures=failures,
        estimated_delivery=instant(promised),
        carrier=carrier,
        service=service_of(company),
        stage=Stage(stage) if stage else None,
        stage_at=instant(stage_at),
        last_look_at=instant(looked_at),
        utc_offset=offset,
    )


_SITUATIONS = rows.selected(("id", *JUDGED), "parcels p WHERE id IN (SELECT value FROM json_each(:ids))")


def situations(tx: Connection, ids: Sequence[int], now: datetime) -> dict[int, Situation]:
    """The situation of each of these parcels."""
    found = rows.fetch(tx, _SITUATIONS, {"ids": json.dumps(ids)})
    return {id: situation(judged, now) for id, *judged in found}


def put_off(tx: Connection, until: Mapping[int, datetime | None]) -> None:
    """Give parcels, by id, a later turn than they had; None: none."""
    if until:
        tx.exec_driver_sql(
            "UPDATE parcels SET next_poll_at = :at, look_at = :at WHERE id = :id",
            [{"id": id, "at": stored(at)} for id, at in until.items()],
        )


def lease(
    tx: Connection, chosen: Sequence[Claimed], *, token: str, now: datetime, until: datetime
) -> Sequence[Claimed]:
    """Lease parcels that were found in this transaction."""
    ids = json.dumps([claimed.id for claimed in chosen])
    tx.exec_driver_sql(_LEASE, {"ids": ids, "token": token, "now": stored(now), "until": stored(until)})
    return chosen


_TURNS = rows.selected(
    ("next_poll_at",), "parcels WHERE id IN (SELECT value FROM json_each(:ids)) AND next_poll_at <= :now"
)


def turns(tx: Connection, chosen: Sequence[Claimed], now: datetime) -> list[datetime]:
    """When the turn of each of these parcels was, of those whose turn has come."""
    ids = json.dumps([claimed.id for claimed in chosen])
    return [datetime.fromisoformat(at) for (at,) in rows.fetch(tx, _TURNS, {"ids": ids, "now": stored(now)})]


def riders(
    tx: Connection, sources: Sequence[Source], *, limit: int, now: datetime, near: datetime, before: datetime
) -> list[Claimed]:
    """Up to `limit` open parcels whose turn comes by `near`, not asked about since `before`: where a call takes more
    numbers than are due, they ride along for nothing. Those whose last answer was unreadable do not: they
    would spoil the others'. None is leased yet."""
    parameters = {
        "sources": json.dumps(sources),
        "limit": limit,
        "now": stored(now),
        "near": stored(near),
        "before": stored(before),
    }
    found = rows.fetch(tx, _FIND_RIDERS, parameters)
    return [Claimed(id, TrackingNumber(number), carrier, fingerprint) for id, number, carrier, fingerprint in found]


_UNASKED = rows.selected(
    _CLAIMED,
    "(SELECT p.* FROM json_each(:sources) s CROSS JOIN parcels p WHERE p.source = s.value ->> 0"
    f" AND p.next_poll_at <= :now AND p.next_poll_at IS NOT NULL AND p.last_polled_at IS NULL AND {_FREE} AND {_MAY}"
    " ORDER BY p.next_poll_at DESC LIMIT :limit)",
)


def unasked(tx: Connection, sources: Sequence[Source], *, limit: int, now: datetime) -> list[Claimed]:
    """Up to `limit` parcels nobody ever asked about, the newest first. None is leased yet."""
    found = rows.fetch(tx, _UNASKED, {"sources": json.dumps(sources), "limit": limit, "now": stored(now)})
    return [Claimed(id, TrackingNumber(number), carrier, fingerprint) for id, number, carrier, fingerprint in found]


def backlog(tx: Connection, sources: Sequence[Source], *, most: int, now: datetime) -> int:
    """How many parcels' turn has come, `most` at most."""
    parameters = {"sources": json.dumps(sources), "limit": most, "now": stored(now)}
    return int(tx.exec_driver_sql(_BACKLOG, parameters).scalar_one())


def these(tx: Connection, ids: Sequence[int], *, now: datetime) -> list[Claimed]:
    """These parcels, due or not, but for those under somebody's lease; none is leased yet."""
    found = rows.fetch(tx, _CHOOSE_THESE, {"ids": json.dumps(ids), "now": stored(now)})
    return [Claimed(id, TrackingNumber(number), carrier, fingerprint) for id, number, carrier, fingerprint in found]


_BACKLOG = (
    "SELECT COUNT(*) FROM ("
    + " UNION ALL ".join(
        "SELECT * FROM (SELECT 1 FROM json_each(:sources) s CROSS JOIN parcels p"
        f" WHERE p.source = s.value ->> 0 AND p.priority = {priority} AND p.next_poll_at <= :now AND {_MAY}"
        " LIMIT :limit)"
        for priority in HEAD_START
    )
    + ")"
)


def any_due(tx: Connection, sources: Sequence[Source], now: datetime) -> bool:
    """Whether any parcel of these sources is due, leased or not."""
    return bool(tx.exec_driver_sql(_ANY_DUE, {"sources": json.dumps(sources), "now": stored(now)}).scalar())


def release(tx: Connection, ids: Iterable[int], token: str) -> None:
    """Give parcels back unasked: they stay due."""
    leases = [{"id": id, "token": token} for id in ids]
    if leases:
        tx.exec_driver_sql(
            "UPDATE parcels SET lease_token = NULL, lease_until = NULL WHERE id = :id AND lease_token = :token", leases
        )


# The order that tells where a parcel goes is a live one where there is one; if there is none, nobody waits for it.
_STATES = rows.selected(
    (
        *("p.id", "p.number", "p.fulfilled_at", "p.status", "p.status_at", "p.reason", "p.last_movement_at"),
        *("p.delivered_at", "p.estimated_delivery", "p.shipment_id", "p.known", "p.fingerprint"),
        *("p.first_asked_at", "p.ended_at", "p.not_found", "p.failures"),
        *("o.id IS NULL OR o.cancelled_at IS NOT NULL", "o.country", "o.state", "o.postal_code"),
        *("p.carrier", "p.source", "p.route", "p.step", "p.not_found_since", "p.company"),
        *("p.stage", "p.stage_at", "p.utc_offset", "p.last_hook_at", "p.last_polled_at"),
    ),
    """parcels p LEFT JOIN orders o ON o.id = (
        SELECT live.id FROM fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id
        JOIN orders live ON live.id = f.order_id WHERE l.parcel_id = p.id
        ORDER BY f.withdrawn_at IS NOT NULL, live.cancelled_at IS NOT NULL, f.id LIMIT 1)
    WHERE p.id IN (SELECT value FROM json_each(:ids))""",
)
_LEASED = f"{_STATES} AND p.lease_token = :token"


def leased(tx: Connection, ids: Sequence[int], token: str) -> list[ParcelState]:
    """Those parcels that are still under this lease: a newer claim fences the older one off."""
    return [_state(row) for row in rows.fetch(tx, _LEASED, {"ids": json.dumps(ids), "token": token})]


def states(tx: Connection, ids: Sequence[int]) -> list[ParcelState]:
    """These parcels, whoever has them under lease."""
    return [_state(row) for row in rows.fetch(tx, _STATES, {"ids": json.dumps(ids)})]


def _state(row: list[Any]) -> ParcelState:
    fulfilled_at = instant(row[2])
    assert fulfilled_at is not None, "the column is NOT NULL"  # noqa: S101 - tells the type checker
    return ParcelState(
        row[0],
        row[1],
        fulfilled_at,
        FulfillmentStatus(row[3]) if row[3] else None,
        instant(row[4]),
        row[5],
        instant(row[6]),
        instant(row[7]),
        instant(row[8]),
        row[9],
        bool(row[10]),
        row[11],
        instant(row[12]),
        instant(row[13]),
        bool(row[14]),
        row[15],
        bool(row[16]),
        row[17] or "",
        row[18] or "",
        row[19] or "",
        row[20],
        row[21],
        row[22],
        row[23],
        instant(row[24]),
        row[25],
        Stage(row[26]) if row[26] else None,
        instant(row[27]),
        row[28],
        instant(row[29]),
        instant(row[30]),
    )


_KNOWN = rows.selected(
    (
        "parcel_id",
        "key",
        "occurred_at",
        "withdrawn_at IS NOT NULL",
        "hooked_at",
        "CASE WHEN hooked_at IS NOT NULL THEN code ELSE '' END",
    ),
    "events WHERE parcel_id IN (SELECT value FROM json_each(:ids))",
)


def known_events(tx: Connection, ids: Sequence[int]) -> dict[int, dict[str, Known]]:
    """What the database has of each parcel's events, by key."""
    known: dict[int, dict[str, Known]] = {id: {} for id in ids}
    if ids:
        for parcel_id, key, occurred_at, withdrawn, *hooked in rows.fetch(tx, _KNOWN, {"ids": json.dumps(ids)}):
            hooked_at, code = hooked
            moment = datetime.fromisoformat(occurred_at)
            known[parcel_id][key] = Known(moment, bool(withdrawn), instant(hooked_at), code)
    return known


_STORED = (
    select(_EVENTS)
    .where(_EVENTS.c.parcel_id == bindparam("id"), _EVENTS.c.key.in_(bindparam("keys", expanding=True)))
    .order_by(_EVENTS.c.occurred_at.desc(), _EVENTS.c.position, _EVENTS.c.id.desc())
)


def stored_events(tx: Connection, parcel_id: int, keys: Sequence[str]) -> list[Any]:
    """Whole rows of some of a parcel's events, newest first."""
    return list(tx.execute(_STORED, {"id": parcel_id, "keys": list(keys)}))


_SAVED_COLUMNS = (
    "status",
    "status_at",
    "reason",
    "last_movement_at",
    "delivered_at",
    "estimated_delivery",
    "shipment_id",
    "known",
    "fingerprint",
    "first_asked_at",
    "last_polled_at",
    "next_poll_at",
    "look_at",
    "priority",
    "stage",
    "stage_at",
    "utc_offset",
    "ended_at",
    "not_found",
    "not_found_since",
    "failures",
    "last_error",
    "source",
    "step",
)
_EVENT_COLUMNS = tuple(column.name for column in _EVENTS.columns if column.name != "id")


def _written(columns: Sequence[str], **derived: str) -> str:
    """An UPDATE that writes these columns, and others by an expression, and ends the lease, of the rows that are still
    under it."""
    written = {name: f"r.{name}" for name in columns} | derived
    return (
        f"UPDATE parcels SET {', '.join(f'{name} = {value}' for name, value in written.items())},"
        f" lease_token = NULL, lease_until = NULL FROM {rows.given(('id', *columns))} AS r"
        " WHERE parcels.id = r.id AND lease_token = :token"
    )


# What was promised first stays, for the reports, whatever is promised later.
_SAVE = _written(_SAVED_COLUMNS, first_promise="COALESCE(parcels.first_promise, r.estimated_delivery)")
_TOUCH = _written(TOUCHED)
_ADD_EVENTS = (
    f"INSERT OR IGNORE INTO events ({', '.join(_EVENT_COLUMNS)}) SELECT * FROM {rows.given(_EVENT_COLUMNS)} WHERE true"
)


def save(tx: Connection, states: Sequence[Mapping[str, Any]], token: str) -> None:
    """Write the parcels' new state and end their lease. Keys of a state: `id` and every saved column."""
    if states:
        tx.exec_driver_sql(_SAVE, {"rows": rows.packed(states, ("id", *_SAVED_COLUMNS)), "token": token})


def touch(tx: Connection, states: Sequence[Mapping[str, Any]], token: str) -> None:
    """End the lease of parcels of which nothing new is known. Keys of a state: `id` and every one of TOUCHED."""
    if states:
        tx.exec_driver_sql(_TOUCH, {"rows": rows.packed(states, ("id", *TOUCHED)), "token": token})


_MOVE = (
    "UPDATE parcels SET carrier = :carrier, route = :carrier, step = 0, use = 1 + COALESCE("
    "(SELECT MAX(there.use) FROM parcels there"
    " WHERE there.carrier = :carrier AND there.number = parcels.number), 0) WHERE id = :id"
)


def move(tx: Connection, carriers: Mapping[int, str]) -> None:
    """Make parcels another carrier's, by id, to be asked about there alone: another use of the number where that has
    it already."""
    if carriers:
        tx.exec_driver_sql(_MOVE, [{"id": id, "carrier": carrier} for id, carrier in carriers.items()])


def add_events(tx: Connection, events: Sequence[Mapping[str, Any]]) -> None:
    """Insert events; one that is there already is left as it is."""
    if events:
        tx.exec_driver_sql(_ADD_EVENTS, {"rows": rows.packed(events, _EVENT_COLUMNS)})


def withdraw_events(tx: Connection, keys: Iterable[tuple[int, str]], at: datetime | None) -> None:
    """Mark (parcel, key) events as withdrawn by the carrier, or with `at` None as standing again."""
    marks = [{"id": parcel_id, "key": key, "at": stored(at)} for parcel_id, key in keys]
    if marks:
        tx.exec_driver_sql("UPDATE events SET withdrawn_at = :at WHERE parcel_id = :id AND key = :key", marks)


def make_all_due(tx: Connection, now: datetime) -> None:
    """Every parcel whose carrier is known, ended or not, becomes due now."""
    tx.execute(text("UPDATE parcels SET next_poll_at = :now WHERE source <> ''"), {"now": stored(now)})


def all_polled_since(tx: Connection, since: datetime) -> bool:
    """Whether every parcel with a known carrier has been asked about at or after that instant."""
    return not tx.execute(
        text(
            "SELECT EXISTS (SELECT 1 FROM parcels WHERE source <> ''"
            " AND (last_polled_at IS NULL OR last_polled_at < :at))"
        ),
        {"at": stored(since)},
    ).scalar()
