"""Hermes Germany: the Shipment Info API of the Hermes Shipping Interface (HSI), up to 100 shipments a call.

Owns Hermes' event codes, its answer's shape and its error words. Knows no clock, no HTTP library and no other carrier.
Source: the API's description of 2025-12-08 and Hermes' list of event codes (the four digits, "2x2"), where a comment
says nothing else; that the codes come in this form, and not as the list's nine digits, is unverified. The words after
`#` shorten Hermes'; doubts are marked with `?`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from carriers.sdk import (
    AuthFailed,
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    Codes,
    Event,
    Info,
    Items,
    NotFound,
    OAuth2,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    TrackingNumber,
    end_of_day,
    instant,
    record,
    records,
    text,
    tracking_number,
)
from carriers.sdk.zones import country_code

CODES = Codes(
    CONFIRMED="0000                 # notified electronically",
    CARRIER_PICKED_UP="""
        1000                        # left the client's warehouse ?
        1900 1901 1910              # accepted after collection, brought to a branch, collected on tour
        2400                        # handed in at a ParcelShop
    """,
    IN_TRANSIT="""
        1510 6090                   # sorted at a logistics centre, forwarded to one
        2000 2100 2300              # arrived, with and without data, automatic
        3010                        # on the way to a satellite depot
        3300                        # sorted; Hermes' own word is "on tour (automatic)" ?
        3430                        # handed to the island carrier
        4025                        # forwarded to the nearest distribution centre
        6088                        # redirected at the recipient's wish
        1610 1710 1720 1810 1820    # abroad, export declared, cleared, handed to the partner carrier
    """,
    OUT_FOR_DELIVERY="3000          # on a delivery route, expected today",
    ATTEMPTED_DELIVERY="""
        3731 4031 3732 4032 3733 4033       # recipient not present, first to third time; back at the depot
        3715 4015                           # cash on delivery could not be paid
        3782 3783 3784 3785 3786 3787       # identification failed: picture, name, date of birth, card, pin, age
        4081 4082 4083 4084 4085 4086 4087  # the same, back at the depot
        3751 4051 3752 4052 3753 4053       # TAN missing or wrong, first to third time
    """,
    READY_FOR_PICKUP="3410          # at a ParcelShop",
    PICKED_UP="3530                 # collected from a ParcelShop",
    DELIVERED="3500 3510 3520 3511  # with a handheld scanner, without one, into the letterbox",
    DELAYED="""
        0600 0700 0800 0900         # notified, not arrived at the destination depot after 1, 2, 7, 28 days
        4610 4620 4630              # the driver did not get it at the ParcelShop: too many, not found, still not found
        3750 4050                   # tour cancelled
        3780 4080 6086 6087         # misdirected, delivered to the wrong place
        3740 4040 6085              # possibly damaged
        4024                        # too large or heavy for the ParcelShop
        4100                        # not as planned: capacity, transport
    """,
    ON_HOLD="""
        1730                        # held by customs
        3720 4020                   # address not found
        4500                        # kept (stocktaking)
    """,
    FAILURE="""
        1751                        # rejected by customs
        3710 4010                   # refused
        3795 4095                   # delivery stopped, will not be continued
        4035                        # not collected from the ParcelShop within ten days
        9340 9341                   # cancelled, by the client
    """,
    RETURNING="""
        3734 4034 3754 4054         # fourth attempt or TAN in vain: prepared for the return
        6080 6081 6082 6083 6084 6089 6092 6093 6094 6096 6098 6099  # on the way back to the client, by reason
        1520 7500                   # sorted on the way back, arrived at the client
        3760 3761 4060 4061 4062    # a return: collected, taken along, handed in at a ParcelShop, arrived
    """,
    INFORMATIONAL="""
        4070 4072 4690 9399         # the status before is taken back: see TAKES_BACK
        9040 9041                   # measured
        9311 9315 9321 9322 9323 9324 9325      # the recipient chose a shop, neighbour, place, day, address
        9381 9385 9391 9394 9395                # and took it back
        9327 9328                   # note of the customer service, address corrected
    """,
)

#: Codes that take back an earlier event: the newest before them that is one of these.
TAKES_BACK: Mapping[str, frozenset[str]] = {
    "4070": frozenset({"3000", "3010", "3300"}),
    "4072": frozenset({"6080", "6081", "6082", "6083", "6084", "6085", "6089"})
    | frozenset({"6092", "6093", "6094", "6096", "6098", "6099"}),
    "4690": frozenset({"2400", "3410", "3530", "4062", "4610", "4620", "4630"}),
    "9399": frozenset({"9340", "9341"}),
}

#: Of a shipment, and of a request.
UNKNOWN_SHIPMENT = frozenset({"E001"})
BAD_TOKEN = frozenset({"E900", "E902", "E903"})

_DE = Place(country="DE")


class HermesDE(Carrier):
    """Hermes Germany, for its business customers."""

    info = Info(
        code="hermes_de",
        name="Hermes Germany",
        docs="https://de-api-int.hermesworld.com/docs/applications/shipment",
        auth=OAuth2(
            "https://authme.myhermes.de/authorization-facade/oauth2/access_token",
            user_field="username",
            password_field="password",  # noqa: S106 - the name of a field
        ),
        production="https://de-api.hermesworld.com",
        sandbox=None,  # Hermes' integration host wants tokens of an integration host of their own
        tracking_page="https://www.myhermes.de/empfangen/sendungsverfolgung/sendungsinformation#{number}",
        batch=100,
        quota=Quota(per_second=1),  # unverified guess
        names=(
            "Hermes",
            "Hermes DE",
            "Hermes Deutschland",
            "Hermes Versand",
            "Hermes Paket",
            "Hermes Logistik Gruppe",
            "Hermes World",
            "HermesWorld",
            "myHermes Germany",
        ),
    )
    codes = CODES
    items = Items(("shipmentinfo",), "shipmentID")

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET with the parameter repeated."""
        return Call.get(
            numbers,
            "/services/hsi/shipmentinfo",
            query={"shipmentID": tuple(numbers)},
            headers={"Accept": "application/json", "Accept-Language": "EN"},
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each shipment; an unknown one has a result of its own."""
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        listed = record(reply.json()).get("shipmentinfo")
        if not isinstance(listed, list):
            raise BadPayload("no shipmentinfo in the answer")
        for item in records({"shipmentinfo": listed}, "shipmentinfo"):
            number = _number(item, reply.numbers)
            if number is not None:
                yield _report(number, item)


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx. A refused token may come as a 400; a 404 is a gateway's."""
    if reply.status == 404:
        return BadPayload("HTTP 404, which Hermes never says of a shipment")
    try:
        results = records(reply.json(), "listOfResultCodes")
    except BadPayload as unreadable:
        return reply.failure() or unreadable
    told = "; ".join(f"{text(one, 'code')} {text(one, 'message')[:200]}" for one in results[:3])
    if reply.status == 400 and {text(one, "code").upper() for one in results} & BAD_TOKEN:
        return AuthFailed(told)
    return reply.failure(told) or BadPayload(f"HTTP {reply.status}")


def _number(item: Mapping[str, Any], asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    """The number asked that a shipment is about (by its id, or its international one), else its id."""
    named = []
    for field in ("shipmentID", "internationalShipmentID"):
        try:
            named.append(tracking_number(text(item, field)))
        except ValueError:
            continue
    return next((number for number in asked if number in named), named[0] if named else None)


def _report(number: TrackingNumber, item: Mapping[str, Any]) -> Report:
    events = _standing(_events(item))
    if not events:
        code, message = text(item, "result", "code"), text(item, "result", "message")[:200]
        told = f"{code} {message}".strip()
        unknown = code.upper() in UNKNOWN_SHIPMENT
        return Report(number, error=NotFound(told) if unknown else BadPayload(told or "neither a status nor a result"))
    forecast = record(item, "deliveryForecast")
    return Report(number, (Shipment(tuple(events), estimated_delivery=_promise(forecast)),))


def _events(item: Mapping[str, Any]) -> Iterator[Event]:
    """The shipment's history in Hermes' order; one without a code or a readable time is left out."""
    for status in records(item, "status"):
        code = text(status, "code")[:20]
        unit = record(status, "scanningUnit")
        place = Place(city=text(unit, "city"), country=country_code(text(unit, "countryCode")))
        when = instant(text(status, "timestamp"), place, _DE)
        if when is not None and code:
            known = place if any(place) else None
            yield Event(*when, code, CODES.meaning(code), text(status, "description"), known)


def _standing(events: Iterable[Event]) -> list[Event]:
    """The events newest first, without those that a later one takes back."""
    standing: list[Event] = []
    for event in sorted(events, key=lambda event: event.occurred_at):
        taken_back = TAKES_BACK.get(event.code, frozenset())
        for index in reversed(range(len(standing))):
            if standing[index].code in taken_back:
                del standing[index]
                break
        standing.append(event)
    return standing[::-1]


def _promise(forecast: Mapping[str, Any]) -> datetime | None:
    """The end of the forecast's window, which is German time, or of its day."""
    day = text(forecast, "date")
    when = instant(f"{day}T{text(forecast, 'timeSlot', 'to')}", _DE)
    if when is not None:
        return when[0]
    whole = instant(day, _DE)
    return end_of_day(whole[0].date(), _DE) if whole else None
