"""Evri (United Kingdom, once Hermes UK): client tracking API, one barcode a call.

Owns the request, the shape of the answer and Evri's codes. Knows no clock, no HTTP library and no other carrier.
Evri documents the API for its clients only: address, log-in and answer are as open clients use them, the stages are
those of Evri's tracking page, and all of it is unverified. The page's own API is not for programs, and not asked.

An event has a stage (`4_COURIER`) and a tracking point, the scan within it, by number or name. The stage decides,
but for the few points that are known to say something else.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from carriers.sdk import (
    BadPayload,
    Call,
    Carrier,
    Codes,
    Event,
    Info,
    NotFound,
    OAuth2,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    TrackingNumber,
    instant,
    record,
    records,
    text,
    unsigned,
)

# Keys: stages; `POINT/...` for tracking points.
CODES = Codes(
    CONFIRMED="""
        0 1                     # registered, expected
        POINT/EXPECTED POINT/715        # waits to be dropped off
    """,
    CARRIER_PICKED_UP="""
        POINT/690 POINT/708     # dropped off
        POINT/688 POINT/689 POINT/710 POINT/711     # collected by the courier
    """,
    IN_TRANSIT="""
        2 3                     # at the hub, at the depot
        4                       # with no way of delivery told
    """,
    OUT_FOR_DELIVERY="4_COURIER",
    READY_FOR_PICKUP="4_SHOP 4_PARCELSHOP 4_LOCKER",
    DELIVERED="5_COURIER",
    PICKED_UP="5_SHOP 5_PARCELSHOP 5_LOCKER        # handed out there",
    DELAYED="""
        6 6_INFO                # a problem Evri sees to
        POINT/DELAY_FIX_NWD     # on the next working day
    """,
    ON_HOLD="6_ACTION           # a problem that somebody else has to see to",
    RETURNING="A",
)

#: Where a time without an offset is from.
_HOME = Place(country="GB")


class Evri(Carrier):
    """Evri, couriers, ParcelShops and lockers."""

    info = Info(
        code="evri",
        name="Evri",
        docs="https://www.evri.com/business",
        # The audience and the key beside the token are unverified: open-source clients send both.
        auth=OAuth2(
            "https://hermes-client-integration-prod.eu.auth0.com/oauth/token",
            audience="client-tracking-api",
            in_request=("api_key",),
        ),
        production="https://api.hermesworld.co.uk",
        sandbox=None,
        tracking_page="https://www.evri.com/track/parcel/{number}",
        quota=Quota(per_second=1),  # unverified guess
        names=(
            "Evri UK",
            "Evri Standard",
            "Evri Next Day",
            "Evri ParcelShop",
            "Hermes UK",
            "Hermes World UK",
            "HermesWorld UK",
            "myHermes",
            "MyHermes UK",
        ),
    )
    codes = CODES

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for one barcode."""
        (number,) = numbers
        return Call.get(
            numbers,
            "/client-tracking-api/v1/events",
            query={"barcode": number, "descriptionType": "CLIENT"},
            headers={"Accept": "application/json", "apikey": "{{api_key}}"},
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """One Report, of the number asked: the answer, a list of events, repeats none."""
        if (failure := reply.failure()) is not None:
            if isinstance(failure, NotFound):
                reply.json()  # a gateway's page is no word about the number
            raise failure
        answer = reply.json()
        if not isinstance(answer, list):
            answer = record(answer).get("events")
        if not isinstance(answer, list):
            raise BadPayload("no list of events")
        if not answer:
            raise NotFound("Evri lists no event")
        if not reply.numbers:
            raise BadPayload("Evri repeats no barcode: tell which one was asked about")
        events = sorted(_events(answer), key=lambda event: event.occurred_at, reverse=True)
        if not events:
            raise BadPayload("no event with a readable time and code")
        return [Report(reply.numbers[0], (Shipment(tuple(events)),))]


def _events(answer: list[Any]) -> Iterator[Event]:
    """The events; one without a readable time or any code is left out."""
    for event in records({"events": answer}, "events"):
        when = instant(text(event, "dateTime"), _HOME)
        code = _key(event)
        if when is None or not code:
            continue
        description = text(event, "trackingPoint", "description") or text(event, "trackingStage", "description")
        yield Event(*when, code, CODES.meaning(code), unsigned(description))


def _key(event: dict[str, Any]) -> str:
    """The table's key: the point's where it is known, else the stage's; the point's where there is no stage."""
    point = text(event, "trackingPoint", "trackingPointCode") or text(event, "trackingPoint", "trackingPointId")
    stage = text(event, "trackingStage", "trackingStageCode")
    of_point = f"POINT/{point}" if point else ""
    return stage if stage and CODES.meaning(of_point) is None else of_point
