"""Which carriers a number can belong to.

Owns the look-up. Knows the forms, no registry and no network.
"""

import re
from collections import defaultdict
from functools import cache
from typing import NamedTuple

from carriers.sdk.numbers.check_digits import Check
from carriers.sdk.numbers.cleanup import TrackingNumber
from carriers.sdk.numbers.formats import FORMATS, Format
from carriers.sdk.numbers.forms import shape_of
from carriers.sdk.numbers.posts import S10

WEAK = 0.5
"""Below this, a candidate's format says what it lacks."""

NOISE = 0.04
"""A candidate must be above this to be worth a call; below it is left out."""

_SEPARATORS = str.maketrans("", "", "._-")


class Candidate(NamedTuple):
    """A carrier that could have issued a number."""

    carrier: str
    """The carrier's code, as in the registry; or as it would be there, for one that is not."""
    format: str
    """The format the number fits, for people; and what speaks against it."""
    confidence: float
    """0 to 1. Below 0.5: the form alone, which others share, or a check digit that does not fit."""


class _Known(NamedTuple):
    """A form, ready to be compared with."""

    pattern: re.Pattern[str]
    checked: int
    check: Check | None
    fits: Candidate
    misfits: Candidate


def candidates(number: TrackingNumber) -> list[Candidate]:
    """The carriers whose numbers look like this one, likeliest first, each once with its best format.

    Empty for what no carrier's numbers look like. A number printed with dots or dashes is read without them where
    it is of no form with them. The carrier a shop names with its fulfillment is the better witness; this is for
    numbers that come without one.
    """
    best = _fitting(number) or _fitting(number.translate(_SEPARATORS))
    return sorted(best.values(), key=lambda candidate: -candidate.confidence)


def _fitting(number: str) -> dict[str, Candidate]:
    best: dict[str, Candidate] = {}
    for known in _by_beginning().get((len(number), number[0]), []) + _by_country().get(number[-2:], []):
        found = known.pattern.fullmatch(number)
        if found is None:
            continue
        fits = known.check is None or known.check(found[known.checked])
        candidate = known.fits if fits else known.misfits
        before = best.get(candidate.carrier)
        if candidate.confidence > (before.confidence if before else NOISE):
            best[candidate.carrier] = candidate
    return best


@cache
def _by_beginning() -> dict[tuple[int, str], list[_Known]]:
    """The forms by a number's length and first character, so that only a few have to be tried."""
    tried: dict[tuple[int, str], list[_Known]] = defaultdict(list)
    for known in FORMATS:
        shape = shape_of(known.form)
        ready = _known(known, shape.pattern, shape.checked)
        for length in shape.lengths:
            for first in shape.first:
                tried[length, first].append(ready)
    return dict(tried)


@cache
def _by_country() -> dict[str, list[_Known]]:
    """S10's forms by a number's last two letters."""
    any_country = shape_of("a2 (d9) a2")
    return {
        country: [_known(known, any_country.pattern, any_country.checked) for known in forms]
        for country, forms in S10.items()
    }


def _known(known: Format, pattern: re.Pattern[str], checked: int) -> _Known:
    weak = ", a form many share" if known.confidence < WEAK else ""
    return _Known(
        pattern,
        checked,
        known.check,
        Candidate(known.carrier, f"{known.name}{weak}", known.confidence),
        Candidate(known.carrier, f"{known.name}; the check digit does not fit", known.misfit),
    )
