"""What a carrier's own delivery makes of a parcel, which is no answer to a poll: it may tell of one event alone, come
late, and be overtaken.

Owns the joining of a delivery with what was known before, so that the rules for whole answers (`tracker.progress`) can
be applied to it, and what is not to be believed of it. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from carriers.sdk.events import Event, Place
from tracker.progress import Known, ParcelState, Progress, Reading


class Whole(NamedTuple):
    """A delivery joined with what was known before: as whole as the answer to a poll."""

    reading: Reading
    fresh: bool
    """Whether nothing newer than what it tells was known."""
    sure: bool
    """Whether what it comes to is certain. Not where a later event was read by the carrier's coarse word, which is
    not kept: an answer to a poll has it again."""


def joined(
    state: ParcelState, reading: Reading, known: Mapping[str, Known], standing: Sequence[tuple[str, Event]]
) -> Whole | None:
    """A delivery with the parcel's `standing` events, newest first with their keys; None where it says nothing: of
    this use of the number, or that is not known yet, or that the carrier has not withdrawn since."""
    shipment = reading.shipment
    if shipment is None or (shipment.id and state.shipment_id and shipment.id != state.shipment_id):
        return None
    told = [
        (_key_of(key, event, known, standing), event)
        for key, event in zip(reading.keys, shipment.events, strict=True)
        if key not in known or not known[key].withdrawn
    ]
    if not told and (standing or shipment.events):
        return None
    keys = {key for key, _ in told}
    newest = max((event.occurred_at for _, event in told), default=None)
    rest = [(key, event) for key, event in standing if key not in keys]
    fresh = newest is None or not rest or newest >= rest[0][1].occurred_at
    if not fresh and keys <= known.keys():
        return None
    decided = max((event.occurred_at for _, event in told if _decides(event)), default=None)
    sure = all(event.meaning is not None or (decided is not None and event.occurred_at < decided) for _, event in rest)
    events = sorted([*told, *rest], key=lambda item: item[1].occurred_at.timestamp(), reverse=True)
    whole = replace(
        shipment,
        events=tuple(event for _, event in events),
        summary=shipment.summary if fresh else None,
        estimated_delivery=(shipment.estimated_delivery if fresh else None) or state.estimated_delivery,
    )
    return Whole(Reading(whole, [key for key, _ in events], None, ahead=reading.ahead), fresh, sure)


def _key_of(key: str, event: Event, known: Mapping[str, Known], standing: Sequence[tuple[str, Event]]) -> str:
    """The key that a delivered event has here already: of its place a delivery may tell less, or more, than answers."""
    if key in known:
        return key
    return next((other for other, there in standing if _is_same(event, there)), key)


def _is_same(event: Event, other: Event) -> bool:
    places = zip(event.place or Place(), other.place or Place(), strict=True)
    return (
        event.occurred_at == other.occurred_at
        and event.code == other.code
        and all(one == two or not (one and two) for one, two in places)
    )


def _decides(event: Event) -> bool:
    meaning = event.meaning or event.coarse
    return meaning is not None and meaning.status is not None


def only_told(progress: Progress, state: ParcelState, whole: Whole, now: datetime) -> Progress:
    """The progress that a delivery makes, which is no poll: its events are marked as delivered, and where what it
    comes to is not certain, the parcel stays as it was and is asked about at once."""
    for event in progress.events:
        event["hooked_at"] = now
    row = progress.row
    row["last_hook_at"] = now if whole.fresh else state.last_hook_at
    if not whole.sure:
        kept = ("status", "status_at", "reason", "last_movement_at", "delivered_at", "ended_at", "stage", "stage_at")
        row |= {name: getattr(state, name) for name in kept}
        row |= {"next_poll_at": now, "look_at": None}
        progress.changed, progress.stays = False, ()
    return progress
