"""The tables, as SQLModel classes. Their columns are ours to change; the views in the migrations are not.

Owns names, types, keys and indexes. Knows no statement: all the SQL is in `tracker.store`.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, Dialect, Enum, Index, String, UniqueConstraint, text
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from carriers.sdk.codes import Effect
from carriers.sdk.events import ZoneSource
from carriers.sdk.status import FulfillmentStatus


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as fixed-width ISO 8601 text in UTC: sorts by time and reads in any SQL shell."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Aware datetime -> text; ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Text -> datetime in UTC."""
        return None if value is None else datetime.fromisoformat(value)


def _word(enum: type[StrEnum], *, nullable: bool = False, name: str = "") -> Column[Any]:
    """A column that holds an enum's value (SQLAlchemy would store the member's name)."""
    kind = Enum(enum, values_callable=lambda members: [m.value for m in members], native_enum=False, length=24)
    return Column(name or None, kind, nullable=nullable)


def _instant(*, nullable: bool = True) -> Column[Any]:
    return Column(Instant, nullable=nullable)


class Order(SQLModel, table=True):
    """An order's reference, and what is needed to create it at Order Protection. No personal data."""

    __tablename__ = "orders"

    id: int | None = Field(default=None, primary_key=True)
    source_order_id: str = Field(unique=True)
    source_order_number: str = ""
    payload: str | None = None
    """The order as JSON without its customer; None where it was only named by a fulfillment."""
    created_at: datetime | None = Field(default=None, sa_column=_instant())
    cancelled_at: datetime | None = Field(default=None, sa_column=_instant())
    country: str = ""
    state: str = ""
    postal_code: str = ""
    tags: str = ""
    """Comma-separated, as the merchant writes them; rules of `routes:` may ask for one."""


class Fulfillment(SQLModel, table=True):
    """What Order Protection knows by `sourceFulfillmentId`; its status is rolled up from its parcels."""

    __tablename__ = "fulfillments"
    __table_args__ = (
        UniqueConstraint("order_id", "source_fulfillment_id"),
        Index("ix_fulfillments_source_id", "source_fulfillment_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    order_id: int = Field(foreign_key="orders.id")
    source_fulfillment_id: str
    tracking_company: str = ""
    payload: str
    """The fulfillment as Order Protection's JSON, to create it there when it is unknown."""
    fulfilled_at: datetime = Field(sa_column=_instant(nullable=False))
    status: FulfillmentStatus = Field(sa_column=_word(FulfillmentStatus))
    status_at: datetime = Field(sa_column=_instant(nullable=False))
    reason: str = ""
    withdrawn_at: datetime | None = Field(default=None, sa_column=_instant())


class Parcel(SQLModel, table=True):
    """One use of a tracking number: carriers give numbers out again. Polled once however many fulfillments it
    belongs to; of several uses of a number only the newest is polled."""

    __tablename__ = "parcels"
    __table_args__ = (
        UniqueConstraint("carrier", "number", "use"),
        Index("ix_parcels_number", "number"),
        Index("ix_parcels_due", "source", "priority", "next_poll_at", sqlite_where=text("next_poll_at IS NOT NULL")),
    )

    id: int | None = Field(default=None, primary_key=True)
    carrier: str
    """Carrier code; '' while nobody knows it."""
    number: str
    use: int = 1
    """Which use of the number this is, in the order they became known here."""
    company: str = ""
    """The carrier as the merchant wrote it."""
    source: str = ""
    """Where it is asked about now: a carrier's code or an account's name, one of `route` or a carrier its number
    may belong to as well."""
    route: str = ""
    """Its sources in order, separated by blanks."""
    step: int = 0
    """How many sources did not know it."""
    fulfilled_at: datetime = Field(sa_column=_instant(nullable=False))
    """Of its earliest fulfillment: what tells this use of the number from another."""

    status: FulfillmentStatus | None = Field(default=None, sa_column=_word(FulfillmentStatus, nullable=True))
    status_at: datetime | None = Field(default=None, sa_column=_instant())
    reason: str = ""
    last_movement_at: datetime | None = Field(default=None, sa_column=_instant())
    delivered_at: datetime | None = Field(default=None, sa_column=_instant())
    estimated_delivery: datetime | None = Field(default=None, sa_column=_instant())
    shipment_id: str = ""
    """The carrier's own id of the shipment chosen under this number."""
    known: bool = False
    """Whether its carrier ever told anything of it."""
    fingerprint: str = ""
    """Of the answer last read, as it came: an equal answer is not read again."""

    first_asked_at: datetime | None = Field(default=None, sa_column=_instant())
    last_polled_at: datetime | None = Field(default=None, sa_column=_instant())
    next_poll_at: datetime | None = Field(default=None, sa_column=_instant())
    """None = not polled any more."""
    priority: int = 1
    ended_at: datetime | None = Field(default=None, sa_column=_instant())
    not_found: bool = False
    not_found_since: datetime | None = Field(default=None, sa_column=_instant())
    """Since when every answer was that the number is not known."""
    failures: int = 0
    last_error: str | None = None

    lease_token: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=_instant())


class FulfillmentParcel(SQLModel, table=True):
    """Which parcels a fulfillment consists of, in the merchant's order."""

    __tablename__ = "fulfillment_parcels"
    __table_args__ = (Index("ix_fulfillment_parcels_parcel", "parcel_id"),)

    fulfillment_id: int = Field(foreign_key="fulfillments.id", primary_key=True)
    parcel_id: int = Field(foreign_key="parcels.id", primary_key=True)
    position: int = 0
    tracking_url: str = ""


class ParcelEvent(SQLModel, table=True):
    """One scan or notice, with the carrier's raw code and text. Never deleted while its parcel lives."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("parcel_id", "key"),
        Index("ix_events_unmapped", "parcel_id", sqlite_where=text("NOT mapped")),
    )

    id: int | None = Field(default=None, primary_key=True)
    parcel_id: int = Field(foreign_key="parcels.id")
    key: str
    source: str = ""
    """Code of the carrier or aggregator that told, whose table `code` stands in."""
    occurred_at: datetime = Field(sa_column=_instant(nullable=False))
    utc_offset: int = 0
    """Minutes east of UTC at the event's place."""
    zone: ZoneSource = Field(sa_column=_word(ZoneSource))
    code: str
    mapped: bool
    status: FulfillmentStatus | None = Field(default=None, sa_column=_word(FulfillmentStatus, nullable=True))
    effect: Effect = Field(default=Effect.NONE, sa_column=_word(Effect))
    description: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    position: int = 0
    """The carrier's own order among events of one instant; lower is newer."""
    seen_at: datetime = Field(sa_column=_instant(nullable=False))
    withdrawn_at: datetime | None = Field(default=None, sa_column=_instant())


class StatusChange(SQLModel, table=True):
    """A fulfillment's status history."""

    __tablename__ = "status_history"
    __table_args__ = (Index("ix_status_history_fulfillment", "fulfillment_id"),)

    id: int | None = Field(default=None, primary_key=True)
    fulfillment_id: int = Field(foreign_key="fulfillments.id")
    status: FulfillmentStatus = Field(sa_column=_word(FulfillmentStatus))
    at: datetime = Field(sa_column=_instant(nullable=False))
    recorded_at: datetime = Field(sa_column=_instant(nullable=False))
    reason: str = ""


class PushState(StrEnum):
    """What became of a push."""

    WAITING = "waiting"
    SENT = "sent"
    SUPERSEDED = "superseded"
    DEAD = "dead"
    DROPPED = "dropped"


class Push(SQLModel, table=True):
    """The outbox: a status on its way to Order Protection."""

    __tablename__ = "pushes"
    __table_args__ = (
        Index("ix_pushes_waiting", "fulfillment_id", "id", sqlite_where=text("state = 'waiting'")),
        Index("ix_pushes_due", "next_attempt_at", sqlite_where=text("state = 'waiting'")),
        Index("ix_pushes_fulfillment", "fulfillment_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    fulfillment_id: int = Field(foreign_key="fulfillments.id")
    status: FulfillmentStatus = Field(sa_column=_word(FulfillmentStatus))
    state: PushState = Field(default=PushState.WAITING, sa_column=_word(PushState))
    created_at: datetime = Field(sa_column=_instant(nullable=False))
    next_attempt_at: datetime = Field(sa_column=_instant(nullable=False))
    attempts: int = 0
    last_error: str | None = None
    done_at: datetime | None = Field(default=None, sa_column=_instant())
    lease_token: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=_instant())


class Account(SQLModel, table=True):
    """The state of a carrier account, or of Order Protection: paused or not, and when it may be asked next."""

    __tablename__ = "accounts"

    name: str = Field(primary_key=True)
    carrier: str
    next_call_at: datetime | None = Field(default=None, sa_column=_instant())
    paused_until: datetime | None = Field(default=None, sa_column=_instant())
    paused_reason: str = ""
    failures: int = 0
    """Wholesale failures in a row; the pause doubles with each."""
    failing_since: datetime | None = Field(default=None, sa_column=_instant())
    """Of the first of them."""
    last_success_at: datetime | None = Field(default=None, sa_column=_instant())


class Remembered(SQLModel, table=True):
    """What the daemon has to know of its last run, by name."""

    __tablename__ = "remembered"

    name: str = Field(primary_key=True)
    value: str


class QuotaUse(SQLModel, table=True):
    """Calls an account has made, in slots of a window: a sliding count that survives a restart."""

    __tablename__ = "quota_use"

    account: str = Field(primary_key=True)
    window: int = Field(primary_key=True)
    """Length in seconds."""
    slot: int = Field(primary_key=True)
    """Unix time of the slot's start, in slots."""
    calls: int


class Reservation(SQLModel, table=True):
    """Calls granted and perhaps under way; counted as made when their process did not come back."""

    __tablename__ = "reservations"
    __table_args__ = (CheckConstraint("calls >= 0"),)

    token: str = Field(primary_key=True)
    account: str
    calls: int
    expires_at: datetime = Field(sa_column=_instant(nullable=False))
