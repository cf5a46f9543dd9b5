"""Aramex: Shipments Tracking API, operation TrackShipments, in its JSON form (up to 50 waybills a call).

Owns the answer's shape, the sentences that come before its codes, and how its times are read; the codes are in
`carriers.tables.aramex`. Knows no clock, no HTTP library and no other carrier. Source: the API's WSDL and open-source
clients; the JSON addresses, the batch size, every code and every sentence are unverified.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

from pydantic import Field

from carriers.sdk import (
    AuthFailed,
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    CarrierOptions,
    Event,
    Info,
    InRequest,
    Items,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    TextRule,
    TextRules,
    TrackingNumber,
    ZoneSource,
    instant,
    record,
    records,
    text,
    tracking_number,
    zone_of,
)
from carriers.sdk.zones import country_code
from carriers.tables import aramex as tables

CODES = tables.UPDATES

#: What an update says outright, whatever its code.
TEXTS = TextRules(
    TextRule("en", "SH069", r"(shipment )?returned to (the )?shipper", "Returned to Shipper"),
    TextRule("en", "SH474", r"(shipment )?to be returned to (the )?shipper", "To be Returned to Shipper"),
    TextRule("en", "SH005", r"(shipment )?delivered", "Delivered"),
    TextRule("en", "SH006", r"(shipment )?(collected|picked up) by (the )?consignee", "Collected by Consignee"),
    TextRule("en", "SH003", r"(shipment )?out for delivery", "Out for Delivery"),
    TextRule("en", "SH012", r"(shipment )?picked up from (the )?shipper", "Picked Up From Shipper"),
    TextRule("en", "SH014", r"(shipment )?record created", "Record created."),
    TextRule("en", "SH164", r"(shipment )?held for consignee pick-?up", "Held for Consignee Pickup"),
    TextRule("en", "SH033", r"attempted delivery\b.*", "Attempted Delivery - Customer Not Available"),
    TextRule("en", "SH158", r"held (in|by) customs\b.*", "Held in Customs - Pending Clearance"),
    table=CODES,
)

#: `Notifications[].Code` where the whole answer failed.
ERRORS: Mapping[str, type[CarrierError]] = {"ERR01": AuthFailed}

#: `/Date(1711868400000+0300)/`, milliseconds since 1970.
_WCF = re.compile(r"/Date\((?P<ms>-?\d{1,14})(?P<sign>[+-])?(?P<hours>\d\d)?(?P<minutes>\d\d)?\)/")


#: Where bare times without a place are read: at the head office.
HOME = Place(country="AE")


class AramexOptions(CarrierOptions):
    """What a merchant sets for Aramex, beside the credentials."""

    required: ClassVar[tuple[str, ...]] = ("account_entity", "account_country_code")

    account_entity: str = Field(default="", description="The Aramex station that holds the account, such as DXB.")
    account_country_code: str = Field(default="", description="ISO 3166-1 alpha-2 of that station's country.")


class Aramex(Carrier):
    """Aramex' international and domestic express."""

    info = Info(
        code="aramex",
        name="Aramex",
        docs="https://www.aramex.com/us/en/developers-solution-center/aramex-apis",
        auth=InRequest(("username", "password", "account_number", "account_pin")),
        production="https://ws.aramex.net",
        sandbox="https://ws.sbx.aramex.net",  # unverified
        tracking_page="https://www.aramex.com/track/results?ShipmentNumber={number}",  # unverified
        batch=50,  # unverified
        quota=Quota(per_second=1),  # unverified guess
        names=("Aramex International", "Aramex Express", "Aramex Domestic", "Aramex UAE", "Aramex PJSC"),
    )
    codes = CODES
    texts = TEXTS
    items = Items(("TrackingResults",), "Key")
    Options: ClassVar[type[CarrierOptions]] = AramexOptions

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One POST for up to 50 waybills, with their whole history."""
        options = self.options
        assert isinstance(options, AramexOptions)  # noqa: S101 - what the class itself declares
        client = {
            "UserName": "{{username}}",
            "Password": "{{password}}",
            "Version": "v1.0",
            "AccountNumber": "{{account_number}}",
            "AccountPin": "{{account_pin}}",
            "AccountEntity": options.account_entity,
            "AccountCountryCode": options.account_country_code,
        }
        return Call.post_json(
            numbers,
            "/ShippingAPI.V2/Tracking/Service_1_0.svc/json/TrackShipments",
            {"ClientInfo": client, "Shipments": list(numbers), "GetLastTrackingUpdateOnly": False},
            headers={"Accept": "application/json"},
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each waybill Aramex knows. Those it does not know it lists by themselves; where it is known
        what was asked, they are simply left out here."""
        if (failure := reply.failure()) is not None:
            raise failure
        answer = reply.json()
        results = record(answer).get("TrackingResults")
        if record(answer).get("HasErrors") is True and not results:
            raise _failure(answer)
        unknowns = record(answer).get("NonExistingWaybills")
        if not isinstance(results, list) and not isinstance(unknowns, list):
            raise BadPayload("neither TrackingResults nor NonExistingWaybills")
        for result in records(answer, "TrackingResults"):
            number = _number(text(result, "Key"), reply.numbers)
            if number is None:
                continue
            events = sorted(_events(result), key=lambda event: event.occurred_at, reverse=True)
            if events:
                yield Report(number, (Shipment(events=tuple(events)),))
            else:
                yield Report(number, error=NotFound("Aramex has no updates of the waybill"))
        for unknown in unknowns if isinstance(unknowns, list) and not reply.numbers else ():
            if (number := _number(text(unknown), ())) is not None:
                yield Report(number, error=NotFound("Aramex does not know the waybill"))


def _events(result: dict[str, Any]) -> Iterator[Event]:
    """The updates of a waybill; one without a readable time, or that says nothing, is left out."""
    for update in records(result, "Value"):
        description = text(update, "UpdateDescription")
        place = _place(text(update, "UpdateLocation"))
        when = _instant(text(update, "UpdateDateTime"), place)
        code = TEXTS.code(description) or text(update, "UpdateCode")
        if when is not None and code:
            yield Event(*when, code, CODES.meaning(code), description, place)


def _instant(stated: str, place: Place | None) -> tuple[datetime, ZoneSource] | None:
    """A time as Aramex writes it: bare and local, or wrapped by .NET.

    .NET's offset is that of Aramex' server, put beside a time that is local to the scan: what the clock on the wall
    showed is read in the zone of the place where that is known. Unverified. Without an offset, .NET's time is UTC.
    """
    wrapped = _WCF.fullmatch(stated)
    if wrapped is None:
        return instant(stated, place, HOME)
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(wrapped["ms"]))
        if wrapped["sign"]:
            offset = timedelta(hours=int(wrapped["hours"] or 0), minutes=int(wrapped["minutes"] or 0))
            moment = moment.astimezone(timezone(-offset if wrapped["sign"] == "-" else offset))
    except (OverflowError, ValueError):
        return None
    is_local = wrapped["sign"] and zone_of(place) is not None
    return instant((moment.replace(tzinfo=None) if is_local else moment).isoformat(), place)


def _place(location: str) -> Place | None:
    """`Riyadh, Saudi Arabia`: the country is what stands last, where it is one."""
    head, _, tail = location[:200].rpartition(",")
    country = country_code(tail)
    if country:
        return Place(city=head.strip(), country=country)
    return Place(city=location) if location else None


def _number(stated: str, asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    """The waybill a result is about; of a single one asked, the result need not repeat it."""
    try:
        return tracking_number(stated)
    except ValueError:
        return asked[0] if len(asked) == 1 else None


def _failure(answer: object) -> CarrierError:
    """The error of a whole answer: its first notification."""
    for notification in records(answer, "Notifications"):
        code, message = text(notification, "Code"), text(notification, "Message")
        return ERRORS.get(code, BadPayload)(f"{code}: {message}"[:300].strip(": "))
    return BadPayload("HasErrors without a notification")
