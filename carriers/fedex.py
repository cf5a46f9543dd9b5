"""FedEx: Track API v1, operation "track by tracking number" (up to 30 numbers a call).

Owns FedEx's codes, its answer's shape and its error words. Knows no clock, no HTTP library and no other
carrier. Source: the FedEx Track API guide where nothing else is said; a doubt stands beside its line.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from carriers.sdk import (
    INFORMATIONAL,
    AmbiguousShipment,
    AuthFailed,
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    Codes,
    Event,
    Hmac,
    Hook,
    Info,
    InvalidNumber,
    Items,
    NotFound,
    NumberError,
    OAuth2,
    Place,
    Quota,
    RateLimited,
    Reply,
    Report,
    Shipment,
    Summary,
    TextRule,
    TextRules,
    TrackingNumber,
    Unavailable,
    end_of_day,
    instant,
    record,
    records,
    text,
    tracking_number,
    zone_of,
)

# Keys: an event type; `TYPE/EXCEPTION` where an exception code refines it (leading zeros stripped, so FedEx's
# 7, 07 and 007 are one); `DE/REFUSED` and `DY/ON_TIME` as `_key` says; `DERIVED/XX` where FedEx's coarse code
# means something else than the event of the same letters. FedEx publishes no list of its exception codes:
# 15, 84 and A25 are the guide's, 3, 7, 83, 99, 15A, A12 and A13 were seen in answers, the others are the
# classic station codes, unverified.
CODES = Codes(
    CONFIRMED="""
        OC              # shipment information sent to FedEx
        MD              # manifest data
        EP AP           # on the way to the pickup, at the pickup
        DERIVED/IN      # "initiated": the coarse word for a label
    """,
    CARRIER_PICKED_UP="""
        PU PX           # picked up; PX: see details
        DO              # dropped off
        IP              # in FedEx possession
    """,
    IN_TRANSIT="""
        OF              # at FedEx origin facility; the first scan of parcels that were not picked up
        AA AC AF AR AX  # at airport, Canada Post facility, local facility, arrived, at USPS
        DP EA EO        # departed, enroute to airport (also "export approved"), enroute to origin airport
        FD              # at FedEx destination
        IT IX LO OW     # in transit, in transit (details), left origin, on the way
        PF PL PM SF TR  # plane in flight, plane landed, in progress, at sort facility, transfer
        CP CC           # clearance in progress, cleared
        SP              # split: the pieces travel apart
        SE/A25 CD/A25   # package available for clearance
        DE/29 SE/29     # rerouted
        DE/41 SE/41     # not attempted because the commitment is not due yet
    """,
    UNSCANNED="""
        AE AO           # arriving early, on time: a forecast that ends a delay
        DY/ON_TIME DY/EARLY
    """,
    OUT_FOR_DELIVERY="OD ED AD      # on the vehicle, enroute to delivery, at delivery",
    ATTEMPTED_DELIVERY="""
        DE              # delivery exception
        DE/7 DE/8       # customer not available or business closed
        DE/15           # the same, as the guide writes it
        DE/99           # unable to deliver
        DE/11 DE/30     # attempted, attempted after close
        SE/7 SE/8 SE/15 SE/11 SE/30
    """,
    READY_FOR_PICKUP="""
        HL              # held at a FedEx location for the recipient
        HP HP/15A       # ready for recipient pickup
    """,
    DELIVERED="DL",
    DELAYED="""
        SE              # shipment exception
        DY DD PD        # delay, delivery delay, pickup delay
        DE/83 SE/83     # local delivery restriction, not attempted
        DE/84 SE/84     # beyond FedEx's control
        DE/1 SE/1       # not delivered, not attempted
        DE/2 SE/2       # at the station
        DE/5 SE/5       # security delay
        DE/9 SE/9       # damaged, delivered: the delivery has its own scan, DL
        DE/10 SE/10     # damaged, not delivered: what becomes of it, a later scan tells
        DE/12 SE/12 DE/18 SE/18     # wrong route, missort
        DE/31 SE/31 DE/32 SE/32     # came after the couriers left, plane late
        DE/42 SE/42 DE/85 SE/85     # holiday, mechanical delay
    """,
    ON_HOLD="""
        CD              # clearance delay
        DE/3 SE/3       # incorrect address
        DE/17 SE/17     # recipient asked for a later day
        DE/50 SE/50     # improper paperwork
        DE/55 SE/55     # regulatory clearance delay
        DE/93 SE/93     # unable to collect payment
    """,
    FAILURE="""
        CA              # cancelled by the sender
        RT              # return to shipper requested; the return itself is RS
        DE/REFUSED SE/REFUSED
        DE/14 SE/14     # undeliverable; unverified, so that only RS begins the return leg
    """,
    RETURNING="RS           # returning to shipper",
    INFORMATIONAL="""
        IN              # as an event: on-demand care completed
        OX              # shipment information sent to USPS, before or after the pickup
        DS DR           # vehicle dispatched, furnished but not used
        HA HA/A13       # hold at location requested; redirected as requested
        RR RR/A12 RM RC CH      # delivery option requested, modified, cancelled; location changed
        RA PR AS        # address change requested, redirect performed, address corrected
        US              # scheduled delivery updated
        RP RG RD LP LC  # return label: e-mailed, expiring, expired, cancelled
        DE/16 SE/16 DE/59 SE/59     # payment received, hold at location asked for
    """,
)

#: Exception 07 is "refused by recipient" in the classic list and "customer not available" in today's answers,
#: so the text decides. Unverified; the request asks for English.
REFUSED = TextRules(
    TextRule(
        "en",
        "FAILURE",
        r"(shipment |package |delivery )?refused( by .{1,40})?",
        "Shipment refused by recipient",
    ),
    TextRule(
        "en",
        "FAILURE",
        r"(recipient|customer) refused( the)?( shipment| package| delivery)?",
        "Customer refused delivery",
    ),
)

#: FedEx's error codes, inside a 200 for one number or with a 4xx or 5xx for the whole request.
ERRORS: Mapping[str, type[CarrierError]] = {
    "TRACKING.TRACKINGNUMBER.NOTFOUND": NotFound,
    "TRACKING.DATA.NOTFOUND": NotFound,
    "TRACKING.REFERENCENUMBER.NOTFOUND": NotFound,
    "TRACKING.TCN.NOTFOUND": NotFound,
    "TRACKING.TRACKINGNUMBER.INVALID": InvalidNumber,
    "TRACKING.TRACKINGNUMBER.EMPTY": InvalidNumber,
    "TRACKING.DATA.NOTUNIQUE": AmbiguousShipment,
    "NOT.AUTHORIZED.ERROR": AuthFailed,
    "FORBIDDEN.ERROR": AuthFailed,
    "CUSTOMER.USAGE.LOCKED": AuthFailed,
    "USER.RELOGIN.REQUIRED": AuthFailed,
    "NOT.FOUND.ERROR": Unavailable,  # about the address, never about a number
    "INTERNAL.SERVER.ERROR": Unavailable,
    "SERVICE.UNAVAILABLE.ERROR": Unavailable,
}

#: Seconds an address stays blocked after a burst (unverified: "about ten minutes").
BURST_BLOCK = 600.0


def _delivered(payload: dict[str, Any]) -> Any:
    """A push in the shape of the Track API's answer, which it has; how much of the envelope is unverified."""
    if isinstance(record(payload, "output").get("completeTrackResults"), list):
        return payload
    if isinstance(payload.get("completeTrackResults"), list):
        return {"output": payload}
    tracks = records(payload, "trackResults") or ([payload] if record(payload, "trackingNumberInfo") else [])
    results = [
        {"trackingNumber": text(track, "trackingNumberInfo", "trackingNumber"), "trackResults": [track]}
        for track in tracks
    ]
    return {"output": {"completeTrackResults": results}} if results else None


class FedEx(Carrier):
    """FedEx Express, Ground, Home Delivery, Ground Economy and Freight through one API."""

    info = Info(
        code="fedex",
        name="FedEx",
        docs="https://developer.fedex.com/api/en-us/catalog/track/docs.html",
        auth=OAuth2("/oauth/token", id_field="api_key", secret_field="secret_key"),  # noqa: S106 - a field's name
        production="https://apis.fedex.com",
        sandbox="https://apis-sandbox.fedex.com",
        tracking_page="https://www.fedex.com/fedextrack/?trknbr={number}",
        batch=30,
        # 1,400 transactions in 10 s for a project. The day's quota is the contract's own (the guide's example
        # is 500,000), so that none is set here.
        quota=Quota(per_second=140),
        names=(
            "FDX",
            "FDXE",
            "FDXG",
            "Fed Ex",
            "Federal Express",
            "FedEx Corporation",
            "FedEx Express",
            "FedEx Express Saver",
            "FedEx 2Day",
            "FedEx Standard Overnight",
            "FedEx Priority Overnight",
            "FedEx First Overnight",
            "FedEx International",
            "FedEx International Economy",
            "FedEx International Priority",
            "FedEx Ground",
            "FedEx International Ground",
            "FedEx Home Delivery",
            "FedEx SmartPost",
            "FedEx Smart Post",
            "FedEx Ground Economy",
            "FedEx Freight",
        ),
    )
    codes = CODES
    hook = Hook(
        # Base64 by the guide's text, hex by its pseudo-code.
        Hmac("fdx-signature", encoding="either"),
        _delivered,
        "an Advanced Integrated Visibility project in the FedEx Developer Portal; the secret is its security token",
    )
    items = Items(("output", "completeTrackResults"), "trackingNumber")

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One POST for up to 30 numbers, with the whole scan history, in English (`REFUSED` reads it)."""
        return Call.post_json(
            numbers,
            "/track/v1/trackingnumbers",
            {
                "includeDetailedScans": True,
                "trackingInfo": [{"trackingNumberInfo": {"trackingNumber": number}} for number in numbers],
            },
            headers={"X-locale": "en_US"},
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each number, with a Shipment for each use of it.

        A number that has both a result and an error is reported with its result.
        """
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        answer = reply.json()
        results = record(answer, "output").get("completeTrackResults")
        if not isinstance(results, list):
            raise _whole_error(reply, records(answer, "errors")) or BadPayload("no output.completeTrackResults")
        shipments: dict[TrackingNumber, list[Shipment]] = {}
        errors: dict[TrackingNumber, CarrierError] = {}
        for result in results:
            number = _number(result, reply.numbers)
            if number is None:
                continue
            found = shipments.setdefault(number, [])
            for track in records(result, "trackResults"):
                error = record(track, "error")
                if error:
                    errors.setdefault(number, _number_error(error))
                elif track:
                    found.append(_shipment(track))
        for number, found in shipments.items():
            if found:
                yield Report(number, tuple(found))
            else:
                yield Report(number, error=errors.get(number) or NotFound("FedEx has no shipment under the number"))


def _shipment(track: dict[str, Any]) -> Shipment:
    """One element of `trackResults`: one use of the number."""
    dates = {text(item, "type"): text(item, "dateTime") for item in records(track, "dateAndTimes")}
    destination = _place(record(track, "lastUpdatedDestinationAddress")) or _place(
        record(track, "recipientInformation", "address")
    )
    promised = (
        text(track, "estimatedDeliveryTimeWindow", "window", "ends")
        or dates.get("ESTIMATED_DELIVERY")
        or text(track, "standardTransitTimeWindow", "window", "ends")
    )
    shipped = dates.get("SHIP") or dates.get("ACTUAL_PICKUP") or dates.get("ACTUAL_TENDER")
    signed = text(track, "deliveryDetails", "signedByName") or text(track, "deliveryDetails", "receivedByName")
    return Shipment(
        events=tuple(_events(track)),
        summary=_summary(record(track, "latestStatusDetail")),
        estimated_delivery=_promise(promised, destination) if promised else None,
        id=text(track, "trackingNumberInfo", "trackingNumberUniqueId"),
        shipped_on=_day(shipped) if shipped else None,
        signed_by=signed or None,
    )


def _events(track: dict[str, Any]) -> Iterator[Event]:
    """The scans, newest first as FedEx gives them; one without a readable time or any code is left out."""
    meaning_of = CODES.meaning
    for scan in records(track, "scanEvents"):
        place = _place(scan.get("scanLocation"))
        when = instant(text(scan, "date"), place)
        derived = _derived_key(text(scan, "derivedStatusCode"))
        kind = text(scan, "eventType") or derived
        if when is None or not kind:
            continue
        description = text(scan, "eventDescription")
        exception, why = text(scan, "exceptionCode"), text(scan, "exceptionDescription")
        delay = text(scan, "delayDetail", "status") if kind == "DY" else ""
        code = _key(kind, exception, why, delay) if exception or why or delay else kind
        yield Event(
            occurred_at=when[0],
            zone=when[1],
            code=code,
            meaning=meaning_of(code),
            description=f"{description}: {why}" if why and why != description else description,
            place=place,
            coarse=meaning_of(derived) if derived else None,
        )


def _key(kind: str, exception: str, why: str, delay: str) -> str:
    """The table's key for an event type and what refines it; the plain type where nothing known does.

    A refusal in the text comes before the exception code, whose 07 is ambiguous. A DY says only that the
    forecast changed; with `delayDetail.status` ON_TIME or EARLY it is no delay.
    """
    if kind in ("DE", "SE") and why and REFUSED.meaning(why) is not None:
        return f"{kind}/REFUSED"
    for refinement in (delay, exception.lstrip("0")):
        if refinement and CODES.meaning(key := f"{kind}/{refinement}") is not None:
            return key
    return kind


def _derived_key(derived: str) -> str:
    """The table's key for a coarse code: its own entry where it has one."""
    return "DERIVED/IN" if derived == "IN" else derived


def _summary(latest: dict[str, Any]) -> Summary | None:
    """FedEx's word for the shipment: the latest status' own code, refined like a scan's.

    The coarse code stands in where that is missing, unknown or a mere notice.
    """
    reasons = records(latest, "ancillaryDetails")
    reason = reasons[0] if reasons else {}
    kind = text(latest, "code")
    key = _key(kind, text(reason, "reason"), text(reason, "reasonDescription"), text(latest, "delayDetail", "status"))
    meaning = CODES.meaning(key)
    if meaning is None or meaning == INFORMATIONAL:
        derived = _derived_key(text(latest, "derivedCode"))
        coarse = CODES.meaning(derived)
        if coarse is not None:
            key, meaning = derived, coarse
    return Summary(key, meaning, text(latest, "description")) if key else None


def _place(address: object) -> Place | None:
    """A place from FedEx's address; the street is never read."""
    if not isinstance(address, dict):
        return None
    place = Place(
        text(address, "city"),
        text(address, "stateOrProvinceCode"),
        text(address, "postalCode"),
        text(address, "countryCode").upper(),
    )
    return place if any(place) else None


def _promise(stated: str, destination: Place | None) -> datetime | None:
    """The instant of a promise. A midnight is FedEx's way to write a bare date: the last minute of that day.

    The offset beside such a midnight is FedEx's own, often not the destination's, which is used where known.
    """
    when = instant(stated, destination)
    if when is None:
        return None
    moment = when[0]
    if moment.hour or moment.minute or moment.second:
        return moment
    if zone_of(destination) is not None:
        return end_of_day(moment.date(), destination)
    return moment.replace(hour=23, minute=59)


def _day(stated: str) -> date | None:
    when = instant(stated)
    return when[0].date() if when else None


def _number(result: object, asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    """The number a result is about; of a single number asked, the result need not repeat it."""
    tracks = records(result, "trackResults")
    own = text(tracks[0], "trackingNumberInfo", "trackingNumber") if tracks else ""
    for candidate in (text(result, "trackingNumber"), own):
        try:
            return tracking_number(candidate)
        except ValueError:
            continue
    return asked[0] if len(asked) == 1 and tracks else None


def _message(error: dict[str, Any]) -> str:
    return f"{text(error, 'code')}: {text(error, 'message')}"[:300].strip(": ")


def _number_error(error: dict[str, Any]) -> CarrierError:
    """The error FedEx gives for one number inside a 200."""
    return ERRORS.get(text(error, "code"), BadPayload)(_message(error))


def _whole_error(reply: Reply, errors: list[dict[str, Any]]) -> CarrierError | None:
    """The error of a whole request, by FedEx's own code; None where it has none that is known.

    A number's error can't be pinned on one of several numbers and then says nothing about any of them.
    """
    for error in errors:
        kind = ERRORS.get(text(error, "code"))
        if kind is not None and not (issubclass(kind, NumberError) and len(reply.numbers) > 1):
            return kind(f"HTTP {reply.status}: {_message(error)}", retry_after=reply.retry_after)
    return None


def _failure(reply: Reply) -> CarrierError:
    """What an answer other than 2xx stands for.

    A 403 without FedEx's own error is the firewall's block after a burst, not a refusal of the account. A
    429 for the spent daily quota says "Retry after 12:00AM GMT" in its text alone and has no Retry-After.
    A bare 404 is about the address: a number that FedEx does not know is said inside a 200.
    """
    try:
        errors = records(reply.json(), "errors")
    except BadPayload:
        errors = []
    if reply.status == 403 and not errors:
        wait = reply.retry_after
        return RateLimited("HTTP 403 without a FedEx error: blocked after a burst", retry_after=wait or BURST_BLOCK)
    standard = reply.failure(_message(errors[0]) if errors else "") or BadPayload(f"HTTP {reply.status}")
    if isinstance(standard, NotFound):
        standard = Unavailable(standard.message)
    return _whole_error(reply, errors) or standard
