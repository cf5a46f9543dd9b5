"""What is a difference, and whose fault it plainly is: the rule of `tracker.reconcile` as a table."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from carriers.sdk.status import FulfillmentStatus as S
from tracker.models import Outcome, PushState
from tracker.orders import Held
from tracker.reconcile import judge
from tracker.store.reconciling import Ours

ASKED = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUIET = ASKED - timedelta(minutes=1)
LONG_AGO = ASKED - timedelta(days=1)


def mine(status: S = S.DELIVERED, **facts: Any) -> Ours:
    usual = {
        "withdrawn": False,
        "push": PushState.SENT,
        "under_way": False,
        "pushed_at": LONG_AGO,
        "earlier": frozenset({"FULFILLED", "IN_TRANSIT", status.value}),
    }
    return Ours(1, "f-1", status, LONG_AGO, **{**usual, **facts})


def theirs(status: str, updated_at: datetime | None = None) -> dict[str, Held]:
    return {"f-1": Held(status, updated_at)}


@dataclass
class Case:
    ours: Ours
    theirs: dict[str, Held]
    outcome: Outcome
    plainly_ours: bool = False


CASES = {
    "the same": Case(mine(), theirs("DELIVERED"), Outcome.SAME),
    "the same though never told": Case(mine(push=None, pushed_at=None), theirs("DELIVERED"), Outcome.SAME),
    "an older status of ours": Case(mine(), theirs("IN_TRANSIT"), Outcome.DIFFERS, True),
    "an older one, set before our push": Case(mine(), theirs("IN_TRANSIT", LONG_AGO), Outcome.DIFFERS, True),
    "an older one, set by somebody since": Case(mine(), theirs("IN_TRANSIT", ASKED), Outcome.DIFFERS),
    "a status it never had here": Case(mine(), theirs("ON_HOLD"), Outcome.DIFFERS),
    "a word that is none": Case(mine(), theirs("Gone fishing"), Outcome.DIFFERS),
    "forgotten": Case(mine(), {}, Outcome.MISSING_THERE, True),
    "a push waits": Case(mine(push=PushState.WAITING), theirs("IN_TRANSIT"), Outcome.PENDING),
    "a push is under way": Case(mine(push=PushState.WAITING, under_way=True), {}, Outcome.PENDING),
    "a push was just made": Case(mine(pushed_at=QUIET), theirs("IN_TRANSIT"), Outcome.PENDING),
    "a push was made before": Case(
        mine(pushed_at=QUIET - timedelta(microseconds=1)), theirs("IN_TRANSIT"), Outcome.DIFFERS, True
    ),
    "refused there for good": Case(mine(push=PushState.DEAD, pushed_at=ASKED), theirs("IN_TRANSIT"), Outcome.DIFFERS),
    "given up by hand": Case(mine(push=PushState.DROPPED), {}, Outcome.MISSING_THERE),
    "never told, and not there": Case(mine(S.FULFILLED, push=None, pushed_at=None), {}, Outcome.UNTOLD),
    "never told, and otherwise": Case(
        mine(S.FULFILLED, push=None, pushed_at=None), theirs("DELIVERED"), Outcome.UNTOLD
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_fulfillment_against_what_they_hold(case: Case) -> None:
    (judgement,) = judge([case.ours], case.theirs, quiet_since=QUIET)
    assert (judgement.outcome, judgement.plainly_ours) == (case.outcome, case.plainly_ours)


def test_one_that_only_they_hold_is_told_and_never_ours_to_mend() -> None:
    first, other = judge([mine()], {**theirs("DELIVERED"), "f-2": Held("DELIVERED", None)}, quiet_since=QUIET)
    assert (first.outcome, other.outcome) == (Outcome.SAME, Outcome.MISSING_HERE)
    assert (other.source_fulfillment_id, other.ours, other.plainly_ours) == ("f-2", None, False)


def test_a_withdrawn_one_is_no_difference_of_either_side() -> None:
    assert judge([mine(withdrawn=True)], theirs("IN_TRANSIT"), quiet_since=QUIET) == []
