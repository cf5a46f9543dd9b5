"""The tables, as SQLModel classes. Their columns are ours to change; the views in the migrations are not.

Owns names, types, keys and indexes. Knows no statement: all the SQL is in `tracker.store`.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, Dialect, Enum, Index, LargeBinary, String, UniqueConstraint, text
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
    __table_args__ = (Index("ix_orders_compare", "compare_at", sqlite_where=text("compare_at IS NOT NULL")),)

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
    compared_at: datetime | None = Field(default=None, sa_column=_instant())
    """When what Order Protection holds of it was last compared with ours."""
    compare_at: datetime | None = Field(default=None, sa_column=_instant())
    """When it is to be compared next; None while there is nothing to compare."""


class Fulfillment(SQLModel, table=True):
    """What Order Protection knows by `sourceFulfillmentId`; its status is rolled up from its parcels."""

    __tablename__ = "fulfillments"
    __table_args__ = (
        UniqueConstraint("order_id", "source_fulfillment_id"),
        Index("ix_fulfillments_source_id", "source_fulfillment_id"),
        Index("ix_fulfillments_status", "status", sqlite_where=text("withdrawn_at IS NULL")),
        Index("ix_fulfillments_withdrawn", "id", sqlite_where=text("withdrawn_at IS NOT NULL")),
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
        Index("ix_parcels_status", "status"),
        Index("ix_parcels_delivered", "delivered_at", sqlite_where=text("delivered_at IS NOT NULL")),
        Index(
            "ix_parcels_unasked",
            "source",
            "next_poll_at",
            sqlite_where=text("last_polled_at IS NULL AND next_poll_at IS NOT NULL"),
        ),
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
    first_promise: datetime | None = Field(default=None, sa_column=_instant())
    """The first `estimated_delivery` its carrier gave, whatever it says by now."""
    shipment_id: str = ""
    """The carrier's own id of the shipment chosen under this number."""
    known: bool = False
    """Whether its carrier ever told anything of it."""
    fingerprint: str = ""
    """Of the answer last read, as it came: an equal answer is not read again."""

    stage: str | None = Field(default=None, sa_column=Column(String(24), nullable=True))
    """Where it is on its way, as far as the cadence cares."""
    stage_at: datetime | None = Field(default=None, sa_column=_instant())
    """The instant of its newest news."""
    utc_offset: int = 0
    """Minutes ahead of UTC at its destination."""
    last_hook_at: datetime | None = Field(default=None, sa_column=_instant())
    """When its carrier last delivered news of it by itself."""
    look_at: datetime | None = Field(default=None, sa_column=_instant())
    """`next_poll_at` as the cadence set it; where the two differ, somebody wants it asked about out of turn."""

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
    hooked_at: datetime | None = Field(default=None, sa_column=_instant())
    """When its carrier delivered it by itself, where that was before an answer told it."""


class StatusChange(SQLModel, table=True):
    """A fulfillment's status history."""

    __tablename__ = "status_history"
    __table_args__ = (
        Index("ix_status_history_fulfillment", "fulfillment_id"),
        Index("ix_status_history_recorded", "recorded_at"),
    )

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
        Index("ix_pushes_dead", "id", sqlite_where=text("state = 'dead'")),
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


class Outcome(StrEnum):
    """What the comparison of a fulfillment with what Order Protection holds came to."""

    SAME = "same"
    DIFFERS = "differs"
    MISSING_THERE = "missing_there"
    MISSING_HERE = "missing_here"
    PENDING = "pending"
    """Not compared: a push waits, is under way or was only just made."""
    UNTOLD = "untold"
    """Another status or none, and none of ours was ever to be told: no carrier has spoken yet."""


class Drift(SQLModel, table=True):
    """What Order Protection held otherwise than we when last compared. A row goes as soon as both agree again."""

    __tablename__ = "drift"

    order_id: int = Field(foreign_key="orders.id", ondelete="CASCADE", primary_key=True)
    source_fulfillment_id: str = Field(primary_key=True)
    outcome: Outcome = Field(sa_column=_word(Outcome))
    ours: FulfillmentStatus | None = Field(default=None, sa_column=_word(FulfillmentStatus, nullable=True))
    theirs: str | None = None
    """Their word in our spelling, where it is one of the enum's."""
    since: datetime = Field(sa_column=_instant(nullable=False))
    """When it was first found."""
    seen_at: datetime = Field(sa_column=_instant(nullable=False))
    """When it was last found."""
    repaired_at: datetime | None = Field(default=None, sa_column=_instant())
    """When a push of ours was last made over it."""


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
    calls: int = 0
    """Made so far, ever."""
    last_success_at: datetime | None = Field(default=None, sa_column=_instant())


class AccountPrice(SQLModel, table=True):
    """What a call of an account costs by now, and what that was found from."""

    __tablename__ = "prices"

    account: str = Field(primary_key=True)
    state: str
    """JSON of `tracker.cadence.Price`."""
    backlog: int
    """Parcels that were due when it was found."""
    calls: int
    """Calls the account had made by then, ever."""


class LessonSum(SQLModel, table=True):
    """What the account's own history teaches about how soon news comes: sums by carrier, service, stage and part."""

    __tablename__ = "lessons"

    carrier: str = Field(primary_key=True)
    service: str = Field(primary_key=True)
    stage: str = Field(sa_column=Column(String(24), primary_key=True))
    part: str = Field(primary_key=True)
    events: float
    expected: float


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


class Role(StrEnum):
    """What the bearer of a token may do; who may write may read."""

    READ = "read"
    WRITE = "write"


class Token(SQLModel, table=True):
    """A token of the HTTP API, by its hash: the token itself is nowhere."""

    __tablename__ = "tokens"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    role: Role = Field(sa_column=_word(Role))
    prefix: str = Field(unique=True)
    """The part of the token that may be shown, to find its row by."""
    hash: str
    created_at: datetime = Field(sa_column=_instant(nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=_instant())
    last_used_at: datetime | None = Field(default=None, sa_column=_instant())


class ForwardState(StrEnum):
    """What became of a call that Order Protection could not be given at once."""

    WAITING = "waiting"
    DEAD = "dead"


class ForwardedCall(SQLModel, table=True):
    """A merchant's call on its way to Order Protection, as it came. It holds customer data: its row goes when the
    call is delivered, its body when it is refused for good."""

    __tablename__ = "forwarded_calls"
    __table_args__ = (
        Index("ix_forwarded_calls_order", "source_order_id", "id", sqlite_where=text("state = 'waiting'")),
        Index("ix_forwarded_calls_due", "next_attempt_at", sqlite_where=text("state = 'waiting'")),
    )

    id: int | None = Field(default=None, primary_key=True)
    source_order_id: str
    method: str
    path: str
    """With its query, percent-encoded as it came."""
    content_type: str
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    state: ForwardState = Field(default=ForwardState.WAITING, sa_column=_word(ForwardState))
    created_at: datetime = Field(sa_column=_instant(nullable=False))
    next_attempt_at: datetime = Field(sa_column=_instant(nullable=False))
    attempts: int = 0
    last_error: str | None = None
    done_at: datetime | None = Field(default=None, sa_column=_instant())
    lease_token: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=_instant())


class Override(SQLModel, table=True):
    """A status that somebody gave a fulfillment, over what its parcels come to."""

    __tablename__ = "overrides"

    fulfillment_id: int = Field(foreign_key="fulfillments.id", primary_key=True)
    status: FulfillmentStatus = Field(sa_column=_word(FulfillmentStatus))
    at: datetime = Field(sa_column=_instant(nullable=False))
    by: str
    note: str
    before: FulfillmentStatus = Field(sa_column=_word(FulfillmentStatus))
    """What the fulfillment had, should it be taken back and no parcel have a status."""
    told: str
    """What its carriers had said of each parcel, as JSON: as soon as one says something else, the override is over."""


class Mute(SQLModel, table=True):
    """A fulfillment that nobody wants to hear of: its pushes are held back, and it needs nobody."""

    __tablename__ = "mutes"

    fulfillment_id: int = Field(foreign_key="fulfillments.id", primary_key=True)
    at: datetime = Field(sa_column=_instant(nullable=False))
    by: str
    note: str = ""


class Note(SQLModel, table=True):
    """What people did with a fulfillment at the desk, and why."""

    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_fulfillment", "fulfillment_id"),)

    id: int | None = Field(default=None, primary_key=True)
    fulfillment_id: int = Field(foreign_key="fulfillments.id")
    at: datetime = Field(sa_column=_instant(nullable=False))
    by: str
    action: str
    """What was done, in a few words; '' for a note alone."""
    text: str = ""


class AccountHour(SQLModel, table=True):
    """What an account did within an hour of the clock, UTC."""

    __tablename__ = "account_hours"

    account: str = Field(primary_key=True)
    hour: int = Field(primary_key=True)
    """Unix time in hours."""
    calls: int
    seconds: float
    """Wall seconds that the carrier took over them."""
    errors: int
    """Calls that came to nothing: no answer, a refusal, nothing readable."""
    polls: int
    news: int
    """New events of parcels asked about before, and how long ago they had happened, all together."""
    lag_seconds: float


class StatusHour(SQLModel, table=True):
    """How many parcels had a status, as seen within an hour of the clock, UTC."""

    __tablename__ = "status_hours"

    hour: int = Field(primary_key=True)
    """Unix time in hours."""
    status: str = Field(primary_key=True)
    """'' for parcels without one."""
    parcels: int


class HeartbeatKept(SQLModel, table=True):
    """How a heartbeat of a daemon did when that last wrote it down, for other processes to see."""

    __tablename__ = "heartbeats"

    process: str = Field(primary_key=True)
    """Host and process id."""
    job: str = Field(primary_key=True)
    every: float
    """Wall seconds between its runs."""
    began_at: datetime | None = Field(default=None, sa_column=_instant())
    """Of the run under way; None between runs."""
    succeeded_at: datetime | None = Field(default=None, sa_column=_instant())
    seconds: float
    """How long its last run took."""
    in_a_row: int
    """Runs that failed since the last that did not."""
    error: str
    kept_at: datetime = Field(sa_column=_instant(nullable=False))


class HookDelivery(SQLModel, table=True):
    """A carrier's own delivery, kept for a while so that a repetition has no effect. Nothing of what it told."""

    __tablename__ = "hook_deliveries"
    __table_args__ = (Index("ix_hook_deliveries_received", "received_at"),)

    account: str = Field(primary_key=True)
    identity: str = Field(primary_key=True)
    received_at: datetime = Field(sa_column=_instant(nullable=False))
    news: int = 0
    """Events that were new."""
    parcels: int = 0
    """Parcels it was about that are followed here."""
    unknown: int = 0
    """Numbers that are not."""


class WebhookEndpoint(SQLModel, table=True):
    """Who is told of status changes, as config.yaml had it when the daemon started; without address and secret."""

    __tablename__ = "webhook_endpoints"

    name: str = Field(primary_key=True)
    statuses: str
    """Those wanted, as a JSON array; empty = all."""
    carriers: str
    """Of parcels of the fulfillments wanted, as a JSON array; empty = all."""
    paused_until: datetime | None = Field(default=None, sa_column=_instant())
    paused_reason: str = ""
    failures: int = 0
    """Wholesale failures in a row; the pause doubles with each."""
    last_success_at: datetime | None = Field(default=None, sa_column=_instant())


class WebhookMessage(SQLModel, table=True):
    """A status change on its way to an endpoint."""

    __tablename__ = "webhook_messages"
    __table_args__ = (
        Index(
            "ix_webhook_messages_waiting", "endpoint", "fulfillment_id", "id", sqlite_where=text("state = 'waiting'")
        ),
        Index("ix_webhook_messages_due", "endpoint", "next_attempt_at", sqlite_where=text("state = 'waiting'")),
        Index("ix_webhook_messages_fulfillment", "fulfillment_id"),
        Index("ix_webhook_messages_done", "done_at", sqlite_where=text("state <> 'waiting'")),
    )

    id: int | None = Field(default=None, primary_key=True)
    message_id: str = Field(unique=True)
    """The same however often it is sent."""
    endpoint: str
    fulfillment_id: int = Field(foreign_key="fulfillments.id")
    change_id: int = Field(foreign_key="status_history.id")
    payload: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    """What is sent, from the first attempt on; gone when it has arrived."""
    state: PushState = Field(default=PushState.WAITING, sa_column=_word(PushState))
    created_at: datetime = Field(sa_column=_instant(nullable=False))
    next_attempt_at: datetime = Field(sa_column=_instant(nullable=False))
    attempts: int = 0
    last_error: str | None = None
    done_at: datetime | None = Field(default=None, sa_column=_instant())
    lease_token: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=_instant())
