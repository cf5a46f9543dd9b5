"""Tracking numbers: clean-up, check digits, and which carriers a number can belong to.

Knows no network and no configuration. What a carrier's numbers look like is in `formats` and `posts`, tables to be
extended; their notation is in `forms`.

A candidate's confidence is a judgement: of the numbers of its form that a merchant meets, how many are the
carrier's. It is set by what the form has to show:

| | |
|---|---|
| a mark of the carrier (1Z, TBA, a post's country) and a check digit that fits | 0.9 and more |
| a mark, but no check digit that is known | 0.3 to 0.99, by how long the mark is and who else uses it |
| digits alone, with a check digit that fits | 0.15 to 0.8, by how many others have this length |
| digits or letters alone | below 0.5: "a form many share" |
| a mark, and a check digit that does not fit: mistyped, or not the carrier's | about 0.3 |
| digits alone, and a check digit that does not fit | below 0.1 |

A check digit fits one wrong number in ten by chance, so several carriers can fit at once. Where a company works
under two carriers here, the one that follows all its parcels comes first and its division some 0.2 behind it; so do
companies that number as the post does. Whoever acts on a candidate should ask for 0.5 and for a distance to the next.
"""

from carriers.sdk.numbers.check_digits import (
    fedex_mod11,
    gs1_mod10,
    luhn,
    mod7,
    mod37_36,
    s10_mod11,
    sum_product,
    ups_mod10,
)
from carriers.sdk.numbers.cleanup import TrackingNumber, tracking_number
from carriers.sdk.numbers.detection import Candidate, candidates
from carriers.sdk.numbers.formats import FORMATS, Format

__all__ = [
    "FORMATS",
    "Candidate",
    "Format",
    "TrackingNumber",
    "candidates",
    "fedex_mod11",
    "gs1_mod10",
    "luhn",
    "mod7",
    "mod37_36",
    "s10_mod11",
    "sum_product",
    "tracking_number",
    "ups_mod10",
]
