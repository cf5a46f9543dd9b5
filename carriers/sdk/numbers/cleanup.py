"""A tracking number as a type, and its clean-up.

Owns what every carrier's numbers have in common. Knows no carrier.
"""

import re
from typing import NewType

TrackingNumber = NewType("TrackingNumber", str)
"""A cleaned number: upper case, 4 to 40 of A-Z 0-9 . _ -; safe in a path, a log line and a file name."""

_ALLOWED = re.compile(r"[A-Z0-9][A-Z0-9._-]{3,39}")


def tracking_number(text: str) -> TrackingNumber:
    """Clean a number as people write it: blanks out, upper case.

    Raises ValueError, saying what is wrong, for one no carrier could have issued.
    """
    number = "".join(text.split()).upper() if text.isprintable() else text
    if not _ALLOWED.fullmatch(number):
        shown = text if len(text) <= 50 else f"{text[:50]}…"
        raise ValueError(
            f"{shown!r} is no tracking number: expected 4 to 40 letters and digits (and . _ -), "
            f"got {len(text)} characters"
        )
    return TrackingNumber(number)
