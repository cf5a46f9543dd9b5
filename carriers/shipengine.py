"""ShipEngine (today's ShipStation API): an aggregator that answers about any number at once, given its carrier.

Owns ShipEngine's codes, its answer's shape and its two clocks. Knows no clock, no HTTP library and no other carrier.
Source: ShipEngine's documentation of tracking where nothing else is said; a doubt stands beside its line.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

from carriers.sdk import (
    Aggregator,
    ApiKey,
    BadPayload,
    Call,
    CarrierError,
    Codes,
    Event,
    Info,
    InvalidNumber,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    ZoneSource,
    country_code,
    instant,
    promised,
    record,
    records,
    text,
    tracking_number,
    unsigned,
)

# Keys: a status_detail_code; the two letters of a status_code for what comes without one.
CODES = Codes(
    CONFIRMED="""
        NY
        SHIPMENT_CREATED AWAITING_PICKUP_DROP_OFF ELEC_ADVICE_RECD_BY_CARRIER NOT_YET_RECEIVED_BY_CARRIER
    """,
    CARRIER_PICKED_UP="""
        AC
        DROPPED_OFF PICKED_UP RECEIVED_BY_CARRIER
        RECD_BY_CARRIER_NO_ELEC_ADVICE  # there before its data
    """,
    IN_TRANSIT="""
        IT
        HUB_SCAN_IN HUB_SCAN_OUT HUB_PROCESSING IN_TRANSIT RECEIVED_LOCAL_DELIVERY_DEPOT SUB_CONTRACTOR_RECEIVED
        CUSTOMS_CLEARED CUSTOMS_PROCESSING
        PARCEL_REDIRECTED_BY_CARRIER    # mostly to a pickup point, whose own scan follows
        DELIVERED_IN_PART               # the rest is still on its way
    """,
    UNSCANNED="PARCEL_REDIRECTED        # at the recipient's wish",
    OUT_FOR_DELIVERY="OUT_FOR_DELIVERY",
    ATTEMPTED_DELIVERY="""
        AT
        ATTEMPTED_DELIVERY ATTEMPTED_DELIVERY_FINAL CUSTOMER_CARDED
        CUSTOMER_IDENTIFICATION_FAILED NO_ACCESS_TO_RECIPIENTS_ADDRESS
    """,
    READY_FOR_PICKUP="""
        SP
        AWAITING_COLLECTION_FROM_PICKUP_POINT COLLECT_AT_LOCAL_PO CUSTOMER_TO_COLLECT_FROM_CARRIER
        DELIVERED_TO_PICKUP_POINT
        DELIVERED_TO_ALTERNATIVE_DELIVERY_LOCATION      # its text speaks of pickup details
    """,
    PICKED_UP="PARCEL_COLLECTED_FROM_PICKUP_POINT",
    DELIVERED="""
        DE
        DELIVERED DELIVERED_DAMAGED DELIVERED_TO_RECEPTION DELIVERED_SPECIFIED_SAFE_PLACE DELIVERED_TO_NEIGHBOUR
        DELIVERED_TO_PO_BOX PROOF_OF_DELIVERY
    """,
    DELAYED="""
        EX
        CARRIER_DELAYS DELAYED_NOT_CARRIER DELIVERY_RESCHEDULED MISROUTED UNSPECIFIED_EXCEPTION
        PARCEL_DAMAGED PARCEL_REPACKED INCORRECT_DECLARATION    # still delivered, each says
    """,
    ON_HOLD="""
        ADDRESS_QUERY HELD_BY_CARRIER HELD_BY_CUSTOMS HELD_BY_CARRIER_FOR_CLEARANCE_PRE_PROCESSING
        COD_AMOUNT_NOT_PAID DUTY_NOT_PAID
    """,
    FAILURE="""
        CANCELLED HAZARDOUS_PROHIBITED NOT_DELIVERED_ADDRESSEE_DECEASED PARCEL_DISPOSED PARCEL_LOST
        PARCEL_OUTSIDE_OF_SERVICE_CAPABILITY
        NOT_COLLECTED_FROM_PICKUP_POINT REFUSED_BY_CUSTOMER     # will go back, and is not on its way yet
    """,
    RETURNING="CUSTOMER_MOVED NOT_DELIVERED RETURN_TO_SENDER UNDELIVERABLE_RETURNED_TO_SENDER",
    INFORMATIONAL="""
        UN
        CARRIER_STATUS_NOT_MAPPED INFORMATION POST_TRANSIT_STATUS SUB_CONTRACTOR_EVENT PARCEL_UPDATE_NOTIFICATION
        PARCEL_OVER_LABELLED COD_AMOUNT_PAID
        DELIVERY_ARRANGED_WITH_RECIPIENT DELIVERY_SCHEDULED     # a date, not a status
        PICKUP_FAILED                   # at the sender's; the carrier comes again
        TRACKING_EXPIRED                # nobody looks any more; says nothing of the parcel
    """,
)

#: "Status not mapped": then the coarse code is all there is.
NOT_MAPPED = "CARRIER_STATUS_NOT_MAPPED"

#: Stands for the carrier of a number where nobody knows it. ShipEngine recognises no carrier by itself and has none
#: of this name: it refuses the question, and the number stays "not found" until somebody names its carrier.
NOBODY = "unknown"


class ShipEngine(Aggregator):
    """ShipEngine's tracking. It needs the carrier; one that `slugs` lacks is asked for by our own code.

    A carrier has to be connected to the ShipEngine account.
    """

    info = Info(
        code="shipengine",
        name="ShipEngine",
        docs="https://docs.shipstation.com/apis/shipengine/docs/tracking/tracking",
        auth=ApiKey("API-Key"),
        production="https://api.shipengine.com",
        sandbox="https://api.shipengine.com",  # the same host; a key that begins with TEST_ makes it the sandbox
        tracking_page="https://t.17track.net/en#nums={number}",  # ShipEngine has no page that goes by number
        quota=Quota(per_second=3.3),  # 200 a minute; unverified
        names=("ShipStation", "ShipStation API"),
    )
    codes = CODES
    slugs: ClassVar[Mapping[str, str]] = {
        "fedex": "fedex",
        "ups": "ups",
        "usps": "stamps_com",
        "dhl_express": "dhl_express",
        "dhl_ecommerce": "dhl_ecommerce",
        "canada_post": "canada_post",
        "purolator": "purolator_canada",
        "australia_post": "australia_post",
        "royal_mail": "royal_mail",
        "dpd": "dpd",
        "asendia": "asendia",
        "ontrac": "ontrac",
        "sendle": "sendle",
    }

    def call_for(self, numbers: Mapping[TrackingNumber, str]) -> Call:
        """One GET for one number."""
        [(number, carrier)] = numbers.items()
        slug = self.slugs.get(carrier, carrier) or NOBODY
        return Call.get([number], "/v1/tracking", query={"carrier_code": slug, "tracking_number": number})

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the number asked. A number nobody has heard of is "unknown" without events, inside a 200."""
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        answer = record(reply.json())
        if not text(answer, "status_code") and not isinstance(answer.get("events"), list):
            raise BadPayload("neither a status_code nor events")
        number = _number(answer, reply.numbers)
        shipment = _shipment(answer)
        meaning = shipment.summary.meaning if shipment.summary else None
        if not shipment.events and (meaning is None or meaning.status is None):
            raise NotFound("ShipEngine has no news of the number")
        return [Report(number, (shipment,))]


def _number(answer: dict[str, Any], asked: tuple[TrackingNumber, ...]) -> TrackingNumber:
    if asked:
        return asked[0]
    try:
        return tracking_number(text(answer, "tracking_number"))
    except ValueError:
        raise BadPayload("no tracking_number") from None


def _shipment(answer: dict[str, Any]) -> Shipment:
    listed = records(answer, "events")
    code = _key(answer)
    shipped = instant(text(answer, "ship_date"))
    return Shipment(
        events=tuple(sorted(_events(listed), key=lambda event: event.occurred_at, reverse=True)),
        summary=Summary(code, CODES.meaning(code), unsigned(text(answer, "status_description"))) if code else None,
        estimated_delivery=promised(text(answer, "estimated_delivery_date")),
        shipped_on=shipped[0].date() if shipped else None,
        signed_by=next(filter(None, (text(event, "signer") for event in listed)), None),
    )


def _events(listed: list[dict[str, Any]]) -> Iterator[Event]:
    """The events, newest first as ShipEngine gives them; one without a readable time or any code is left out."""
    for entry in listed:
        place = _place(entry)
        when = _instant(text(entry, "occurred_at"), text(entry, "carrier_occurred_at"), place)
        code = _key(entry)
        if not code and (own := text(entry, "event_code")):
            code = f"EVENT/{own}"  # the carrier's own code, where ShipEngine has none for it
        if when is None or not code:
            continue
        yield Event(
            occurred_at=when[0],
            zone=when[1],
            code=code,
            meaning=CODES.meaning(code),
            description=unsigned(text(entry, "description"), text(entry, "signer")),
            place=place,
            coarse=CODES.meaning(text(entry, "status_code")),
        )


def _key(entry: dict[str, Any]) -> str:
    """The finest code that says something."""
    detail = text(entry, "status_detail_code")
    return detail if detail not in ("", NOT_MAPPED) else text(entry, "status_code") or detail


def _instant(utc: str, local: str, place: Place | None) -> tuple[datetime, ZoneSource] | None:
    """The instant in UTC with the offset that the same time on the place's own clock gives away.

    Where both show the same although the place's clock differs from UTC, ShipEngine knew no zone and repeats the
    local time (unverified): that is read at the place, and marked as assumed.
    """
    told, here = instant(utc), instant(local, place)
    if told is None or here is None or here[1] is ZoneSource.GIVEN:
        return told if here is None else here
    offset = here[0].replace(tzinfo=UTC) - told[0].astimezone(UTC)
    if not offset and here[0].utcoffset():
        return here
    if abs(offset) <= timedelta(hours=14) and not offset % timedelta(minutes=15):
        return told[0].astimezone(timezone(offset)), ZoneSource.GIVEN
    return told


def _place(entry: dict[str, Any]) -> Place | None:
    place = Place(
        text(entry, "city_locality"),
        text(entry, "state_province"),
        text(entry, "postal_code"),
        country_code(text(entry, "country_code")),
    )
    return place if any(place) else None


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx.

    A question that ShipEngine refuses for its carrier or its number is about that number alone, however long it
    takes until somebody connects the carrier; which of them it is, only the sentence says (unverified).
    """
    try:
        errors = records(reply.json(), "errors")
    except BadPayload as unreadable:
        return unreadable if reply.status == 404 else reply.failure() or unreadable
    error = errors[0] if errors else {}
    message = text(error, "message")[:200]
    standard = reply.failure(f"{text(error, 'error_code')}: {message}".strip(": ")) or BadPayload(
        f"HTTP {reply.status}"
    )
    if not isinstance(standard, BadPayload | NotFound):
        return standard
    if "tracking_number" in message:
        return InvalidNumber(standard.message)
    return NotFound(standard.message) if "carrier" in message else standard
