"""AfterShip: the Tracking API (dated versions), an aggregator that follows a number once it was registered.

Owns AfterShip's codes, its answer's shape and its clock. Knows no clock, no HTTP library and no other carrier.
Source: AfterShip's API reference where nothing else is said; a doubt stands beside its line.

Asking costs nothing; a registration (`POST /trackings`) uses up one of the plan's trackings.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from carriers.sdk import (
    Aggregator,
    ApiKey,
    BadPayload,
    Call,
    CarrierError,
    Codes,
    Event,
    Hmac,
    Hook,
    Info,
    InvalidNumber,
    Items,
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

# Keys: a subtag; its tag for what comes without one.
CODES = Codes(
    CONFIRMED="InfoReceived InfoReceived_001",
    CARRIER_PICKED_UP="InTransit_002    # acceptance scan",
    IN_TRANSIT="""
        InTransit InTransit_001         # on the way
        InTransit_003 InTransit_007     # arrival, departure
        InTransit_004                   # arrived in the destination country
        InTransit_005 InTransit_006     # customs completed, handed over to customs
        InTransit_008 InTransit_009     # problem resolved, rerouted
    """,
    OUT_FOR_DELIVERY="""
        OutForDelivery OutForDelivery_001
        OutForDelivery_003              # the courier contacts the recipient
    """,
    ATTEMPTED_DELIVERY="""
        AttemptFail AttemptFail_001
        AttemptFail_002 AttemptFail_003         # recipient not available, business closed
    """,
    READY_FOR_PICKUP="""
        AvailableForPickup AvailableForPickup_001
        Exception_008                   # not picked up so far
    """,
    PICKED_UP="Delivered_002",
    DELIVERED="""
        Delivered Delivered_001
        Delivered_003 Delivered_004 Delivered_005       # signed for, paid on delivery, left with a neighbour
    """,
    DELAYED="""
        Exception Exception_001
        Exception_005 Exception_016 Exception_017       # external factors, processing, weather
        Exception_012                   # damaged; whether it still arrives, a later scan tells
    """,
    ON_HOLD="""
        Exception_002 Exception_007     # recipient moved, wrong address
        Exception_004 Exception_018     # customs delay, documents missing
        Exception_006                   # waits for a payment
    """,
    FAILURE="""
        Exception_003 Exception_009     # refused by the recipient, rejected by the carrier
        Exception_013                   # lost
    """,
    RETURNING="Exception_010 Exception_011      # on its way to the sender, there",
    INFORMATIONAL="""
        Pending Pending_001 Pending_002 Pending_003 Pending_004 Pending_005 Pending_006
        OutForDelivery_004              # appointment made: a date, not a status
        Expired Expired_001             # AfterShip looks no more; says nothing of the parcel
    """,
)


def _delivered(event: dict[str, Any]) -> Any:
    """The tracking that a webhook is about, as the answer to a registration has it."""
    tracking = record(event, "msg")
    return {"data": tracking} if tracking else None


class AfterShip(Aggregator):
    """AfterShip's trackings; it recognises the carrier of most numbers by itself."""

    info = Info(
        code="aftership",
        name="AfterShip",
        docs="https://www.aftership.com/docs/tracking/quickstart/api-quick-start",
        auth=ApiKey("as-api-key"),
        production="https://api.aftership.com/tracking/2025-01",
        sandbox=None,
        tracking_page="https://www.aftership.com/track/{number}",
        batch=50,  # of `tracking_numbers`; unverified, a page has room for 200
        quota=Quota(per_second=10),
    )
    codes = CODES
    hook = Hook(
        Hmac("aftership-hmac-sha256", encoding="base64"),
        _delivered,
        "Settings > Webhooks of AfterShip Tracking, which shows the secret, too",
        id=("event_id",),
    )
    items = Items(("data", "trackings"), "tracking_number")
    slugs: ClassVar[Mapping[str, str]] = {
        "fedex": "fedex",
        "ups": "ups",
        "usps": "usps",
        "dhl_express": "dhl",
        "dhl_parcel_de": "dhl-germany",
        "dhl_ecommerce": "dhl-global-mail",
        "canada_post": "canada-post",
        "purolator": "purolator",
        "canpar": "canpar",
        "australia_post": "australia-post",
        "royal_mail": "royal-mail",
        "evri": "myhermes-uk",
        "dpd": "dpd",
        "gls": "gls",
        "la_poste": "la-poste-colissimo",
        "colissimo": "colissimo",
        "chronopost": "chronopost-france",
        "postnl": "postnl",
        "bpost": "bpost",
        "postnord": "postnord",
        "bring": "bring",
        "swiss_post": "swiss-post",
        "hermes_de": "hermes-de",
        "aramex": "aramex",
        "asendia": "asendia-usa",
        "landmark": "landmark-global",
        "ontrac": "ontrac",
        "lasership": "lasership",
        "sendle": "sendle",
        "tnt": "tnt",
        "yodel": "yodel",
        "inpost": "inpost-paczkomaty",
        "amazon": "amazon",  # unverified
    }

    def call_for(self, numbers: Mapping[TrackingNumber, str]) -> Call:
        """One GET for up to 50 numbers, whatever carriers they were registered with."""
        return Call.get(list(numbers), "/trackings", query={"tracking_numbers": ",".join(numbers), "limit": "200"})

    def enrol(self, reply: Reply, numbers: Mapping[TrackingNumber, str]) -> Iterable[Call]:
        """A POST for each number that a whole list of trackings lacks."""
        try:
            listed, is_whole = _listed(reply)
        except CarrierError:
            return
        followed = {_number(tracking) for tracking in listed}
        for number, carrier in numbers.items():
            if is_whole and number not in followed:
                registered: dict[str, str] = {"tracking_number": number}
                if slug := self.slugs.get(carrier):
                    registered["slug"] = slug
                yield Call.post_json([number], "/trackings", registered)

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each number listed, with a Shipment for each carrier it is registered with."""
        listed, _ = _listed(reply)
        found: dict[TrackingNumber, list[Shipment]] = {}
        for tracking in listed:
            number = _number(tracking)
            if number is not None:
                found.setdefault(number, []).append(_shipment(tracking))
        for number, shipments in found.items():
            told = tuple(shipment for shipment in shipments if _tells(shipment))
            yield Report(number, told) if told else Report(number, error=NotFound("AfterShip has no news of it yet"))


def _listed(reply: Reply) -> tuple[list[dict[str, Any]], bool]:
    """The trackings of an answer, or the single one that the POST gives, and whether these are all there are.

    Raises CarrierError where there is neither.
    """
    if not 200 <= reply.status < 300:
        raise _failure(reply)
    answer = record(reply.json())
    data = record(answer, "data") or answer
    if isinstance(data.get("trackings"), list):
        return records(data, "trackings"), record(data, "pagination").get("has_next_page") is not True
    if text(data, "tracking_number"):
        return [data], False
    raise BadPayload("no list of trackings")


def _number(tracking: dict[str, Any]) -> TrackingNumber | None:
    try:
        return tracking_number(text(tracking, "tracking_number"))
    except ValueError:
        return None


def _tells(shipment: Shipment) -> bool:
    meaning = shipment.summary.meaning if shipment.summary else None
    return bool(shipment.events) or (meaning is not None and meaning.status is not None)


def _shipment(tracking: dict[str, Any]) -> Shipment:
    """One tracking; AfterShip lists its checkpoints oldest first."""
    origin, destination = _place(tracking, "origin_"), _place(tracking, "destination_")
    events = sorted(_events(tracking, origin, destination), key=lambda event: event.occurred_at)
    code = text(tracking, "subtag") or text(tracking, "tag")
    estimate = record(tracking, "courier_estimated_delivery_date")
    stated = text(estimate, "estimated_delivery_date_max") or text(estimate, "estimated_delivery_date")
    picked_up = instant(text(tracking, "shipment_pickup_date"))
    return Shipment(
        events=tuple(reversed(events)),
        summary=Summary(code, CODES.meaning(code), text(tracking, "subtag_message")) if code else None,
        estimated_delivery=promised(stated or text(tracking, "expected_delivery"), destination),
        id=text(tracking, "id"),
        shipped_on=picked_up[0].date() if picked_up else None,
        signed_by=text(tracking, "signed_by") or None,
    )


def _events(tracking: dict[str, Any], origin: Place | None, destination: Place | None) -> Iterator[Event]:
    """The checkpoints; one without a readable time or any tag is left out.

    A time without an offset is local to the checkpoint; where that tells no country, to the sender's until the
    carrier has the parcel, and to the recipient's afterwards.
    """
    for checkpoint in records(tracking, "checkpoints"):
        tag = text(checkpoint, "tag")
        place = _place(checkpoint)
        near = (origin, destination) if tag == "InfoReceived" else (destination, origin)
        when = instant(text(checkpoint, "checkpoint_time"), place, *near)
        code = text(checkpoint, "subtag") or tag
        if when is None or not code:
            continue
        yield Event(
            occurred_at=when[0],
            zone=when[1],
            code=code,
            meaning=CODES.meaning(code),
            description=unsigned(
                text(checkpoint, "message") or text(checkpoint, "subtag_message"), text(tracking, "signed_by")
            ),
            place=place,
            coarse=CODES.meaning(tag) if tag else None,
        )


def _place(fields: dict[str, Any], prefix: str = "") -> Place | None:
    """A place; `country_region` is ISO 3166-1 alpha-3. The one-line `location` stands in for a city."""
    place = Place(
        text(fields, f"{prefix}city") or text(fields, f"{prefix}location"),
        text(fields, f"{prefix}state"),
        text(fields, f"{prefix}postal_code"),
        country_code(text(fields, f"{prefix}country_region")),
    )
    return place if any(place) else None


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx.

    A number that is not registered is missing in the list, so that a 404 speaks of the address; and an invalid one
    (4005, 4017) can't be pinned on one of several.
    """
    try:
        meta = record(reply.json(), "meta")
    except BadPayload as unreadable:
        return unreadable if reply.status == 404 else reply.failure() or unreadable
    code = text(meta, "code")
    said = f"{code}: {text(meta, 'message')}"[:300].strip(": ")
    if code in ("4005", "4017") and len(reply.numbers) == 1:
        return InvalidNumber(said)
    standard = reply.failure(said)
    return standard if standard and not isinstance(standard, NotFound) else BadPayload(f"HTTP {reply.status}: {said}")
