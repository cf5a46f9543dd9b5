"""The journeys behind the reports: one row for each parcel that ended, out of its events. Read-only.

Owns the statement. It goes through each parcel's events once; what the rows come to is `tracker.reports`'.
"""

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from carriers.sdk.status import ENDED, MOVEMENT, RECEIVED
from carriers.sdk.zones import country_code
from tracker.reports import Journey, service_of
from tracker.store import rows
from tracker.store.times import stored


def _words(statuses: frozenset[Any]) -> str:
    return ", ".join(f"'{status}'" for status in sorted(statuses))


_RECEIVED, _ENDED, _MOVING = _words(RECEIVED), _words(ENDED), _words(MOVEMENT - RECEIVED)
_SCAN = f"v.status IN ({_MOVING}) AND v.effect NOT IN ('still', 'return')"
_PLACE = "v.country || '|' || v.state"

# Instants are text of one width that sorts by time, so that a scan's place can travel behind its instant through MIN.
# The promised day is the one at the place of the delivery, whose offset its scan tells.
_JOURNEYS = rows.selected(
    (
        *("carrier", "company", "number", "substr(ended_at, 1, 10)", "delivered", "failed", "home"),
        "julianday(delivered_at) - julianday(possession)",
        "date(delivered_at, offset || ' minutes') <= date(first_promise, offset || ' minutes')",
        *("origin", "there", "attempted", "delayed", "on_hold", "returned"),
    ),
    f"""(
    SELECT p.carrier, p.company, p.number, p.delivered_at, p.first_promise, p.ended AS ended_at, p.home,
        p.delivered_at IS NOT NULL OR p.status IN ({_RECEIVED}) AS delivered, p.status = 'FAILURE' AS failed,
        MIN(CASE WHEN {_SCAN} AND v.occurred_at < p.delivered_at THEN v.occurred_at END) AS possession,
        substr(MIN(CASE WHEN {_SCAN} AND v.country <> '' THEN v.occurred_at || {_PLACE} END), 33) AS origin,
        MIN(CASE WHEN v.status IN ({_RECEIVED}) AND v.occurred_at = p.delivered_at THEN v.utc_offset END) AS offset,
        MIN(CASE WHEN v.status IN ({_RECEIVED}) AND v.occurred_at = p.delivered_at AND v.country <> ''
            THEN {_PLACE} END) AS there,
        MAX(v.status = 'ATTEMPTED_DELIVERY' AND v.occurred_at <= p.delivered_at) AS attempted,
        MAX(v.status = 'DELAYED') AS delayed, MAX(v.status = 'ON_HOLD') AS on_hold, MAX(v.effect = 'return') AS returned
    FROM (
        SELECT *, COALESCE(delivered_at, status_at) AS ended, (
            SELECT o.country || '|' || o.state FROM fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id
            JOIN orders o ON o.id = f.order_id WHERE l.parcel_id = parcels.id AND f.withdrawn_at IS NULL
            ORDER BY o.country = '', f.id LIMIT 1) AS home
        FROM parcels WHERE status IN ({_ENDED}) AND carrier <> '' AND (:carrier IS NULL OR carrier = :carrier)
            AND COALESCE(delivered_at, status_at) >= :since AND COALESCE(delivered_at, status_at) < :until
    ) AS p LEFT JOIN events v ON v.parcel_id = p.id AND v.withdrawn_at IS NULL
    WHERE p.home IS NOT NULL GROUP BY p.id)""",
)


def journeys(db: Connection, since: datetime, until: datetime, carrier: str | None = None) -> list[Journey]:
    """The parcels that ended from `since` until before `until`, of fulfillments that stand: by the carrier's own
    instant of delivery or failure, never by when we heard of it."""
    period = {"since": stored(since), "until": stored(until), "carrier": carrier}
    return [_journey(*row) for row in rows.fetch(db, _JOURNEYS, period)]


def _journey(
    carrier: str,
    company: str,
    number: str,
    ended_on: str,
    delivered: int,
    failed: int,
    home: str,
    days: float | None,
    on_time: int | None,
    origin: str | None,
    there: str | None,
    attempted: int | None,
    delayed: int | None,
    on_hold: int | None,
    returned: int | None,
) -> Journey:
    return Journey(
        carrier,
        service_of(carrier, company, number),
        _place(origin or ""),
        _place(home) or _place(there or ""),
        date.fromisoformat(ended_on),
        bool(delivered),
        days,
        None if on_time is None else bool(on_time),
        bool(attempted),
        bool(delayed),
        bool(on_hold),
        bool(failed),
        bool(returned),
    )


@lru_cache(maxsize=4096)
def _place(told: str) -> str:
    """`country|state` in the words of a lane."""
    country, _, state = told.partition("|")
    code = country_code(country)
    return f"{state.strip().upper()}, {code}" if state.strip() and code else code


_UNDER_WAY = (
    "SELECT COUNT(*) FROM parcels p WHERE p.carrier <> '' AND (:carrier IS NULL OR p.carrier = :carrier)"
    f" AND (p.status IS NULL OR p.status NOT IN ({_ENDED})) AND p.fulfilled_at >= :since AND p.fulfilled_at < :until"
    " AND EXISTS (SELECT 1 FROM fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id"
    "  WHERE l.parcel_id = p.id AND f.withdrawn_at IS NULL)"
)


def under_way(db: Connection, since: datetime, until: datetime, carrier: str | None = None) -> int:
    """How many parcels sent in that time have not ended."""
    period = {"since": stored(since), "until": stored(until), "carrier": carrier}
    return int(db.exec_driver_sql(_UNDER_WAY, period).scalar_one())
