"""UPS: Tracking API v1, one number a call.

Owns UPS's request, the shape of its answer, and the order in which status code, scan code and type decide;
the codes themselves are in `carriers.tables.ups`. Knows no clock, no HTTP library and no other carrier.
Source: UPS's Tracking API specification and its appendices, where a comment says nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from carriers.sdk import (
    AmbiguousShipment,
    AuthFailed,
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    Effect,
    Event,
    FulfillmentStatus,
    Hook,
    Info,
    InvalidNumber,
    Meaning,
    NotFound,
    OAuth2,
    Place,
    Quota,
    RateLimited,
    Reply,
    Report,
    Shipment,
    Summary,
    Token,
    TrackingNumber,
    ZoneSource,
    end_of_day,
    instant,
    record,
    records,
    segment,
    text,
    tracking_number,
)
from carriers.tables.ups import CODES, VAGUE_STATUS

#: Which lists a scan's `code` is looked up in, by its `type`: UPS states the type, not the list.
TABLES: Mapping[str, tuple[str, ...]] = {
    "D": ("DELIVERY", "EXCEPTION", "MOVEMENT"),
    "I": ("MOVEMENT", "EXCEPTION", "DELIVERY"),
    "O": ("MOVEMENT", "EXCEPTION", "DELIVERY"),
    "P": ("MOVEMENT", "EXCEPTION", "DELIVERY"),
    "M": ("MANIFEST", "MOVEMENT", "EXCEPTION"),
    "X": ("EXCEPTION", "DELIVERY", "MOVEMENT"),
    "U": ("UPDATE",),
}

#: Types that only freight has. Freight that comes as D, I or X can't be told from parcels and reads like them.
FREIGHT_TYPES = frozenset({"DO", "DD", "W", "NA"})

#: Types that no code softens: a scan on the way back stays one where UPS says "On the Way" or "Delivered".
DECIDING_TYPES = frozenset({"RS", "MV"})

#: UPS books a drop at an access point, a collection there and a return under "Delivered" too.
_NOT_TO_THE_RECIPIENT = frozenset({FulfillmentStatus.READY_FOR_PICKUP, FulfillmentStatus.PICKED_UP})

INVALID_NUMBER = frozenset({"TV1002"})
REFUSED_CREDENTIALS = frozenset({"250002", "250003", "251004"})
THROTTLED = "10429"
UNKNOWN_NUMBER = "TW0001"


def _delivered(alert: dict[str, Any]) -> Any:
    """A Track Alert, which is one activity in words of its own, as the Tracking API tells it."""
    number = text(alert, "trackingNumber")
    if not number:
        return None
    status = record(alert, "activityStatus")
    scheduled, end = text(alert, "scheduledDeliveryDate"), text(alert, "deliveryEndTime")
    package = {
        "trackingNumber": number,
        "activity": [
            {
                "date": text(alert, "localActivityDate"),
                "time": text(alert, "localActivityTime"),
                "gmtDate": text(alert, "gmtActivityDate"),
                "gmtTime": text(alert, "gmtActivityTime"),
                "location": {"address": record(alert, "activityLocation")},
                "status": {**status, "statusCode": text(status, "descriptionCode")},
            }
        ],
        "deliveryDate": [{"type": "SDD", "date": scheduled}] if scheduled else [],
        "deliveryTime": {"type": "EDW", "endTime": end} if end else {},
    }
    return {"trackResponse": {"shipment": [{"inquiryNumber": number, "package": [package]}]}}


class Ups(Carrier):
    """UPS: parcels, and the SurePost, Ground Saver, Mail Innovations and freight scans in their histories."""

    codes = CODES
    hook = Hook(
        Token("credential"),
        _delivered,
        "a Track Alert subscription for each number; the secret is the `destination.credential` you subscribe with",
    )
    info = Info(
        code="ups",
        name="UPS",
        docs="https://developer.ups.com/tag/Tracking",
        auth=OAuth2("/security/v1/oauth/token", sends="basic"),
        production="https://onlinetools.ups.com",
        sandbox="https://wwwcie.ups.com",
        tracking_page="https://www.ups.com/track?tracknum={number}",
        batch=1,
        # UPS publishes no limit and sends no rate headers; a careful guess, to be raised in config.yaml.
        quota=Quota(per_second=2),
        names=(
            "United Parcel Service",
            "UPS®",
            "UPS Ground",
            "UPS Ground Saver",
            "UPS SurePost",
            "UPS Mail Innovations",
            "UPS Next Day Air",
            "UPS 2nd Day Air",
            "UPS 3 Day Select",
            "UPS Standard",
            "UPS Expedited",
            "UPS Express",
            "UPS Express Saver",
            "UPS Worldwide Express",
            "UPS Worldwide Expedited",
            "UPS Access Point",
        ),
    )

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET. `transId` must be there (up to 32 characters); the number's hash keeps the call pure."""
        (number,) = numbers
        return Call.get(
            numbers,
            f"/api/track/v1/details/{segment(number)}",
            query={
                "locale": "en_US",
                "returnSignature": "false",
                "returnMilestones": "false",
                "returnPOD": "false",
            },
            headers={
                "transId": blake2b(number.encode(), digest_size=16).hexdigest(),
                "transactionSrc": "fulfillment-tracker",
            },
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """One Report: for the number asked, or else for the number the answer says it is about."""
        if error := _refusal(reply):
            raise error
        shipments = record(reply.json(), "trackResponse").get("shipment")
        if not isinstance(shipments, list):
            raise BadPayload("the answer has no trackResponse.shipment")
        shipments = records({"shipment": shipments}, "shipment")
        number = reply.numbers[0] if reply.numbers else _inquired(shipments)
        return [_report(number, shipments)]


def _refusal(reply: Reply) -> CarrierError | None:
    """The error an answer stands for: by UPS's own error code, else by its HTTP status.

    A 404 is "not found" only in UPS's own words: a gateway's page would turn every parcel unknown.
    """
    try:
        errors = records(reply.json(), "response", "errors")
    except BadPayload:
        if reply.status != 404 and (error := reply.failure()):
            return error
        raise
    if reply.status == 404 and not errors:
        return BadPayload("HTTP 404 without a UPS error")
    codes = {text(error, "code") for error in errors}
    message = "; ".join(f"{text(error, 'code')} {text(error, 'message')[:200]}" for error in errors[:3])
    if codes & INVALID_NUMBER:
        return InvalidNumber(message)
    if codes & REFUSED_CREDENTIALS:
        return AuthFailed(message)
    if THROTTLED in codes:
        return RateLimited(message, retry_after=reply.retry_after)
    if UNKNOWN_NUMBER in codes:
        return NotFound(message)
    return reply.failure(message) or (BadPayload(f"HTTP {reply.status} with an error: {message}") if errors else None)


def _inquired(shipments: Sequence[Mapping[str, Any]]) -> TrackingNumber:
    """The number an answer is about. Raises BadPayload where it names none."""
    inquiries = [text(shipment, "inquiryNumber") for shipment in shipments]
    packages = [text(item, "trackingNumber") for shipment in shipments for item in records(shipment, "package")]
    for candidate in filter(None, inquiries + packages):
        try:
            return tracking_number(candidate)
        except ValueError:
            continue
    raise BadPayload("the answer names no tracking number")


def _report(number: TrackingNumber, shipments: Sequence[Mapping[str, Any]]) -> Report:
    """What the answer says of one number; UPS reports a shipment's other packages along with it."""
    packages = [item for shipment in shipments for item in records(shipment, "package")]
    own = [item for item in packages if text(item, "trackingNumber").upper() == number]
    own = own or [item for item in packages if number in _numbers_of(item)]
    if own:
        return Report(number, tuple(_shipment(item) for item in own))
    # A waybill or a freight number names a shipment, and its packages have numbers of their own; a 1Z number
    # is a package's, and another package's scans would be wrong for it.
    if number.startswith("1Z") or not _is_about(number, shipments):
        packages = [item for item in packages if not _numbers_of(item)]
    if len(packages) > 1:
        return Report(number, error=AmbiguousShipment(f"{len(packages)} packages in the shipment of this number"))
    if packages:
        return Report(number, (_shipment(packages[0]),))
    warnings = [warning for shipment in shipments for warning in records(shipment, "warnings")]
    told = "; ".join(f"{text(item, 'code')} {text(item, 'message')[:200]}" for item in warnings[:3])
    return Report(number, error=NotFound(told or "UPS's answer has no package of this number"))


def _is_about(number: TrackingNumber, shipments: Sequence[Mapping[str, Any]]) -> bool:
    return any(text(shipment, "inquiryNumber").upper() == number for shipment in shipments)


def _numbers_of(package: Mapping[str, Any]) -> set[str]:
    alternates = (text(item, "number") for item in records(package, "alternateTrackingNumber"))
    return {found.upper() for found in (text(package, "trackingNumber"), *alternates) if found}


def _shipment(package: Mapping[str, Any]) -> Shipment:
    origin, destination = _address(package, "ORIGIN"), _address(package, "DESTINATION")
    events = [
        event
        for activity in records(package, "activity")
        if (event := _event(activity, origin, destination)) is not None
    ]
    # UPS lists the newest first; sorting keeps its order among scans of one instant.
    events.sort(key=lambda event: event.occurred_at, reverse=True)
    return Shipment(
        tuple(events),
        summary=_summary(record(package, "currentStatus")),
        estimated_delivery=_estimated_delivery(package, destination),
        signed_by=text(package, "deliveryInformation", "receivedBy") or None,
    )


def _event(activity: Mapping[str, Any], *fallbacks: Place | None) -> Event | None:
    status = record(activity, "status")
    key, meaning = decide(_type(status), *_codes(status))
    place = _place(record(activity, "location", "address"))
    moment = _moment(activity, place, *fallbacks)
    if not key or moment is None:
        return None
    occurred_at, zone = moment
    coarse = CODES.meaning(f"TYPE/{_type(status)}")
    return Event(occurred_at, zone, key, meaning, text(status, "description"), place, coarse)


def _summary(current: Mapping[str, Any]) -> Summary | None:
    """`currentStatus`, by its type alone where no table knows its codes: a summary has no coarse field."""
    kind = _type(current)
    key, meaning = decide(kind, *_codes(current))
    if not key:
        return None
    if meaning is None and (by_type := CODES.meaning(f"TYPE/{kind}")):
        key, meaning = f"TYPE/{kind}", by_type
    return Summary(key, meaning, text(current, "description"))


@lru_cache(maxsize=4096)
def decide(kind: str, code: str, status: str) -> tuple[str, Meaning | None]:
    """The key that decides what a scan means, and its meaning.

    `kind` is UPS's `type`, `code` its scan code, `status` its three-digit statusCode; empty where missing.
    A specific status code decides; a vague one ("On the Way", "Delay") gives way to the scan code, which
    is looked up in the lists its type allows; the type decides where UPS sent nothing else. Where no table
    knows the codes, the key is all of them together and the meaning None; all empty gives an empty key.
    """
    if kind in DECIDING_TYPES:
        return _found(f"TYPE/{kind}")
    by_status, by_code = _by_status(kind, status), _by_code(kind, code)
    if by_status and by_code:
        return by_code if _yields(status, by_status[1], by_code[1]) else by_status
    if decided := by_status or by_code:
        return decided
    if kind and not code and not status and f"TYPE/{kind}" in CODES:
        return _found(f"TYPE/{kind}")
    return "/".join(filter(None, (kind, code, status))), None


def _yields(status: str, by_status: Meaning, by_code: Meaning) -> bool:
    """Whether a status code gives way to the scan code beside it."""
    if by_code.effect in (Effect.RETURN, Effect.REOPEN):
        return status in VAGUE_STATUS or by_status.status is FulfillmentStatus.DELIVERED
    if by_status.status is FulfillmentStatus.DELIVERED:
        return by_code.status in _NOT_TO_THE_RECIPIENT
    if by_status.status in (FulfillmentStatus.DELAYED, FulfillmentStatus.ON_HOLD) and not _tells(by_code):
        return False
    return status in VAGUE_STATUS


def _tells(meaning: Meaning) -> bool:
    """Whether a code says more than that nothing is wrong: a notice does not end what UPS calls a delay."""
    return meaning.status is not None and meaning.effect is not Effect.STILL


def _found(key: str) -> tuple[str, Meaning]:
    return key, CODES[key]


def _by_status(kind: str, status: str) -> tuple[str, Meaning] | None:
    key = f"FREIGHT/{status}" if kind in FREIGHT_TYPES and f"FREIGHT/{status}" in CODES else f"STATUS/{status}"
    return _found(key) if key in CODES else None


def _by_code(kind: str, code: str) -> tuple[str, Meaning] | None:
    if not code:
        return None
    if "/" in code:
        tables: tuple[str, ...] = ("MAIL-INNOVATIONS",)
    elif kind in FREIGHT_TYPES:
        tables = ("FREIGHT", "FREIGHT-EXCEPTION")
    else:
        tables = TABLES.get(kind, ())
    return next((_found(key) for table in tables if (key := f"{table}/{code}") in CODES), None)


def _type(status: Mapping[str, Any]) -> str:
    return text(status, "type").upper()[:8]


def _codes(status: Mapping[str, Any]) -> tuple[str, str]:
    """Scan code and status code. `currentStatus` often has the status code in the other one's place."""
    code, number = text(status, "code").upper()[:16], text(status, "statusCode")[:16]
    if not number and len(code) == 3 and code.isdigit() and _type(status) not in FREIGHT_TYPES:
        code, number = "", code
    return code, number.zfill(3) if number.isdigit() else number


def _address(package: Mapping[str, Any], kind: str) -> Place | None:
    """The package's origin or destination; there for its zone and never shown."""
    for item in records(package, "packageAddress"):
        if text(item, "type").upper() == kind:
            return _place(record(item, "address"))
    return None


def _place(address: Mapping[str, Any]) -> Place | None:
    country = next(
        (
            word
            for word in (text(address, "countryCode").upper(), text(address, "country").upper())
            if len(word) == 2 and word.isascii() and word.isalpha()
        ),
        "",
    )
    place = Place(text(address, "city"), text(address, "stateProvince"), text(address, "postalCode"), country)
    return place if any(place) else None


def _moment(activity: Mapping[str, Any], *places: Place | None) -> tuple[datetime, ZoneSource] | None:
    """When a scan happened.

    `date` and `time` are local, `gmtDate` and `gmtTime` are UTC already (the offset must not be applied to
    them), `gmtOffset` lies between the two; any two of the three are enough.
    """
    local = _clock(text(activity, "date"), text(activity, "time"))
    utc = _clock(text(activity, "gmtDate"), text(activity, "gmtTime"))
    offset = _offset(text(activity, "gmtOffset"))
    if offset is None and local and utc:
        offset = _zone(local - utc)
    if offset is not None and local:
        return local.replace(tzinfo=offset), ZoneSource.GIVEN
    if utc:
        return utc.replace(tzinfo=UTC).astimezone(offset or UTC), ZoneSource.GIVEN
    if local:
        return instant(local.isoformat(), *places)
    day = _clock(text(activity, "date"), "0")
    return instant(day.isoformat(), *places) if day else None


def _clock(day: str, time: str) -> datetime | None:
    """A naive datetime from YYYYMMDD and HHMMSS; the time may have colons and lack leading zeros."""
    digits = time.replace(":", "")
    if not (len(day) == 8 and day.isdigit() and "1970" <= day < "3000" and digits.isdigit() and len(digits) <= 6):
        return None
    try:
        return datetime.fromisoformat(f"{day}T{digits.zfill(6)}")
    except ValueError:
        return None


@lru_cache(maxsize=64)
def _offset(words: str) -> timezone | None:
    """An offset written `-08:00`; there are few, and strptime is slow."""
    try:
        parsed = datetime.strptime(words, "%z").utcoffset()
    except ValueError:
        return None
    return _zone(parsed) if parsed is not None else None


def _zone(offset: timedelta) -> timezone | None:
    """A zone of this offset, if there can be one: up to 14 hours, in quarters of an hour."""
    if abs(offset) > timedelta(hours=14) or offset % timedelta(minutes=15):
        return None
    return timezone(offset)


def _estimated_delivery(package: Mapping[str, Any], destination: Place | None) -> datetime | None:
    """The promised day (rescheduled before scheduled) at the end of the window, if UPS names one."""
    days = {text(item, "type").upper(): text(item, "date") for item in records(package, "deliveryDate")}
    day = days.get("RDD") or days.get("SDD") or ""
    if not (midnight := _clock(day, "0")):
        return None
    window = record(package, "deliveryTime")
    # CMT commitment; EDW, CDW, IDW estimated, confirmed, intra-day windows. EOD and DEL set no end.
    if text(window, "type").upper() in ("CMT", "EDW", "CDW", "IDW"):
        end = _clock(day, text(window, "endTime"))
        read = instant(end.isoformat(), destination) if end else None
        if read:
            return read[0]
    return end_of_day(midnight.date(), destination)
