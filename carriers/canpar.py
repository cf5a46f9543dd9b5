"""Canpar Express: CanShip web services, operation trackByBarcodeV2 (SOAP 1.2, one barcode a call).

Owns Canpar's event codes and its answer's shape. Knows no clock, no HTTP library and no other carrier. Sources:
requests and answers of open clients. Canpar publishes no list of its codes; those marked "seen" stood in answers,
with the words after `#`; all others are unverified.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

from carriers.sdk import (
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    Codes,
    Event,
    Info,
    InvalidNumber,
    NoAuth,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    TrackingNumber,
    country_code,
    end_of_day,
    instant,
    record,
    records,
    text,
    tracking_number,
)

CODES = Codes(
    CONFIRMED="MAN              # manifest, unverified",
    CARRIER_PICKED_UP="""
        PIC                     # seen: pickup from customer/shipper
        PIN                     # unverified
    """,
    IN_TRANSIT="""
        ARR                     # seen: arrival at hub/terminal from bulk/city trailer
        SRT                     # seen: sort through facility
        INO INA                 # seen: interline outbound, arrival at interline
        DEP                     # unverified
    """,
    OUT_FOR_DELIVERY="""
        WC                      # seen: with courier
        OFD                     # unverified
    """,
    ATTEMPTED_DELIVERY="ATT NHO # unverified: attempt, not home",
    DELIVERED="""
        DEL                     # seen: delivered
        NSR                     # seen: delivered with no signature required
    """,
    ON_HOLD="HLD                # unverified; perhaps waiting for the recipient",
    DELAYED="XCP                # unverified: an exception of whatever kind",
    FAILURE="REF                # unverified: refused",
    RETURNING="RTS              # unverified: return to sender",
)

#: What `error` says of a barcode nobody knows; anything else is no word about the barcode. Unverified.
UNKNOWN = re.compile(r"\bnot found\b|\bno \w+ found\b|\bdoes not exist\b", re.IGNORECASE)
MALFORMED = re.compile(r"\binvalid (barcode|tracking number)\b", re.IGNORECASE)

HOME = Place(country="CA")

#: The namespaces are those of answers.
ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:ws="http://ws.canparaddons.canpar.com" \
xmlns:xsd="http://ws.dto.canshipws.canpar.com/xsd">
<soap:Header/>
<soap:Body><ws:trackByBarcodeV2><ws:request><xsd:barcode>{barcode}</xsd:barcode>\
<xsd:track_shipment>false</xsd:track_shipment></ws:request></ws:trackByBarcodeV2></soap:Body>
</soap:Envelope>"""


class Canpar(Carrier):
    """Canpar Express. Tracking is open to everybody."""

    info = Info(
        code="canpar",
        name="Canpar",
        docs="https://canship.canpar.com/canshipws/services/CanparAddonsService?wsdl",
        auth=NoAuth(),  # some clients send user_id and password all the same; that none is needed is one client's word
        production="https://canship.canpar.com",
        sandbox="https://sandbox.canpar.com",
        tracking_page="https://www.canpar.com/en/tracking/track.htm?barcode={number}",
        quota=Quota(per_second=1),  # an unverified guess
        names=(
            "Canpar Express",
            "Canpar Courier",
            "Canpar Transport",
            "Canpar Ground",
            "Canpar Select",
            "Canpar Overnight",
        ),
    )
    codes = CODES

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """The one barcode, without its siblings of the same shipment."""
        return Call.post_xml(
            numbers,
            "/canshipws/services/CanparAddonsService.CanparAddonsServiceHttpSoap12Endpoint/",
            ENVELOPE.format(barcode=escape(numbers[0])),
            headers={
                "Content-Type": 'application/soap+xml; charset=utf-8; action="urn:trackByBarcodeV2"',
                "Accept": "application/soap+xml, text/xml",
            },
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the barcode, and for each of its siblings where the answer has some."""
        if (failure := reply.failure()) is not None:
            raise failure
        answer = _return(reply.xml())
        results = [found for found in records(answer, "result") if text(found, "barcode") or found.get("events")]
        if error := text(answer, "error"):
            raise _error(error[:200])
        if not results:
            return [Report(number, error=NotFound("Canpar has no result for the barcode")) for number in reply.numbers]
        return list(_reports(results, reply.numbers))


def _return(envelope: dict[str, Any]) -> dict[str, Any]:
    """The `return` of whatever the operation's response is called."""
    envelope = record(envelope, "Envelope") or record(envelope, "wrapper", "Envelope")
    for response in record(envelope, "Body").values():
        if isinstance(response, dict) and "return" in response:
            return record(response, "return")
    reason = text(envelope, "Body", "Fault", "Reason", "Text")
    raise BadPayload(f"no return in the answer{f': {reason}' if reason else ''}"[:200])


def _error(said: str) -> CarrierError:
    if MALFORMED.search(said):
        return InvalidNumber(said)
    return NotFound(said) if UNKNOWN.search(said) else BadPayload(said)


def _reports(results: Sequence[dict[str, Any]], asked: Sequence[TrackingNumber]) -> Iterator[Report]:
    for result in results:
        number = _number(text(result, "barcode"), asked if len(results) == 1 else ())
        if number is None:
            continue
        shipment = _shipment(result)
        if shipment.events:
            yield Report(number, (shipment,))
        else:
            yield Report(number, error=NotFound("Canpar has no events of the barcode"))


def _number(barcode: str, asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    if len(asked) == 1:
        return asked[0]
    try:
        return tracking_number(barcode)
    except ValueError:
        return None


def _shipment(result: dict[str, Any]) -> Shipment:
    destination = _place(record(result, "consignee_address"))
    promised = instant(text(result, "estimated_delivery_date"), destination, HOME)
    return Shipment(
        events=tuple(_events(result)),
        estimated_delivery=end_of_day(promised[0].date(), destination, HOME) if promised else None,
        shipped_on=_day(text(result, "shipping_date")),
        signed_by=text(result, "signed_by") or None,
    )


def _events(result: dict[str, Any]) -> Iterator[Event]:
    """The events, newest first as Canpar gives them; one without a readable time or a code is left out.

    `time_shift` (3 in Ontario: perhaps the hours from Pacific time) is not used: the place tells more.
    """
    for event in records(result, "events"):
        place = _place(record(event, "address"))
        when = instant(text(event, "local_date_time"), place, HOME)
        code = text(event, "code")
        if when is not None and code:
            yield Event(*when, code, CODES.meaning(code), text(event, "code_description_en"), place)


def _place(address: dict[str, Any]) -> Place | None:
    """A terminal's place; street and names are never read."""
    place = Place(
        text(address, "city"),
        text(address, "province").upper(),
        text(address, "postal_code"),
        country_code(text(address, "country")),
    )
    return place if any(place) else None


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
