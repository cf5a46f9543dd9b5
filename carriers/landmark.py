"""Landmark Global: Track API v2 (XML, one number a call), for parcels that cross a border and end with another carrier.

Owns Landmark's event codes and its answer's shape. Knows no clock, no HTTP library and no other carrier. Sources:
the list of status codes and the answers that open clients hold. Unverified, because no account was at hand: the
meaning of every code beyond its name, the words of errors, the limits, and that the clock of an event is its place's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from xml.sax.saxutils import escape

from pydantic import Field

from carriers.sdk import (
    AuthFailed,
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    CarrierOptions,
    Codes,
    Event,
    Info,
    InRequest,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    TrackingNumber,
    country_code,
    instant,
    record,
    records,
    text,
    tracking_number,
)

CODES = Codes(
    CONFIRMED="""
        50              # shipment data uploaded
        60 80           # in Landmark's own warehouse: inventory allocated, fulfilled
    """,
    IN_TRANSIT="""
        150 155         # crossing the border, received on the other side
        200             # scanned at a postal facility; in answers also "departure to country of destination"
        225             # grouped at a facility of Landmark's or a partner's; also its first scan
        250             # scanned for crossing
        275             # in transit with the carrier
        450             # redirected to a new address
    """,
    UNSCANNED="125      # customs cleared; in answers also the transmission of the papers",
    OUT_FOR_DELIVERY="300",
    ATTEMPTED_DELIVERY="400",
    READY_FOR_PICKUP="410",
    DELIVERED="500 510  # delivered, proof of delivery",
    ON_HOLD="90 135     # held for payment, customs issue",
    FAILURE="900        # delivery failed, after attempts that were 400",
    RETURNING="550 570  # return received at a handling facility, return received",
    INFORMATIONAL="""
        75              # processed: before the first scan as well as after it
        100             # shipment information transmitted to the carrier
        800             # claim issued
    """,
)

#: Error codes. Of an unknown number's, none is known: its words decide.
ERRORS: Mapping[str, type[CarrierError]] = {"LOGIN": AuthFailed}
UNKNOWN = re.compile(r"\bnot found\b|\bno (shipments?|packages?|records?)\b|\bdoes not exist\b", re.IGNORECASE)

#: For events without a place or in an unknown one: Brussels, where Landmark's parent bpost is. A guess.
HOME = Place(country="BE")

#: States with which a location ends where no country follows; those whose letters are a country's too are left out.
STATES: Mapping[str, str] = {
    **dict.fromkeys(["AK", "CT", "DC", "FL", "HI", "IA", "KS", "MI", "ND", "NH", "NJ", "NM", "NV"], "US"),
    **dict.fromkeys(["NY", "OH", "OK", "OR", "RI", "TX", "UT", "VT", "WA", "WI", "WV", "WY"], "US"),
    **dict.fromkeys(["AB", "BC", "MB", "NB", "NS", "NT", "ON", "QC"], "CA"),
}

REQUEST = """<?xml version="1.0" encoding="UTF-8"?>
<TrackRequest><Login><Username>{{{{username}}}}</Username><Password>{{{{password}}}}</Password></Login>\
<Test>false</Test><ClientID>{client_id}</ClientID><TrackingNumber>{number}</TrackingNumber>\
<RetrievalType>Historical</RetrievalType></TrackRequest>"""


class LandmarkOptions(CarrierOptions):
    """What a request says beside the credentials."""

    required: ClassVar[tuple[str, ...]] = ("client_id",)

    client_id: str = Field("", description="ClientID, the number under which Landmark knows the merchant.")


class Landmark(Carrier):
    """Landmark Global."""

    info = Info(
        code="landmark",
        name="Landmark Global",
        docs="https://mercurydocs.landmarkglobal.com/docs/api-documentation",
        auth=InRequest(("username", "password")),
        production="https://api.landmarkglobal.com",
        sandbox=None,  # tests go to the same host, with <Test>true</Test>
        tracking_page="https://track.landmarkglobal.com/?search={number}",
        quota=Quota(per_second=1),  # an unverified guess
        names=("Landmark", "LandmarkGlobal", "Landmark Global Inc", "Landmark Global Tracking", "Landmark MaxiPak"),
    )
    codes = CODES
    Options = LandmarkOptions
    options: LandmarkOptions

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """The whole history of one number, Landmark's own or the last carrier's."""
        document = REQUEST.format(client_id=escape(self.options.client_id), number=escape(numbers[0]))
        return Call.post_xml(numbers, "/v2/Track.php", document, headers={"Content-Type": "application/xml"})

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each package. Errors come inside HTTP 200."""
        if (failure := reply.failure()) is not None:
            raise failure
        answer = next((root for root in reply.xml().values() if isinstance(root, dict)), {})
        result = record(answer, "Result")
        packages = records(result, "Packages", "Package")
        errors = [*records(answer, "Errors", "Error"), *records(result, "Errors", "Error")]
        if not packages and errors:
            raise _error(errors)
        if not packages and text(result, "Success").lower() != "true":
            raise BadPayload("neither packages nor errors in the answer")
        return list(_reports(packages, reply.numbers))


def _error(errors: Sequence[dict[str, Any]]) -> CarrierError:
    told = "; ".join(f"{text(error, 'ErrorCode')}: {text(error, 'ErrorMessage')}" for error in errors)[:300]
    for error in errors:
        if kind := ERRORS.get(text(error, "ErrorCode").upper()):
            return kind(told)
    return NotFound(told) if UNKNOWN.search(told) else BadPayload(told)


def _reports(packages: Sequence[dict[str, Any]], asked: Sequence[TrackingNumber]) -> Iterator[Report]:
    for package in packages:
        number = _number(package, asked, alone=len(packages) == 1)
        if number is None:
            continue
        # Oldest first, and what comes from the last carrier late is not in its place.
        events = list(_events(package))[::-1]
        events.sort(key=lambda event: event.occurred_at, reverse=True)
        if events:
            yield Report(number, (Shipment(tuple(events)),))
        elif records(package, "Events", "Event"):
            yield Report(number, error=BadPayload("no event of the package has a readable time and code"))
        else:
            yield Report(number, error=NotFound("Landmark has no events of the package"))


def _number(package: dict[str, Any], asked: Sequence[TrackingNumber], *, alone: bool) -> TrackingNumber | None:
    """The number asked for, Landmark's or the last carrier's; unasked, Landmark's own."""
    if alone and len(asked) == 1:
        return asked[0]
    named = []
    for field in ("LandmarkTrackingNumber", "TrackingNumber"):
        try:
            named.append(tracking_number(text(package, field)))
        except ValueError:
            continue
    return next((number for number in named if number in asked), named[0] if named else None)


def _events(package: dict[str, Any]) -> Iterator[Event]:
    """The events; one without a readable time or a code is left out."""
    for event in records(package, "Events", "Event"):
        place = _place(text(event, "Location"))
        when = instant(_iso(text(event, "DateTime")), place, HOME)
        code = text(event, "EventCode")
        if when is not None and code:
            yield Event(*when, code, CODES.meaning(code), " ".join(text(event, "Status").split()), place)


def _iso(stated: str) -> str:
    """`09/26/2025 02:05 PM`, the form of one half of the answers, as ISO 8601; the other half has that already."""
    try:
        return datetime.strptime(stated, "%m/%d/%Y %I:%M %p").isoformat()  # noqa: DTZ007 - the place's zone follows
    except ValueError:
        return stated


def _place(location: str) -> Place | None:
    """`Toronto, ON, CA`, `Lyon, FR`, `Columbus, OH`, `Feltham, SRY` or a bare city.

    Where two parts end in letters that name a country as well as a state, the country is meant (unverified).
    """
    parts = [part.strip() for part in location.split(",")]
    if not parts[0]:
        return None
    country = country_code(parts[-1]) if len(parts) > 1 else ""
    middle = parts[1:-1] if country else parts[1:]
    state = middle[-1] if middle else ""
    return Place(parts[0], state, country=country or STATES.get(state, ""))
