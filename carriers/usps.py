"""USPS: Tracking v3r2 (35 numbers a call, POST) and v3 (one number, GET), JSON.

Owns what these two APIs say and mean. Knows no HTTP library, no clock and no other carrier. Sources: USPS
developer portal (specifications of Tracking 3.0 and 3.2, error inventory); the event codes come from open
clients, since Publication 199's own list is not public: a code marked "unverified" rests on one client.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any, Literal

from carriers.sdk import (
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    CarrierOptions,
    Codes,
    Event,
    FulfillmentStatus,
    Info,
    InvalidNumber,
    Items,
    NotFound,
    NumberError,
    OAuth2,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    ZoneSource,
    end_of_day,
    instant,
    record,
    records,
    segment,
    text,
    tracking_number,
    zone_of,
)

CODES = Codes(
    CONFIRMED="""
        PRE-SHIPMENT    # category
        MA GX           # shipping data sent, label created: USPS awaits the item
        89              # merchant's order processed
        80 81 82        # a shipping partner has it (picked up, arrived, departed): USPS awaits the item
    """,
    CARRIER_PICKED_UP="""
        ACCEPTED        # category
        03 OA AD UA     # accepted: at origin, at destination, at a facility
        43 83           # picked up by USPS, tendered by the shipping partner
        PA              # in possession of the item, without an acceptance scan
        TM PB           # shipment received, acceptance of the single parcel pending (PB unverified)
    """,
    IN_TRANSIT="""
        IN_TRANSIT MOVING_THROUGH_NETWORK    # categories
        10 A1 07 41 19    # arrived: facility, regional facility, delivery unit, opening unit, destination entry
        T1 EF SF TL       # departed: regional facility, sort facility, post office, to the next facility
        PC                # sorted at the delivery unit
        06                # forwarded to the recipient's new address
        42                # handed to a shipping partner
        60 L1 U1          # network scans, unverified
    """,
    UNSCANNED="NT         # in transit to the next facility: written by a timer, nobody saw the parcel",
    OUT_FOR_DELIVERY="""
        OUT_FOR_DELIVERY    # category
        OF DG 59
    """,
    DELIVERED="""
        DELIVERED DELIVERED_TO_AGENT    # categories
        01              # left at the mailbox, front door, locker, with an individual or agent, held-mail pick-up
        I0              # abroad
        BR DN AH DL OK  # DL with signature
        17 MR           # picked up by the recipient's agent; one client reads 17 as a return, unverified
    """,
    ATTEMPTED_DELIVERY="""
        DELIVERY_ATTEMPT          # category
        02 51 52 53 54 55 56 57   # notice left: closed, no receptacle, nobody authorised, ...
        30 NH                     # no access, nobody home
        CA CM H0                  # unverified
    """,
    READY_FOR_PICKUP="""
        AVAILABLE_FOR_PICKUP    # category
        14 16
    """,
    DELAYED="""
        ALERT           # category: anything from a weather delay to a return; the events say which
        08 15           # missent, mis-shipped
        DX              # no delivery scan at the end of the promised day
    """,
    FAILURE="""
        04 05           # refused, undeliverable as addressed: what becomes of it is told by a later event
        11              # to the mail recovery centre (dead letter)
        31              # not picked up; clients disagree whether it travels back already
        44              # recalled by the sender
    """,
    RETURNING="""
        09 29                   # to the sender; 29 "other"
        21 22 23 24             # ... because: no such number, insufficient address, moved, forwarding expired
        25 26 27 28             # ... because: unknown, vacant, unclaimed, deceased
        RT RD RE H8 BA K4 K5 K6 K7    # returns in every client's list, wording unverified
    """,
    INFORMATIONAL="GC           # return receipt associated",
)

#: Error inventory of the Tracking API. The number is not known yet, or has no scan yet.
NOT_YET = frozenset({"150001", "150002", "150003", "150009"})

#: Asking again with this account never helps: other channel, country suppressed, another shipper's parcel,
#: a pick-up's number, counterfeit postage, a test kit's number. 150010 (another shipper's) is here and not
#: among refused credentials, since it is true of the one number and would else pause the whole account.
NEVER = frozenset({"150004", "150008", "150010", "150011", "150012", "150013"})

#: As the post's international products write countries; two letters are taken as they are. Others stay untold.
COUNTRIES = {
    "AUSTRALIA": "AU",
    "AUSTRIA": "AT",
    "BELGIUM": "BE",
    "BRAZIL": "BR",
    "CANADA": "CA",
    "CHINA": "CN",
    "FRANCE": "FR",
    "GERMANY": "DE",
    "GREAT BRITAIN": "GB",
    "GREAT BRITAIN AND NORTHERN IRELAND": "GB",
    "HONG KONG": "HK",
    "INDIA": "IN",
    "IRELAND": "IE",
    "ISRAEL": "IL",
    "ITALY": "IT",
    "JAPAN": "JP",
    "MEXICO": "MX",
    "NETHERLANDS": "NL",
    "NEW ZEALAND": "NZ",
    "NORWAY": "NO",
    "POLAND": "PL",
    "PORTUGAL": "PT",
    "SINGAPORE": "SG",
    "SOUTH KOREA": "KR",
    "SPAIN": "ES",
    "SWEDEN": "SE",
    "SWITZERLAND": "CH",
    "UNITED KINGDOM": "GB",
    "UNITED STATES": "US",
    "UNITED STATES OF AMERICA": "US",
}

HOME = Place(country="US")


class UspsOptions(CarrierOptions):
    """Which of the two APIs an account uses: v3r2, or v3 while it lasts."""

    api: Literal["v3r2", "v3"] = "v3r2"


class Usps(Carrier):
    """United States Postal Service. Answers of both APIs are read, whichever one is asked."""

    info = Info(
        code="usps",
        name="USPS",
        docs="https://developers.usps.com/trackingv3r2",
        auth=OAuth2("/oauth2/v3/token", id_field="consumer_key", secret_field="consumer_secret", sends="json"),  # noqa: S106 - the name of a field
        production="https://apis.usps.com",
        sandbox="https://apis-tem.usps.com",
        tracking_page="https://tools.usps.com/go/TrackConfirmAction?tLabels={number}",
        batch=35,
        quota=Quota(per_hour=60, counts_tokens=True),  # the default over all v3 APIs; raised on request
        names=(
            "US Postal Service",
            "U.S. Postal Service",
            "United States Postal Service",
            "USPS Ground Advantage",
            "USPS Priority Mail",
            "USPS Priority Mail Express",
            "USPS First Class",
            "USPS First Class Mail",
            "USPS Parcel Select",
            "USPS Media Mail",
        ),
    )
    codes = CODES
    items = Items((), "trackingNumber")
    Options = UspsOptions
    options: UspsOptions

    def __init__(self, options: CarrierOptions | None = None) -> None:
        """With `api: v3` a call asks about one number."""
        super().__init__(options)
        if self.options.api == "v3":
            self.info = replace(self.info, batch=1)

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """v3r2: an array of numbers; v3: one number in the path, with its scans (DETAIL)."""
        if self.options.api == "v3":
            return Call.get(numbers, f"/tracking/v3/tracking/{segment(numbers[0])}", query={"expand": "DETAIL"})
        return Call.post_json(numbers, "/tracking/v3r2/tracking", [{"trackingNumber": number} for number in numbers])

    def parse(self, reply: Reply) -> Iterable[Report]:
        """v3r2 answers with an array (HTTP 207 where numbers failed), v3 with an object."""
        failure = reply.failure()
        if failure is not None and reply.status not in (400, 404):
            raise failure
        answer = reply.json()
        if isinstance(answer, list):
            return _reports(records({"items": answer}, "items"), reply)
        if not isinstance(answer, dict):
            raise BadPayload("neither an array nor an object")
        if failure is None and "error" not in answer:
            return _reports([answer], reply)
        error = _error(answer, reply.status)
        if isinstance(error, NumberError) and len(reply.numbers) > 1:
            raise BadPayload(f"one error for a batch of {len(reply.numbers)}: {error.message}")
        raise error


def _reports(items: Sequence[dict[str, Any]], reply: Reply) -> Iterator[Report]:
    """A report for each number; a number reused within the year has several shipments."""
    shipments: dict[TrackingNumber, list[Shipment]] = {}
    errors: dict[TrackingNumber, CarrierError] = {}
    for item in items:
        number = _number(item, reply.numbers)
        if number is None:
            continue
        status = text(item, "statusCode")
        if item.get("error") or status[:1] in ("4", "5"):
            errors[number] = _error(item, int(status) if re.fullmatch(r"[45]\d\d", status) else 400)
        elif item.get("trackingEvents") or text(item, "statusCategory"):
            shipments.setdefault(number, []).append(_shipment(item))
    for number in dict.fromkeys((*shipments, *errors)):
        found = tuple(shipments.get(number, ()))
        yield Report(number, found, None if found else errors[number])


def _number(item: dict[str, Any], asked: tuple[TrackingNumber, ...]) -> TrackingNumber | None:
    """The number an item is about, as it was asked: the barcode's `420` and ZIP code may be left out of answers.

    (The prefix is Publication 199's; that answers leave it out is unverified.)
    """
    try:
        number = tracking_number(text(item, "trackingNumber"))
    except ValueError:
        return None
    if number in asked:
        return number
    return next((full for full in asked if full.startswith("420") and full.endswith(number)), number)


def _error(item: dict[str, Any], status: int) -> CarrierError:
    """The error of one number, or of an answer that is one error object."""
    error = record(item, "error")
    codes = [text(detail, "code") for detail in records(error, "errors")] or [text(error, "code")]
    message = f"{'/'.join(filter(None, codes))} {text(error, 'message')}".strip()[:200]
    if not NOT_YET.isdisjoint(codes):
        return NotFound(message)
    if not NEVER.isdisjoint(codes) or status in (401, 403):
        return InvalidNumber(message)
    return Reply((), status, b"").failure(message) or BadPayload(message)


def _shipment(item: dict[str, Any]) -> Shipment:
    destination = Place(
        state=text(item, "destinationState"),
        postal_code=text(item, "destinationZIPCode") or text(item, "destinationZIP"),
        country=_country(text(item, "destinationCountryCode") or text(item, "destinationCountry")),
    )
    category = text(item, "statusCategory")
    summary = Summary(category, CODES.meaning(category), text(item, "status")) if category else None
    scans = [(event, scan) for scan in records(item, "trackingEvents") if (event := _event(scan, destination))]
    scans.sort(key=lambda pair: pair[0].occurred_at, reverse=True)
    events = [event for event, _ in scans]
    if events and summary is not None:
        # The category speaks of the newest scan; it stands in where that scan's code is a new one.
        events[0] = events[0]._replace(coarse=summary.meaning)
    return Shipment(
        events=tuple(events),
        summary=summary,
        estimated_delivery=_estimate(item, destination),
        id=text(item, "uniqueTrackingID") or text(item, "uniqueMailPieceID"),
        shipped_on=_day(text(item, "mailingDate") or text(item, "mailPieceIntakeDate")),
        signed_by=next(filter(None, (_signer(event, scan) for event, scan in scans)), None),
    )


def _event(scan: dict[str, Any], destination: Place) -> Event | None:
    """One scan; None without a readable time."""
    kind = text(scan, "eventType")
    code = text(scan, "eventCode") or kind
    place = Place(
        text(scan, "eventCity"),
        text(scan, "eventState"),
        text(scan, "eventZIPCode") or text(scan, "eventZIP"),
        _country(text(scan, "eventCountry")),
    )
    told = place != HOME
    moment = _moment(scan, place if told else None, destination)
    if moment is None or not code:
        return None
    return Event(*moment, code, CODES.meaning(code), kind, place if told else None)


def _moment(scan: dict[str, Any], place: Place | None, destination: Place) -> tuple[datetime, ZoneSource] | None:
    """When it happened: local time and GMTOffset; else local time and what GMTTimestamp is away from it.

    GMTTimestamp alone comes last: recorded answers have it on the wrong day for scans of the evening, yet
    its clock is right. Without any of the two, local time is read in the zone of the place.
    """
    zones = [where for where in (place, destination) if where and (where.state or where.postal_code)]
    if place is not None and place.country != "US":
        zones = [place]
    local = instant(text(scan, "eventTimestamp"), *(zones or [HOME]))
    stated = instant(text(scan, "GMTTimestamp"))
    offset = _offset(text(scan, "GMTOffset"))
    gmt = None if stated is None else stated[0] if stated[1] is ZoneSource.GIVEN else stated[0].replace(tzinfo=UTC)
    if local is None:
        zone = offset or zone_of((zones or [HOME])[0]) or UTC
        return None if gmt is None else (gmt.astimezone(zone), ZoneSource.GIVEN)
    if offset is None and gmt is not None:
        offset = _difference(local[0], gmt)
    if offset is None or local[1] is ZoneSource.GIVEN:
        return local
    return local[0].replace(tzinfo=offset), ZoneSource.GIVEN


def _difference(local: datetime, gmt: datetime) -> timezone:
    """How far a local clock is from GMT's, to the quarter of an hour, whatever day GMT is said to have."""
    apart = local.replace(tzinfo=UTC) - gmt
    quarters = round(apart / timedelta(minutes=15))
    if not -48 <= quarters <= 56:  # no place is further off than -12 or +14 hours
        quarters = (quarters + 48) % 96 - 48
    return timezone(quarters * timedelta(minutes=15))


def _offset(value: str) -> timezone | None:
    """`-05:00` (v3) or minutes, `-420` (v3r2's specification)."""
    if hours := re.fullmatch(r"([+-]?)([01]\d):?([0-5]\d)", value):
        minutes = (int(hours[2]) * 60 + int(hours[3])) * (-1 if hours[1] == "-" else 1)
    elif re.fullmatch(r"[+-]?\d{1,3}", value):
        minutes = int(value)
    else:
        return None
    return timezone(timedelta(minutes=minutes)) if abs(minutes) <= 14 * 60 else None


def _country(name: str) -> str:
    """ISO code of a country as USPS writes it: nothing at home, a name or two letters abroad; '' if unknown."""
    upper = name.upper()
    if not upper:
        return "US"
    return COUNTRIES.get(upper) or (upper if re.fullmatch(r"[A-Z]{2}", upper) else "")


def _estimate(item: dict[str, Any], destination: Place) -> datetime | None:
    """The latest moment promised: v3r2's deliveryDateExpectation, else v3's time stamps.

    USPS's current prediction comes before the expectation of the first day, and that before the guarantee.
    """
    told = record(item, "deliveryDateExpectation")
    for day, latest in (
        (text(told, "predictedDeliveryDate"), text(told, "predictedDeliveryWindowEndTime")),
        (text(told, "expectedDeliveryDate"), text(told, "endOfDay")),
        (text(told, "guaranteedDeliveryDate"), text(told, "endOfDay")),
        (text(item, "predictedDeliveryTimeStamp"), ""),
        (text(item, "expectedDeliveryTimeStamp"), ""),
        (text(item, "guaranteedDeliveryTimeStamp"), ""),
    ):
        moment = instant(day, destination)
        if moment is None:
            continue
        at = _clock(latest) or moment[0].timetz().replace(tzinfo=None)
        if at == time(0):  # a bare day
            return end_of_day(moment[0].date(), destination)
        return moment[0].replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return None


def _clock(value: str) -> time | None:
    """`9:00pm`, `16:30` or the end of a date-time; None if it is none of these."""
    match = re.search(r"(\d{1,2}):(\d\d)(?::\d\d)?\s*([ap]m)?$", value[-20:], re.IGNORECASE)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        return None
    hour, half = int(match[1]), (match[3] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, int(match[2]))


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def _signer(event: Event, scan: dict[str, Any]) -> str:
    if event.meaning is None or event.meaning.status is not FulfillmentStatus.DELIVERED:
        return ""
    return text(scan, "recipientName") or text(scan, "name")
