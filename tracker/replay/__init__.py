"""Reading what carriers said once more: with the present tables, and the merchant's present mapping.

Owns the use case behind `tracker replay`: which stored codes read differently now, what that makes of parcels and
fulfillments, and writing it. `rulebook` tells which rule reads a stored code, `retelling` what a parcel comes to (both
pure), `replaying` goes through the database. Asks no carrier.
"""

from tracker.replay.replaying import Replay, Retold, Rewritten, Scope, Tally
from tracker.replay.rulebook import SUMMARY, Rule, RuleBook, Ruling, decider, word

__all__ = [
    "SUMMARY",
    "Replay",
    "Retold",
    "Rewritten",
    "Rule",
    "RuleBook",
    "Ruling",
    "Scope",
    "Tally",
    "decider",
    "word",
]
