"""Which rule reads a stored code now, and which stored event decided a parcel's status.

Owns the order of the rules for what is stored: the merchant's mapping, the carrier's table, and what the event was
read as when it was told. Pure; knows the carriers' tables, no database.

A stored event has its code and text, and not the carrier's coarse word. A code that a text rule gave is stored as the
rule's code, and is found in the table like any other. What no rule knows now keeps the meaning it had: a status is
never taken back because its rule is gone.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from carriers.sdk.codes import MEANINGS, Meaning, TextRules, normalise
from carriers.sdk.events import Event
from carriers.sdk.registry import Registered, known_carriers
from tracker.config import Settings
from tracker.progress import without_names
from tracker.timeline import RETURNING

_WORDS: Mapping[Meaning, str] = {meaning: name for name, meaning in MEANINGS.items()}

#: How the reason of a parcel begins whose status is the carrier's word for the whole shipment.
SUMMARY = "summary "


class Rule(StrEnum):
    """What reads a code."""

    MAPPING = "mapping"
    """The merchant's own."""
    TABLE = "table"
    """The carrier's code table."""
    KEPT = "kept"
    """None knows it now; what it was read as when it was told stands."""
    UNKNOWN = "unknown"
    """None knows it, and none did."""


class Ruling(NamedTuple):
    """What a code means now, and why. `key`: the line of the mapping, or the code of the table, that matched."""

    meaning: Meaning | None
    rule: Rule
    key: str = ""


class RuleBook:
    """The rules as they are now."""

    def __init__(self, settings: Settings, carriers: Mapping[str, Registered] | None = None) -> None:
        """`settings`: whose `mapping:` counts; `carriers`: all that are known where left out."""
        self._carriers = known_carriers() if carriers is None else carriers
        self._own = {code: settings.meanings(code) for code in settings.mapping}

    def read(self, source: str, code: str, text: str, before: Meaning | None = None) -> Ruling:
        """What a code and text of `source` mean now; `before`: what they were read as when they were told."""
        if own := self._own.get(source):
            for key in (normalise(text), normalise(code)):
                if (meaning := own.get(key)) is not None:
                    return Ruling(meaning, Rule.MAPPING, key)
        registered = self._carriers.get(source)
        if registered is not None and (meaning := registered.codes.meaning(code)) is not None:
            if before not in (None, meaning) and before in self._said(registered, text):
                return Ruling(before, Rule.KEPT, code)  # a plug-in's text rule that goes over its table
            return Ruling(meaning, Rule.TABLE, code)
        return Ruling(before, Rule.UNKNOWN if before is None else Rule.KEPT)

    def name(self, source: str) -> str:
        """The carrier as people know it."""
        registered = self._carriers.get(source)
        return registered.info.name if registered else source

    def sentence(self, source: str, code: str, text: str) -> str:
        """The sentence of the carrier's text rule that gives this text that code; '' where none does."""
        if (registered := self._carriers.get(source)) is None:
            return ""
        for rules in _text_rules(registered):
            if (given := rules.code(text)) and (code == given or code.endswith(f"/{given}")):
                return next(rule.sentence for rule in rules.rules if rule.matches(text))
        return ""

    def _said(self, registered: Registered, text: str) -> Iterator[Meaning | None]:
        return (rules.meaning(text) for rules in _text_rules(registered))


def _text_rules(registered: Registered) -> Iterator[TextRules]:
    """The text rules beside a carrier's table: in its class, its file or its file of tables."""
    kind = type(registered.create())
    modules = (kind.__module__, f"carriers.tables.{registered.info.code}")
    for members in (vars(kind), *(vars(sys.modules[name]) for name in modules if name in sys.modules)):
        yield from (member for member in members.values() if isinstance(member, TextRules))


def word(meaning: Meaning | None) -> str | None:
    """A meaning as `mapping:` writes it; None for a code no rule knows."""
    return None if meaning is None else _WORDS.get(meaning) or str(meaning.status)


def decider(events: Iterable[Event], reason: str, at: object) -> int | None:
    """Which of these events a parcel's stored reason speaks of; None where it speaks of none."""
    for index, event in enumerate(events):
        if event.occurred_at == at:
            said = ": ".join(filter(None, (event.code, event.description)))
            if reason in (without_names(said), without_names(f"{RETURNING}{said}")):
                return index
    return None
