"""La Poste's three brands share one API; what differs is their names, and the codes Colissimo knows besides."""

import pytest

from carriers.chronopost import Chronopost
from carriers.colissimo import Colissimo
from carriers.la_poste import LaPoste
from carriers.sdk import Carrier, FulfillmentStatus, tracking_number

NUMBERS = [tracking_number("6A90817263548"), tracking_number("6A90817263555")]


def test_all_ask_alike() -> None:
    calls = [brand().call(NUMBERS) for brand in (LaPoste, Colissimo, Chronopost)]

    assert {call.path for call in calls} == {"/suivi/v2/idships/6A90817263548,6A90817263555"}


def test_colissimo_keeps_suivis_meanings() -> None:
    assert LaPoste.codes.items() < Colissimo.codes.items()


@pytest.mark.parametrize(
    ("brand", "code", "status"),
    [
        (LaPoste, "ET1", FulfillmentStatus.IN_TRANSIT),  # no delivery round
        (Colissimo, "DEPGUI", FulfillmentStatus.CARRIER_PICKED_UP),  # dropped off, not waiting there
        (Colissimo, "LIVREO", FulfillmentStatus.FAILURE),  # delivered, but to the sender
        (Colissimo, "QDICFM", None),  # a date, no scan
    ],
)
def test_codes_that_others_misread(brand: type[Carrier], code: str, status: FulfillmentStatus | None) -> None:
    meaning = brand.codes.meaning(code)

    assert meaning is not None
    assert meaning.status is status
