"""TNT: ExpressConnect Tracking 3 (XML), up to 50 consignments a call.

Owns the request, the shape of the answer, TNT's codes and where its local times are from. Knows no clock, no HTTP
library and no other carrier. Source: TNT's technical guide in outline and answers recorded by open clients; TNT's
list of status codes is not public, so that codes and sentences not recorded are unverified and marked with `?`.
TNT moves its customers to FedEx: numbers of FedEx's that TNT delivers are asked for at FedEx.

Times are the scanning depot's, and a depot has a name and no country. It is at the origin if it is the origin's
depot, at the destination if a delivery was made or tried from it; a depot in between is read on TNT's home clock,
its hubs' (unverified, and an hour or so wrong where the hub is further off).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal
from xml.sax.saxutils import escape, quoteattr

from pydantic import Field

from carriers.sdk import (
    AuthFailed,
    BadPayload,
    Basic,
    Call,
    Carrier,
    CarrierError,
    CarrierOptions,
    Codes,
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
    TextRule,
    TextRules,
    TrackingNumber,
    country_code,
    instant,
    record,
    records,
    text,
    tracking_number,
    unsigned,
)

# Keys: status codes; `TEXT/...` for sentences whose codes are not known; `SUMMARY/...` for TNT's word for the whole
# consignment, of which CNF, "not found", is an error.
CODES = Codes(
    CARRIER_PICKED_UP="""
        PU CI           # collected, received at the origin depot
    """,
    IN_TRANSIT="""
        IS IR AS        # received at a TNT location, at a transit point
        TR OS           # in transit
        TEXT/ARRIVED TEXT/CUSTOMS TEXT/RELEASED TEXT/ONFORWARDED
        SUMMARY/INT
    """,
    UNSCANNED="TEXT/CUSTOMS_AHEAD       # cleared before it arrives",
    OUT_FOR_DELIVERY="OD",
    ATTEMPTED_DELIVERY="TEXT/NOT_HOME TEXT/CLOSED",
    DELIVERED="""
        OK TEXT/DELIVERED SUMMARY/DEL
        PA              # handed to the post, which confirms on request only: the last that TNT tells ?
    """,
    DELAYED="""
        NR              # delayed in transit
        MLA LAA LAC     # connection missed; authorities, congestion
        CDB FDB         # packaging damaged, repacked and forwarded
        TEXT/RECOVERY
        SUMMARY/EXC     # an exception, of whatever kind
    """,
    ON_HOLD="TEXT/CONTACT TEXT/HELD_BY_CUSTOMS",
    FAILURE="TEXT/REFUSED",
    RETURNING="TEXT/RETURNED",
    INFORMATIONAL="""
        AA              # no record of the consignment yet, or two
        TEXT/SLOT_AGREED
    """,
)

#: Looked at where a code is unknown.
TEXTS = TextRules(
    TextRule("en", "TEXT/ARRIVED", r"shipment arrived at tnt location", "Shipment Arrived At Tnt Location"),
    TextRule(
        "en",
        "TEXT/CUSTOMS_AHEAD",
        r"pre-arrival customs clearance in progress",
        "Pre-arrival Customs Clearance In Progress",
    ),
    TextRule("en", "TEXT/CUSTOMS", r"customs clearance in progress", "Customs Clearance In Progress."),
    TextRule("en", "TEXT/RELEASED", r"released by customs", "Released By Customs"),
    TextRule("en", "TEXT/ONFORWARDED", r"onforwarded for delivery", "Onforwarded For Delivery"),
    TextRule("en", "TEXT/NOT_HOME", r"customer not home\b.*", "Customer Not Home. Follow Up Actions Underway"),
    TextRule(
        "en", "TEXT/CLOSED", r"closed on delivery attempt\b.*", "Closed On Delivery Attempt. Follow Up Actions Underway"
    ),
    TextRule(
        "en",
        "TEXT/DELIVERED",
        r"(shipment|consignment) delivered (damaged|to residential)",
        "Shipment Delivered Damaged.",
    ),
    TextRule(
        "en",
        "TEXT/CONTACT",
        r"contact with receiver required\b.*",
        "Contact With Receiver Required To Agree Delivery Date/time",
    ),
    TextRule(
        "en",
        "TEXT/SLOT_AGREED",
        r"delivery date/time slot agreed with receiver",
        "Delivery Date/time Slot Agreed With Receiver",
    ),
    TextRule(
        "en",
        "TEXT/RECOVERY",
        r".*\b(delay|rerouted|delayed)\b.*recovery actions? underway",
        "Shipment Rerouted. Recovery Actions Underway.",
    ),
    TextRule("en", "TEXT/HELD_BY_CUSTOMS", r"(shipment )?held (by|in) customs\b.*", "Shipment Held In Customs"),  # ?
    TextRule(
        "en", "TEXT/REFUSED", r"(shipment |delivery )?refused by (the )?(receiver|customer)", "Refused By Receiver"
    ),  # ?
    TextRule(
        "en",
        "TEXT/RETURNED",
        r"(shipment )?(being )?return(ed|ing)? to (the )?sender\b.*",
        "Shipment Returned To Sender",
    ),  # ?
    table=CODES,
)

#: What only happens where the consignment is to go.
_AT_THE_DESTINATION = frozenset(
    {
        FulfillmentStatus.OUT_FOR_DELIVERY,
        FulfillmentStatus.ATTEMPTED_DELIVERY,
        FulfillmentStatus.DELIVERED,
    }
)

#: The clock of a depot nobody knows the country of.
_HOME = Place(country="NL")

UNAUTHORIZED = "9000"


class TNTOptions(CarrierOptions):
    """What a merchant can set for TNT."""

    market: Literal["INTERNATIONAL", "DOMESTIC"] = Field(
        "INTERNATIONAL", description="Whether the account's consignments leave their country."
    )
    origin_country: str = Field(
        "GB", pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2 of the country they are sent from."
    )


class TNT(Carrier):
    """TNT Express, international and domestic."""

    info = Info(
        code="tnt",
        name="TNT",
        docs="https://www.tnt.com/express/en_gb/site/shipping-tools/expressconnect.html",  # unverified
        auth=Basic(),
        production="https://express.tnt.com",
        sandbox=None,
        tracking_page="https://www.tnt.com/express/en_gb/site/shipping-tools/tracking.html?searchType=con&cons={number}",
        batch=50,  # unverified
        quota=Quota(per_second=1),  # unverified guess
        names=("TNT Express", "TNT International", "TNT Worldwide", "TNT Express Worldwide", "TNT FedEx", "FedEx TNT"),
    )
    codes = CODES
    Options: ClassVar[type[CarrierOptions]] = TNTOptions

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """A form with the request's XML as its only field. The complete history, in English, without addresses."""
        options = self.options
        assert isinstance(options, TNTOptions)  # noqa: S101 - what the class itself declares
        asked = "".join(f"<ConsignmentNumber>{escape(number)}</ConsignmentNumber>" for number in numbers)
        market, origin = quoteattr(options.market), quoteattr(options.origin_country)
        document = (
            '<TrackRequest locale="en_US" version="3.1">'
            f"<SearchCriteria marketType={market} originCountry={origin}>{asked}</SearchCriteria>"
            "<LevelOfDetail><Complete/></LevelOfDetail>"
            "</TrackRequest>"
        )
        return Call.post_form(numbers, "/expressconnect/track.do", {"xml_in": document}, query={"version": "3"})

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each consignment number, with a Shipment for each consignment that bears it."""
        if (failure := reply.failure()) is not None:
            raise BadPayload(failure.message) if isinstance(failure, NotFound) else failure
        answer = reply.xml()
        if "TrackResponse" not in answer:
            raise BadPayload("no TrackResponse")
        consignments = records(answer, "TrackResponse", "Consignment")
        if not consignments:
            raise _error(records(answer, "TrackResponse", "Error"))
        shipments: dict[TrackingNumber, list[Shipment]] = {}
        unknown: set[TrackingNumber] = set()
        for consignment in consignments:
            number = _number(consignment, reply.numbers)
            if number is None:
                continue
            found = shipments.setdefault(number, [])
            shipment = _shipment(consignment)
            if shipment.events or shipment.summary:
                found.append(shipment)
            elif text(consignment, "SummaryCode") == "CNF":
                unknown.add(number)
        for number, found in shipments.items():
            if found:
                yield Report(number, tuple(found))
            elif number in unknown:
                yield Report(number, error=NotFound("CNF: consignment not found"))
            else:
                yield Report(number, error=BadPayload("neither a status nor a summary"))


def _error(errors: list[dict[str, Any]]) -> CarrierError:
    """The error of an answer without consignments."""
    for error in errors:
        code = text(error, "Code")
        message = f"{code}: {text(error, 'Message')}"[:300].strip(": ")
        return AuthFailed(message) if code == UNAUTHORIZED else BadPayload(message or "an error without words")
    return BadPayload("neither a consignment nor an error")


def _number(consignment: dict[str, Any], asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    if len(asked) == 1:
        return asked[0]
    try:
        return tracking_number(text(consignment, "ConsignmentNumber"))
    except ValueError:
        return None


def _shipment(consignment: dict[str, Any]) -> Shipment:
    """One consignment; addresses, which full access shows, are never read."""
    word = text(consignment, "SummaryCode")
    summary = f"SUMMARY/{word}" if word and word != "CNF" else ""
    events = sorted(_events(consignment), key=lambda event: event.occurred_at, reverse=True)
    if events and summary:
        events[0] = events[0]._replace(coarse=CODES.meaning(summary))
    collected = instant(text(consignment, "CollectionDate"))
    return Shipment(
        events=tuple(events),
        summary=Summary(summary, CODES.meaning(summary)) if summary else None,
        shipped_on=collected[0].date() if collected else None,
        signed_by=text(consignment, "Signatory") or None,
    )


def _events(consignment: dict[str, Any]) -> Iterator[Event]:
    """The statuses as events; one without a readable date or any code is left out."""
    countries = _countries(consignment)
    for status in records(consignment, "StatusData"):
        code, description = _key(status)
        place = Place(city=text(status, "DepotName"), country=countries.get(text(status, "Depot"), ""))
        day, time = text(status, "LocalEventDate"), text(status, "LocalEventTime")
        when = instant(f"{day}T{time}" if time else day, place, _HOME)
        if when is None or not code:
            continue
        yield Event(*when, code, CODES.meaning(code), unsigned(description), place if any(place) else None)


def _key(status: dict[str, Any]) -> tuple[str, str]:
    """The table's key of a status, and its sentence, which decides where the code is unknown."""
    code, description = text(status, "StatusCode"), text(status, "StatusDescription")
    known = CODES.meaning(code) is not None
    return (code if known else TEXTS.code(description) or code), description


def _countries(consignment: dict[str, Any]) -> Mapping[str, str]:
    """Depot -> country, for those that tell: the origin's, and those a delivery was made or tried from."""
    origin = country_code(text(record(consignment, "OriginCountry"), "CountryCode"))
    destination = country_code(text(record(consignment, "DestinationCountry"), "CountryCode"))
    statuses = records(consignment, "StatusData")
    if origin == destination:
        return {text(status, "Depot"): origin for status in statuses}
    found = {}
    for status in statuses:
        meaning = CODES.meaning(_key(status)[0])
        if meaning is not None and meaning.status in _AT_THE_DESTINATION:
            found[text(status, "Depot")] = destination
    return {**found, text(consignment, "OriginDepot"): origin}
