"""PostNL: Shipping Status API v2, one barcode a call.

Owns the answer's shape and PostNL's way to write times; the codes are in `carriers.tables.postnl`. Knows no clock,
no HTTP library and no other carrier. Source: PostNL's API documentation (Shippingstatus) where nothing else is said;
a doubt stands beside its line. The API tells only the account's own shipments, names no places, and writes Dutch
time without an offset.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from carriers.sdk import (
    ApiKey,
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    Event,
    FulfillmentStatus,
    Info,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    Unavailable,
    ZoneSource,
    end_of_day,
    instant,
    record,
    records,
    segment,
    text,
    tracking_number,
)
from carriers.sdk.zones import country_code
from carriers.tables.postnl import CODES, TEXTS

NETHERLANDS = Place(country="NL")

#: `Warnings[].Code` of a barcode that PostNL, or this account, does not know.
NO_SHIPMENT = "2"

#: `08-11-2022 10:13:20`, the day first; the expected time frame has slashes.
_DUTCH_TIME = re.compile(r"(\d\d)[-/](\d\d)[-/](\d{4})[ T](\d\d:\d\d(?::\d\d)?)")


class PostNL(Carrier):
    """Parcels and letterbox parcels of an account, at home and abroad."""

    info = Info(
        code="postnl",
        name="PostNL",
        docs="https://developer.postnl.nl/api-overview/send-and-track/shippingstatus-webservice",
        auth=ApiKey("apikey"),
        production="https://api.postnl.nl",
        sandbox="https://api-sandbox.postnl.nl",
        # The page asks for the recipient's postal code, which is not ours to put into a link.
        tracking_page="https://jouw.postnl.nl/track-and-trace/{number}",
        # Undocumented, an unverified guess; PostNL asks for "useful intervals" and answers 429.
        quota=Quota(per_second=2),
        names=(
            "Post NL",
            "PostNL NL",
            "PostNL Nederland",
            "PostNL Netherlands",
            "PostNL Pakketten",
            "PostNL Parcels",
            "PostNL Pakket",
            "PostNL Brievenbuspakje",
            "PostNL Belgium",
            "PostNL International",
            "PostNL International Mail",
            "PostNL Domestic",
            "Koninklijke PostNL",
            "Royal PostNL",
        ),
    )
    codes = CODES
    texts = TEXTS

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for one barcode, with its events, in English."""
        return Call.get(
            numbers,
            f"/shipment/v2/status/barcode/{segment(numbers[0])}",
            query={"detail": "true", "language": "EN"},
            headers={"Accept": "application/json"},
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the barcode asked; an unknown one comes as a warning inside a 200."""
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        answer = reply.json()
        shipments = records(answer, "CompleteStatus", "Shipment") or records(answer, "CurrentStatus", "Shipment")
        if not shipments:
            raise _warning(answer)
        told: dict[TrackingNumber, list[Shipment]] = {}
        for listed in _concerned(shipments, reply.numbers):
            number = _number(listed, reply.numbers)
            if number is not None:
                told.setdefault(number, []).extend(_shipment(listed))
        for number, found in told.items():
            if found:
                yield Report(number, tuple(found))
            else:
                yield Report(number, error=BadPayload("neither events nor a status"))


def _concerned(shipments: list[dict[str, Any]], asked: Sequence[TrackingNumber]) -> list[dict[str, Any]]:
    """The shipments with the barcode asked; all of them where none bears it. A multi-collo answer lists its pieces."""
    return [listed for listed in shipments if text(listed, "Barcode").upper() in asked] or shipments


def _number(shipment: dict[str, Any], asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    if len(asked) == 1:
        return asked[0]
    try:
        return tracking_number(text(shipment, "Barcode") or text(shipment, "MainBarcode"))
    except ValueError:
        return None


def _shipment(listed: dict[str, Any]) -> Iterator[Shipment]:
    """The shipment, if anything is told of it. Without events, its statuses are its history."""
    current = record(listed, "Status")
    events = list(_events(records(listed, "Event"), "Code", "Description"))
    if not events:
        history = [current, *records(listed, "OldStatus")]
        events = list(_events(history, "StatusCode", "StatusDescription"))
    events.sort(key=lambda event: event.occurred_at, reverse=True)  # PostNL promises no order
    code, description = text(current, "StatusCode"), text(current, "StatusDescription")
    key = _key(code, description)
    if events or code:
        yield Shipment(
            events=tuple(events),
            summary=Summary(key, CODES.meaning(key), description) if code else None,
            estimated_delivery=_promise(listed),
        )


def _events(history: Iterable[dict[str, Any]], code: str, description: str) -> Iterator[Event]:
    """One event for each item with a code and a readable time."""
    for item in history:
        when, own, said = _dutch(text(item, "TimeStamp")), text(item, code), text(item, description)
        if when is not None and own:
            key = _key(own, said)
            yield Event(*when, key, CODES.meaning(key), said)


def _key(code: str, description: str) -> str:
    """The table's key for a code; the text may tell that what reads "in distribution" is the courier's round.

    Statuses are written with and without a leading zero.
    """
    key = code.lstrip("0") if code.isdecimal() else code
    meaning = CODES.meaning(key)
    if meaning is None or meaning.status is FulfillmentStatus.IN_TRANSIT:
        return TEXTS.code(description) or key
    return key


def _dutch(stated: str) -> tuple[datetime, ZoneSource] | None:
    found = _DUTCH_TIME.fullmatch(stated)
    return instant(f"{found[3]}-{found[2]}-{found[1]}T{found[4]}" if found else stated, NETHERLANDS)


def _promise(listed: dict[str, Any]) -> datetime | None:
    """The end of the expected time frame, or of the expected day at the recipient's.

    `Expectation` is written `11/07/2022 12:00:00`, and whether the month comes first is unverified: it counts in the
    reading that agrees with `DeliveryDate`.
    """
    receiver = next((one for one in records(listed, "Address") if text(one, "AddressType") == "01"), {})
    destination = Place(country=country_code(text(receiver, "CountryCode")))
    day = instant(text(listed, "DeliveryDate"), destination, NETHERLANDS)
    if day is None:
        return None
    until = _DUTCH_TIME.fullmatch(text(listed, "Expectation", "ETATo"))
    if until and {until[1], until[2]} == {f"{day[0]:%d}", f"{day[0]:%m}"}:
        when = instant(f"{day[0]:%Y-%m-%d}T{until[4]}", destination, NETHERLANDS)
        if when is not None:
            return when[0]
    return end_of_day(day[0].date(), destination, NETHERLANDS)


def _warning(answer: object) -> CarrierError:
    """What an answer without a shipment means."""
    for warning in records(answer, "Warnings"):
        message = text(warning, "Message") or text(warning, "Description")
        error = NotFound if text(warning, "Code") == NO_SHIPMENT else BadPayload
        return error(f"{text(warning, 'Code')}: {message}"[:300].strip(": "))
    return BadPayload("neither a shipment nor a warning")


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx. A 404 is about the address: an unknown barcode is said inside a 200."""
    try:
        answer = reply.json()
    except BadPayload:
        answer = {}
    said = text(answer, "message") or text(answer, "fault", "faultstring") or text(answer, "faultstring")
    standard = reply.failure(said[:300]) or BadPayload(f"HTTP {reply.status}")
    return Unavailable(standard.message) if isinstance(standard, NotFound) else standard
