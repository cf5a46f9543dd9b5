"""DHL eCommerce in the Americas, by its own Tracking API v4: up to 10 packages a call, for the account's own pickups.

Owns the answer's shape, its error words and its clock. Knows no clock, no HTTP library and no other carrier; the
event codes are in `carriers.tables.dhl`. DHL eCommerce in Europe has no such API and is read through `dhl`.

Source: DHL's page on Tracking (DHL eCommerce Americas) for the call and its limits; the answer's fields are those
that published clients read, hence unverified, as is whatever a comment says so of.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from carriers.sdk import (
    BadPayload,
    Call,
    Carrier,
    CarrierError,
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
    ZoneSource,
    end_of_day,
    instant,
    record,
    records,
    text,
    tracking_number,
)
from carriers.sdk.zones import country_code
from carriers.tables.dhl import ECOMMERCE

#: Abbreviations that name an offset.
OFFSETS: Mapping[str, str] = {
    "UTC": "+00:00",
    "GMT": "+00:00",
    "EDT": "-04:00",
    "EST": "-05:00",
    "CDT": "-05:00",
    "CST": "-06:00",
    "MDT": "-06:00",
    "MST": "-07:00",
    "PDT": "-07:00",
    "PST": "-08:00",
    "AKDT": "-08:00",
    "AKST": "-09:00",
    "HST": "-10:00",
}

#: Abbreviations that leave it to the season, each with a place that keeps that time.
ZONES: Mapping[str, Place] = {
    "ET": Place(state="NY", country="US"),
    "CT": Place(state="IL", country="US"),
    "MT": Place(state="CO", country="US"),
    "PT": Place(state="CA", country="US"),
    "AKT": Place(state="AK", country="US"),
    "HT": Place(state="HI", country="US"),
    "AT": Place(state="NS", country="CA"),
}

#: A package's own names for itself, and those its last-mile carriers gave it.
IDS = (
    "trackingId",
    "dhlPackageId",
    "packageId",
    "deliveryConfirmationNumber",
    "overlabeledDspNumber",
    "intelligentMailBarcode",
    "overlabeledIntelligentMailBarcode",
)


class DHLEcommerce(Carrier):
    """DHL eCommerce Americas, which hands most packages to the post for the last mile."""

    info = Info(
        code="dhl_ecommerce",
        name="DHL eCommerce",
        docs="https://developer.dhl.com/api-reference/tracking-dhl-ecommerce-americas",
        auth=OAuth2("/auth/v4/accesstoken"),
        production="https://api.dhlecs.com",
        sandbox="https://api-sandbox.dhlecs.com",
        tracking_page="https://webtrack.dhlecs.com/orders?trackingNumber={number}",
        batch=10,
        quota=Quota(per_second=1),  # unverified guess
        names=(
            "DHL eCommerce Americas",
            "DHL eCommerce Solutions",
            "DHL eCommerce US",
            "DHL eCommerce Canada",
            "DHL Global Mail",
            "DHL GlobalMail",
            "DHL eCS",
            "DHL SmartMail",
            "DHL SM Parcel Plus Ground",
            "DHL Parcel Expedited",
            "DHL Parcel International Direct",
        ),
    )
    codes = ECOMMERCE

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET; `trackingId` takes any of a package's ids. The comma between several is unverified."""
        return Call.get(
            numbers, "/tracking/v4/package/open", query={"trackingId": ",".join(numbers), "offset": "0", "limit": "10"}
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each package; unknown ones are left out, or all of them are (unverified)."""
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        packages = record(reply.json()).get("packages")
        if not isinstance(packages, list):
            raise BadPayload("no list of packages")
        for item in records({"packages": packages}, "packages"):
            number = _number(record(item, "package"), reply.numbers)
            if number is not None:
                yield _report(number, item)


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx; a 404 is "not found" only in DHL's own words, not in a gateway's."""
    try:
        title = text(reply.json(), "title")
    except BadPayload as unreadable:
        return unreadable if reply.status == 404 else reply.failure() or unreadable
    if reply.status == 404 and not title:
        return BadPayload("HTTP 404 without DHL's words")
    return reply.failure(title[:200]) or BadPayload(f"HTTP {reply.status}")


def _number(package: Mapping[str, Any], asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    """The number asked that is one of the package's ids, else the first of them."""
    named = []
    for field in IDS:
        try:
            named.append(tracking_number(text(package, field)))
        except ValueError:
            continue
    return next((number for number in asked if number in named), named[0] if named else None)


def _report(number: TrackingNumber, item: Mapping[str, Any]) -> Report:
    recipient = _recipient(record(item, "recipient"))
    events = tuple(_events(item, recipient))
    if not events:
        return Report(number, error=NotFound("DHL eCommerce lists no event of the package"))
    package = record(item, "package")
    return Report(
        number,
        (
            Shipment(
                events=tuple(sorted(events, key=lambda event: event.occurred_at, reverse=True)),
                estimated_delivery=_promise(text(package, "expectedDelivery"), recipient),
                id=text(package, "dhlPackageId"),
                signed_by=text(item, "recipient", "signedForName") or None,
            ),
        ),
    )


def _events(item: Mapping[str, Any], recipient: Place | None) -> Iterator[Event]:
    """The events in DHL's order; one without a code or a readable time is left out.

    The second id details the first one, and decides where the first is unknown.
    """
    for event in records(item, "events"):
        primary, secondary = text(event, "primaryEventId")[:20], text(event, "secondaryEventId")[:20]
        code = secondary if ECOMMERCE.meaning(primary) is None and secondary in ECOMMERCE else primary
        place = _place(event)
        when = _instant(event, place, recipient)
        if when is not None and code:
            description = text(event, "primaryEventDescription") or text(event, "secondaryEventDescription")
            yield Event(*when, code, ECOMMERCE.meaning(code), description, place)


def _instant(event: Mapping[str, Any], *places: Place | None) -> tuple[datetime, ZoneSource] | None:
    """`date` and `time` in `timeZone`, an American abbreviation; without a known one, local at the place."""
    stated = f"{text(event, 'date')}T{text(event, 'time')}"
    zone = text(event, "timeZone").upper()
    if zone in OFFSETS:
        return instant(stated + OFFSETS[zone]) or instant(stated, *places)
    if zone in ZONES:
        when = instant(stated, ZONES[zone])
        return (when[0], ZoneSource.GIVEN) if when else None
    return instant(stated, *places)


def _place(event: Mapping[str, Any]) -> Place | None:
    """`Compton, CA, US`, or a city alone; the postal code stands apart."""
    city, *rest = [part.strip() for part in text(event, "location").split(",")]
    country = country_code(rest[-1]) if len(rest) > 1 else ""
    state = rest[0] if rest and re.fullmatch(r"[A-Z]{2,3}", rest[0]) else ""
    place = Place(city, state, text(event, "postalCode"), country or country_code(text(event, "country")))
    return place if any(place) else None


def _recipient(address: Mapping[str, Any]) -> Place | None:
    """Where the package goes; there for its zone and never shown."""
    place = Place("", text(address, "state"), text(address, "postalCode"), country_code(text(address, "country")))
    return place if any(place) else None


def _promise(stated: str, recipient: Place | None) -> datetime | None:
    """A promised day, at its end where the recipient is."""
    when = instant(stated, recipient)
    return end_of_day(when[0].date(), recipient) if when else None
