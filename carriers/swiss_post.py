"""Swiss Post: tracking of a business account, one consignment a call.

Owns the answer's shape and how an event's code is found; the codes are in `carriers.tables.swiss_post`. Knows no
clock, no HTTP library and no other carrier.

Unverified as a whole: Swiss Post publishes no tracking API outside of a contract. Base URLs and the grant are those
of its Digital Commerce API; the scope, `TRACK` and the names around the events are to be checked against the
contract's manual. The events and the fields of a consignment are those of Swiss Post's public tracking.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

from carriers.sdk import (
    BadPayload,
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
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    end_of_day,
    instant,
    records,
    segment,
    text,
    tracking_number,
)
from carriers.sdk.zones import country_code
from carriers.tables.swiss_post import CODES, TEXTS

TRACK = "/logistics/tracking/v1/mailpieces/{number}"  # unverified

SWITZERLAND = Place(country="CH")

#: What a scan that was taken back bears in `subEventId`.
_REVOCATION = "CAN"


class SwissPostOptions(CarrierOptions):
    """What a merchant can set for Swiss Post."""

    language: Literal["de", "fr", "it", "en"] = "en"
    """Of the descriptions. Sentences are read in all four, where a code is unknown."""


class SwissPost(Carrier):
    """Parcels and tracked letters in Switzerland and Liechtenstein, and abroad."""

    info = Info(
        code="swiss_post",
        name="Swiss Post",
        docs="https://developer.post.ch/en/digital-commerce-api",
        auth=OAuth2("https://api.post.ch/OAuth/token", scope="DCAPI_TRACKING"),  # the scope: unverified
        production="https://dcapi.apis.post.ch",
        sandbox=None,
        tracking_page="https://service.post.ch/ekp-web/ui/entry/search/{number}",
        quota=Quota(per_second=2),  # undocumented: an unverified guess
        names=(
            "SwissPost",
            "Swiss Post Parcel",
            "Swiss Post International",
            "Die Post",
            "Die Schweizerische Post",
            "Schweizerische Post",
            "Schweizer Post",
            "Post CH",
            "La Poste Suisse",
            "Poste Suisse",
            "La Posta Svizzera",
            "Posta Svizzera",
            "PostPac",
            "PostPac Priority",
            "PostPac Economy",
        ),
    )
    codes = CODES
    texts = TEXTS
    Options: ClassVar[type[CarrierOptions]] = SwissPostOptions

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for one consignment."""
        options = self.options
        assert isinstance(options, SwissPostOptions)  # noqa: S101 - what the class itself declares
        path = TRACK.format(number=segment(numbers[0]))
        return Call.get(numbers, path, headers={"Accept": "application/json", "Accept-Language": options.language})

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the consignment asked. Addressee and signature are never read.

        An empty list is an unknown one, as in the public tracking; so is a 404 in JSON, unverified.
        """
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        answer = reply.json()
        listed = answer.get("mailpieces") if isinstance(answer, dict) else answer
        if not isinstance(listed, list):
            raise BadPayload("no list of mailpieces")
        mailpieces = [mailpiece for mailpiece in records(listed) if mailpiece]
        if not mailpieces:
            raise NotFound("Swiss Post lists no mailpiece")
        for number, mailpiece in _concerned(mailpieces, reply.numbers):
            shipment = _shipment(mailpiece)
            told = shipment.events or shipment.summary
            error = None if told else BadPayload("neither events nor a status")
            yield Report(number, (shipment,) if told else (), error=error)


def _concerned(
    mailpieces: list[dict[str, Any]], asked: Sequence[TrackingNumber]
) -> Iterator[tuple[TrackingNumber, dict[str, Any]]]:
    """The one that bears the number asked, or is the only one; all where nobody knows what was asked.

    Numbers are written with dots (99.34.123456.12345678) and without, and an import has its number abroad as well.
    """
    for mailpiece in mailpieces:
        own, abroad = (_plain(text(mailpiece, name)) for name in ("shipmentNumber", "internationalBarcode"))
        if not asked:
            try:
                yield tracking_number(own), mailpiece
            except ValueError:
                continue
        elif len(mailpieces) == 1 or _plain(asked[0]) in (own, abroad):
            yield asked[0], mailpiece


def _plain(number: str) -> str:
    return number.replace(".", "").replace("-", "").replace(" ", "").upper()


def _shipment(mailpiece: dict[str, Any]) -> Shipment:
    word = text(mailpiece, "globalStatus")
    returned = mailpiece.get("returned") is True or CODES.meaning(word) == CODES["RETURNED"]
    events = sorted(_events(mailpiece, returned=returned), key=lambda event: event.occurred_at, reverse=True)
    sent = instant(text(mailpiece, "sendingDateTime"), SWITZERLAND)
    return Shipment(
        events=tuple(events),
        summary=Summary(word, CODES.meaning(word)) if word else None,
        estimated_delivery=_promise(mailpiece),
        shipped_on=sent[0].date() if sent else None,
    )


def _events(mailpiece: dict[str, Any], *, returned: bool) -> Iterator[Event]:
    """The scans; one without a readable time, or that says nothing, is left out."""
    for event in records(mailpiece, "events"):
        description = text(event, "description") or text(event, "externalMetadata", "description")
        code = _key(event, description, returned=returned)
        country = country_code(text(event, "country"))
        place = Place(city=text(event, "city"), postal_code=text(event, "zip"), country=country)
        when = instant(text(event, "timestamp"), place, SWITZERLAND)
        if when is not None and code:
            yield Event(*when, code, CODES.meaning(code), description, place if any(place) else None)


def _key(event: dict[str, Any], description: str, *, returned: bool) -> str:
    """The table's key for a scan: the last part of its dotted code, else its sentence's code.

    What is revoked counts as taken back where it was a delivery. The delivery of a consignment that Swiss Post calls
    returned is the one to its sender.
    """
    code = text(event, "eventCode").rpartition(".")[2]
    if CODES.meaning(code) is None:
        code = TEXTS.code(description) or code
    if text(event, "subEventId").upper().startswith(_REVOCATION):
        revoked = f"REVOKED/{code}"
        return revoked if CODES.meaning(revoked) is not None else "REVOKED"
    sent_back = f"RETURNED/{code}"
    return sent_back if returned and CODES.meaning(sent_back) is not None else code


def _promise(mailpiece: dict[str, Any]) -> datetime | None:
    """The end of the delivery window, or the calculated day; a midnight is a bare day."""
    destination = Place(country=country_code(text(mailpiece, "recipientCountry")))
    stated = text(mailpiece, "deliveryRange", "end") or text(mailpiece, "calculatedDeliveryDate")
    when = instant(stated, destination, SWITZERLAND)
    if when is None:
        return None
    moment = when[0]
    return moment if moment.hour or moment.minute else end_of_day(moment.date(), destination, SWITZERLAND)


def _failure(reply: Reply) -> CarrierError:
    """The error of an answer that is no 2xx. A 404 is "not found" in JSON only: a gateway's is a page."""
    try:
        answer = reply.json()
    except BadPayload as unreadable:
        return unreadable if reply.status == 404 else reply.failure() or unreadable
    said = text(answer, "message") or text(answer, "error_description") or text(answer, "detail")
    return reply.failure(said[:300]) or BadPayload(f"HTTP {reply.status}")
