"""DHL Parcel DE (DHL Paket): the tracking API of Post & Parcel Germany for business customers, in XML.

Owns the request's and the answer's shape, its error words and its clock. It tells more than the Unified API (`dhl`):
what happened and why (ICE and RIC), 20 numbers a call, and returns and refusals by code. Knows no clock, no HTTP
library and no other carrier; the codes are in `carriers.tables.dhl_parcel_de`, those of the public tracking in
`carriers.tables.dhl`. Source: DHL's page on DHL Parcel DE Tracking, its example answers where a comment says so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import quoteattr

from carriers.sdk import (
    AuthFailed,
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    Codes,
    Effect,
    Event,
    Info,
    InRequest,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    Summary,
    TrackingNumber,
    ZoneSource,
    instant,
    record,
    records,
    text,
    tracking_number,
)
from carriers.sdk.zones import country_code
from carriers.tables.dhl import PARCEL_DE, PARCEL_DE_TEXTS
from carriers.tables.dhl_parcel_de import ICE_RIC

#: ICE/ICE/RIC/EVENT, or EVENT/EVENT where an event comes without ICE and RIC.
CODES = Codes.joined(ice=ICE_RIC, event=PARCEL_DE)

#: An event on the way back that no code of its own tells from one on the way there.
RETURN_LEG = "EVENT/TEXT-RETURNING"

#: The driver deleted the event before this one.
TAKES_BACK = "ICE/STORN/NRQRD/DD"

#: Codes of the whole answer and of its pieces.
LOGIN_FAILED = "5"
NO_DATA = "100"

_DE = Place(country="DE")


class DHLParcelDE(Carrier):
    """DHL Parcel DE, asked with a business customer's rights."""

    info = Info(
        code="dhl_parcel_de",
        name="DHL Parcel DE",
        docs="https://developer.dhl.com/api-reference/dhl-parcel-de-tracking-post-parcel-germany",
        # Key and secret of the app at developer.dhl.com; user and password of DHL's business customer portal.
        auth=InRequest(("api_key", "api_secret", "user", "password")),
        production="https://api-eu.dhl.com",
        sandbox="https://api-sandbox.dhl.com",
        tracking_page="https://www.dhl.de/en/privatkunden/pakete-empfangen/verfolgen.html?piececode={number}",
        batch=20,
        quota=Quota(per_second=1),  # unverified guess
        names=(
            "DHL Paket",
            "DHL Paket International",
            "DHL Kleinpaket",
            "DHL Warenpost",
            "DHL Germany",
            "DHL Deutschland",
            "DHL Parcel Germany",
            "DHL Domestic Germany",
        ),
    )
    codes = CODES

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET with an XML document in its query; the portal's log-in stands inside the document."""
        asked = quoteattr(";".join(numbers))
        document = (
            '<?xml version="1.0" encoding="UTF-8"?><data appname="{{user}}" password="{{password}}" '
            f'request="d-get-piece-detail" language-code="en" piece-code={asked}/>'
        )
        return Call.get(
            numbers,
            "/parcel/de/tracking/v0/shipments",
            query={"xml": document},
            headers={"Authorization": "Basic {{api_key}}:{{api_secret}}", "Accept": "application/xml"},
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each piece the answer speaks of."""
        # Unknown numbers come with HTTP 200; a 404 is a gateway's and would turn every parcel unknown.
        if reply.status == 404:
            raise BadPayload("HTTP 404, which DHL Parcel DE never says of a number")
        if (failure := reply.failure()) is not None:
            raise failure
        answer = record(reply.xml(), "data")
        code, pieces = text(answer, "code"), records(answer, "data")
        if code == LOGIN_FAILED:
            raise AuthFailed("5: log-in failed")
        found = list(_reports(pieces, reply.numbers))
        if not found and code == NO_DATA:
            raise NotFound("100: no data found")
        if not found:
            raise BadPayload(f"code {code[:20] or 'missing'} and no piece with a readable number")
        return found


def _reports(pieces: Sequence[Mapping[str, Any]], asked: Sequence[TrackingNumber]) -> Iterator[Report]:
    for piece in pieces:
        number = _number(piece, asked)
        if number is None:
            continue
        shipment = _shipment(piece)
        if shipment.events or shipment.summary:
            yield Report(number, (shipment,))
        else:
            yield Report(number, error=_trouble(piece))


def _trouble(piece: Mapping[str, Any]) -> CarrierError:
    """Why a piece has neither events nor a status."""
    status = text(piece, "piece-status")
    if status == NO_DATA:
        return NotFound("100: no data found")
    return BadPayload(f"neither events nor a status (piece-status {status[:20] or 'missing'})")


def _number(piece: Mapping[str, Any], asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    """The number asked that a piece is about, else the first it names; ids lose their leading zeros."""
    named = []
    for field in ("searched-piece-code", "piece-code", "piece-identifier"):
        try:
            named.append(tracking_number(text(piece, field)))
        except ValueError:
            continue
    bare = {number.lstrip("0") for number in named}
    return next((number for number in asked if number.lstrip("0") in bare), named[0] if named else None)


def _shipment(piece: Mapping[str, Any]) -> Shipment:
    listed = [item for part in records(piece, "data") for item in records(part, "data")]
    events = [event for item in listed if (event := _event(item)) is not None]
    delivered = text(piece, "delivery-event-flag") == "1"
    return Shipment(
        events=tuple(_standing(events)),
        summary=_summary(piece),
        id=text(piece, "piece-id"),
        signed_by=text(piece, "recipient-name") or None if delivered else None,
    )


def _event(item: Mapping[str, Any]) -> Event | None:
    """One event; None without a readable time, or where it says nothing."""
    when, key = _instant(text(item, "event-timestamp")), _key(item)
    if when is None or not key:
        return None
    place = Place(city=text(item, "event-location"), country=country_code(text(item, "event-country")))
    return Event(
        *when,
        key,
        CODES.meaning(key),
        text(item, "event-status") or text(item, "event-text") or text(item, "event-short-status"),
        place if any(place) else None,
        coarse=CODES.meaning(f"EVENT/{text(item, 'standard-event-code')}"),
    )


def _summary(piece: Mapping[str, Any]) -> Summary | None:
    """The piece's own fields repeat its last event."""
    key = _key(piece)
    if CODES.meaning(key) is None:
        key = f"EVENT/{text(piece, 'standard-event-code').upper()}"
    meaning = CODES.meaning(key)
    return Summary(key, meaning, text(piece, "status")) if meaning is not None else None


def _key(item: Mapping[str, Any]) -> str:
    """The table's key of an event: by ICE and RIC, else by its sentence, else by the public tracking's code.

    `ruecksendung` on an event says that it happened on the way back (unverified: that it does so event by event).
    """
    ice, ric, code = (text(item, name).upper()[:20] for name in ("ice", "ric", "standard-event-code"))
    sentence = PARCEL_DE_TEXTS.code(text(item, "event-status"))
    if ice and ric:
        key = f"ICE/{ice}/{ric}/{code}"
    elif sentence is not None:
        key = f"EVENT/{sentence}"
    else:
        key = f"EVENT/{code}" if code else ""
    meaning = CODES.meaning(key)
    on_return_leg = text(item, "ruecksendung").lower() == "true"
    told = meaning is not None and (meaning.status is None or meaning.effect is Effect.RETURN)
    return RETURN_LEG if on_return_leg and not told else key


def _standing(events: Iterable[Event]) -> list[Event]:
    """The events newest first, without those that a driver deleted."""
    standing: list[Event] = []
    for event in sorted(events, key=lambda event: event.occurred_at):
        if event.code == TAKES_BACK and standing:
            standing.pop()
        standing.append(event)
    return standing[::-1]


def _instant(stated: str) -> tuple[datetime, ZoneSource] | None:
    """`18.03.2016 10:02`: German time, wherever it happened."""
    try:
        local = datetime.strptime(stated, "%d.%m.%Y %H:%M")  # noqa: DTZ007 - the zone follows
    except ValueError:
        return instant(stated, _DE)
    return instant(local.isoformat(), _DE)
