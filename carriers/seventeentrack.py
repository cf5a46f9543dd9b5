"""17TRACK: Tracking API v2.2, an aggregator that follows a number once it was registered.

Owns 17TRACK's codes, its answer's shape, its clocks and its error codes. Knows no clock, no HTTP library and no other
carrier. Source: 17TRACK's API documentation where nothing else is said; a doubt stands beside its line.

Asking costs nothing; a registration uses up one of the plan's numbers. Nearly everything comes with HTTP 200.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

from carriers.sdk import (
    Aggregator,
    ApiKey,
    AuthFailed,
    BadPayload,
    Call,
    CarrierError,
    Codes,
    Event,
    Hook,
    Info,
    InvalidNumber,
    NotFound,
    NumberError,
    Place,
    Quota,
    RateLimited,
    Reply,
    Report,
    Shipment,
    Suffixed,
    Summary,
    TrackingNumber,
    Unavailable,
    ZoneSource,
    country_code,
    instant,
    promised,
    record,
    records,
    text,
    tracking_number,
    unsigned,
)

# Keys: a sub-status; a status or the stage of an event for what comes without one.
CODES = Codes(
    CONFIRMED="InfoReceived",
    CARRIER_PICKED_UP="InTransit_PickedUp PickedUp",
    IN_TRANSIT="""
        InTransit InTransit_Other
        InTransit_Departure InTransit_Arrival Departure Arrival         # of the country of origin, of destination
        InTransit_TransportDeparted InTransit_TransportArrived          # seen in answers, not documented
        InTransit_CustomsProcessing InTransit_CustomsReleased
    """,
    OUT_FOR_DELIVERY="OutForDelivery OutForDelivery_Other",
    ATTEMPTED_DELIVERY="""
        DeliveryFailure DeliveryFailure_Other
        DeliveryFailure_NoBody Exception_NoBody         # nobody there, nobody to be found
    """,
    READY_FOR_PICKUP="AvailableForPickup AvailableForPickup_Other",
    DELIVERED="Delivered Delivered_Other",
    DELAYED="""
        Exception Exception_Other Exception_Delayed
        Exception_Damage                # whether it still arrives, a later scan tells
    """,
    ON_HOLD="""
        InTransit_CustomsRequiringInformation
        DeliveryFailure_InvalidAddress
        DeliveryFailure_Security Exception_Security     # security, customs or fees
    """,
    FAILURE="""
        DeliveryFailure_Rejected Exception_Rejected
        Exception_Lost Exception_Destroyed Exception_Cancel
    """,
    RETURNING="Exception_Returning Exception_Returned Returning Returned",
    INFORMATIONAL="""
        NotFound NotFound_Other NotFound_InvalidCode
        Expired Expired_Other           # 17TRACK looks no more; says nothing of the parcel
    """,
)

#: 17TRACK's code for a number that nobody registered.
NOT_REGISTERED = "-18019902"

#: 17TRACK's error codes, of one number or of a whole answer. All but -18010001 and -18019903 are unverified.
ERRORS: Mapping[str, type[CarrierError]] = {
    "-18010001": AuthFailed,  # the address is not on the account's list
    "-18010002": AuthFailed,  # wrong key
    "-18010003": Unavailable,
    "-18010004": AuthFailed,  # account disabled
    "-18010005": AuthFailed,
    "-18010012": InvalidNumber,  # the form of a field, which is the number: nothing else is sent
    "-18019902": NotFound,
    "-18019903": NotFound,  # the carrier cannot be told from the number
    "-18019907": RateLimited,  # the day's quota
    "-18019908": RateLimited,  # the plan's quota
    "-18019909": NotFound,  # nothing known yet
}


def _delivered(event: dict[str, Any]) -> Any:
    """The numbers of a `TRACKING_UPDATED`, one as a rule; a `TRACKING_STOPPED` says nothing of the parcel."""
    told = records(event, "data")
    return {"data": {"accepted": told, "rejected": []}} if text(event, "event") == "TRACKING_UPDATED" else None


class SeventeenTrack(Aggregator):
    """17TRACK's numbers; it recognises the carrier of most by itself."""

    info = Info(
        code="seventeentrack",
        name="17TRACK",
        docs="https://api.17track.net/en/doc?version=v2.2",
        auth=ApiKey("17token"),
        production="https://api.17track.net/track/v2.2",
        sandbox=None,
        tracking_page="https://t.17track.net/en#nums={number}",
        batch=40,
        quota=Quota(per_second=3),
        names=("17track.net",),
    )
    codes = CODES
    hook = Hook(
        Suffixed("sign"),
        _delivered,
        "Settings > Webhook of api.17track.net; it signs with the API key",
        secret_field="api_key",  # noqa: S106 - a field's name
    )
    slugs: ClassVar[Mapping[str, str]] = {
        "fedex": "100003",
        "ups": "100002",
        "usps": "21051",
        "dhl_express": "100001",
        "royal_mail": "11031",
        # unverified: as other programs have them
        "dhl_parcel_de": "7041",
        "gls": "100005",
        "dpd": "100007",
        "tnt": "100004",
        "canada_post": "3041",
        "australia_post": "1151",
        "colissimo": "6051",
        "postnl": "14041",
        "ontrac": "100049",
    }

    def call_for(self, numbers: Mapping[TrackingNumber, str]) -> Call:
        """One POST for up to 40 numbers, whatever carriers they were registered with."""
        return Call.post_json(list(numbers), "/gettrackinfo", [{"number": number} for number in numbers])

    def enrol(self, reply: Reply, numbers: Mapping[TrackingNumber, str]) -> Iterable[Call]:
        """One POST that registers all the numbers which, says 17TRACK, nobody did."""
        try:
            data = _data(reply)
        except CarrierError:
            return
        unknown = {_number(item) for item in records(data, "rejected") if text(item, "error", "code") == NOT_REGISTERED}
        known = {_number(item) for item in records(data, "accepted")}
        new = [number for number in numbers if number in unknown - known]
        if new:
            yield Call.post_json(new, "/register", [self._registration(number, numbers[number]) for number in new])

    def _registration(self, number: TrackingNumber, carrier: str) -> dict[str, object]:
        key = self.slugs.get(carrier)
        return {"number": number, "carrier": int(key)} if key else {"number": number}

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each number accepted or rejected, with a Shipment for each carrier it is registered with."""
        data = _data(reply)
        found: dict[TrackingNumber, list[Shipment]] = {}
        invalid: set[TrackingNumber] = set()
        for item in records(data, "accepted"):
            number = _number(item)
            if number is None:
                continue
            shipment = _shipment(item)
            told = found.setdefault(number, [])
            if _tells(shipment):
                told.append(shipment)
            elif shipment.summary is not None and shipment.summary.code == "NotFound_InvalidCode":
                invalid.add(number)
        for number, shipments in found.items():
            if shipments:
                yield Report(number, tuple(shipments))
            else:
                kind = InvalidNumber if number in invalid else NotFound
                yield Report(number, error=kind("17TRACK has no news of the number"))
        for item in records(data, "rejected"):
            number = _number(item)
            if number is not None and number not in found:
                yield Report(number, error=_error(record(item, "error"), BadPayload))


def _data(reply: Reply) -> dict[str, Any]:
    """What an answer holds. Raises CarrierError for one that holds nothing of any number."""
    if not 200 <= reply.status < 300:
        raise _failure(reply)
    answer = record(reply.json())
    data = record(answer, "data")
    if isinstance(data.get("accepted"), list) or isinstance(data.get("rejected"), list):
        return data
    errors = records(data, "errors")
    error = _error(errors[0] if errors else answer, BadPayload)
    raise BadPayload(error.message) if isinstance(error, NumberError) else error


def _error(error: dict[str, Any], otherwise: type[CarrierError]) -> CarrierError:
    code = text(error, "code")
    return ERRORS.get(code, otherwise)(f"17TRACK's {code or 'answer'}: {text(error, 'message')}"[:300].strip(": "))


def _number(item: dict[str, Any]) -> TrackingNumber | None:
    try:
        return tracking_number(text(item, "number"))
    except ValueError:
        return None


def _tells(shipment: Shipment) -> bool:
    meaning = shipment.summary.meaning if shipment.summary else None
    return bool(shipment.events) or (meaning is not None and meaning.status is not None)


def _shipment(item: dict[str, Any]) -> Shipment:
    """One accepted number with one carrier; what several providers tell of the same journey goes together."""
    info = record(item, "track_info")
    destination = _place(record(info, "shipping_info", "recipient_address"))
    events = [
        event
        for provider in records(info, "tracking", "providers")
        for event in _events(records(provider, "events"), destination)
    ]
    latest = record(info, "latest_status")
    code = text(latest, "sub_status") or text(latest, "status")
    estimate = record(info, "time_metrics", "estimated_delivery_date")
    return Shipment(
        events=tuple(sorted(events, key=lambda event: event.occurred_at, reverse=True)),
        summary=Summary(code, CODES.meaning(code)) if code else None,
        estimated_delivery=promised(text(estimate, "to") or text(estimate, "from"), destination),
        id=text(item, "carrier"),
    )


def _events(listed: list[dict[str, Any]], destination: Place | None) -> Iterator[Event]:
    """A provider's events, newest first as they come; one without a readable time or any code is left out."""
    for entry in listed:
        place = _place(record(entry, "address"), text(entry, "location"))
        when = _instant(entry, place, destination)
        code = text(entry, "sub_status") or text(entry, "stage")
        if when is None or not code:
            continue
        yield Event(
            occurred_at=when[0],
            zone=when[1],
            code=code,
            meaning=CODES.meaning(code),
            description=unsigned(text(entry, "description")),
            place=place,
            coarse=CODES.meaning(code.partition("_")[0]),
        )


def _instant(entry: dict[str, Any], *places: Place | None) -> tuple[datetime, ZoneSource] | None:
    """`time_iso`, with the offset it bears, or the one between it and `time_utc`, or else its place's.

    What the carrier itself wrote is in `time_raw`: where that has no zone, the offset is 17TRACK's assumption and
    is marked as one.
    """
    local, utc = instant(text(entry, "time_iso"), *places), instant(text(entry, "time_utc"))
    raw = record(entry, "time_raw")
    if local is None:
        written = f"{text(raw, 'date')} {text(raw, 'time')}".strip() + text(raw, "timezone")
        return utc or instant(written, *places)
    moment, source = local
    if source is ZoneSource.GIVEN:
        return moment, ZoneSource.ASSUMED if raw and not text(raw, "timezone") else source
    if utc is not None:
        offset = moment.replace(tzinfo=UTC) - utc[0].astimezone(UTC)
        if abs(offset) <= timedelta(hours=14) and not offset % timedelta(minutes=15):
            return utc[0].astimezone(timezone(offset)), ZoneSource.GIVEN
    return local


def _place(address: dict[str, Any], location: str = "") -> Place | None:
    """An address, whose street is never read; the one-line location stands in for a city."""
    place = Place(
        text(address, "city") or location,
        text(address, "state"),
        text(address, "postal_code"),
        country_code(text(address, "country")),
    )
    return place if any(place) else None


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx; a 404 is about the address, never about a number."""
    standard = reply.failure()
    return standard if standard and not isinstance(standard, NotFound) else BadPayload(f"HTTP {reply.status}")
