"""Tracking numbers: clean-up, and which carriers a number can belong to.

Owns the type, the formats and their check digits. Knows no network and no configuration.
"""

import re
from collections.abc import Callable
from typing import NamedTuple, NewType

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


class Candidate(NamedTuple):
    """A carrier that could have issued a number."""

    carrier: str
    """The carrier's code, as in the registry."""
    format: str
    """The format the number fits, for people."""
    confidence: float
    """0 to 1. Below 0.5: the form alone, which others share, or a weak check digit."""


def candidates(number: TrackingNumber) -> list[Candidate]:
    """The carriers whose numbers look like this one, likeliest first, each once with its best format.

    An empty list for a number of no known form. The carrier a shop names with its fulfillment is the
    better witness; this is for numbers that come without one.
    """
    best: dict[str, Candidate] = {}
    for known in FORMATS:
        found = known.pattern.fullmatch(number)
        if found is None or (known.check is not None and not known.check(found.group(known.pattern.groups))):
            continue
        before = best.get(known.carrier)
        if before is None or known.confidence > before.confidence:
            best[known.carrier] = Candidate(known.carrier, known.name, known.confidence)
    return sorted(best.values(), key=lambda candidate: -candidate.confidence)


# Check digits. Each takes a number, or the part of it that is checked, whose last character is the digit.


def ups_mod10(number: str) -> bool:
    """UPS: every second character twice, letters as numbers (A = 2); what is missing to a multiple of ten."""
    values = [int(char) if char.isdigit() else (ord(char) - 63) % 10 for char in number]
    total = sum(values[:-1:2]) + 2 * sum(values[1:-1:2])
    return number[-1].isdigit() and -total % 10 == values[-1]


def gs1_mod10(number: str) -> bool:
    """GS1 and USPS: weights 3, 1, 3, … from the right; what is missing to a multiple of ten."""
    values = [int(char) for char in reversed(number)]
    return -(3 * sum(values[1::2]) + sum(values[2::2])) % 10 == values[0]


def _economy_mod10(number: str) -> bool:
    return gs1_mod10(f"92{number}")


def fedex_mod11(number: str) -> bool:
    """FedEx Express: weights 3, 1, 7 in turn from the left, modulo 11, ten as zero."""
    weighted = sum(int(char) * (3, 1, 7)[index % 3] for index, char in enumerate(number[:-1]))
    return weighted % 11 % 10 == int(number[-1])


def mod7(number: str) -> bool:
    """DHL Express: the number before the digit, modulo 7."""
    return int(number[:-1]) % 7 == int(number[-1])


def s10_mod11(number: str) -> bool:
    """UPU S10, the nine digits: weights 8 6 4 2 3 5 9 7; 11 minus the rest, ten as zero, eleven as five."""
    weights = (8, 6, 4, 2, 3, 5, 9, 7)
    rest = 11 - sum(int(char) * weight for char, weight in zip(number, weights, strict=False)) % 11
    return {10: 0, 11: 5}.get(rest, rest) == int(number[-1])


class Format(NamedTuple):
    """One form of number. `check` gets the pattern's last group, or the whole number where it has none."""

    carrier: str
    name: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool] | None
    confidence: float


def _format(carrier: str, name: str, pattern: str, check: Callable[[str], bool] | None, confidence: float) -> Format:
    return Format(carrier, name, re.compile(pattern, re.ASCII), check, confidence)


#: Every known form. Confidence: how many of the numbers that fit belong to the carrier, as a rough judgement.
FORMATS: tuple[Format, ...] = (
    _format("ups", "UPS 1Z", r"1Z([A-Z0-9]{15}\d)", ups_mod10, 0.99),
    _format("ups", "UPS waybill", r"[AHJKTV](\d{10})", ups_mod10, 0.8),
    _format("usps", "USPS, 22 digits", r"(?:420\d{5}(?:\d{4})?)?(9[1-5]\d{20})", gs1_mod10, 0.95),
    _format("usps", "USPS, 20 digits", r"(?:420\d{5}(?:\d{4})?)?(\d{20})", gs1_mod10, 0.5),
    _format("usps", "UPU S10, issued in the USA", r"[A-Z]{2}(\d{9})US", s10_mod11, 0.98),
    _format("fedex", "FedEx Express, 12 digits", r"\d{12}", fedex_mod11, 0.8),
    _format("fedex", "FedEx Ground, 15 digits", r"\d{15}", gs1_mod10, 0.8),
    _format("fedex", "FedEx Ground 96, 22 digits", r"96\d{5}(\d{15})", gs1_mod10, 0.95),
    # Handed to USPS for the last mile, so numbered as USPS does; the 20-digit form leaves out the leading 92.
    _format("fedex", "FedEx Ground Economy, 22 digits", r"92\d{20}", gs1_mod10, 0.3),
    _format("fedex", "FedEx Ground Economy, 20 digits", r"61\d{18}", _economy_mod10, 0.8),
    # Any shipper in the world can number its parcels with a serial shipping container code.
    _format("fedex", "FedEx Ground SSCC, 18 digits", r"\d{18}", gs1_mod10, 0.4),
    _format("dhl", "DHL Express waybill, 10 digits", r"\d{10}", mod7, 0.7),
    _format("dhl", "DHL piece number", r"JJD\d{8,25}|JVGL\d{8,20}", None, 0.9),
    _format("dhl", "DHL Paket, 20 digits", r"00340434\d{12}", gs1_mod10, 0.98),
    _format("dhl", "UPU S10, issued in Germany", r"[A-Z]{2}(\d{9})DE", s10_mod11, 0.9),
    _format("dhl", "DHL eCommerce", r"GM\d{14,20}|LX\d{8,20}", None, 0.8),
    # PostNL's numbers have the same form.
    _format("dhl", "DHL Parcel Benelux 3S", r"3S[A-Z0-9]{8,18}", None, 0.4),
    # GLS's check digit is not published; its short track IDs fit many a carrier's reference.
    _format("gls", "GLS parcel number, 11 or 12 digits", r"\d{11,12}", None, 0.3),
    _format("gls", "GLS track ID, 8 characters", r"(?=.*[A-Z])(?=.*\d)[A-Z0-9]{8}", None, 0.2),
)
