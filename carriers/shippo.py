"""Shippo: the Tracks API, an aggregator that answers about any number at once, given its carrier.

Owns Shippo's codes and its answer's shape. Knows no clock, no HTTP library and no other carrier. Source: Shippo's
API reference for tracking where nothing else is said; a doubt stands beside its line.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from carriers.sdk import (
    Aggregator,
    BadPayload,
    Call,
    CarrierError,
    Codes,
    Event,
    Hook,
    Info,
    InRequest,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    StampedHmac,
    Summary,
    TrackingNumber,
    country_code,
    instant,
    promised,
    record,
    records,
    segment,
    text,
    tracking_number,
    unsigned,
)

# Keys: a status, and TRANSIT/SUBSTATUS: the other statuses mean all that their substatuses do. The list of
# substatuses is unverified.
CODES = Codes(
    CONFIRMED="PRE_TRANSIT TRANSIT/INFORMATION_RECEIVED",
    CARRIER_PICKED_UP="TRANSIT/PACKAGE_ACCEPTED",
    IN_TRANSIT="""
        TRANSIT
        TRANSIT/PACKAGE_ARRIVED TRANSIT/PACKAGE_DEPARTED TRANSIT/PACKAGE_FORWARDED
        TRANSIT/PACKAGE_PROCESSED TRANSIT/PACKAGE_PROCESSING
    """,
    OUT_FOR_DELIVERY="TRANSIT/OUT_FOR_DELIVERY",
    ATTEMPTED_DELIVERY="TRANSIT/DELIVERY_ATTEMPTED TRANSIT/NOTICE_LEFT TRANSIT/LOCATION_INACCESSIBLE",
    READY_FOR_PICKUP="TRANSIT/PICKUP_AVAILABLE",
    DELIVERED="DELIVERED TRANSIT/DELIVERED",
    DELAYED="""
        TRANSIT/DELAYED
        TRANSIT/PACKAGE_DAMAGED         # under way; whether it still arrives, the status tells later
    """,
    ON_HOLD="TRANSIT/ADDRESS_ISSUE TRANSIT/CONTACT_CARRIER TRANSIT/PACKAGE_HELD",
    FAILURE="""
        FAILURE                         # undeliverable, disposed of, lost
        TRANSIT/PACKAGE_UNDELIVERABLE TRANSIT/PACKAGE_DISPOSED TRANSIT/PACKAGE_LOST TRANSIT/PACKAGE_UNCLAIMED
    """,
    RETURNING="""
        RETURNED                        # on its way to the sender, or there
        TRANSIT/RETURN_TO_SENDER
    """,
    INFORMATIONAL="""
        UNKNOWN
        TRANSIT/OTHER
        TRANSIT/DELIVERY_SCHEDULED TRANSIT/DELIVERY_RESCHEDULED TRANSIT/RESCHEDULE_DELIVERY     # dates
    """,
)

#: Stands for the carrier of a number where nobody knows it. Shippo recognises no carrier by itself and has none of
#: this name: it answers 404, and the number stays "not found" until somebody names its carrier.
NOBODY = "unknown"


def _delivered(event: dict[str, Any]) -> Any:
    """The track of a `track_updated`; labels and transactions have events of their own."""
    return record(event, "data") or None if text(event, "event") == "track_updated" else None


class Shippo(Aggregator):
    """Shippo's tracks. The carrier is part of the address; one that `slugs` lacks is asked for by our own code."""

    info = Info(
        code="shippo",
        name="Shippo",
        docs="https://docs.goshippo.com/shippoapi/public-api/tracking-status",
        auth=InRequest(("api_key",)),
        production="https://api.goshippo.com",
        sandbox="https://api.goshippo.com",  # the same host; a key that begins with shippo_test_ makes it the test mode
        tracking_page="https://t.17track.net/en#nums={number}",  # Shippo's own pages need the carrier, too
        quota=Quota(per_second=12),  # 750 a minute; unverified
        names=("goshippo",),
    )
    codes = CODES
    hook = Hook(
        StampedHmac("shippo-auth-signature"),
        _delivered,
        "Settings > API > Webhooks, event `track_updated`; Shippo sets the HMAC secret up when asked by mail",
    )
    slugs: ClassVar[Mapping[str, str]] = {
        "fedex": "fedex",
        "ups": "ups",
        "usps": "usps",
        "dhl_express": "dhl_express",
        "dhl_parcel_de": "dhl_germany",
        "dhl_ecommerce": "dhl_ecommerce",
        "canada_post": "canada_post",
        "purolator": "purolator",
        "australia_post": "australia_post",
        "royal_mail": "royal_mail",
        "evri": "hermes_uk",
        "dpd": "dpd_de",  # dpd_uk is a token of its own
        "la_poste": "la_poste",
        "colissimo": "colissimo",
        "chronopost": "chronopost",
        "bring": "bring",
        "aramex": "aramex",
        "asendia": "asendia_us",
        "ontrac": "ontrac",
        "lasership": "lasership",
        "gls": "gls_de",  # unverified: Shippo's older lists have it, the one for tracking has gls_us alone
    }

    def call_for(self, numbers: Mapping[TrackingNumber, str]) -> Call:
        """One GET for one number."""
        [(number, carrier)] = numbers.items()
        slug = self.slugs.get(carrier, carrier) or NOBODY
        return Call.get(
            [number],
            f"/tracks/{segment(slug)}/{segment(number)}",
            headers={"Authorization": "ShippoToken {{api_key}}"},
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the number asked. A number Shippo knows nothing of has no status, inside a 200."""
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        answer = record(reply.json())
        if "tracking_status" not in answer and not isinstance(answer.get("tracking_history"), list):
            raise BadPayload("neither tracking_status nor tracking_history")
        number = _number(answer, reply.numbers)
        shipment = _shipment(answer)
        if not shipment.events and (shipment.summary is None or shipment.summary.code == "UNKNOWN"):
            raise NotFound("Shippo has no news of the number")
        return [Report(number, (shipment,))]


def _number(answer: dict[str, Any], asked: tuple[TrackingNumber, ...]) -> TrackingNumber:
    if asked:
        return asked[0]
    try:
        return tracking_number(text(answer, "tracking_number"))
    except ValueError:
        raise BadPayload("no tracking_number") from None


def _shipment(answer: dict[str, Any]) -> Shipment:
    """The one shipment; its history comes oldest first, and its latest status stands in where there is none."""
    latest = record(answer, "tracking_status")
    events = sorted(_events(records(answer, "tracking_history") or [latest]), key=lambda event: event.occurred_at)
    code = _key(latest)
    return Shipment(
        events=tuple(reversed(events)),
        summary=Summary(code, CODES.meaning(code), unsigned(text(latest, "status_details"))) if code else None,
        estimated_delivery=promised(text(answer, "eta"), _place(record(answer, "address_to"))),
    )


def _events(history: list[dict[str, Any]]) -> Iterator[Event]:
    """The statuses, in UTC as Shippo gives them; one without a readable time or any code is left out."""
    for entry in history:
        place = _place(record(entry, "location"))
        when = instant(text(entry, "status_date"), place)
        code = _key(entry)
        if when is None or not code or code == "UNKNOWN":
            continue
        yield Event(
            occurred_at=when[0],
            zone=when[1],
            code=code,
            meaning=CODES.meaning(code),
            description=unsigned(text(entry, "status_details")),
            place=place,
            coarse=CODES.meaning(text(entry, "status")),
        )


def _key(entry: dict[str, Any]) -> str:
    """The table's key: the status, with its substatus where that says more."""
    status, substatus = text(entry, "status"), text(entry, "substatus", "code")
    return f"{status}/{substatus}" if substatus and status == "TRANSIT" else status


def _place(address: dict[str, Any]) -> Place | None:
    place = Place(
        text(address, "city"),
        text(address, "state"),
        text(address, "zip"),
        country_code(text(address, "country")),
    )
    return place if any(place) else None


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx; a 404 in Shippo's own words is about the carrier asked for."""
    try:
        detail = text(reply.json(), "detail")[:200]
    except BadPayload as unreadable:
        return unreadable if reply.status == 404 else reply.failure() or unreadable
    return reply.failure(detail) or BadPayload(f"HTTP {reply.status}")
