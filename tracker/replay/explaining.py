"""The chain from a carrier's word to Order Protection's answer, as `tracker explain` and the page tell it.

Owns its facts and its shape. The sentences are `tracker.replay.reasons`', the statements the store's. Changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row

from carriers.sdk.events import Event
from tracker.cadence import Hazards, Look, multipliers, next_look
from tracker.config import Settings, plan_accounts
from tracker.models import PushState
from tracker.progress import stored_event
from tracker.replay.reasons import When, next_poll_line, parcel_reason, push_reason, roll_up_reason, rule_words
from tracker.replay.rulebook import Rule, RuleBook, decider, word
from tracker.routing import Routes
from tracker.shapes import events_shape, iso
from tracker.store import accounts, chain, learning, parcels, replaying
from tracker.store.accounts import AccountState
from tracker.store.chain import Standing
from tracker.store.queries import Tracked
from tracker.timeline import ParcelStatus


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the database and the configuration say of some fulfillments."""

    settings: Settings
    book: RuleBook
    routes: Routes
    receiver: str
    """What `accounts` has Order Protection as."""
    when: When
    moment: datetime
    found: list[Tracked]
    events: Mapping[int, Sequence[Row[Any]]]
    """By parcel, withdrawn ones too, newest first."""
    pushes: Mapping[int, Sequence[Row[Any]]]
    """By fulfillment, oldest first."""
    standings: Mapping[int, Standing]
    accounts: Mapping[str, AccountState]
    looks: Mapping[int, Look]
    """By parcel: when the cadence wants to look next, at the price of the moment, and why."""


def gather(
    db: Connection,
    found: list[Tracked],
    settings: Settings,
    *,
    book: RuleBook,
    routes: Routes,
    receiver: str,
    moment: datetime,
    when: When,
) -> Facts:
    """The facts about fulfillments that were found."""
    tracked = {parcel.id: parcel for fulfillment in found for parcel in fulfillment.parcels}
    parcel_ids = list(tracked)
    return Facts(
        settings=settings,
        book=book,
        routes=routes,
        receiver=receiver,
        when=when,
        moment=moment,
        found=found,
        events=replaying.events(db, parcel_ids),
        pushes=chain.pushes(db, [fulfillment.row.id for fulfillment in found]),
        standings=chain.standings(db, parcel_ids),
        accounts={state.name: state for state in accounts.states(db)},
        looks=_looks(db, tracked, settings, routes, moment),
    )


def _looks(
    db: Connection, tracked: Mapping[int, Row[Any]], settings: Settings, routes: Routes, moment: datetime
) -> dict[int, Look]:
    hazards, cadence = Hazards(multipliers(learning.lessons(db))), settings.polling
    shared = {plan.name: plan.batch for plan in plan_accounts(settings)[0]}
    looks = {}
    for id, situation in parcels.situations(db, list(tracked), moment).items():
        serving = routes.accounts_of(tracked[id].source)
        found = [(learning.price(db, name), shared.get(name, 1)) for name in serving]
        price = min((kept[0].value / batch for kept, batch in found if kept), default=cadence.price)
        looks[id] = next_look(situation, moment, cadence=cadence, hazards=hazards, price=price)
    return looks


def explained(found: Tracked, facts: Facts) -> dict[str, Any]:
    """A fulfillment with its whole chain."""
    row, rule = found.row, facts.settings.polling.aggregate
    parts = [
        (one.number, ParcelStatus(one.status, one.status_at, one.reason, one.last_movement_at is not None))
        for one in found.parcels
    ]
    return {
        "sourceFulfillmentId": row.source_fulfillment_id,
        "sourceOrderId": row.source_order_id,
        "status": row.status,
        "statusAt": iso(row.status_at),
        "reason": row.reason,
        "aggregate": rule.value,
        "why": roll_up_reason(row.status, parts, rule),
        "parcels": [_parcel_shape(parcel, facts) for parcel in found.parcels],
        "changes": list(_changes(found, facts)),
    }


def _parcel_shape(parcel: Row[Any], facts: Facts) -> dict[str, Any]:

    rows = facts.events[parcel.id]
    standing = [row for row in rows if row.withdrawn_at is None]
    events = [stored_event(row) for row in standing]
    decided = decider(events, parcel.reason, parcel.status_at)
    deciding_id = None if decided is None else standing[decided].id
    serving = facts.routes.accounts_of(parcel.source)
    return {
        "trackingNumber": parcel.number,
        "carrier": parcel.carrier,
        "status": parcel.status,
        "statusAt": iso(parcel.status_at),
        "reason": parcel.reason,
        "why": parcel_reason(parcel, events, decided),
        "asked": {
            "source": parcel.source,
            "route": parcel.route.split(),
            "step": parcel.step,
            "accounts": [_account_shape(name, facts) for name in serving],
            "lastPolledAt": iso(parcel.last_polled_at),
            "notFoundSince": iso(parcel.not_found_since),
            "lastError": parcel.last_error,
        },
        "nextPoll": {
            "at": iso(parcel.next_poll_at),
            "why": next_poll_line(
                parcel,
                facts.standings[parcel.id],
                serving,
                facts.accounts,
                facts.looks[parcel.id].reason,
                facts.moment,
                facts.when,
            ),
        },
        "events": [
            shape | _reading(row, stored_event(row), parcel, facts) | {"decided": row.id == deciding_id}
            for row, shape in zip(rows, events_shape(rows), strict=True)
        ],
    }


def _account_shape(name: str, facts: Facts) -> dict[str, Any]:
    state = facts.accounts.get(name)
    paused = state is not None and state.is_paused(facts.moment)
    return {
        "name": name,
        "pausedUntil": iso(state.paused_until) if state and paused else None,
        "pausedReason": state.paused_reason if state and paused else None,
    }


def _reading(row: Row[Any], event: Event, parcel: Row[Any], facts: Facts) -> dict[str, Any]:
    """What an event was read as, and the rule that reads its code now."""
    source = row.source or parcel.carrier
    ruling = facts.book.read(source, event.code, event.description, event.meaning)
    by_table = ruling.rule is Rule.TABLE
    sentence = facts.book.sentence(source, event.code, event.description) if by_table else ""
    return {
        "occurredAtUtc": iso(event.occurred_at.astimezone(UTC)),
        "source": source,
        "means": word(event.meaning),
        "rule": {
            "by": ruling.rule.value,
            "key": ruling.key,
            "textRule": sentence or None,
            "means": word(ruling.meaning),
            "words": rule_words(ruling, source, sentence, facts.book),
        },
        "withdrawnAt": iso(row.withdrawn_at),
    }


def _changes(found: Tracked, facts: Facts) -> Iterator[dict[str, Any]]:
    """The fulfillment's statuses, oldest first, each with the push it led to."""
    left = list(facts.pushes[found.row.id])
    waiting = [push.id for push in left if push.state is PushState.WAITING]
    pairs: list[tuple[Any, Any]] = []
    for change in found.history:
        made = (change.recorded_at, change.status)
        push = next((push for push in left if (push.created_at, push.status) == made), None)
        pairs.append((change, push))
        left = [one for one in left if one is not push]
    for change, push in sorted([*pairs, *((None, push) for push in left)], key=_recorded_at):
        yield {
            "status": (change or push).status,
            "at": iso(change.at) if change else None,
            "recordedAt": iso(_recorded_at((change, push))),
            "reason": change.reason if change else "",
            "push": None if push is None else _push_shape(push),
            "why": push_reason(
                push,
                facts.moment,
                first=push is not None and waiting[:1] == [push.id],
                receiver=facts.accounts.get(facts.receiver),
                configured=facts.settings.orders.configured,
                when=facts.when,
            ),
        }


def _recorded_at(pair: tuple[Any, Any]) -> datetime:
    change, push = pair
    moment: datetime = change.recorded_at if change else push.created_at
    return moment


def _push_shape(push: Row[Any]) -> dict[str, Any]:
    return {
        "id": push.id,
        "state": push.state,
        "attempts": push.attempts,
        "createdAt": iso(push.created_at),
        "nextAttemptAt": iso(push.next_attempt_at),
        "doneAt": iso(push.done_at),
        "lastError": push.last_error,
    }
