"""DHL Express: the MyDHL API's tracking, up to 200 waybills a call.

Owns the answer's shape, its error words and its clock. Knows no clock, no HTTP library and no other carrier; the
checkpoint codes are in `carriers.tables.dhl`. Source: the MyDHL API reference 3.1.1 where nothing else is said.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from carriers.sdk import (
    BadPayload,
    Basic,
    Call,
    Carrier,
    CarrierError,
    Event,
    Info,
    Items,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    end_of_day,
    instant,
    record,
    records,
    segment,
    text,
    tracking_number,
)
from carriers.sdk.zones import country_code
from carriers.tables.dhl import EXPRESS

#: The shipment's own `status` says how the look-up went, and nothing of the parcel.
FOUND = "SUCCESS"

#: DHL's code for a shipment it has the data of and nothing else.
PRE_TRANSIT = "104"

#: A name has no business in a description.
_SIGNER = re.compile(r"\s*[-:,]?\s*signed (for )?by\b.*", re.IGNORECASE | re.DOTALL)

#: Countries in whose places DHL names the state.
_WITH_STATES = frozenset({"AU", "CA", "US"})


class DHLExpress(Carrier):
    """DHL Express by its own API; one of the account holder's waybills and others alike."""

    info = Info(
        code="dhl_express",
        name="DHL Express",
        docs="https://developer.dhl.com/api-reference/dhl-express-mydhl-api",
        auth=Basic(),
        production="https://express.api.dhl.com/mydhlapi",
        sandbox="https://express.api.dhl.com/mydhlapi/test",
        tracking_page="https://www.dhl.com/en/express/tracking.html?AWB={number}",
        batch=200,
        # Unverified: 500 calls a day is what DHL grants for tests; production is by contract.
        quota=Quota(per_second=1, per_day=500),
        names=(
            "DHL Express Worldwide",
            "DHL Worldwide Express",
            "DHL Express Domestic",
            "DHL Express Easy",
            "DHL Express Saver",
            "DHL Economy Select",
            "DHL International",
            "DHL Intl Express",
            "MyDHL",
        ),
    )
    codes = EXPRESS
    items = Items(("shipments",), "shipmentTrackingNumber")

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """A GET about one waybill, which alone can ask for the events' offsets from UTC, or about several."""
        headers = {"x-version": "3.1.1", "Accept": "application/json", "Accept-Language": "eng"}
        if len(numbers) == 1:
            return Call.get(
                numbers,
                f"/shipments/{segment(numbers[0])}/tracking",
                query={"trackingView": "all-checkpoints", "requestGMTOffsetPerEvent": "true"},
                headers=headers,
            )
        return Call.get(
            numbers,
            "/tracking",
            query={"shipmentTrackingNumber": tuple(numbers), "trackingView": "all-checkpoints"},
            headers=headers,
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each shipment; DHL leaves unknown waybills out (unverified), or knows none of them."""
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        answer = record(reply.json())
        if not isinstance(answer.get("shipments"), list):
            raise BadPayload("no list of shipments")
        shipments = records(answer, "shipments")
        for found in shipments:
            number = _number(found, reply.numbers, alone=len(shipments) == 1)
            if number is not None:
                yield _report(number, found)


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx; a 404 is "not found" only in DHL's own words, not in a gateway's."""
    try:
        answer = reply.json()
    except BadPayload as unreadable:
        return unreadable if reply.status == 404 else reply.failure() or unreadable
    told = text(answer, "detail") or text(answer, "title") or text(answer, "message")
    if reply.status == 404 and not told:
        return BadPayload("HTTP 404 without DHL's words")
    return reply.failure(told[:200]) or BadPayload(f"HTTP {reply.status}")


def _number(found: Mapping[str, Any], asked: Sequence[TrackingNumber], *, alone: bool) -> TrackingNumber | None:
    """The number a shipment is about: the only one asked owns the only one found, whatever it calls itself."""
    if alone and len(asked) == 1:
        return asked[0]
    try:
        return tracking_number(text(found, "shipmentTrackingNumber"))
    except ValueError:
        return None


def _report(number: TrackingNumber, found: Mapping[str, Any]) -> Report:
    """A shipment, or why there is none: one with neither events nor a "Success" was not found (unverified)."""
    origin, destination = (_party(record(found, key)) for key in ("shipperDetails", "receiverDetails"))
    events = tuple(_events(found, origin, destination))
    status = text(found, "status")
    if not events and status.upper() != FOUND:
        return Report(number, error=NotFound(f"DHL Express: {status[:200] or 'no events and no status'}"))
    signers = [text(event, "signedBy") for event in records(found, "events")]
    return Report(
        number,
        (
            Shipment(
                events=tuple(sorted(events, key=lambda event: event.occurred_at, reverse=True)),
                summary=None
                if events
                else Summary(PRE_TRANSIT, EXPRESS.meaning(PRE_TRANSIT), "Shipment data received"),
                estimated_delivery=_promise(text(found, "estimatedDeliveryDate"), destination),
                signed_by=next(filter(None, reversed(signers)), None),
            ),
        ),
    )


def _events(found: Mapping[str, Any], origin: Place | None, destination: Place | None) -> Iterator[Event]:
    """The checkpoints in DHL's order, oldest first; one without a code or a readable time is left out.

    Date and time are local at the service area; the offset is there where it was asked for.
    """
    for event in records(found, "events"):
        code = text(event, "typeCode").upper()[:20]
        area = next(iter(records(event, "serviceArea")), {})
        place = _area(text(area, "description"))
        near = (origin, destination) if code in ("PU", "SA") else (destination, origin)
        stated = f"{text(event, 'date')}T{text(event, 'time')}"
        when = instant(stated + text(event, "GMTOffset"), place, *near) or instant(stated, place, *near)
        if when is not None and code:
            description = _SIGNER.sub("", text(event, "description"))
            yield Event(*when, code, EXPRESS.meaning(code), description, place)


def _promise(stated: str, destination: Place | None) -> datetime | None:
    """`2023-08-11T23:59:00`, local at the destination; a bare date or midnight is that day's last minute."""
    when = instant(stated, destination)
    if when is None:
        return None
    moment = when[0]
    return moment if moment.hour or moment.minute else end_of_day(moment.date(), destination)


def _area(description: str) -> Place | None:
    """A service area: `SYDNEY-AU`, `CINCINNATI HUB,OH-USA`, `EAST MIDLANDS-GB`."""
    head, _, tail = description.rpartition("-")
    country = country_code(tail)
    city, state = (head if country else description).strip(), ""
    before, _, after = city.rpartition(",")
    if country in _WITH_STATES and re.fullmatch(r"[A-Z]{2,3}", after.strip()):
        city, state = before.strip(), after.strip()
    place = Place(city=city, state=state, country=country)
    return place if any(place) else None


def _party(details: Mapping[str, Any]) -> Place | None:
    """Shipper or receiver, by the address if DHL tells it (it is often blank), else by the service area."""
    address = record(details, "postalAddress")
    country = country_code(text(address, "countryCode"))
    if country:
        return Place(state=text(address, "provinceCode"), postal_code=text(address, "postalCode"), country=country)
    area = next(iter(records(details, "serviceArea")), {})
    return _area(text(area, "description"))
