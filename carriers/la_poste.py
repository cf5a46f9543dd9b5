"""La Poste: Suivi v2, one API over its letters, Colissimo and Chronopost (up to 10 numbers a call).

Owns the answer's shape and its return codes; the event codes are in `carriers.tables.la_poste`. Knows no clock, no
HTTP library and no other carrier. Source: La Poste's OpenAPI document of Suivi v2 (developer.laposte.fr, suivi@2)
where nothing else is said; a doubt stands beside its line. Events name no place, and all times have an offset.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from carriers.sdk import (
    ApiKey,
    AuthFailed,
    BadPayload,
    Call,
    Carrier,
    CarrierError,
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
    TrackingNumber,
    Unavailable,
    end_of_day,
    instant,
    record,
    records,
    segment,
    text,
    tracking_number,
)
from carriers.sdk.zones import country_code
from carriers.tables.la_poste import SUIVI

#: `returnCode` of an item without a shipment. The document explains 104 ("not available yet") and 400 alone; 101,
#: 105 and 109, which it lists beside 104, are unverified.
RETURN_CODES: Mapping[str, type[CarrierError]] = {
    "101": NotFound,
    "104": NotFound,
    "105": NotFound,
    "109": NotFound,
    "404": NotFound,
    "400": InvalidNumber,
    "401": AuthFailed,
    "504": Unavailable,
}

FRANCE = Place(country="FR")


class LaPoste(Carrier):
    """La Poste's tracked letters; whatever else its API knows is read alike."""

    info = Info(
        code="la_poste",
        name="La Poste",
        docs="https://developer.laposte.fr/catalog-apis/suivi@2",
        auth=ApiKey("X-Okapi-Key"),
        production="https://api.laposte.fr",
        sandbox="https://api.laposte.fr",  # a sandbox key makes the difference
        tracking_page="https://www.laposte.fr/outils/suivre-vos-envois?code={number}",
        batch=10,
        quota=Quota(per_second=10),  # of the plan there is
        names=(
            "LaPoste",
            "La Poste France",
            "La Poste Groupe",
            "La Poste Courrier",
            "La Poste Lettre Suivie",
            "Lettre Suivie",
            "Lettre Recommandée",
            "Courrier Suivi",
            "French Post",
            "Poste France",
        ),
    )
    codes = Codes(**SUIVI)

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for up to 10 numbers, with English labels."""
        return Call.get(
            numbers,
            f"/suivi/v2/idships/{','.join(map(segment, numbers))}",
            query={"lang": "en_GB"},
            headers={"Accept": "application/json"},
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each item: one object for one number, a list (HTTP 207 when mixed) for several.

        A number's 400 and 404 come as HTTP status too where it was asked for alone.
        """
        items = list(_items(reply))
        if not items:
            raise BadPayload("neither a shipment nor a return code")
        for item in items:
            number = _number(item, reply.numbers, alone=len(items) == 1)
            if number is None:
                continue
            events = tuple(self._events(record(item, "shipment")))
            if events:
                yield Report(number, (_shipment(record(item, "shipment"), events),))
            else:
                yield Report(number, error=_error(item))

    def _events(self, shipment: dict[str, Any]) -> Iterator[Event]:
        """The events, newest first as La Poste gives them; one without a readable time or a code is left out."""
        for event in records(shipment, "event"):
            when, code = instant(text(event, "date"), FRANCE), text(event, "code")
            if when is not None and code:
                yield Event(*when, code, self.codes.meaning(code), text(event, "label"))


def _items(reply: Reply) -> Iterator[dict[str, Any]]:
    """What the answer says, item by item. Raises CarrierError where it says nothing of any number.

    An HTTP 400 or 404 tells of a number only in La Poste's own words, and only where one was asked for: of several,
    the culprit has to be looked for. La Poste answers some invalid numbers with a 404 that is neither JSON nor a
    page; a gateway's 404 is a page.
    """
    failure = reply.failure()
    try:
        answer = reply.json()
    except BadPayload as unreadable:
        page = reply.body.lstrip().startswith(b"<")
        if failure is None or (isinstance(failure, NotFound) and (page or len(reply.numbers) > 1)):
            raise unreadable from None
        raise failure from None
    listed = answer if isinstance(answer, list) else [answer]
    items = [item for item in listed if text(item, "returnCode") or record(item, "shipment")]
    about_one = reply.status in (400, 404) and len(reply.numbers) <= 1
    if failure is None or (items and about_one):
        yield from items
        return
    whole = reply.failure((text(answer, "returnMessage") or text(answer, "message"))[:300]) or failure
    raise BadPayload(whole.message) if isinstance(whole, NotFound) else whole


def _number(item: dict[str, Any], asked: Sequence[TrackingNumber], *, alone: bool) -> TrackingNumber | None:
    """The number an item is about; the only item about a single number need not repeat it."""
    if alone and len(asked) == 1:
        return asked[0]
    try:
        return tracking_number(text(item, "shipment", "idShip") or text(item, "idShip"))
    except ValueError:
        return None


def _error(item: dict[str, Any]) -> CarrierError:
    """What an item without events means."""
    code = text(item, "returnCode")
    message = f"{code}: {text(item, 'returnMessage')}"[:300].strip(": ")
    return RETURN_CODES.get(code, BadPayload)(message or "neither events nor a return code")


def _shipment(shipment: dict[str, Any], events: tuple[Event, ...]) -> Shipment:
    entered = instant(text(shipment, "entryDate"), FRANCE)
    return Shipment(
        events=events,
        estimated_delivery=_promise(shipment),
        shipped_on=entered[0].date() if entered else None,
    )


def _promise(shipment: dict[str, Any]) -> datetime | None:
    """The latest instant promised; a midnight is a bare day."""
    destination = Place(country=country_code(text(shipment, "contextData", "arrivalCountry")))
    when = instant(text(shipment, "estimHourMax") or text(shipment, "estimDate"), destination, FRANCE)
    if when is None:
        return None
    moment = when[0]
    return moment if moment.hour or moment.minute else end_of_day(moment.date(), destination, FRANCE)
