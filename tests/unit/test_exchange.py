"""An answer's Retry-After: seconds or a date, and nothing that no clock can wait for."""

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
