"""Canada Post: the Tracking API of the developer portal (JSON, OAuth), and the web service before it (XML, Basic).

Owns the shape of both answers, which is one shape spelt in two ways, and Canada Post's error words. Knows no clock,
no HTTP library and no other carrier. Sources: Canada Post's Tracking contract 1.0.0 and its web services' reference,
both as open clients reproduce them; a doubt stands beside its line. Either answer is read whichever API is asked.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from carriers.sdk import (
    AuthFailed,
    BadPayload,
    Basic,
    Call,
    Carrier,
    CarrierError,
    CarrierOptions,
    Event,
    Info,
    NotFound,
    OAuth2,
    Place,
    Quota,
    RateLimited,
    Reply,
    Report,
    Shipment,
    TrackingNumber,
    country_code,
    end_of_day,
    instant,
    record,
    records,
    segment,
    text,
    tracking_number,
)
from carriers.tables.canada import country_of
from carriers.tables.canada_post import CODES, key

GATEWAY = "/prod/devportal-portaildesdeveloppeurs"

#: Events tell the local time with one of these. The offset is the abbreviation's own, whatever the season.
OFFSETS: Mapping[str, str] = {
    "NST": "-03:30",
    "NDT": "-02:30",
    "AST": "-04:00",
    "ADT": "-03:00",
    "EST": "-05:00",
    "EDT": "-04:00",
    "CST": "-06:00",
    "CDT": "-05:00",
    "MST": "-07:00",
    "MDT": "-06:00",
    "PST": "-08:00",
    "PDT": "-07:00",
    "YST": "-07:00",  # Yukon standard time since 2020, unverified
    "GMT": "+00:00",
    "UTC": "+00:00",
}

HOME = Place(country="CA")

#: Error codes of the web services; the portal writes its own in words, and the HTTP status says the rest.
ERRORS: Mapping[str, type[CarrierError]] = {
    "004": NotFound,  # No Pin History
    "E002": AuthFailed,  # AAA authentication failure
    "AA001": AuthFailed,  # user deactivated
    "AA002": AuthFailed,  # key of the other environment
    "AA003": AuthFailed,  # key and customer number do not match
    "AA004": AuthFailed,  # not allowed to act for that customer
}

#: What both APIs say to too many calls, whatever the HTTP status; it lasts "up to a minute".
THROTTLED = "rejected by slm monitor"
THROTTLED_SECONDS = 60.0


class CanadaPostOptions(CarrierOptions):
    """Which of the two APIs an account uses."""

    api: Literal["json", "xml"] = Field(
        "json",
        description="json: the developer portal's, with client_id and client_secret; xml: the web service before it, "
        "with username and password.",
    )


class CanadaPost(Carrier):
    """Canada Post. One number a call."""

    info = Info(
        code="canada_post",
        name="Canada Post",
        docs="https://developer-developpeur.canadapost-postescanada.ca/",
        # Id and secret may go in headers of their own as well; that HTTP Basic does is unverified.
        auth=OAuth2(f"{GATEWAY}/cpc-api-native-oauth-provider/oauth2/token", sends="basic", scope="merchant"),
        production="https://api.canadapost-postescanada.ca",
        sandbox="https://api-stg.canadapost-postescanada.ca",
        tracking_page="https://www.canadapost-postescanada.ca/track-reperage/en#/resultList?searchFor={number}",
        quota=Quota(per_second=0.33),  # the web service's 20 in 60 s; of the portal's limit, nothing is published
        names=(
            "CanadaPost",
            "Postes Canada",
            "Poste Canada",
            "Canada Post / Postes Canada",
            "Canada Post Corporation",
            "Canada Post Expedited Parcel",
            "Canada Post Expedited",
            "Canada Post Regular Parcel",
            "Canada Post Xpresspost",
            "Canada Post Priority",
            "Canada Post Tracked Packet",
            "Canada Post Small Packet",
            "Xpresspost",
        ),
    )
    codes = CODES
    Options = CanadaPostOptions
    options: CanadaPostOptions

    def __init__(self, options: CarrierOptions | None = None) -> None:
        """With `api: xml`, addresses and credentials are the web service's."""
        super().__init__(options)
        if self.options.api == "xml":
            self.info = replace(
                self.info,
                docs="https://www.canadapost-postescanada.ca/info/mc/business/productsservices/developers/"
                "services/tracking/trackingdetails.jsf",
                auth=Basic(),
                production="https://soa-gw.canadapost.ca",
                sandbox="https://ct.soa-gw.canadapost.ca",
            )

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """The details of one PIN, in English."""
        pin = segment(numbers[0])
        if self.options.api == "xml":
            # The web service refuses any other Accept.
            accept = {"Accept": "application/vnd.cpc.track-v2+xml", "Accept-Language": "en-CA"}
            return Call.get(numbers, f"/vis/track/pin/{pin}/detail", headers=accept)
        accept = {"Accept": "application/json", "Accept-Language": "en-CA"}
        return Call.get(numbers, f"{GATEWAY}/tracking/v1/pins/{pin}/details", headers=accept)

    def parse(self, reply: Reply) -> Iterable[Report]:
        """One Report. A PIN that is in neither of Canada Post's two archives is NotFound."""
        answer = _answer(reply)
        if (error := _error(reply, answer)) is not None:
            raise error
        detail = _detail(answer)
        number = _number(detail, reply.numbers)
        events = tuple(_events(detail))
        if events:
            return [Report(number, (_shipment(detail, events),))]
        if _listed(detail):
            raise BadPayload("no event of the answer has a readable time and identifier")
        return [Report(number, error=NotFound("Canada Post has no events under the number"))]


def _answer(reply: Reply) -> dict[str, Any]:
    """The answer in the JSON API's spelling; the error of the HTTP status where it is unreadable."""
    try:
        if reply.body.lstrip().startswith(b"<"):
            return record(_respelt(reply.xml()))
        return record(reply.json())
    except BadPayload as unreadable:
        failure = reply.failure()
        raise unreadable if failure is None or reply.status == 404 else failure from None


def _respelt(value: Any) -> Any:
    """XML's `event-date` as JSON's `eventDate`."""
    if isinstance(value, dict):
        return {re.sub(r"-(\w)", lambda found: found[1].upper(), name): _respelt(it) for name, it in value.items()}
    return [_respelt(item) for item in value] if isinstance(value, list) else value


def _error(reply: Reply, answer: dict[str, Any]) -> CarrierError | None:
    """What the answer says went wrong: `errors` (portal), `messages` (web service), or the HTTP status alone."""
    said = [
        (text(item, "errorCode") or text(item, "code"), text(item, "message") or text(item, "description"))
        for item in (*records(answer, "errors"), *records(answer, "messages", "message"))
    ]
    code, words = said[0] if said else ("", text(answer, "detail") or text(answer, "httpMessage"))
    message = f"{code} {words}".strip()[:200]
    if any(THROTTLED in told.lower() for pair in said for told in pair) or THROTTLED in words.lower():
        after = reply.retry_after
        return RateLimited(message, retry_after=THROTTLED_SECONDS if after is None else after)
    if code in ERRORS:
        return ERRORS[code](message)
    if reply.status == 404 and not said:  # of a gateway that knows no such address; it would turn every PIN unknown
        return BadPayload(f"HTTP 404 that speaks of no PIN: {words[:200]}")
    return reply.failure(message) or (BadPayload(f"Canada Post says {message}") if said else None)


def _detail(answer: dict[str, Any]) -> dict[str, Any]:
    """The details themselves: the JSON answer, or the element of the XML one, also inside another."""
    for holder in (answer, *(value for value in answer.values() if isinstance(value, dict))):
        if found := record(holder, "trackingDetail"):
            return found
    if not {"pin", "activeExists", "archiveExists"} & answer.keys():
        raise BadPayload("no tracking details in the answer")
    return answer


def _number(detail: dict[str, Any], asked: Sequence[TrackingNumber]) -> TrackingNumber:
    if len(asked) == 1:
        return asked[0]
    try:
        return tracking_number(text(detail, "pin"))
    except ValueError:
        raise BadPayload("no PIN in the answer") from None


def _listed(detail: dict[str, Any]) -> list[dict[str, Any]]:
    found = records(detail, "significantEvents", "occurrence")
    return found or (records(detail, "significantEvents") if isinstance(detail.get("significantEvents"), list) else [])


def _shipment(detail: dict[str, Any], events: tuple[Event, ...]) -> Shipment:
    destination = Place(postal_code=text(detail, "destinationPostalId"), country="CA")
    dates = (text(detail, name)[:10] for name in ("changedExpectedDate", "expectedDeliveryDate"))
    promised = next(filter(None, (instant(day, destination, HOME) for day in dates)), None)
    signers = (text(item, "signatoryName") for item in _listed(detail))
    return Shipment(
        events=events,
        estimated_delivery=end_of_day(promised[0].date(), destination, HOME) if promised else None,
        signed_by=next(filter(None, signers), None),
    )


def _events(detail: dict[str, Any]) -> Iterator[Event]:
    """The events, newest first as Canada Post gives them; one without a readable time or identifier is left out."""
    for item in _listed(detail):
        identifier = text(item, "eventIdentifier")
        zone = text(item, "eventTimeZone").upper()
        place = _place(item, identifier, zone)
        # The portal may write the local day as that day's midnight in UTC.
        local = f"{text(item, 'eventDate')[:10]}T{text(item, 'eventTime') or '00:00:00'}"
        when = instant(local + OFFSETS.get(zone, ""), place, HOME)
        if when is None or not identifier:
            continue
        description = text(item, "eventDescription")
        code = key(identifier, description)
        yield Event(*when, code, CODES.meaning(code), description, place if any(place) else None)


def _place(item: dict[str, Any], identifier: str, zone: str) -> Place:
    """Where it happened. Abroad there is no province; the country stands after the site (`ILTLVA,Israel`), in
    place of the time zone (`ISRAEL`), or as the first letters of an exchange office's code (unverified)."""
    site, province = text(item, "eventSite"), text(item, "eventProvince").upper()
    if province:
        return Place(site, province, country=country_of(province))
    head, comma, tail = site.rpartition(",")
    if comma and (country := country_code(tail)):
        return Place(head.strip(), country=country)
    office = site[:2] if identifier.startswith("4") and re.fullmatch(r"[A-Z]{5}[A-Z0-9]", site) else ""
    country = (country_code(zone) if len(zone) > 3 else "") or country_code(office)
    return Place(site, country=country or ("CA" if zone in OFFSETS and zone not in ("GMT", "UTC") else ""))
