"""The merchants' side of the sandbox: orders, fulfillments, and what each fulfillment's status truly is.

Owns invented customers, the import payload and the roll-up of parcels by its own plain rule. Must not use
the project's own folding of events: it is what that folding is judged by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from carriers.sdk.status import ENDED, RECEIVED, FulfillmentStatus
from tracker.sandbox.parcels import Parcel
from tracker.sandbox.places import Location

_S = FulfillmentStatus
#: What somebody should look at, most pressing first.
_ATTENTION = (_S.FAILURE, _S.ATTEMPTED_DELIVERY, _S.ON_HOLD, _S.READY_FOR_PICKUP, _S.DELAYED)
_PROGRESS = (_S.CONFIRMED, _S.CARRIER_PICKED_UP, _S.IN_TRANSIT, _S.OUT_FOR_DELIVERY)

_FIRST_NAMES = ("Ada", "Bram", "Chiara", "Dmitri", "Eleni", "Farid", "Greta", "Hana", "Ivo", "Jun", "Zoë")
_LAST_NAMES = ("Abara", "Bergström", "Castellanos", "Dubois", "Eriksen", "Fitzgerald", "Nowak", "O'Hara", "Yıldız")
_STREETS = ("Alder Street", "Birch Lane", "Cedar Avenue", "Dogwood Court", "Elm Road")


@dataclass(frozen=True, slots=True)
class Fulfillment:
    """One or two parcels of an order. `imported`: the status as the shop wrote it."""

    order_id: str
    id: str
    company: str
    """`trackingCompany`, as merchants write it."""
    parcels: tuple[Parcel, ...]
    imported: str
    created_at: datetime

    def payload(self) -> dict[str, Any]:
        """As Order Protection's JSON has it."""
        urls = [f"https://shop.example/track/{parcel.number}" for parcel in self.parcels]
        return {
            "sourceItemIds": [{"sourceItemId": f"{self.id}-item", "quantity": len(self.parcels)}],
            "fulfillmentStatus": self.imported,
            "sourceFulfillmentId": self.id,
            "trackingCompany": self.company,
            "trackingNumber": [parcel.number for parcel in self.parcels],
            "trackingUrl": urls[: 1 + len(self.id) % 2],
            "createdAt": _iso(self.created_at),
            "updatedAt": None,
        }

    def status(self, now: datetime) -> FulfillmentStatus | None:
        """What the carriers' shown scans make of it; None while they show nothing."""
        return roll_up([parcel_status(parcel, now) for parcel in self.parcels])

    def history(self, now: datetime) -> list[tuple[datetime, FulfillmentStatus]]:
        """Each status it truly had up to `now`, with the instant it began to be visible."""
        instants = {max(scan.at, parcel.known_from) for parcel in self.parcels for scan in parcel.scans}
        history: list[tuple[datetime, FulfillmentStatus]] = []
        for instant in sorted(at for at in instants if at <= now):
            status = self.status(instant)
            if status is not None and (not history or history[-1][1] is not status):
                history.append((instant, status))
        return history

    def overdue(self, now: datetime, clock: datetime) -> bool:
        """Whether by `clock` the promised day of a parcel that is open at `now` is over; a tracker may then say
        DELAYED of its own accord."""
        for parcel in self.parcels:
            shown = parcel.shown(now)
            promised = parcel.journey.promised
            status = parcel_status(parcel, now)
            if promised is None or not parcel.promise_shown(shown) or status is None or status in ENDED:
                continue
            zone = parcel.journey.route.destination.zone
            if clock >= datetime.combine(promised + timedelta(days=1), time(), zone) - timedelta(minutes=1):
                return True
        return False

    def truth(self, now: datetime, clock: datetime) -> dict[str, Any]:
        """For `/_sandbox/truth`: the status with its past at `now`, and each parcel's; `clock`: for `overdue`."""
        status = self.status(now)
        return {
            "sourceOrderId": self.order_id,
            "sourceFulfillmentId": self.id,
            "status": status,
            "overdue": self.overdue(now, clock),
            "history": [{"status": word, "at": _iso(at)} for at, word in self.history(now)],
            "parcels": [
                {
                    "carrier": parcel.carrier,
                    "trackingNumber": parcel.number,
                    "status": parcel_status(parcel, now),
                    "scans": parcel.shown(now),
                }
                for parcel in self.parcels
            ],
        }


def parcel_status(parcel: Parcel, now: datetime) -> FulfillmentStatus | None:
    """The newest scan that is no notice decides; a return, once begun, is a failure for good."""
    shown = parcel.shown(now)
    newest = parcel.current(shown)
    return parcel.statuses[newest] if newest is not None else None


def roll_up(statuses: Sequence[FulfillmentStatus | None]) -> FulfillmentStatus | None:
    """Several parcels as one status; beside a known parcel, one that nobody knows yet counts as CONFIRMED."""
    if all(status is None for status in statuses):
        return None
    known = [_S.CONFIRMED if status is None else status for status in statuses]
    if len(known) == 1:
        return known[0]
    if all(status in RECEIVED for status in known):
        return _S.PICKED_UP if all(status is _S.PICKED_UP for status in known) else _S.DELIVERED
    for status in _ATTENTION:
        if status in known:
            return status
    least = min((status for status in known if status not in RECEIVED), key=_PROGRESS.index)
    moved = any(status is not _S.CONFIRMED for status in known)
    return max(least, _S.IN_TRANSIT, key=_PROGRESS.index) if moved else least


@dataclass(frozen=True, slots=True)
class Order:
    """A customer's order."""

    id: str
    number: str
    created_at: datetime
    destination: Location
    fulfillments: tuple[Fulfillment, ...]
    customer: int
    """Which invented person it is for."""

    def payload(self) -> dict[str, Any]:
        """As Order Protection's JSON has it, personal data and all."""
        random = Random(self.customer)  # noqa: S311 - invented people, no secrets
        first, last = random.choice(_FIRST_NAMES), random.choice(_LAST_NAMES)
        total = random.randrange(1_500, 40_000) / 100
        return {
            "sourceOrderId": self.id,
            "originalSourceOrderNumber": self.number,
            "sourceOrderNumber": self.number,
            "sourceCreatedAt": _iso(self.created_at),
            "sourceUpdatedAt": _iso(self.created_at),
            "sourceCancelledAt": None,
            "platformId": "shopify",
            "premiumPaid": 1.98,
            "currency": "USD" if self.destination.country == "US" else "EUR",
            "total": total,
            "subtotal": f"{total:.2f}",
            "customerEmail": f"{first}.{self.customer}@mail.example".lower(),
            "customerName": f"{first} {last}",
            "customerPhone": f"+1555{random.randrange(10**7):07d}",
            "orderItems": [
                {
                    "productName": "Tea tin",
                    "sku": f"TEA-{random.randrange(900)}",
                    "quantity": len(fulfillment.parcels),
                    "price": total,
                    "sourceItemId": f"{fulfillment.id}-item",
                }
                for fulfillment in self.fulfillments
            ],
            "address": {
                "firstName": first,
                "lastName": last,
                "address1": f"{random.randrange(1, 900)} {random.choice(_STREETS)}",
                "address2": "",
                "city": self.destination.city,
                "state": self.destination.state,
                "zip": self.destination.postal_code,
                "country": self.destination.country,
            },
            "tags": "gift, tea",
            "fulfillments": [fulfillment.payload() for fulfillment in self.fulfillments],
        }


def order_id(random: Random, index: int) -> str:
    """An id as shops have them: plain ones, ones with a hash, and a few that need care in a path."""
    form = random.random()
    if form < 0.3:
        return f"#{1001 + index}"
    if form < 0.33:
        return f"2026/{1001 + index} é?"
    return f"{5_000_000_000 + index * 7}"


def imported_status(random: Random) -> str:
    """The status a shop hands over, in the spellings shops use."""
    return random.choice(("FULFILLED", "Fulfilled", "fulfilled", "LABEL_PRINTED", "label-purchased"))


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
