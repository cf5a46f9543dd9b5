"""What the HTTP API answers, for its description: the fields of `tracker.shapes`, typed and explained.

Owns the OpenAPI components. Builds no answer.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from carriers.sdk.status import FulfillmentStatus


class Shape(BaseModel):
    """Fields in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Place(Shape):
    """Where an event happened."""

    city: str
    state: str
    postal_code: str
    country: str = Field(description="ISO 3166-1 alpha-2 where the carrier tells it.")


class Event(Shape):
    """One scan or notice."""

    occurred_at: datetime = Field(description="With the offset of its place.", examples=["2026-03-02T09:14:00-06:00"])
    zone: Literal["given", "assumed"] = Field(description="Whether the carrier gave the offset.")
    status: FulfillmentStatus | None = Field(description="null: informational, or a code no table knows.")
    code: str = Field(description="The carrier's own.", examples=["AR"])
    description: str = Field(description="The carrier's own words.", examples=["Arrived at FedEx location"])
    place: Place | None


class ParcelOfFulfillment(Shape):
    """A parcel, without its events."""

    tracking_number: str = Field(examples=["794600000017"])
    carrier: str = Field(description="Carrier code; empty while nobody knows it.", examples=["fedex"])
    tracking_url: str | None
    status: FulfillmentStatus | None = Field(description="null until the carrier knows the parcel.")
    status_at: datetime | None
    estimated_delivery: datetime | None
    last_polled_at: datetime | None
    next_poll_at: datetime | None = Field(description="null: not asked about any more.")
    last_error: str | None


class ParcelWithEvents(ParcelOfFulfillment):
    """A parcel with its events."""

    events: list[Event] = Field(description="Newest first.")


class Pushed(Shape):
    """What Order Protection was told last, and whether there is more to tell."""

    status: FulfillmentStatus | None
    at: datetime | None
    pending: bool
    attempts: int
    last_error: str | None


class Change(Shape):
    """A status a fulfillment had."""

    status: FulfillmentStatus
    at: datetime
    reason: str = Field(description="What decided.", examples=["AR: Arrived at FedEx location"])


class Fulfillment(Shape):
    """A fulfillment with its parcels."""

    source_fulfillment_id: str = Field(examples=["fulfillment-123"])
    source_order_id: str = Field(examples=["#517AB"])
    status: FulfillmentStatus
    status_at: datetime
    tracking_company: str = Field(description="As the merchant wrote it.", examples=["FedEx"])
    pushed: Pushed
    parcels: list[ParcelOfFulfillment]


class FulfillmentWhole(Shape):
    """A fulfillment with everything that is known of it."""

    source_fulfillment_id: str = Field(examples=["fulfillment-123"])
    source_order_id: str = Field(examples=["#517AB"])
    status: FulfillmentStatus
    status_at: datetime
    tracking_company: str
    pushed: Pushed
    parcels: list[ParcelWithEvents]
    history: list[Change] = Field(description="Oldest first.")


class Reference(Shape):
    """A fulfillment that a parcel belongs to."""

    source_fulfillment_id: str
    source_order_id: str


class Parcel(ParcelOfFulfillment):
    """A parcel as it is listed."""

    reason: str = Field(description="What decided the status.")
    last_movement_at: datetime | None = Field(description="Of the last scan that proves a movement.")
    delivered_at: datetime | None
    fulfillments: list[Reference]


class ParcelWhole(Parcel):
    """A parcel with its events."""

    events: list[Event] = Field(description="Newest first.")


class ParcelsOfNumber(Shape):
    """What is known under a tracking number. Carriers give numbers out again: the newest use comes first."""

    tracking_number: str
    parcels: list[ParcelWhole]


class FulfillmentPage(Shape):
    """Fulfillments, newest first."""

    items: list[Fulfillment]
    next: str | None = Field(description="The next page's `cursor`; null on the last one.", examples=["2a"])


class ParcelPage(Shape):
    """Parcels, newest first."""

    items: list[Parcel]
    next: str | None = Field(description="The next page's `cursor`; null on the last one.", examples=["2a"])


class Account(Shape):
    """An account with a carrier."""

    name: str = Field(examples=["fedex"])
    state: Literal["on", "paused", "off"]
    reason: str = Field(description="Why it is paused or off; else empty.")
    paused_until: datetime | None
    last_success_at: datetime | None
    calls_last_hour: int
    calls_per_hour: int | None = Field(description="What the quota allows; null: no limit is known.")
    calls_last_day: int
    calls_per_day: int | None


class Carrier(Shape):
    """A carrier, configured or not."""

    code: str = Field(examples=["fedex"])
    name: str
    kind: Literal["python", "yaml", "plugin"]
    batch: int = Field(description="Tracking numbers a call may ask for.")
    auth: str
    codes: int = Field(description="Mapped codes.")
    docs: str
    configured: bool = Field(description="Whether an account of it is polled.")
    accounts: list[Account]


class Polling(Shape):
    """Parcels whose time to be asked about has come."""

    due: int
    oldest_due_at: datetime | None


class Line(Shape):
    """What is on its way to Order Protection."""

    waiting: int
    dead: int
    oldest_waiting_at: datetime | None


class Unmapped(Shape):
    """A code no table knows."""

    carrier: str = Field(description="Whose code it is: a carrier's or an aggregator's.")
    code: str
    events: int


class AccountUse(Shape):
    """Calls of an account against its quota."""

    name: str
    calls_last_hour: int
    calls_per_hour: int | None
    calls_last_day: int
    calls_per_day: int | None


class Stats(Shape):
    """Counts over everything."""

    parcels: dict[str, int] = Field(
        description="By status; UNKNOWN: the carrier said nothing yet.", examples=[{"IN_TRANSIT": 12, "UNKNOWN": 1}]
    )
    fulfillments: dict[str, int] = Field(description="By status.", examples=[{"IN_TRANSIT": 12}])
    polling: Polling
    outbox: Line
    forwards: Line = Field(description="Merchants' calls that Order Protection could not be given at once.")
    accounts: list[AccountUse]
    unmapped: list[Unmapped]


class Due(Shape):
    """What was made due."""

    tracking_number: str
    due: int = Field(description="Parcels that are asked about next, within the quota.")


PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "What is wrong and what to do (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "examples": ["Unauthorized"]},
        "status": {"type": "integer", "examples": [401]},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Each part of the request that is wrong.",
            "items": {
                "type": "object",
                "required": ["where", "what"],
                "properties": {
                    "where": {"type": "string", "examples": ["query.limit"]},
                    "what": {"type": "string"},
                },
            },
        },
    },
}
