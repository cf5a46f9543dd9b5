"""Orders and fulfillments on their way in: files -> registrations -> rows.

Two doors. `read_file` is pure: a file's bytes become Registrations, or a BadInput that names every problem.
`register` writes Registrations inside a transaction, and does what follows from a change. Personal data ends
at the first door: only named fields pass.
"""

from tracker.intake.companies import Companies
from tracker.intake.files import read_file
from tracker.intake.problems import BadInput, Problem
from tracker.intake.registering import Counts, reassign_unknown, register, reroute_all
from tracker.intake.registrations import FulfillmentGiven, Registration, chunks, merged

__all__ = [
    "BadInput",
    "Companies",
    "Counts",
    "FulfillmentGiven",
    "Problem",
    "Registration",
    "chunks",
    "merged",
    "read_file",
    "reassign_unknown",
    "register",
    "reroute_all",
]
