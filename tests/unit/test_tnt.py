"""TNT's own rules: the form it is asked with, and the sentences that stand for unknown codes."""

from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest

from carriers.sdk import Effect, FulfillmentStatus, tracking_number
from carriers.tnt import TEXTS, TNT, TNTOptions

NUMBERS = [tracking_number("GE914000778DE"), tracking_number("914000781")]


def test_a_batch_is_one_document_in_a_form() -> None:
    call = TNT(TNTOptions(origin_country="IT")).call(NUMBERS)
    (document,) = parse_qs((call.body or b"").decode())["xml_in"]
    root = ElementTree.fromstring(document)  # noqa: S314 - our own request
    criteria = root.find("SearchCriteria")
    assert criteria is not None
    assert criteria.attrib == {"marketType": "INTERNATIONAL", "originCountry": "IT"}
    assert [element.text for element in criteria] == NUMBERS
    assert root.find("LevelOfDetail/Complete") is not None


@pytest.mark.parametrize(
    ("sentence", "status"),
    [
        ("Customer Not Home. Follow Up Actions Underway", FulfillmentStatus.ATTEMPTED_DELIVERY),
        ("Delay Due To Congestion En Route. Recovery Action Underway.", FulfillmentStatus.DELAYED),
        ("Contact With Receiver Required To Agree Delivery Date/time", FulfillmentStatus.ON_HOLD),
        ("Consignment Delivered To Residential", FulfillmentStatus.DELIVERED),
        ("Delivery Date/time Slot Agreed With Receiver", None),
    ],
)
def test_sentences(sentence: str, status: FulfillmentStatus | None) -> None:
    meaning = TEXTS.meaning(sentence)
    assert meaning is not None
    assert meaning.status == status


def test_a_return_is_one() -> None:
    meaning = TEXTS.meaning("Shipment Returned To Sender")
    assert meaning is not None
    assert meaning.effect is Effect.RETURN


def test_other_sentences_are_left_unknown() -> None:
    assert TEXTS.meaning("Shipment Greeted By Robot") is None
