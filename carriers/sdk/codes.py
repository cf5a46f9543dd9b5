"""Tables from a carrier's codes to statuses, written so that one glance shows what a status contains.

Owns the look-up and its checks at import time: a code in two places is refused, a miss is None and never
raises. Knows no payload, no time and no network.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from carriers.sdk.status import CARRIER_STATUSES, MOVEMENT, FulfillmentStatus


class Effect(StrEnum):
    """What an event does to the timeline beyond its status."""

    NONE = "none"
    RETURN = "return"
    """The parcel travels back: all that follows is FAILURE, the delivery to the sender too."""
    REOPEN = "reopen"
    """The carrier takes a delivery back."""
    STILL = "still"
    """Says where the parcel is without a scan that proves it."""


class Meaning(NamedTuple):
    """What a code means. `status` None = informational: a notice, a document, an ETA."""

    status: FulfillmentStatus | None
    effect: Effect = Effect.NONE

    @property
    def moves(self) -> bool:
        """Whether the event proves that the carrier had the parcel in hand at that instant."""
        if self.effect is Effect.RETURN:
            return True
        return self.effect is not Effect.STILL and self.status in MOVEMENT


INFORMATIONAL = Meaning(None)

#: The words a table is written with: the statuses a carrier can set, and five that say more than a status.
MEANINGS: Mapping[str, Meaning] = {
    **{status.value: Meaning(status) for status in FulfillmentStatus if status in CARRIER_STATUSES},
    "INFORMATIONAL": INFORMATIONAL,
    "RETURNING": Meaning(FulfillmentStatus.FAILURE, Effect.RETURN),
    "CORRECTED": Meaning(FulfillmentStatus.DELAYED, Effect.REOPEN),
    "UNCOLLECTED": Meaning(FulfillmentStatus.READY_FOR_PICKUP, Effect.REOPEN),
    "UNSCANNED": Meaning(FulfillmentStatus.IN_TRANSIT, Effect.STILL),
}


def normalise(code: str) -> str:
    """A code as tables hold it: trimmed, upper case, inner blanks as underscores."""
    return "_".join(code.upper().split())


class Codes(Mapping[str, Meaning]):
    """A carrier's code table.

    Written as keyword = codes separated by blanks; `#` starts a comment up to the end of the line:

        Codes(
            CONFIRMED="OC MD",
            RETURNING="RS    # returning to shipper",
            INFORMATIONAL="DS DR",
        )

    Keywords are the names in MEANINGS. Raises ValueError for an unknown keyword or a code listed twice.
    """

    def __init__(self, **tables: str) -> None:
        self._meanings: dict[str, Meaning] = {}
        for name, text in tables.items():
            if name not in MEANINGS:
                raise ValueError(f"unknown column {name!r} in a code table; expected one of {', '.join(MEANINGS)}")
            for line in text.splitlines():
                for code in line.partition("#")[0].split():
                    self._add(normalise(code), MEANINGS[name])

    @classmethod
    def joined(cls, **tables: "Codes") -> "Codes":
        """One table out of several whose codes overlap: keys become `table/CODE` (`_` in a name reads `-`)."""
        joined = cls()
        for name, table in tables.items():
            for code, meaning in table.items():
                joined._add(f"{normalise(name.replace('_', '-'))}/{code}", meaning)
        return joined

    def _add(self, code: str, meaning: Meaning) -> None:
        if code in self._meanings:
            raise ValueError(f"code {code!r} is listed twice in one table")
        self._meanings[code] = meaning

    def meaning(self, code: str) -> Meaning | None:
        """The code's meaning, or None for a code the table lacks. Case and blanks do not matter."""
        return self._meanings.get(code) or self._meanings.get(normalise(code))

    def __getitem__(self, code: str) -> Meaning:
        return self._meanings[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._meanings)

    def __len__(self) -> int:
        return len(self._meanings)


class TextRule:
    """A rule for carriers whose codes can't tell: a whole text, in one language, to a code of their table.

    `code` is one of the table the rules belong to; where the carrier has none that says the same, the table
    gets one of its own, so that a stored code can always be looked up. `pattern` is a regular expression
    that must match the whole text (any case); `sentence` is the carrier's text the rule was made for, and a
    rule that does not match its own sentence is refused (ValueError).
    """

    def __init__(self, language: str, code: str, pattern: str, sentence: str) -> None:
        self.language = language
        self.code = code
        self.sentence = sentence
        self._pattern = re.compile(pattern, re.IGNORECASE)
        if not self.matches(sentence):
            raise ValueError(f"text rule {pattern!r} does not match its own sentence {sentence!r}")

    def matches(self, text: str) -> bool:
        """Whether the rule speaks of this text; blanks and a closing full stop do not matter."""
        return self._pattern.fullmatch(" ".join(text.split()).rstrip(".")) is not None


class TextRules:
    """Text rules in the order they are tried; the first that matches decides.

        TextRules(TextRule("en", "PO", r"loaded onto .+ vehicle", "Loaded onto the vehicle."), table=codes)

    Without `table`, a rule leads straight to one of the words in MEANINGS. Raises ValueError for a rule whose
    code the table lacks, and for one that can never decide.
    """

    def __init__(self, *rules: TextRule, table: Mapping[str, Meaning] = MEANINGS) -> None:
        self.rules = rules
        self._table = table
        for rule in rules:
            if rule.code not in table:
                raise ValueError(f"the rule for {rule.sentence!r} leads to {rule.code!r}, which no table has")
            if self.code(rule.sentence) != rule.code:
                raise ValueError(f"the rule for {rule.sentence!r} can't decide: an earlier one matches it")

    def code(self, text: str) -> str | None:
        """The table's code that the first rule matching the whole text leads to, or None."""
        return next((rule.code for rule in self.rules if rule.matches(text)), None)

    def meaning(self, text: str) -> Meaning | None:
        """What that code means, or None."""
        code = self.code(text)
        return None if code is None else self._table[code]
