"""What polls leave for the charts, hour by hour."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from carriers.sdk import Quota, Reply
from tests.integration.bench import NUMBERS, Bench, knows_all
from tracker.budget import Budget
from tracker.store import hours

if TYPE_CHECKING:
    from tracker.clock import Clock


def kept(bench: Bench) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in bench.rows("SELECT account, errors, polls, news FROM account_hours ORDER BY hour")]


def test_polls_and_news_are_counted_in_their_hour(bench: Bench) -> None:
    knows_all(bench)
    bench.poll()
    assert kept(bench) == [("plain", 0, len(NUMBERS), 0)], "what is told at the first sight of a parcel is no news"
    bench.clock.forward(hours=1)
    bench.tell(NUMBERS[0], (0, "OC"), (1, "PU"), (2, "IT"))
    bench.due()
    bench.poll()
    assert kept(bench)[1] == ("plain", 0, len(NUMBERS), 1)


def test_an_answer_of_no_use_is_an_error(bench: Bench) -> None:
    knows_all(bench)
    bench.answer = lambda call: Reply(call.numbers, 503, b"")
    bench.poll()
    assert kept(bench) == [("plain", 1, 0, 0)]


def test_calls_are_counted_with_the_time_they_took(bench: Bench) -> None:
    budget = Budget("plain", "plain", Quota(), cast("Clock", bench.clock), bench.writer)
    with bench.database.write() as tx:
        budget.open(tx)
    budget.made(0.25)
    budget.made(0.5)
    settle = budget.settlement(unused=True)
    with bench.database.write() as tx:
        settle(tx, bench.clock.now())
    assert [tuple(row) for row in bench.rows("SELECT calls, seconds FROM account_hours")] == [(2, 0.75)]


def test_news_tell_how_old_they_were(bench: Bench) -> None:
    now = bench.clock.now()
    with bench.database.write() as tx:
        hours.count(tx, "plain", hours.Done(2, 0.5, 0, 2, 2, 600.0), now)
        hours.count(tx, "plain", hours.Done(1, 0.25, 1, 1, 1, 300.0), now)
        hours.count(tx, "plain", hours.Done(), now + timedelta(hours=3))
    with bench.database.read() as db:
        [one] = hours.account_hours(db, now)["plain"]
    assert (one.calls, one.seconds, one.errors, one.news, one.lag_seconds) == (3, 0.75, 1, 3, 900.0)


def test_statuses_are_kept_once_an_hour_without_what_has_ended(bench: Bench) -> None:
    knows_all(bench)
    bench.poll()
    now = bench.clock.now()
    for _ in range(2):
        with bench.database.write() as tx:
            hours.keep_statuses(tx, now)
    with bench.database.read() as db:
        kept = hours.statuses_since(db, now - timedelta(days=1))
    assert sum(one.parcels for one in kept) == len(NUMBERS)
    with bench.database.write() as tx:
        hours.forget(tx, now + timedelta(hours=2))
    with bench.database.read() as db:
        assert hours.statuses_since(db, now - timedelta(days=1)) == []
