"""EasyPost: the Trackers API, an aggregator that follows a number once a tracker of it was created.

Owns EasyPost's codes, its answer's shape and its clock. Knows no clock, no HTTP library and no other carrier.
Source: EasyPost's API reference for Trackers where nothing else is said; a doubt stands beside its line.

Looking a number up is free (`GET /v2/trackers`), a tracker is billed once; EasyPost gives the tracker there is back
for a second request of the same number and carrier within three months.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from carriers.sdk import (
    Aggregator,
    BadPayload,
    Basic,
    Call,
    CarrierError,
    Codes,
    Event,
    Hmac,
    Hook,
    Info,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    country_code,
    instant,
    promised,
    record,
    records,
    text,
    tracking_number,
    unsigned,
)

# Keys: a status, and STATUS/DETAIL for the statuses in REFINED. A detail alone says too little: parcels that are
# delivered have the detail "arrived at destination".
CODES = Codes(
    CONFIRMED="PRE_TRANSIT IN_TRANSIT/LABEL_CREATED",
    CARRIER_PICKED_UP="IN_TRANSIT/RECEIVED_AT_ORIGIN_FACILITY",
    IN_TRANSIT="""
        IN_TRANSIT IN_TRANSIT/IN_TRANSIT IN_TRANSIT/STATUS_UPDATE
        IN_TRANSIT/DEPARTED_ORIGIN_FACILITY IN_TRANSIT/ARRIVED_AT_FACILITY IN_TRANSIT/DEPARTED_FACILITY
        IN_TRANSIT/TRANSFERRED_TO_DESTINATION_CARRIER IN_TRANSIT/RECEIVED_AT_DESTINATION_FACILITY
        IN_TRANSIT/ARRIVED_AT_DESTINATION
    """,
    OUT_FOR_DELIVERY="OUT_FOR_DELIVERY IN_TRANSIT/OUT_FOR_DELIVERY",
    ATTEMPTED_DELIVERY="""
        IN_TRANSIT/DELIVERY_EXCEPTION
        FAILURE/DELIVERY_EXCEPTION      # a failed attempt; unverified that more follows
    """,
    READY_FOR_PICKUP="AVAILABLE_FOR_PICKUP IN_TRANSIT/ARRIVED_AT_PICKUP_LOCATION FAILURE/ARRIVED_AT_PICKUP_LOCATION",
    DELIVERED="DELIVERED",
    DELAYED="""
        IN_TRANSIT/DELAYED IN_TRANSIT/WEATHER_DELAY IN_TRANSIT/MISSORTED IN_TRANSIT/TRANSIT_EXCEPTION
        FAILURE/DELAYED FAILURE/WEATHER_DELAY FAILURE/MISSORTED FAILURE/TRANSIT_EXCEPTION
        IN_TRANSIT/DAMAGED              # under way; whether it still arrives, the status tells later
    """,
    ON_HOLD="""
        IN_TRANSIT/HELD IN_TRANSIT/ADDRESS_CORRECTION IN_TRANSIT/AWAITING_INFORMATION
        FAILURE/HELD FAILURE/ADDRESS_CORRECTION FAILURE/AWAITING_INFORMATION
    """,
    FAILURE="""
        CANCELLED
        FAILURE FAILURE/FAILURE FAILURE/UNKNOWN FAILURE/STATUS_UPDATE FAILURE/EXPIRED
        FAILURE/CANCELLED FAILURE/DAMAGED FAILURE/LOST FAILURE/REFUSED
        IN_TRANSIT/FAILURE IN_TRANSIT/CANCELLED IN_TRANSIT/LOST IN_TRANSIT/REFUSED
    """,
    RETURNING="RETURN_TO_SENDER IN_TRANSIT/RETURN FAILURE/RETURN",
    INFORMATIONAL="""
        UNKNOWN ERROR                   # ERROR is the tracker's trouble, not the parcel's
        IN_TRANSIT/UNKNOWN
        IN_TRANSIT/EXPIRED              # what expired, the label or the tracker, nobody says; unverified
    """,
)

#: Statuses that mean less than their details do.
REFINED = ("IN_TRANSIT", "FAILURE")


def _delivered(event: dict[str, Any]) -> Any:
    """An event's tracker; batches, refunds and the like have events of their own."""
    result = record(event, "result")
    return result if text(result, "object") == "Tracker" else None


class EasyPost(Aggregator):
    """EasyPost's trackers; it recognises the carrier of most numbers by itself."""

    info = Info(
        code="easypost",
        name="EasyPost",
        docs="https://docs.easypost.com/docs/trackers",
        auth=Basic(user_field="api_key", password_field=""),
        production="https://api.easypost.com",
        sandbox="https://api.easypost.com",  # the same host; a key that begins with EZTK makes it the test mode
        tracking_page="https://t.17track.net/en#nums={number}",  # EasyPost's own pages go by the tracker's id
        quota=Quota(per_second=5),  # EasyPost publishes no number; unverified guess
    )
    codes = CODES
    hook = Hook(
        Hmac("x-hmac-signature", prefix="hmac-sha256-hex=", normalised=True),
        _delivered,
        "a webhook made with a `webhook_secret` of your choice (https://docs.easypost.com/docs/webhooks)",
        id=("id",),
    )
    slugs: ClassVar[Mapping[str, str]] = {
        "fedex": "FedEx",
        "ups": "UPS",
        "usps": "USPS",
        "dhl_express": "DHLExpress",
        "dhl_ecommerce": "DhlEcs",
        "canada_post": "CanadaPost",
        "purolator": "Purolator",
        "canpar": "Canpar",
        "australia_post": "AustraliaPost",
        "royal_mail": "RoyalMail",
        "dpd": "DPD",
        "la_poste": "LaPoste",
        "chronopost": "Chronopost",
        "postnl": "PostNL",
        "asendia": "Asendia",
        "ontrac": "OnTrac",
        "lasership": "LaserShipV2",
        # unverified: named as accounts, not in EasyPost's list of tracking strings
        "aramex": "Aramex",
        "dhl_parcel_de": "DHLPaket",
        "evri": "Evri",
        "gls": "GLS",
        "postnord": "PostNord",
    }

    def call_for(self, numbers: Mapping[TrackingNumber, str]) -> Call:
        """One GET for one number, whatever carrier its tracker was created with."""
        [number] = numbers
        return Call.get([number], "/v2/trackers", query={"tracking_code": number, "page_size": "20"})

    def enrol(self, reply: Reply, numbers: Mapping[TrackingNumber, str]) -> Iterable[Call]:
        """The POST that creates a tracker, where a readable answer lists none of the number."""
        try:
            listed = _listed(reply)
        except CarrierError:
            return
        for number, carrier in numbers.items():
            if not any(_is_about(tracker, number) for tracker in listed):
                tracker: dict[str, str] = {"tracking_code": number}
                if slug := self.slugs.get(carrier):
                    tracker["carrier"] = slug
                yield Call.post_json([number], "/v2/trackers", {"tracker": tracker})

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the number asked, with a Shipment for each tracker that tells of another journey."""
        found: dict[TrackingNumber, list[Shipment]] = {}
        for tracker in _listed(reply):
            number = _number(tracker, reply.numbers)
            if number is not None:
                found.setdefault(number, []).append(_shipment(tracker))
        if not found:
            raise NotFound("EasyPost has no tracker of the number yet")
        for number, shipments in found.items():
            # trackers created with and without a carrier's name tell of the same journey
            told = {shipment.events: shipment for shipment in shipments if _tells(shipment)}
            if told:
                yield Report(number, tuple(told.values()))
            else:
                yield Report(number, error=NotFound("EasyPost's tracker has no news of the number yet"))


def _listed(reply: Reply) -> list[dict[str, Any]]:
    """The trackers of an answer, or the single one that the POST gives. Raises CarrierError where there is neither."""
    if not 200 <= reply.status < 300:
        raise _failure(reply)
    answer = record(reply.json())
    if isinstance(answer.get("trackers"), list):
        return records(answer, "trackers")
    if text(answer, "tracking_code"):
        return [answer]
    raise BadPayload("no list of trackers")


def _is_about(tracker: dict[str, Any], number: TrackingNumber) -> bool:
    """Whether a tracker is of this number; one that names no number answers what was asked."""
    return "".join(text(tracker, "tracking_code").split()).upper() in ("", number)


def _number(tracker: dict[str, Any], asked: tuple[TrackingNumber, ...]) -> TrackingNumber | None:
    if asked:
        return asked[0] if _is_about(tracker, asked[0]) else None
    try:
        return tracking_number(text(tracker, "tracking_code"))
    except ValueError:
        return None


def _tells(shipment: Shipment) -> bool:
    meaning = shipment.summary.meaning if shipment.summary else None
    return bool(shipment.events) or (meaning is not None and meaning.status is not None)


def _shipment(tracker: dict[str, Any]) -> Shipment:
    """One tracker; EasyPost lists its details oldest first."""
    events = sorted(_events(tracker), key=lambda event: event.occurred_at)
    code = _key(text(tracker, "status"), text(tracker, "status_detail"))
    destination = _place(record(tracker, "carrier_detail", "destination_tracking_location"))
    return Shipment(
        events=tuple(reversed(events)),
        summary=Summary(code, CODES.meaning(code)) if code else None,
        estimated_delivery=promised(text(tracker, "est_delivery_date"), destination),
        id=text(tracker, "id"),
        signed_by=text(tracker, "signed_by") or None,
    )


def _events(tracker: dict[str, Any]) -> Iterator[Event]:
    """The details; one without a readable time or any status is left out.

    A time ends with `Z` although it is the local one with several carriers, and nothing tells which: it is taken as
    given, so that instants can be wrong by the place's offset.
    """
    for detail in records(tracker, "tracking_details"):
        place = _place(record(detail, "tracking_location"))
        when = instant(text(detail, "datetime"), place)
        status = text(detail, "status")
        code = _key(status, text(detail, "status_detail"))
        if when is None or not code:
            continue
        yield Event(
            occurred_at=when[0],
            zone=when[1],
            code=code,
            meaning=CODES.meaning(code),
            description=unsigned(text(detail, "message") or text(detail, "description"), text(tracker, "signed_by")),
            place=place,
            coarse=CODES.meaning(status) if status else None,
        )


def _key(status: str, detail: str) -> str:
    """The table's key: the status, with its detail where that says more."""
    return f"{status}/{detail}" if detail and status.upper() in REFINED else status


def _place(location: dict[str, Any]) -> Place | None:
    place = Place(
        text(location, "city"),
        text(location, "state"),
        text(location, "zip"),
        country_code(text(location, "country")),
    )
    return place if any(place) else None


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx.

    A number without a tracker is an empty list, so that a 404 speaks of the address and of no number.
    """
    try:
        error = record(reply.json(), "error")
    except BadPayload as unreadable:
        return unreadable if reply.status == 404 else reply.failure() or unreadable
    said = f"{text(error, 'code')}: {text(error, 'message')}"[:300].strip(": ")
    standard = reply.failure(said)
    return standard if standard and not isinstance(standard, NotFound) else BadPayload(f"HTTP {reply.status}: {said}")
