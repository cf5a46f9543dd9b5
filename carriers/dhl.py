"""DHL: Shipment Tracking - Unified, one API over DHL's divisions (Paket, Express, eCommerce, freight, letters).

Owns the answer's shape, how a service's code is found in it, and how its times are read. Knows no clock, no HTTP
library and no other carrier; the codes themselves are in `carriers.tables.dhl`. Source: DHL's API reference for
Shipment Tracking - Unified 1.5 where nothing else is said.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal, NamedTuple

from carriers.sdk import (
    ApiKey,
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    CarrierOptions,
    Codes,
    Event,
    Hook,
    Info,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TextRules,
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
from carriers.sdk.codes import normalise
from carriers.sdk.zones import country_code
from carriers.tables import dhl as tables

#: Keys are SERVICE/CODE. STATUS/WORD is DHL's coarse word, for what comes without a code of its own.
CODES = Codes.joined(
    status=tables.STATUS,
    express=tables.EXPRESS,
    parcel_de=tables.PARCEL_DE,
    parcel_nl=tables.PARCEL_NL,
    parcel_pl=tables.PARCEL_PL,
    post_de_svb=tables.POST_DE_SVB,
    ecommerce=tables.ECOMMERCE,
    ecommerce_europe=tables.ECOMMERCE_EUROPE,
    ecommerce_ppl=tables.ECOMMERCE_PPL,
    dgf=tables.DGF,
    freight=tables.FREIGHT,
)


class Service(NamedTuple):
    """What sets one of DHL's services apart."""

    table: str
    """Its part of the keys."""
    home: Place | None = None
    """Where its times are local if nothing nearer is told."""
    texts: TextRules | None = None
    """Rules for its sentences. A sentence comes before a code: it alone tells a return from a delivery."""
    zulu_is_local: bool = False
    """Its times are local, and a `Z` on one is decoration."""


_DE = Place(country="DE")

#: By the answer's `service`; a service that is not here has its own name in its keys, and no table.
#: `zulu_is_local`: recorded answers of Express and Paket hold bare local times, and the same instant once bare
#: and once with a `Z`. Parcel Polska's `Z` is taken at its word; whether it means UTC is unverified.
SERVICES: Mapping[str, Service] = {
    "express": Service("EXPRESS", zulu_is_local=True),
    "parcel-de": Service("PARCEL-DE", _DE, tables.PARCEL_DE_TEXTS, zulu_is_local=True),
    "parcel-nl": Service("PARCEL-NL", Place(country="NL")),
    "parcel-pl": Service("PARCEL-PL", Place(country="PL"), tables.PARCEL_PL_TEXTS),
    "parcel-uk": Service("PARCEL-UK", Place(country="GB")),
    "post-de": Service("POST-DE-SVB", _DE),
    "post-de/svb": Service("POST-DE-SVB", _DE),
    "svb": Service("POST-DE-SVB", _DE),
    "ecommerce-ppl": Service("ECOMMERCE-PPL", Place(country="CZ")),
}

#: An offset at a time's end.
_OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)

#: Express puts the signer's name into the sentence; a name has no business in a description.
_SIGNER = re.compile(r"\s*[-:,]?\s*signed (for )?by\b.*", re.IGNORECASE | re.DOTALL)

#: Countries whose places DHL writes as `City, STATE`.
_WITH_STATES = frozenset({"AU", "CA", "US"})


class DHLOptions(CarrierOptions):
    """What a merchant can set for DHL."""

    language: str = "en"
    """ISO 639-1. Services that send sentences instead of codes are read in English, German and Polish; in another
    language only DHL's coarse word is left of them."""
    service: (
        Literal[
            "dgf",
            "dsc",
            "ecommerce",
            "ecommerce-europe",
            "ecommerce-ppl",
            "express",
            "freight",
            "parcel-de",
            "parcel-nl",
            "parcel-pl",
            "parcel-uk",
            "post-de",
            "sameday",
            "svb",
        ]
        | None
    ) = None
    """The one service this account ships with: DHL then looks nowhere else."""
    requester_country_code: str | None = None
    """ISO 3166-1 alpha-2 of the country the question comes from; DHL words its answer by it."""


def _delivered(push: dict[str, Any]) -> Any:
    """A push of shipments, each as the tracking API tells it."""
    return {"shipments": records(push, "shipments")} if records(push, "shipments") else None


def _confirmation(push: dict[str, Any]) -> Call | None:
    """A new subscription is asked to show that it is wanted: by its secret, sent back. The method is unverified."""
    subscription = text(push, "self").rstrip("/").rpartition("/")[2]
    secret = text(push, "secret")
    if text(push, "scope") != "subscription.validate" or not (
        subscription and secret.isascii() and secret.isprintable()
    ):
        return None
    path = f"/tracking/push/v1/subscription/{segment(subscription)}"
    return Call((), "POST", path, headers={"DHL-API-Hook-Secret": secret})


class DHL(Carrier):
    """DHL's divisions through one API; each number belongs to one of them, now and then to two."""

    info = Info(
        code="dhl",
        name="DHL",
        docs="https://developer.dhl.com/api-reference/shipment-tracking",
        auth=ApiKey("DHL-API-Key"),
        production="https://api-eu.dhl.com",
        sandbox="https://api-test.dhl.com",  # canned answers; unverified
        tracking_page="https://www.dhl.com/us-en/home/tracking.html?tracking-id={number}&submit=1",
        # A new key has 250 calls a day and one in five seconds; DHL raises both on request.
        quota=Quota(per_second=0.2, per_day=250),
        names=(
            "DHL Express",
            "DHL Express Worldwide",
            "DHL eCommerce",
            "DHL eCommerce Europe",
            "DHL eCommerce Solutions",
            "DHL Global Mail",
            "DHL Freight",
            "DHL Paket",
            "DHL Parcel",
            "DHL Parcel DE",
            "DHL Parcel NL",
            "DHL Parcel Benelux",
            "DHL Parcel Polska",
            "DHL Parcel UK",
            "DHL Germany",
            "Deutsche Post",
            "Deutsche Post DHL",
        ),
    )
    codes = CODES
    hook = Hook(
        Token("x-hook-token"),
        _delivered,
        'a push subscription with `"authentication": {"type": "ApiKeyAuthentication", "header": "X-Hook-Token",'
        ' "token": SECRET}` in its `hook`',
        handshake=_confirmation,
    )
    Options: ClassVar[type[CarrierOptions]] = DHLOptions

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for one number."""
        options = self.options
        assert isinstance(options, DHLOptions)  # noqa: S101 - what the class itself declares
        query = {"trackingNumber": numbers[0], "language": options.language}
        if options.service:
            query["service"] = options.service
        if options.requester_country_code:
            query["requesterCountryCode"] = options.requester_country_code
        return Call.get(numbers, "/track/shipments", query=query)

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the number asked, with a Shipment for each service that knows it."""
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        answer = reply.json()
        if not isinstance(record(answer).get("shipments"), list):
            raise BadPayload("no list of shipments")
        shipments = [shipment for shipment in records(answer, "shipments") if shipment]
        if not shipments:
            raise NotFound("DHL lists no shipment")
        found: dict[TrackingNumber, list[Shipment]] = {}
        for shipment in shipments:
            number = _number(shipment, reply.numbers)
            if number is not None:
                found.setdefault(number, []).append(_shipment(shipment))
        if not found:
            raise BadPayload("no shipment has a readable id")
        return [Report(number, tuple(uses)) for number, uses in found.items()]


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx.

    A 404 is "not found" only in DHL's own words: a gateway's page would turn every parcel unknown.
    """
    try:
        title = text(reply.json(), "title")[:100]
    except BadPayload as unreadable:
        return unreadable if reply.status == 404 else reply.failure() or unreadable
    return reply.failure(title) or BadPayload(f"HTTP {reply.status}")


def _number(shipment: dict[str, Any], asked: tuple[TrackingNumber, ...]) -> TrackingNumber | None:
    """The number a shipment belongs to: the one asked; else its own id.

    A single number asked owns whatever comes back, since ids gain and lose prefixes (00, JJD).
    """
    if len(asked) == 1:
        return asked[0]
    try:
        number = tracking_number(text(shipment, "id"))
    except ValueError:
        return None
    return next((one for one in asked if number.endswith(one) or one.endswith(number)), None) if asked else number


def _shipment(shipment: dict[str, Any]) -> Shipment:
    """One element of `shipments`. Without a history, its current status is its only event."""
    name = text(shipment, "service").lower()
    service = SERVICES.get(name) or Service(normalise(name.replace("/", "-")) or "DHL")
    current = record(shipment, "status")
    history = records(shipment, "events") or [current]
    if any(_is_bare(text(event, "timestamp")) for event in (current, *history)):
        service = service._replace(zulu_is_local=True)
    origin = _place(record(shipment, "origin", "address"))
    destination = _place(record(shipment, "destination", "address"))
    events = _events(history, service, origin, destination)
    signed = record(shipment, "details", "proofOfDelivery", "signed")
    names = text(signed, "name") or f"{text(signed, 'givenName')} {text(signed, 'familyName')}".strip()
    number = text(shipment, "id")
    return Shipment(
        events=tuple(sorted(events, key=lambda event: event.occurred_at, reverse=True)),
        summary=_summary(current, service),
        estimated_delivery=_promise(shipment, service, destination),
        id=f"{name}/{number}" if number else "",
        signed_by=names or None,
    )


def _events(
    history: list[dict[str, Any]], service: Service, origin: Place | None, destination: Place | None
) -> Iterator[Event]:
    """The events of a shipment; one without a readable time, or that says nothing, is left out."""
    for event in history:
        code = _key(event, service)
        word = text(event, "statusCode")
        place = _place(record(event, "location", "address"))
        near = {
            "pre-transit": (origin, service.home, destination),
            "transit": (service.home, destination, origin),
        }.get(word, (destination, service.home, origin))
        when = _instant(text(event, "timestamp"), service, place, *near)
        if when is None or not code:
            continue
        yield Event(
            occurred_at=when[0],
            zone=when[1],
            code=code,
            meaning=CODES.meaning(code),
            description=_SIGNER.sub("", text(event, "description") or text(event, "status")),
            place=place,
            coarse=CODES.meaning(f"STATUS/{word}"),
        )


def _summary(current: dict[str, Any], service: Service) -> Summary | None:
    """DHL's current status: the service's code where its table has it, else the coarse word."""
    if not current:
        return None
    code = _key(current, service)
    if CODES.meaning(code) is None:
        code = normalise(f"STATUS/{text(current, 'statusCode')}")
    return Summary(code, CODES.meaning(code), _SIGNER.sub("", text(current, "description")))


def _key(event: dict[str, Any], service: Service) -> str:
    """The table's key for an event: its sentence's, its code's, or that of DHL's coarse word.

    `status` holds a code, a sentence or a coarse word, as the service likes. What no table knows keeps its own
    text in the key, so that it is counted and can be mapped.
    """
    status, description, word = (text(event, name) for name in ("status", "description", "statusCode"))
    if service.texts is not None:
        code = service.texts.code(description) or service.texts.code(status)
        if code is not None:
            return f"{service.table}/{code}"
    own = normalise(f"{service.table}/{(status or description)[:100]}")
    if status and CODES.meaning(own) is None and normalise(status) in tables.STATUS:
        return normalise(f"STATUS/{status}")
    if status or description:
        return own
    return normalise(f"STATUS/{word[:100]}") if word else ""


def _is_bare(timestamp: str) -> bool:
    return bool(timestamp) and _OFFSET.search(timestamp) is None


def _instant(timestamp: str, service: Service, *places: Place | None) -> tuple[datetime, ZoneSource] | None:
    """A time of this service, a bare one read at the first place with a known zone.

    A `Z` counts for nothing with services known to decorate local times with it, and in an answer that writes
    bare times too (recorded: the same instant once with and once without).
    """
    if service.zulu_is_local and timestamp[-1:] in ("Z", "z"):
        timestamp = timestamp[:-1]
    return instant(timestamp, *places)


def _promise(shipment: dict[str, Any], service: Service, destination: Place | None) -> datetime | None:
    """The latest instant promised; midnight stands for the whole day, whatever offset it bears."""
    through = text(shipment, "estimatedDeliveryTimeFrame", "estimatedThrough")
    for promised in (through, text(shipment, "estimatedTimeOfDelivery")):
        when = _instant(promised, service, destination, service.home)
        if when is not None:
            midnight = (when[0].hour, when[0].minute) == (0, 0)
            return end_of_day(when[0].date(), destination, service.home) if midnight else when[0]
    return None


def _place(address: dict[str, Any]) -> Place | None:
    """An address, whose `addressLocality` may hold the country, and in some countries the state, too.

    `Radefeld, Germany`, `CINCINNATI HUB, OH - USA` and `Germany` are real forms.
    """
    country = country_code(text(address, "countryCode"))
    city = text(address, "addressLocality")
    for separator in (" - ", ",", "-"):
        head, _, tail = city.rpartition(separator)
        named = _country_named(tail.strip())
        if named and country in ("", named):
            city, country = head.rstrip(" ,-"), named
            break
    state = ""
    head, _, tail = city.rpartition(",")
    if country in _WITH_STATES and re.fullmatch(r"[A-Z]{2,3}", tail.strip()):
        city, state = head.strip(), tail.strip()
    place = Place(city=city, state=state, postal_code=text(address, "postalCode"), country=country)
    return place if any(place) else None


def _country_named(name: str) -> str:
    """A country given by name; two letters after a city are a state's or a province's, except UK."""
    return country_code(name) if len(name) > 2 or name == "UK" else ""
