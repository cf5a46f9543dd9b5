"""Purolator: E-Ship Web Services, Tracking Service 1.2, operation TrackPackagesByPin (SOAP, several PINs a call).

Owns Purolator's scan types, the descriptions that refine them, and its answer's shape. Knows no clock, no HTTP
library and no other carrier. Sources: requests and answers of open clients; Purolator documents neither its
descriptions nor its error codes in public, so that whatever is read from words is unverified beyond their sentences.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape

from pydantic import Field

from carriers.sdk import (
    BadPayload,
    Basic,
    Call,
    Carrier,
    CarrierError,
    CarrierOptions,
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
    TextRule,
    TextRules,
    TrackingNumber,
    instant,
    record,
    records,
    text,
    tracking_number,
)
from carriers.tables.canada import PROVINCES, country_of

# Keys: a scan type; `TYPE/MEANING` where a description refines it (`WORDINGS`). Purolator has these five types, and
# books under Undeliverable everything that keeps a parcel from its delivery, and much that does not.
CODES = Codes(
    CONFIRMED="OTHER/CONFIRMED UNDELIVERABLE/CONFIRMED",
    CARRIER_PICKED_UP="""
        PROOFOFPICKUP
        PICKUP                          # seen in one client, unverified
    """,
    IN_TRANSIT="""
        OTHER
        UNDELIVERABLE/IN_TRANSIT
        DELIVERY/IN_TRANSIT             # "transferring to shipping centre": no delivery
    """,
    OUT_FOR_DELIVERY="ONDELIVERY",
    ATTEMPTED_DELIVERY="UNDELIVERABLE/ATTEMPTED_DELIVERY",
    READY_FOR_PICKUP="""
        UNDELIVERABLE/READY_FOR_PICKUP OTHER/READY_FOR_PICKUP
        DELIVERY/READY_FOR_PICKUP       # in a locker, waiting
    """,
    PICKED_UP="DELIVERY/PICKED_UP       # taken out of a locker",
    DELIVERED="DELIVERY",
    DELAYED="""
        UNDELIVERABLE                   # with a description nobody knows: the carrier goes on with it
        UNDELIVERABLE/DELAYED OTHER/DELAYED
    """,
    ON_HOLD="UNDELIVERABLE/ON_HOLD OTHER/ON_HOLD",
    FAILURE="UNDELIVERABLE/FAILURE      # refused; the way back has a scan of its own",
    RETURNING="UNDELIVERABLE/RETURNING OTHER/RETURNING DELIVERY/RETURNING",
    INFORMATIONAL="OTHER/INFORMATIONAL UNDELIVERABLE/INFORMATIONAL",
)

#: Descriptions that say more than the scan's type. A trailing dash, a name or a place after it does not matter.
WORDINGS = TextRules(
    TextRule("en", "CONFIRMED", r"shipper created a label.*", "Shipper created a label"),
    TextRule("en", "CONFIRMED", r"shipping label created.*", "Shipping label created"),
    TextRule("en", "CONFIRMED", r"shipment created\b.*", "Shipment created - interim manifest received"),
    TextRule(
        "en",
        "CONFIRMED",
        r"label information electronically submitted.*",
        "Label information electronically submitted",
    ),
    TextRule("en", "INFORMATIONAL", r"new tracking number assigned.*", "New Tracking Number Assigned -"),
    TextRule(
        "en",
        "RETURNING",
        r"(.{1,60}[-.] ?)?(item |shipment )?(being )?returned to (the )?(sender|shipper)\b.*",
        "Shipment undeliverable - Returned to sender",
    ),
    TextRule(
        "fr",
        "RETURNING",
        r"envoi retourné à l['’]expéditeur.*",
        "Envoi retourné à l'expéditeur",
    ),
    # Announced, and not yet on its way back.
    TextRule(
        "en",
        "FAILURE",
        r"(.{1,60}[-.] ?)?to be returned to (the )?(sender|shipper)\b.*",
        "Shipment unclaimed - to be returned to sender",
    ),
    TextRule(
        "en",
        "FAILURE",
        r"(attempted delivery ?- ?)?(shipment |delivery )?refused( by .{1,40})?",
        "Shipment refused by receiver",
    ),
    TextRule(
        "en",
        "READY_FOR_PICKUP",
        r"(.{1,60}[-.,] ?)?(shipment |item )?available for (receiver to )?pick ?up\b.*",
        "Receiver contacted.  Shipment available for pickup",
    ),
    TextRule("en", "READY_FOR_PICKUP", r"item held for pick ?up\b.*", "Item Held for Pickup at Locker"),
    TextRule(
        "en",
        "READY_FOR_PICKUP",
        r"receiver advised they will pick up shipment",
        "Receiver advised they will pick up shipment",
    ),
    TextRule(
        "fr",
        "READY_FOR_PICKUP",
        r"envoi disponible pour le ramassage\b.*",
        "Envoi disponible pour le ramassage au point de service",
    ),
    TextRule("en", "PICKED_UP", r"delivered to customer by locker", "Delivered to Customer by Locker"),
    TextRule("en", "PICKED_UP", r"package removed from locker", "Package removed from Locker"),
    TextRule(
        "en",
        "IN_TRANSIT",
        r"transferring to shipping centre\b.*",
        "Transferring to Shipping Centre - please wait for further instructions",
    ),
    TextRule("en", "IN_TRANSIT", r"(arrived at|departed) sort facility\b.*", "Arrived at sort facility"),
    TextRule(
        "en",
        "IN_TRANSIT",
        r"(resolution complete ?- ?)?shipment (in transit|redirected)\b.*",
        "Resolution complete - shipment redirected",
    ),
    TextRule(
        "en",
        "ATTEMPTED_DELIVERY",
        r"attempted delivery\b.*",
        "Attempted delivery - customer closed",
    ),
    TextRule(
        "en",
        "ON_HOLD",
        r"(shipment |item )?(on hold|held)\b.*",
        "Shipment on hold",
    ),
    TextRule(
        "en",
        "DELAYED",
        r"(shipment |delivery )?(delayed|rescheduled)\b.*",
        "Delivery delayed due to weather event",
    ),
)

#: What tells errors about a PIN from others: Purolator's codes are unknown, so that these words are unverified.
UNKNOWN = re.compile(r"\b(not found|no (tracking|information|data|scans?|history))\b", re.IGNORECASE)
MALFORMED = re.compile(r"\b(invalid|not (a )?valid)\b.*\b(pins?|number|value)\b", re.IGNORECASE)

#: Where a description would tell somebody's name.
WHO = re.compile(
    r"\b(delivered|signed|received|refused) (to|by)\b(?! (purolator|customer|receiver)\b).*", re.IGNORECASE
)

HOME = Place(country="CA")

ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:v1="http://purolator.com/pws/datatypes/v1">
<soap:Header><v1:RequestContext><v1:Version>1.2</v1:Version><v1:Language>en</v1:Language><v1:GroupID/>\
<v1:RequestReference>tracking</v1:RequestReference>{user_token}</v1:RequestContext></soap:Header>
<soap:Body><v1:TrackPackagesByPinRequest><v1:PINs>{pins}</v1:PINs></v1:TrackPackagesByPinRequest></soap:Body>
</soap:Envelope>"""


class PurolatorOptions(CarrierOptions):
    """What a request says beside the credentials."""

    user_token: str = Field(
        "",
        description="UserToken of the request context, for accounts that were given one (unverified).",
    )


class Purolator(Carrier):
    """Purolator Courier, Express and Ground."""

    info = Info(
        code="purolator",
        name="Purolator",
        docs="https://eship.purolator.com/",
        auth=Basic("production_key", "password"),  # the sandbox has a key of its own
        production="https://webservices.purolator.com",
        sandbox="https://devwebservices.purolator.com",
        tracking_page="https://www.purolator.com/en/shipping/tracker?pin={number}",  # unverified; or ?searchValue=
        batch=50,  # unverified
        quota=Quota(per_second=1),  # an unverified guess
        names=(
            "Purolator Courier",
            "Purolator Courier Ltd",
            "Purolator Inc",
            "Purolator Express",
            "Purolator Ground",
            "Purolator International",
            "Purolator Canada",
        ),
    )
    codes = CODES
    Options = PurolatorOptions
    options: PurolatorOptions

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One envelope with every PIN, in English (`WORDINGS` reads it)."""
        pins = "".join(f"<v1:PIN><v1:Value>{escape(number)}</v1:Value></v1:PIN>" for number in numbers)
        token = self.options.user_token
        document = ENVELOPE.format(
            pins=pins, user_token=f"<v1:UserToken>{escape(token)}</v1:UserToken>" if token else ""
        )
        return Call.post_xml(
            numbers,
            "/PWS/V1/Tracking/TrackingService.asmx",
            document,
            headers={"SOAPAction": '"http://purolator.com/pws/service/v1/TrackPackagesByPin"'},
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each PIN; an error of the whole answer is its number's where only one was asked."""
        if (failure := reply.failure(_fault(reply))) is not None:
            raise failure
        response = record(reply.xml(), "Envelope", "Body", "TrackPackagesByPinResponse")
        if "TrackingInformationList" not in response and not _errors(response):
            raise BadPayload(
                f"no TrackPackagesByPinResponse with TrackingInformationList: {_fault(reply)}".rstrip(": ")
            )
        items = records(response, "TrackingInformationList", "TrackingInformation")
        if not items and (errors := _errors(response)):
            error = _error(errors)
            raise error if len(reply.numbers) < 2 else BadPayload(f"one error for all: {error.message}")
        return list(_reports(items, reply.numbers))


def _fault(reply: Reply) -> str:
    """The words of a SOAP fault, if the answer is one."""
    try:
        return text(reply.xml(), "Envelope", "Body", "Fault", "faultstring")[:200]
    except BadPayload:
        return ""


def _errors(holder: dict[str, Any]) -> list[str]:
    """The errors of the answer or of one PIN, each as code and words."""
    found = records(holder, "ResponseInformation", "Errors", "Error")
    return [told for error in found if (told := f"{text(error, 'Code')} {text(error, 'Description')}".strip()[:200])]


def _error(errors: Sequence[str]) -> CarrierError:
    told = "; ".join(errors)[:300]
    if MALFORMED.search(told):
        return InvalidNumber(told)
    return NotFound(told) if UNKNOWN.search(told) else BadPayload(told)


def _reports(items: Sequence[dict[str, Any]], asked: Sequence[TrackingNumber]) -> Iterator[Report]:
    for item in items:
        number = _number(text(item, "PIN", "Value"), asked if len(items) == 1 else ())
        if number is None:
            continue
        scans = records(item, "Scans", "Scan")
        events = sorted(_events(scans), key=lambda event: event.occurred_at, reverse=True)
        if events:
            signers = (text(scan, "ScanDetails", "DeliverySignature") for scan in scans)
            yield Report(number, (Shipment(tuple(events), signed_by=next(filter(None, signers), None)),))
        elif errors := _errors(item):
            yield Report(number, error=_error(errors))
        elif scans:
            yield Report(number, error=BadPayload("no scan of the PIN has a readable time and type"))
        else:
            yield Report(number, error=NotFound("Purolator has no scans under the PIN"))


def _number(value: str, asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    """The PIN an item names; the one asked for where it is the only one."""
    if len(asked) == 1:
        return asked[0]
    try:
        return tracking_number(value)
    except ValueError:
        return None


def _events(scans: Sequence[dict[str, Any]]) -> Iterator[Event]:
    """The scans; one without a readable time or a type is left out."""
    for scan in scans:
        kind = text(scan, "ScanType")
        place = _place(text(scan, "Depot", "Name"))
        clock = text(scan, "ScanTime").zfill(6)
        when = instant(f"{text(scan, 'ScanDate')}T{clock[:2]}:{clock[2:4]}:{clock[4:]}", place, HOME)
        if when is None or not kind:
            continue
        description = text(scan, "Description")
        word = WORDINGS.code(description) if description else None
        code = f"{kind}/{word}" if word and CODES.meaning(f"{kind}/{word}") is not None else kind
        yield Event(*when, code, CODES.meaning(code), WHO.sub(r"\1", description), place)


def _place(depot: str) -> Place | None:
    """`MONTREAL SORT CTR/CTR TRIE, PQ`, `TORONTO ON` or a bare name; `PUROLATOR` is none."""
    found = re.fullmatch(r"(.{1,200}?)(, ?| )([A-Z]{2})", depot)
    if found and (found[3] in PROVINCES or found[2].startswith(",")):
        return Place(found[1], found[3], country=country_of(found[3]))
    return Place(depot) if depot and depot.upper() != "PUROLATOR" else None
