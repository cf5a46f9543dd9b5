"""The carrier behind a company's name as merchants write it, or, where they name none, behind the number.

Pure. A company that is named and unknown stays unknown: its numbers are never guessed onto another carrier.
"""

import re
import unicodedata
from collections.abc import Collection, Mapping

from carriers.sdk.carrier import Info
from carriers.sdk.numbers import TrackingNumber, candidates

#: Names that say nothing.
NAMELESS = frozenset({"", "unknown", "other", "custom", "none", "null", "na", "n a", "carrier", "not specified"})

#: Words that belong to a firm's register entry, not to its name.
_FORMS = frozenset({"inc", "incorporated", "llc", "ltd", "limited", "gmbh", "ag", "corp", "corporation", "co"})

#: How sure a number's form must be, and by how much surer than the next carrier's.
SURE = 0.5
AHEAD = 0.15


class Companies:
    """The names of the known carriers, ready to be looked up."""

    def __init__(self, known: Mapping[str, Info], configured: Collection[str] = ()) -> None:
        """`known`: carriers by code. A carrier's own name and code win over another's list of names. One that is
        `configured` wins over one that is not: a parcel goes where it can be asked about."""
        self._known = known
        self._configured = configured
        self._by_words: dict[tuple[str, ...], str] = {}
        self._found: dict[str, str | None] = {}
        others = [info for info in reversed(list(known.values())) if info.code not in configured]
        ours = [info for info in reversed(list(known.values())) if info.code in configured]
        for carriers in (others, ours):  # the later word counts
            self._by_words.update({_words(name): info.code for info in carriers for name in info.names})
            self._by_words.update({_words(name): info.code for info in carriers for name in (info.name, info.code)})
        self._by_words.pop((), None)
        self._by_letters = {"".join(words): code for words, code in self._by_words.items()}

    def carrier_of(self, company: str, number: TrackingNumber) -> str:
        """The carrier's code; '' where nobody knows."""
        if company not in self._found:
            self._found[company] = self._by_name(company)
        named = self._found[company]
        return self._by_number(number) if named is None else named

    def _by_name(self, company: str) -> str | None:
        """None: the company says nothing; '': it is one that nobody knows."""
        words = _words(company)
        if " ".join(words) in NAMELESS:
            return None
        exact = self._by_words.get(words) or self._by_letters.get("".join(words))
        if exact:
            return exact
        for length in range(len(words) - 1, 0, -1):
            if code := self._by_words.get(words[:length]):
                return code
        return ""

    def _by_number(self, number: TrackingNumber) -> str:
        found = [(candidate.carrier, candidate.confidence) for candidate in candidates(number)]
        sure = [(code, confidence) for code, confidence in found if confidence >= SURE]
        configured = [(code, confidence) for code, confidence in sure if code in self._configured]
        best, *others = configured or found or [("", 0.0)]
        second = others[0][1] if others else 0.0
        if best[1] >= SURE and best[1] - second >= AHEAD and best[0] in self._known:
            return best[0]
        return ""


def _words(name: str) -> tuple[str, ...]:
    """A name's words in one form: no case, accents, ®™©, punctuation or legal form."""
    plain = unicodedata.normalize("NFKD", re.sub("[®™©℠]", " ", name)).casefold()
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    words = re.sub(r"[^\w]|_", " ", letters).split()
    return tuple(word for word in words if word not in _FORMS)
