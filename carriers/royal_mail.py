"""Royal Mail: Tracking API v2 ("mailpieces").

Owns the two ways to ask, the shape of the answers and Royal Mail's error codes; its event codes are in
`carriers.tables.royal_mail`. Knows no clock, no HTTP library and no other carrier. Source: Royal Mail's API
specification as third parties copy it; a doubt stands beside its line.

By default each number is asked for alone, with its history. A summary takes 30 numbers a call and tells the last
event only: a return leg whose scans look like any others' reads as in transit then, scans between two polls are
never seen, and so is no movement that the time between two scans is measured by. Since an insurer's answer hangs
on both, calls are spent on the history; who has more parcels than calls sets `history: false` and knows what for.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from carriers.sdk import (
    BadPayload,
    Call,
    Carrier,
    CarrierError,
    CarrierOptions,
    Event,
    Info,
    InRequest,
    InvalidNumber,
    Items,
    NotFound,
    Place,
    Quota,
    RateLimited,
    Reply,
    Report,
    Shipment,
    Summary,
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
from carriers.tables.royal_mail import CODES, FAMILIES

#: Where a time without an offset is from.
_HOME = Place(country="GB")

#: Royal Mail's error codes, of a whole answer or of one piece in a summary.
ERRORS: Mapping[str, type[CarrierError]] = {
    "E1142": NotFound,  # barcode not recognised: unknown or not yet known
    "E1283": InvalidNumber,  # service not supported; unverified that it never will be
    "E1284": NotFound,  # unverified
    "E1307": NotFound,  # no updates available, nor...
    "E1308": NotFound,  # ...here
    "E0001": Unavailable,
    "E0009": Unavailable,
    "E0010": RateLimited,
}

_CREDENTIALS = {
    "X-IBM-Client-Id": "{{client_id}}",
    "X-IBM-Client-Secret": "{{client_secret}}",
    "X-Accept-RMG-Terms": "yes",
    "Accept": "application/json",
}


class RoyalMailOptions(CarrierOptions):
    """What a merchant can set for Royal Mail."""

    history: bool = Field(
        True,
        description="Ask for each parcel alone, with all its events. If false, 30 parcels a call with only their last "
        "event: fewer calls, but returns can be missed.",
    )


class RoyalMail(Carrier):
    """Royal Mail's tracked letters and parcels, and what foreign posts hand to it."""

    info = Info(
        code="royal_mail",
        name="Royal Mail",
        docs="https://developer.royalmail.net/api/tracking-api",
        auth=InRequest(("client_id", "client_secret")),
        production="https://api.royalmail.net",
        sandbox=None,
        tracking_page="https://www.royalmail.com/track-your-item#/tracking-results/{number}",
        # The plan's own; unverified guess.
        quota=Quota(per_second=2),
        names=(
            "RoyalMail",
            "Royal Mail UK",
            "Royal Mail Group",
            "Royal Mail Group Ltd",
            "Royal Mail 1st Class",
            "Royal Mail 2nd Class",
            "Royal Mail Tracked 24",
            "Royal Mail Tracked 48",
            "Royal Mail Signed For",
            "Royal Mail Special Delivery",
            "Royal Mail Special Delivery Guaranteed",
            "Royal Mail International Tracked",
        ),
    )
    codes = CODES
    Options: ClassVar[type[CarrierOptions]] = RoyalMailOptions

    def __init__(self, options: CarrierOptions | None = None) -> None:
        """With `history` false, one that asks for 30 numbers at a time."""
        super().__init__(options)
        assert isinstance(self.options, RoyalMailOptions)  # noqa: S101 - what the class itself declares
        self._history = self.options.history
        if not self._history:
            self.info = replace(RoyalMail.info, batch=30)
            self.items = Items(("mailPieces",), "mailPieceId")

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET: the events of one number, or the summaries of up to 30."""
        if self._history:
            return Call.get(numbers, f"/mailpieces/v2/{segment(numbers[0])}/events", headers=_CREDENTIALS)
        return Call.get(
            numbers, "/mailpieces/v2/summary", query={"mailPieceId": ",".join(numbers)}, headers=_CREDENTIALS
        )

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for each mail piece: events answers hold one, summaries a list with an error for some."""
        if not 200 <= reply.status < 300:
            raise _failure(reply)
        answer = reply.json()
        if not isinstance(record(answer).get("mailPieces"), dict | list):
            raise _stated(records(answer, "errors")) or BadPayload("no mailPieces")
        for piece in records(answer, "mailPieces"):
            number = _number(piece, reply.numbers)
            if number is None:
                continue
            shipment = _shipment(piece)
            if shipment.events:
                yield Report(number, (shipment,))
            else:
                yield Report(number, error=_stated([record(piece, "error")]) or BadPayload("neither events nor error"))


def _failure(reply: Reply) -> CarrierError:
    """What an answer other than 2xx stands for.

    A 404 is "not found" only by Royal Mail's own code: without one it is about the address, or a gateway's page.
    """
    try:
        answer = reply.json()
    except BadPayload as unreadable:
        return unreadable if reply.status == 404 else reply.failure() or unreadable
    stated = _stated(records(answer, "errors"))
    standard = reply.failure(stated.message if stated else text(answer, "httpMessage")[:100])
    if reply.status == 404:
        return stated or Unavailable("HTTP 404 without an error of Royal Mail's")
    return stated if stated and isinstance(standard, BadPayload) else standard or BadPayload(f"HTTP {reply.status}")


def _stated(errors: list[dict[str, Any]]) -> CarrierError | None:
    """The first error with a code."""
    for error in errors:
        if code := text(error, "errorCode"):
            return ERRORS.get(code, BadPayload)(f"{code}: {text(error, 'errorDescription')}"[:300].strip(": "))
    return None


def _number(piece: dict[str, Any], asked: Sequence[TrackingNumber]) -> TrackingNumber | None:
    """The number a piece is about: `mailPieceId` is the barcode asked for, or the same piece's unique one."""
    if len(asked) == 1:
        return asked[0]
    summary = record(piece, "summary")
    named = []
    for name in (text(summary, "oneDBarcode"), text(piece, "mailPieceId"), text(summary, "uniqueItemId")):
        try:
            named.append(tracking_number(name))
        except ValueError:
            continue
    return next((name for name in named if name in asked), None if asked or not named else named[0])


def _shipment(piece: dict[str, Any]) -> Shipment:
    """One mail piece. Without a history, its last event is its only one."""
    summary = record(piece, "summary")
    last = {
        name: summary.get(f"last{name[0].upper()}{name[1:]}") for name in ("eventCode", "eventName", "eventDateTime")
    } | {"locationName": summary.get("lastEventLocationName")}
    code, category = _key(text(last, "eventCode")), _category(summary)
    known = CODES.meaning(code) is not None or not category
    stated = code if known else category
    return Shipment(
        events=tuple(_events(records(piece, "events") or [last], last, category)),
        summary=Summary(stated, CODES.meaning(stated), text(last, "eventName")) if stated else None,
        estimated_delivery=_promise(record(piece, "estimatedDelivery")),
        id=text(summary, "uniqueItemId"),
        signed_by=text(piece, "signature", "recipientName")
        or text(piece, "proofOfDeliveryData", "recipientName")
        or None,
    )


def _events(history: list[dict[str, Any]], last: dict[str, Any], category: str) -> Iterator[Event]:
    """The events, newest first as Royal Mail lists them. The category is a word about the last one alone."""
    for event in history:
        when = instant(text(event, "eventDateTime"), _HOME)
        code = _key(text(event, "eventCode"))
        if when is None or not code:
            continue
        is_last = all(text(event, name) == text(last, name) for name in ("eventCode", "eventDateTime"))
        location = text(event, "locationName")
        yield Event(
            occurred_at=when[0],
            zone=when[1],
            code=code,
            meaning=CODES.meaning(code),
            description=text(event, "eventName"),
            place=Place(city=location) if location else None,
            coarse=CODES.meaning(category) if is_last and category else None,
        )


def _key(code: str) -> str:
    """The table's key for an event code: its own, or its family's."""
    return FAMILIES.get(code[:3], code) if CODES.meaning(code) is None else code


def _category(summary: dict[str, Any]) -> str:
    """The table's key for a summary's category, which comes in any case and with either apostrophe."""
    word = text(summary, "statusCategory")[:100].replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return f"CATEGORY/{word}" if word else ""


def _promise(estimated: dict[str, Any]) -> datetime | None:
    """The end of the promised window; without one, the promised day's last minute."""
    end = instant(text(estimated, "endOfEstimatedWindow"), _HOME)
    if end is not None:
        return end[0]
    day = instant(text(estimated, "date"), _HOME)
    return end_of_day(day[0].date(), _HOME) if day is not None else None
