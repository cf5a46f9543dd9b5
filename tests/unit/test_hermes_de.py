"""Hermes Germany: what takes back what, and how shipments are asked for."""

from collections.abc import Sequence

import orjson
import pytest

from carriers.hermes_de import CODES, TAKES_BACK, HermesDE
from carriers.sdk import Effect, Reply, TrackingNumber, read

NUMBER = TrackingNumber("H9999990000000000011")


def codes_of(*codes: str) -> Sequence[str]:
    """Codes of the events that stand, newest first, of a history that comes oldest first, an hour apart."""
    status = [{"code": code, "timestamp": f"2026-03-27T{8 + hour:02}:00:00+01:00"} for hour, code in enumerate(codes)]
    body = orjson.dumps({"shipmentinfo": [{"shipmentID": NUMBER, "status": status}]})
    (report,) = read(HermesDE(), Reply((NUMBER,), 200, body))
    return [event.code for event in report.shipments[0].events]


@pytest.mark.parametrize(
    ("history", "stands"),
    [
        (("2000", "6081", "4072"), ["4072", "2000"]),
        (("2000", "6081", "9327", "4072"), ["4072", "9327", "2000"]),  # a notice came between
        (("6081", "4072", "6083"), ["6083", "4072"]),  # returned after all
        (("3410", "3530", "4690"), ["4690", "3410"]),  # handed out by mistake
        (("9341", "9399"), ["9399"]),
        (("2000", "4072"), ["4072", "2000"]),  # nothing there to take back
    ],
)
def test_codes_that_take_an_earlier_one_back(history: Sequence[str], stands: Sequence[str]) -> None:
    assert codes_of(*history) == stands


def test_what_takes_back_says_nothing_itself_and_all_of_it_is_known() -> None:
    assert all(CODES[code].status is None for code in TAKES_BACK)
    assert all(code in CODES for taken in TAKES_BACK.values() for code in taken)


def test_back_at_the_depot_is_not_back_at_the_sender() -> None:
    assert CODES["4031"].status == "ATTEMPTED_DELIVERY"
    assert CODES["4010"].effect is Effect.NONE
    assert CODES["6081"].effect is Effect.RETURN


def test_call_repeats_the_parameter() -> None:
    other = TrackingNumber("H9999990000000000022")

    assert HermesDE().call([NUMBER, other]).query == {"shipmentID": (NUMBER, other)}
