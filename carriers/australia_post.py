"""Australia Post and StarTrack: Shipping and Tracking API v1, operation "track items" (up to 10 numbers a call).

Owns the words Australia Post answers with (it has no event codes), the answer's shape and its error codes. Knows no
clock, no HTTP library and no other carrier. Source: the API's reference for statuses and error codes; the sentences of
events are as seen in answers, or unverified where their line says so. Numbers of Australia Post and of StarTrack cannot
be mixed in one call, and an account is for one of the two.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from carriers.sdk import (
    BadPayload,
    Basic,
    Call,
    Carrier,
    CarrierError,
    CarrierOptions,
    Codes,
    Event,
    Info,
    InvalidNumber,
    Items,
    NotFound,
    NumberError,
    Place,
    Quota,
    RateLimited,
    Reply,
    Report,
    Shipment,
    Summary,
    TextRule,
    TextRules,
    TrackingNumber,
    Unavailable,
    furthest_behind,
    instant,
    record,
    records,
    text,
    tracking_number,
)
from carriers.sdk.codes import normalise

# Keys are Australia Post's own words, blanks as underscores: first the statuses of items, then sentences of events,
# where a sentence always reads the same. Sentences that vary are TEXTS' and lead to a key of this table.
CODES = Codes(
    CONFIRMED="""
        CREATED SEALED INITIATED    # not in an order yet, in one, finalised
        NOT_YET_RECEIVED
        CONFIRMED UNCONFIRMED INCOMPLETE    # StarTrack: consignment information, finished or not
        READY_FOR_PICKUP            # StarTrack: awaiting pickup by the carrier, not by the recipient
        UNSUCCESSFUL_PICKUP         # could not be collected from the sender
        SHIPPING_INFORMATION_RECEIVED_BY_AUSTRALIA_POST
        SHIPPING_INFORMATION_APPROVED_BY_AUSTRALIA_POST
        SHIPPING_INFORMATION_RECEIVED
    """,
    CARRIER_PICKED_UP="""
        PICKED_UP PARTIAL_PICKUP    # StarTrack: all or some of the items, from the sender
        RECEIVED_AND_READY_FOR_PROCESSING
        RECEIVED_BY_AUSTRALIA_POST
    """,
    IN_TRANSIT="""
        IN_TRANSIT AT_DELIVERY_DEPOT
        PARTIAL_DELIVERY            # of a consignment: some items are still on their way
        ITEM_PROCESSED_AT_FACILITY
        CLEARED_CUSTOMS             # unverified
    """,
    OUT_FOR_DELIVERY="""
        ON_BOARD_FOR_DELIVERY ONBOARD_FOR_DELIVERY
        WITH_DELIVERY_DRIVER        # unverified
    """,
    ATTEMPTED_DELIVERY="""
        UNSUCCESSFUL_DELIVERY
        TO_BE_RE-DELIVERED          # back at the depot as undeliverable, to be tried again
    """,
    READY_FOR_PICKUP="AWAITING_COLLECTION",
    PICKED_UP="COLLECTED_BY_CUSTOMER    # unverified",
    DELIVERED="DELIVERED DELIVERED_IN_FULL ITEM_DELIVERED",
    DELAYED="""
        POSSIBLE_DELAY
        ARTICLE_DAMAGED             # what becomes of it, a later word tells
    """,
    ON_HOLD="""
        HELD_BY_COURIER
        BOOKED_IN                   # StarTrack: at the depot until the day the receiver chose
        HELD_BY_CUSTOMS             # unverified
    """,
    FAILURE="""
        CANCELLED DELETED
        CANNOT_BE_DELIVERED
        FINAL_SHORTAGE              # StarTrack: the item could not be delivered, and its consignment is closed
    """,
    RETURNING="RETURN_TO_SENDER         # unverified",
    INFORMATIONAL="""
        RE-CONSIGNED                # goes on under a new number
        TRACK_ITEMS_FOR_DETAILED_DELIVERY_INFORMATION
        NOTIFICATION_SENT           # unverified
    """,
)

#: Sentences that vary. Those for "left in a safe place", carding, collection and return are unverified.
TEXTS = TextRules(
    TextRule(
        "en",
        "RETURN_TO_SENDER",
        r"(item |article |parcel )?(is |was )?(being )?return(ed|ing)? to( the)? sender(( -|,| at| from) .*)?",
        "Returned to sender",
    ),
    TextRule(
        "en",
        "COLLECTED_BY_CUSTOMER",
        r"(delivered - )?(collected|picked up) by( the)? (customer|addressee|recipient)\b.*",
        "Collected by customer at post office",
    ),
    TextRule("en", "AWAITING_COLLECTION", r"awaiting collection\b.*", "Awaiting collection at SUNSHINE LPO"),
    TextRule(
        "en",
        "AWAITING_COLLECTION",
        r"delivered to( a| the)? (post office|parcel locker|collection point|lpo)\b.*",
        "Delivered to parcel locker",
    ),
    TextRule("en", "DELIVERED", r"delivered( -|,| in| to) .*", "Delivered - Left in a safe place"),
    TextRule(
        "en",
        "UNSUCCESSFUL_DELIVERY",
        r"(delivery attempted|attempted delivery|unable to deliver)\b.*",
        "Delivery attempted - left a card",
    ),
    TextRule(
        "en",
        "ONBOARD_FOR_DELIVERY",
        r"(on ?board|with australia post) (for|with) (delivery|driver)\b.*",
        "Onboard with driver",
    ),
    TextRule(
        "en",
        "PICKED_UP",
        r"(picked up|lodged|accepted)( at .+| by (driver|australia post)| from( the)? sender)",
        "Picked up from sender",
    ),
    TextRule("en", "HELD_BY_CUSTOMS", r"held by .*customs.*", "Held by Australian customs"),
    TextRule("en", "POSSIBLE_DELAY", r"(possible delay|delayed)\b.*", "Delayed in transit"),
    TextRule(
        "en",
        "IN_TRANSIT",
        r"(in transit|arrived|departed|processed|item processed|transferred)\b.*",
        "Arrived at facility in MELBOURNE VIC",
    ),
    TextRule("en", "NOTIFICATION_SENT", r"((e-?mail|sms|delivery) )?notification sent\b.*", "Email notification sent"),
    table=CODES,
)

#: Error codes of one number inside a 200, and of a whole request.
ERRORS: Mapping[str, type[CarrierError]] = {
    "ESB-10001": NotFound,  # "invalid tracking ID", also of one that is too fresh
    "ESB-10002": InvalidNumber,  # not trackable
    "ESB-20010": Unavailable,
    "ESB-20050": Unavailable,
    "51104": NotFound,  # one or more ids could not be found
    "API_002": RateLimited,  # too many requests
}

#: `ALEXANDRIA NSW`, `Melbourne, Vic`, `PERTH WA 6000`.
_TOWN = re.compile(r"(?P<city>.*?),?\s+(?P<state>NSW|VIC|QLD|SA|WA|TAS|NT|ACT)(?:\s+(?P<code>\d{4}))?", re.IGNORECASE)

HOME = Place(country="AU")


class AustraliaPostOptions(CarrierOptions):
    """What a merchant sets for Australia Post."""

    required: ClassVar[tuple[str, ...]] = ("account_number",)

    account_number: str = Field(
        default="",
        description="The account the parcels are sent under: 10 digits, or for StarTrack 8, filled up with zeros.",
    )


class AustraliaPost(Carrier):
    """Australia Post's parcels and StarTrack's consignments."""

    info = Info(
        code="australia_post",
        name="Australia Post",
        docs="https://developers.auspost.com.au/apis/shipping-and-tracking/reference/track-items",
        auth=Basic(user_field="api_key"),
        production="https://digitalapi.auspost.com.au",
        sandbox="https://digitalapi.auspost.com.au/test",
        tracking_page="https://auspost.com.au/mypost/track/#/details/{number}",
        batch=10,
        quota=Quota(per_second=10 / 60),  # ten requests a minute; unverified, Australia Post publishes none
        names=(
            "AusPost",
            "Aus Post",
            "Aust Post",
            "Australian Post",
            "Australia Post eParcel",
            "eParcel",
            "Australia Post Express Post",
            "MyPost Business",
            "StarTrack",
            "Star Track",
            "StarTrack Express",
        ),
    )
    codes = CODES
    texts = TEXTS
    items = Items(("tracking_results",), "tracking_id")
    Options: ClassVar[type[CarrierOptions]] = AustraliaPostOptions

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for up to 10 numbers."""
        options = self.options
        assert isinstance(options, AustraliaPostOptions)  # noqa: S101 - what the class itself declares
        return Call.get(
            numbers,
            "/shipping/v1/track",
            query={"tracking_ids": ",".join(numbers)},
            headers={"Account-Number": options.account_number, "Accept": "application/json"},
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each number; one with both a history and an error keeps its history."""
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        answer = reply.json()
        results = record(answer).get("tracking_results")
        if not isinstance(results, list):
            raise _whole_error(reply, records(answer, "errors")) or BadPayload("no tracking_results")
        for result in records(answer, "tracking_results"):
            number = _number(result, reply.numbers)
            if number is None:
                continue
            shipment = _shipment(result)
            if shipment.events or shipment.summary:
                yield Report(number, (shipment,))
            else:
                yield Report(number, error=_number_error(result))


def _shipment(result: dict[str, Any]) -> Shipment:
    """What the answer says of one number: an article's history, or a consignment's, or that of the article of it
    which is furthest behind."""
    consignment = record(result, "consignment")
    pieces = []
    for item in records(result, "trackable_items"):
        pieces += [_piece(article) for article in (records(item, "items") or [item])]
    own = _piece(consignment)
    piece = own if own.events else furthest_behind([piece for piece in pieces if piece.events]) or Shipment()
    stated = text(result, "status") or text(consignment, "status")
    summary = piece.summary or next((one.summary for one in pieces if one.summary), None) or _summary(stated)
    return Shipment(events=piece.events, summary=summary)


def _piece(article: dict[str, Any]) -> Shipment:
    """An article. Its status stands in for the sentence of its newest event where that is one nobody knows."""
    summary = _summary(text(article, "status"))
    events = sorted(_events(article), key=lambda event: event.occurred_at, reverse=True)
    if events and summary is not None:
        events[0] = events[0]._replace(coarse=summary.meaning)
    return Shipment(events=tuple(events), summary=summary, id=text(article, "article_id"))


def _events(article: dict[str, Any]) -> Iterator[Event]:
    """The events in the answer's order; one without a readable time or a sentence is left out."""
    for event in records(article, "events"):
        description = text(event, "description")
        place = _place(text(event, "location"))
        when = instant(text(event, "date"), place, HOME)
        if when is not None and description:
            code = TEXTS.code(description) or normalise(description[:100])
            yield Event(*when, code, CODES.meaning(code), description, place)


def _summary(status: str) -> Summary | None:
    return Summary(normalise(status[:100]), CODES.meaning(status), status[:100]) if status else None


def _place(location: str) -> Place | None:
    """A town with its state; abroad and at the hubs only a name is told."""
    if not location:
        return None
    town = _TOWN.fullmatch(location[:100])
    if town is None:
        return Place(city=location)
    return Place(town["city"], town["state"].upper(), town["code"] or "", "AU")


def _number(result: dict[str, Any], asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    """The number a result is about; of a single number asked, the result need not repeat it."""
    try:
        return tracking_number(text(result, "tracking_id"))
    except ValueError:
        return asked[0] if len(asked) == 1 and result else None


def _message(error: dict[str, Any]) -> str:
    return f"{text(error, 'code')}: {text(error, 'name') or text(error, 'message')}"[:300].strip(": ")


def _number_error(result: dict[str, Any]) -> CarrierError:
    for error in records(result, "errors"):
        return ERRORS.get(text(error, "code"), BadPayload)(_message(error))
    return NotFound("Australia Post has neither a status nor events for the number")


def _whole_error(reply: Reply, errors: list[dict[str, Any]]) -> CarrierError | None:
    """The error of a whole request by its own code; a number's, where several were asked, says nothing of any."""
    for error in errors:
        kind = ERRORS.get(text(error, "code"))
        if kind is not None and not (issubclass(kind, NumberError) and len(reply.numbers) > 1):
            return kind(f"HTTP {reply.status}: {_message(error)}", retry_after=reply.retry_after)
    return None


def _failure(reply: Reply) -> CarrierError:
    """What an answer other than 2xx stands for. A bare 404 is about the address, never about a number."""
    try:
        errors = records(reply.json(), "errors")
    except BadPayload:
        errors = []
    standard = reply.failure(_message(errors[0]) if errors else "") or BadPayload(f"HTTP {reply.status}")
    if isinstance(standard, NotFound):
        standard = Unavailable(standard.message)
    return (_whole_error(reply, errors) or standard) if isinstance(standard, BadPayload | Unavailable) else standard
