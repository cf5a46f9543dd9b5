"""Why things are as they are, in sentences: a parcel's status, a fulfillment's, a push, the next poll.

Owns the words of `tracker explain` and of the page that shows the same. Pure: takes rows and states, asks no database.
`when` writes an instant as the reader's surface does.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from carriers.sdk.events import Event
from carriers.sdk.status import ENDED, RECEIVED, FulfillmentStatus
from tracker.models import PushState
from tracker.replay.retelling import NEVER_KNOWN, OVERDUE
from tracker.replay.rulebook import SUMMARY, Rule, RuleBook, Ruling
from tracker.store.accounts import AccountState
from tracker.store.chain import Standing
from tracker.timeline import ATTENTION, RETURNING, ParcelStatus, RollUp, roll_up

When = Callable[[datetime | None], str]


def rule_words(ruling: Ruling, source: str, sentence: str, book: RuleBook) -> str:
    """Which rule reads an event's code. `sentence`: of the text rule that gave the code, '' where none did."""
    match ruling.rule:
        case Rule.MAPPING:
            return f"your mapping, {ruling.key}"
        case Rule.TABLE if sentence:
            return f"table of {book.name(source)}, by the text rule for “{sentence}”"
        case Rule.TABLE:
            return f"table of {book.name(source)}"
        case Rule.KEPT:
            return "no rule any more; what it was read as stands"
        case Rule.UNKNOWN:
            return "no rule: `tracker unmapped`"


def parcel_reason(parcel: Row[Any], events: Sequence[Event], decided: int | None) -> str:
    """Why a parcel has its status. `events`: standing, newest first; `decided`: the one its reason speaks of."""
    reason: str = parcel.reason
    if parcel.status is None:
        told = "its carrier does not know the number" if parcel.not_found else "its carrier has told nothing of it"
        return f"no status: {told}" if not events else "no status: no rule reads any of its events as one"
    if reason.startswith(NEVER_KNOWN):
        return f"given up: {reason}"
    if reason.startswith(OVERDUE):
        return f"{reason}, and no movement since; the tracker's own word, not the carrier's"
    if reason.removeprefix(RETURNING).startswith(SUMMARY):
        return "the carrier's word for the whole shipment, for its events could not tell: none, or the newest unmapped"
    if decided is None:
        return f"{reason}; that event is not among those kept" if reason else "not kept"
    event = events[decided]
    if event.meaning is None:
        return f"{event.code} is in no table; the carrier's coarse word for that event decided"
    newer = [one for one in events[:decided] if one.meaning is not None and one.meaning.status is not None]
    if reason.startswith(RETURNING):
        return f"{event.code} began the way back; whatever follows it, FAILURE stays"
    if not newer:
        return f"{event.code} is the newest event that means a status"
    if parcel.status in RECEIVED:
        return f"{event.code} ended the journey; later scans do not reopen it"
    return f"{event.code} decided; what came after it takes nothing back"


def roll_up_reason(status: FulfillmentStatus, parcels: Sequence[tuple[str, ParcelStatus]], rule: RollUp) -> str:
    """How parcels, each with its number, made a fulfillment's status."""
    rolled = roll_up([state for _, state in parcels], rule)
    if rolled is None or rolled.status is None:
        return (
            "as imported; no parcel has a status of its carrier's yet" if parcels else "as imported; it has no parcel"
        )
    if rolled.status != status:
        return f"its parcels come to {rolled.status} by polling.aggregate: {rule}; their next change makes it so"
    number = next((number for number, state in parcels if (state.status, state.reason) == rolled[0::2]), "")
    if len(parcels) == 1:
        return "that of its only parcel"
    if all(state.status in RECEIVED for _, state in parcels):
        return f"all {len(parcels)} parcels were received"
    if rule is RollUp.ATTENTION and rolled.status in ATTENTION:
        return f"polling.aggregate is attention: {number} needs a look, and that goes first"
    ahead = "ahead" if rule is RollUp.MOST_ADVANCED else "behind"
    which = f"the parcel furthest {ahead}, {number}" if number else "one of the parcels has moved already"
    return f"polling.aggregate is {rule}: {which}"


def push_reason(
    push: Row[Any] | None, moment: datetime, *, first: bool, receiver: AccountState | None, configured: bool, when: When
) -> str:
    """What became of a push and why. `first`: no older one of its fulfillment waits; `receiver`: Order Protection's
    own state."""
    if push is None:
        return "not pushed: the merchant's side said so itself, by import"
    said = f": {push.last_error}" if push.last_error else ""
    tries = f"{push.attempts} attempt{'' if push.attempts == 1 else 's'}"
    match push.state:
        case PushState.SENT:
            return f"accepted by Order Protection {when(push.done_at)}, after {tries}"
        case PushState.SUPERSEDED:
            return f"not pushed: a newer status overtook it {when(push.done_at)}, after {tries}{said}"
        case PushState.DROPPED:
            return f"not pushed: given up {when(push.done_at)}, by `tracker outbox drop` or with its fulfillment{said}"
        case PushState.DEAD:
            return f"refused for good after {tries}{said}; mend it, then `tracker outbox retry {push.id}`"
    if push.lease_until is not None and push.lease_until > moment:
        return f"under way right now, attempt {push.attempts}{said}"
    if not configured:
        return "waits: no way to authenticate at Order Protection; `tracker check`"
    if receiver is not None and receiver.is_paused(moment):
        return f"waits: Order Protection is paused until {when(receiver.paused_until)}: {receiver.paused_reason}"
    if not first:
        return "waits behind an older push of the same fulfillment"
    if push.next_attempt_at > moment:
        return f"waits until {when(push.next_attempt_at)} after {tries}{said}"
    return f"due since {when(push.next_attempt_at)}{said}; the daemon takes it if it runs"


def next_poll_line(
    parcel: Row[Any],
    standing: Standing,
    accounts: Sequence[str],
    states: Mapping[str, AccountState],
    reason: str,
    moment: datetime,
    when: When,
) -> str:
    """When a parcel is asked about next, and why then. `accounts`: those that serve its source; `reason`: the
    cadence's."""
    if not parcel.carrier:
        return "never: nobody knows its carrier; import it again with a trackingCompany that `tracker carriers` lists"
    if parcel.next_poll_at is None:
        return f"never again: {_why_never(parcel, standing)}"
    if parcel.lease_until is not None and parcel.lease_until > moment:
        return "being asked about right now"
    due = when(parcel.next_poll_at)
    if not accounts:
        return f"due {due}, but no account for {parcel.source} is on: `tracker check`"
    paused = [states[name] for name in accounts if name in states and states[name].is_paused(moment)]
    if len(paused) == len(accounts):
        first = min(paused, key=lambda state: state.paused_until or moment)
        return f"due {due}, but {first.name} is paused until {when(first.paused_until)}: {first.paused_reason}"
    if parcel.next_poll_at <= moment:
        return f"due since {due}: waits for its turn within the quota, if the daemon runs"
    if parcel.next_poll_at != parcel.look_at:
        return f"{due}: somebody wants it asked about, or it changed here"
    return f"{due}: {reason}"


def _why_never(parcel: Row[Any], standing: Standing) -> str:
    if standing.used_again:
        return "the number was given to a later parcel"
    if parcel.status in ENDED:
        return f"{parcel.status}, and all late looks are taken"
    if standing.cancelled:
        return "its order was cancelled, or its fulfillment withdrawn"
    return "silent for longer than polling.stop_silent, or never known for longer than polling.give_up_unknown"
