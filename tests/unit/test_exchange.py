"""How long an answer's headers say to wait: seconds, an instant or a date, and nothing that no clock can wait for."""

from datetime import UTC, datetime
from time import time

import pytest

from carriers.sdk import Reply

SENT = "Fri, 20 Mar 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        ("-5", 0.0),
        ("Fri, 20 Mar 2026 12:01:30 GMT", 90.0),
        ("Fri, 20 Mar 2026 11:00:00 GMT", 0.0),
        ("inf", None),
        ("nan", None),
        ("1e999", None),
        ("soon", None),
        ("Fri, 20 Mar 99999999999999999999 12:00:00 GMT", None),
        ("", None),
    ],
)
def test_how_long_to_wait(header: str, seconds: float | None) -> None:
    assert Reply((), 429, b"", {"retry-after": header, "date": SENT}).retry_after == seconds


NOON = datetime(2026, 3, 20, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}, 30.0),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "45"}, 45.0),
        ({"ratelimit-remaining": " 0 ", "ratelimit-reset": " 45 "}, 45.0),
        ({"ratelimit-remaining": "1", "ratelimit-reset": "45"}, None),
        ({"ratelimit-remaining": "-", "ratelimit-reset": "45"}, None),
        ({"ratelimit-reset": "45"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{NOON + 90:.0f}"}, 90.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{NOON - 90:.0f}"}, 0.0),
        ({"x-ratelimit-remaining": "0"}, 60.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, 60.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "nan"}, 60.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "inf"}, 60.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "-5"}, 0.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999"}, 86_400.0),
        ({"x-ratelimit-remaining-second": "0"}, 1.0),
        ({"x-ratelimit-remaining-minute": "0"}, 60.0),
        ({"x-ratelimit-remaining-hour": "0"}, 3_600.0),
        ({"x-ratelimit-remaining-day": "0"}, 86_400.0),
        ({"x-ratelimit-remaining-minute": "0", "x-ratelimit-remaining-hour": "7"}, 60.0),
        ({"x-ratelimit-remaining-second": "0", "x-ratelimit-remaining-hour": "0"}, 3_600.0),
        ({"x-ratelimit-remaining-minute": "0", "ratelimit-remaining": "0", "ratelimit-reset": "300"}, 300.0),
        ({"x-ratelimit-remaining-minute": "12", "x-ratelimit-limit-minute": "0"}, None),
    ],
)
def test_how_long_no_call_is_left(headers: dict[str, str], seconds: float | None) -> None:
    assert Reply((), 200, b"", {"date": SENT, **headers}).exhausted == seconds


@pytest.mark.parametrize("date", [{}, {"date": "yesterday"}])
def test_an_instant_counts_from_now_where_the_answer_has_no_date(date: dict[str, str]) -> None:
    headers = {"ratelimit-remaining": "0", "ratelimit-reset": f"{time() + 500:.3f}", **date}
    assert Reply((), 200, b"", headers).exhausted == pytest.approx(500, abs=10)
