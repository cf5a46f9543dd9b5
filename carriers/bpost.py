"""bpost: tracking of the Shipping Manager ("trackedmail"), XML, one item a call.

Owns the answer's shape and bpost's state codes. Knows no clock, no HTTP library and no other carrier. bpost publishes
neither: both come from open clients and their recorded answers. Recorded are T00, L00 and U01, with the names beside
them; every other code's meaning is unverified.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from carriers.sdk import (
    BadPayload,
    Basic,
    Call,
    Carrier,
    Codes,
    Event,
    Info,
    NotFound,
    Place,
    Quota,
    Reply,
    Report,
    Shipment,
    TextRule,
    TextRules,
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

#: State codes. Unverified but for the three recorded ones: the groups are an open client's, which had L00 among the
#: held ones although its own recorded answer says "out for distribution". B04 it lists as in transit, too. Nothing
#: tells which of the failures travel back, so that none begins a return leg.
CODES = Codes(
    CONFIRMED="ANNOUNCED   # no code of bpost's: the name `Announced`",
    IN_TRANSIT="""
        T00         # recorded: Sorted
        N14 R00 R01 R02 R03 R04 R05
    """,
    OUT_FOR_DELIVERY="L00     # recorded: BoundToRound",
    ATTEMPTED_DELIVERY="N01 N02 N03",
    READY_FOR_PICKUP="N74 R13",
    DELIVERED="""
        U01         # recorded: DistributedNormally
        U00 U02 U03 U04 U05 U06 U07 U08
    """,
    DELAYED="""
        N04 N05 N06 N07 N08 N10 N11 N12 N13 N16 N28 N32 N91 N92 N93 N94 N95 N96
        P00
    """,
    ON_HOLD="B00 B01 B02 C00 I03 I10 I11 I12 I18 I19 I58 I61 I66 I67 I68 I72 I88",
    FAILURE="B03 B04 B05 B06 B07 B08 B09 B10 B11 B12 B13 B18 B23 B24 B28 R11 R12 T03 S00",
)

#: A description is "Name - detail". A name that was recorded comes before the code, whose meaning mostly was not.
TEXTS = TextRules(
    TextRule("en", "L00", r"BoundToRound( - .*)?", "BoundToRound - out_for_distribution"),
    TextRule("en", "T00", r"Sorted( - .*)?", "Sorted - sorted_out"),
    TextRule("en", "U01", r"DistributedNormally( - .*)?", "DistributedNormally - regular"),
    TextRule("en", "ANNOUNCED", r"Announced( - .*)?", "Announced"),  # unverified
    table=CODES,
)

BELGIUM = Place(country="BE")


class Bpost(Carrier):
    """bpost's parcels (bpack) of an account."""

    info = Info(
        code="bpost",
        name="bpost",
        docs="https://www.bpost.be/en/parcels/shipping-manager",  # unverified; the API's manual is for customers
        auth=Basic("account_id", "passphrase"),  # the Shipping Manager's
        production="https://api.parcel.bpost.cloud",
        sandbox=None,
        tracking_page="https://track.bpost.cloud/btr/web/#/search?itemCode={number}&lang=en",
        quota=Quota(per_second=2),  # undocumented: an unverified guess
        names=(
            "bpost Belgium",
            "bpost International",
            "bpost Parcels",
            "bpack",
            "bpack 24h Pro",
            "bpack World",
            "Belgian Post",
            "Belgium Post",
            "Post Belgium",
            "La Poste Belge",
            "De Post",
        ),
    )
    codes = CODES
    texts = TEXTS

    def call(self, numbers: Sequence[TrackingNumber]) -> Call:
        """One GET for one item."""
        path = f"/services/trackedmail/item/{segment(numbers[0])}/trackingInfo"
        return Call.get(numbers, path, headers={"Accept": "application/xml"})

    def parse(self, reply: Reply) -> Iterable[Report]:
        """A Report for the item. Neither its sender nor its addressee is ever read."""
        answer = _answer(reply)
        item = record(answer, "itemTracking")
        events = sorted(_events(item), key=lambda event: event.occurred_at, reverse=True)
        if not events:
            raise BadPayload("no states in itemTracking")
        number = reply.numbers[0] if len(reply.numbers) == 1 else _number(item)
        yield Report(number, (Shipment(tuple(events), estimated_delivery=_promise(item)),))


def _answer(reply: Reply) -> dict[str, Any]:
    """The answer with an item in it. Raises CarrierError where it is about something else.

    An exception that is the caller's, to a question that holds one item and nothing else, reads as an unknown item:
    which of its codes says so is unverified. One that is bpost's asks to try again.
    """
    failure = reply.failure()
    try:
        answer = reply.xml()
    except BadPayload as unreadable:  # a 401 comes as a page or bare text
        raise (unreadable if failure is None or isinstance(failure, NotFound) else failure) from None
    for name, kind in (("businessException", NotFound), ("systemException", Unavailable)):
        exception = record(answer, name)
        if exception or name in answer:
            said = f"{text(exception, 'code')}: {text(exception, 'message')}".strip(": ")[:300]
            standard = reply.failure(said)
            if standard is None or reply.status in (400, 404):
                raise kind(f"HTTP {reply.status}: {said}")
            raise standard
    if failure is not None:  # a 404 that is not in bpost's words says nothing of an item
        raise BadPayload(failure.message) if isinstance(failure, NotFound) else failure
    if "itemTracking" not in answer:
        raise BadPayload("no itemTracking")
    return answer


def _number(item: dict[str, Any]) -> TrackingNumber:
    try:
        return tracking_number(text(item, "itemCode"))
    except ValueError:
        raise BadPayload("no readable itemCode") from None


def _events(item: dict[str, Any]) -> Iterator[Event]:
    """The states; one without a readable time or a code is left out."""
    for state in records(item, "stateInfo"):
        description, city = text(state, "stateDescription"), text(state, "location")
        when = instant(text(state, "time"), BELGIUM)
        code = TEXTS.code(description) or text(state, "stateCode")
        if when is not None and code:
            place = Place(city=city) if city else None
            yield Event(*when, code, CODES.meaning(code), description, place)


def _promise(item: dict[str, Any]) -> datetime | None:
    """The end of the planned window, else the planned time; a midnight is a bare day."""
    window = text(item, "deliveryTimeWindow", "plannedDeliveryDateWindowEnd")
    when = instant(window or text(item, "deliveryTime"), BELGIUM)
    if when is None:
        return None
    moment = when[0]
    return moment if moment.hour or moment.minute else end_of_day(moment.date(), BELGIUM)
