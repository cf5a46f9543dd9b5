"""What needs somebody: the kinds of parcels that a person should look at, counted and as a condition of the list.

Owns these conditions, so that what is counted is what the list shows. Read-only. A parcel of a muted or withdrawn
fulfillment needs nobody. Thresholds come from the configuration's `claims:`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from carriers.sdk.status import ENDED
from tracker.store.times import stored


class Need(StrEnum):
    """Why a parcel needs somebody."""

    FAILURE = "failure"
    """It will not reach the recipient, and a claim can still be made."""
    ATTEMPTED = "attempted"
    HELD = "held"
    PICKUP = "pickup"
    """It waits for the recipient at a counter."""
    STALLED = "stalled"
    """No movement for so long that it counts as lost."""
    LATE = "late"
    """The promised instant has passed."""
    CLOSING = "closing"
    """Neither received nor given up, and the claim window closes soon."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The instants that decide, for one moment."""

    now: datetime
    silent_home: datetime
    silent_abroad: datetime
    claim_from: datetime
    """Fulfilled before this, no claim can be made any more."""
    closing_from: datetime
    """Fulfilled before this, the window closes soon."""
    home: Sequence[str] = ()
    """Countries that are home; all of them where none is named, and an unknown one."""

    @classmethod
    def at(
        cls,
        now: datetime,
        *,
        stalled: timedelta,
        stalled_abroad: timedelta,
        window: timedelta,
        warning: timedelta,
        home: Sequence[str] = (),
    ) -> "Thresholds":
        """The thresholds at that moment."""
        opened = now - window
        return cls(now, now - stalled, now - stalled_abroad, opened, opened + warning, home)

    @property
    def parameters(self) -> Mapping[str, object]:
        """What the conditions are bound with."""
        return {
            "now": stored(self.now),
            "silent_home": stored(self.silent_home),
            "silent_abroad": stored(self.silent_abroad),
            "claim_from": stored(self.claim_from),
            "closing_from": stored(self.closing_from),
            "home": json.dumps(list(self.home)),
        }


_ENDED = ", ".join(f"'{status}'" for status in sorted(ENDED))
OPEN = f"p.ended_at IS NULL AND (p.status IS NULL OR p.status NOT IN ({_ENDED}))"
_SILENT = "COALESCE(p.last_movement_at, p.fulfilled_at)"
_AT_HOME = (
    "(:home = '[]' OR EXISTS (SELECT 1 FROM fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id"
    " JOIN orders o ON o.id = f.order_id WHERE l.parcel_id = p.id"
    " AND (o.country = '' OR o.country IN (SELECT value FROM json_each(:home)))))"
)
_CLAIMABLE = "p.fulfilled_at > :claim_from"
#: By its status, which has an index.
_OF_STATUS: Mapping[Need, str] = {
    Need.FAILURE: f"p.status = 'FAILURE' AND {_CLAIMABLE}",
    Need.ATTEMPTED: "p.status = 'ATTEMPTED_DELIVERY'",
    Need.HELD: "p.status = 'ON_HOLD'",
    Need.PICKUP: "p.status = 'READY_FOR_PICKUP'",
}
#: Of open parcels that a claim can still be made for, further.
_OF_OPEN: Mapping[Need, str] = {
    Need.STALLED: f"{_SILENT} <= :silent_home AND ({_SILENT} <= :silent_abroad OR {_AT_HOME})",
    Need.LATE: "p.estimated_delivery < :now",
    Need.CLOSING: "p.fulfilled_at <= :closing_from",
}
_CONDITIONS = {**_OF_STATUS, **{need: f"{OPEN} AND {_CLAIMABLE} AND {further}" for need, further in _OF_OPEN.items()}}
_HEARD_OF = (
    "p.id NOT IN (SELECT l.parcel_id FROM mutes m JOIN fulfillment_parcels l ON l.fulfillment_id = m.fulfillment_id)"
    " AND p.id NOT IN (SELECT l.parcel_id FROM fulfillments w INDEXED BY ix_fulfillments_withdrawn"
    "  CROSS JOIN fulfillment_parcels l ON l.fulfillment_id = w.id"
    "  WHERE w.withdrawn_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM fulfillment_parcels o JOIN fulfillments f"
    "  ON f.id = o.fulfillment_id WHERE o.parcel_id = l.parcel_id AND f.withdrawn_at IS NULL))"
    " AND EXISTS (SELECT 1 FROM fulfillment_parcels l WHERE l.parcel_id = p.id)"
)


def condition(need: Need) -> str:
    """Of a parcel `p`, to be bound with the thresholds' parameters."""
    return f"{_CONDITIONS[need]} AND {_HEARD_OF}"


_COUNT = " UNION ALL ".join(
    [
        *(f"SELECT '{need}', COUNT(*) FROM parcels p WHERE {condition(need)}" for need in _OF_STATUS),
        "SELECT j.key, j.value FROM json_each((SELECT json_object("
        + ", ".join(f"'{need}', COALESCE(SUM({further}), 0)" for need, further in _OF_OPEN.items())
        + f") FROM parcels p WHERE {OPEN} AND {_CLAIMABLE}"
        + f" AND ({' OR '.join(f'({further})' for further in _OF_OPEN.values())}) AND {_HEARD_OF})) j",
    ]
)


def counts(db: Connection, thresholds: Thresholds) -> dict[Need, int]:
    """How many parcels need somebody, by why."""
    return {Need(need): parcels for need, parcels in db.exec_driver_sql(_COUNT, dict(thresholds.parameters))}


def of(db: Connection, thresholds: Thresholds, parcel_ids: Sequence[int]) -> dict[int, list[Need]]:
    """Why each of these parcels needs somebody, muted or not."""
    answers = ", ".join(f"COALESCE({condition}, 0)" for condition in _CONDITIONS.values())
    found = db.exec_driver_sql(
        f"SELECT p.id, {answers} FROM parcels p WHERE p.id IN (SELECT value FROM json_each(:ids))",
        {**thresholds.parameters, "ids": json.dumps(list(parcel_ids))},
    )
    return {row[0]: [need for need, is_so in zip(_CONDITIONS, row[1:], strict=True) if is_so] for row in found}
