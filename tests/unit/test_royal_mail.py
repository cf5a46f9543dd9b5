"""Royal Mail's own rules: how it is asked, families of codes, and which words are trusted."""

import orjson
import pytest

from carriers.royal_mail import RoyalMail, RoyalMailOptions
from carriers.sdk import Effect, FulfillmentStatus, Reply, read, tracking_number

NUMBER = tracking_number("AB400126778GB")
OTHER = tracking_number("AB400126781GB")


def test_a_parcel_is_asked_about_alone_with_its_history() -> None:
    carrier = RoyalMail()
    assert carrier.info.batch == 1
    assert carrier.call([NUMBER]).path == f"/mailpieces/v2/{NUMBER}/events"


def test_without_history_thirty_are_asked_about_at_once() -> None:
    carrier = RoyalMail(RoyalMailOptions(history=False))
    assert carrier.info.batch == 30
    assert carrier.call([NUMBER, OTHER]).query == {"mailPieceId": f"{NUMBER},{OTHER}"}


@pytest.mark.parametrize("code", ["EVZAM", "EVZ99", "NDESS", "NREXX", "NUNRF"])
def test_notices_are_known_by_their_family(code: str) -> None:
    piece = {"events": [{"eventCode": code, "eventDateTime": "2026-03-04T07:13:00+00:00"}]}
    (report,) = read(RoyalMail(), Reply((NUMBER,), 200, orjson.dumps({"mailPieces": piece})))
    (event,) = report.shipments[0].events
    assert event.meaning is not None
    assert event.meaning.status is None
    assert RoyalMail.codes.meaning(event.code) == event.meaning


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("EVKLC", FulfillmentStatus.READY_FOR_PICKUP),  # "delivered" to a Post Office
        ("EVJIC", FulfillmentStatus.IN_TRANSIT),  # presented to customs is no hold
        ("EVSGD", FulfillmentStatus.FAILURE),  # disposed of
        ("EVNDL", FulfillmentStatus.FAILURE),  # destroyed
        ("EVNUL", FulfillmentStatus.ATTEMPTED_DELIVERY),  # unknown addressee begins no return by itself
        ("EVNSR", None),  # a redelivery is a date
    ],
)
def test_codes_mean_what_they_say(code: str, status: FulfillmentStatus | None) -> None:
    assert RoyalMail.codes[code].status == status


@pytest.mark.parametrize("code", ["EVKRF", "EVORT", "EVNRN", "EVRTS", "EVHCR"])
def test_these_travel_back(code: str) -> None:
    assert RoyalMail.codes[code].effect is Effect.RETURN
