"""Permits against the quota: counted in the database, so that restarts and other daemons share them."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carriers.sdk.carrier import Quota
from tracker.budget import HORIZON, JITTER, LATE, LEASE, Budget, QuotaSpent
from tracker.clock import Clock
from tracker.store import quotas
from tracker.store.database import Database
from tracker.store.writer import Writer

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


class FakeClock:
    """A clock that moves when told."""

    def __init__(self, speed: float = 1.0) -> None:
        self.time = START
        self.speed = speed

    def now(self) -> datetime:
        return self.time

    def wall(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds * self.speed)

    def forward(self, **amount: float) -> None:
        self.time += timedelta(**amount)


class Bench:
    """A database, and budgets of one account as several processes have them."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.database = Database(folder / "tracker.db")
        self.database.migrate()
        self.writer = Writer(self.database)

    def budget(self, **quota: Any) -> Budget:
        budget = Budget("acme", "acme", Quota(**quota), self.clock, self.writer)  # type: ignore[arg-type]
        with self.database.write() as tx:
            budget.open(tx)
        return budget

    def grant(self, budget: Budget, want: int) -> int:
        """Reserve, and turn into permits."""
        with self.database.write() as tx:
            granted = budget.reserve(tx, want, self.clock.now())
        budget.admit(granted)
        return granted.calls

    def call(self, budget: Budget, calls: int) -> None:
        """Make so many calls, as the transport does."""

        async def call() -> None:
            for _ in range(calls):
                await budget.turn()
                budget.made()

        asyncio.run(call())

    def settle(self, budget: Budget, *, unused: bool = True) -> None:
        settle = budget.settlement(unused=unused)
        with self.database.write() as tx:
            settle(tx, self.clock.now())

    def reserved(self) -> int:
        with self.database.read() as tx:
            return int(tx.exec_driver_sql("SELECT COALESCE(SUM(calls), 0) FROM reservations").scalar_one())

    def used(self, seconds: int) -> int:
        with self.database.read() as tx:
            return quotas.used(tx, "acme", seconds, self.clock.now())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.writer.close()
    bench.database.close()


@pytest.mark.parametrize(("quota", "hours"), [({"per_hour": 10}, 1.0), ({"per_day": 10}, 24.0)])
def test_a_window_is_full_until_its_oldest_calls_have_left_it(
    bench: Bench, quota: dict[str, int], hours: float
) -> None:
    budget = bench.budget(**quota)
    assert bench.grant(budget, 6) == 6
    bench.call(budget, 6)
    bench.settle(budget)
    bench.clock.forward(hours=hours / 2)
    assert bench.grant(budget, 20) == 4
    bench.call(budget, 4)
    bench.settle(budget)
    assert bench.grant(budget, 1) == 0
    bench.clock.forward(hours=hours / 2 - 0.01 * hours)
    assert bench.grant(budget, 1) == 0, "counted by the calendar, not by the window"
    bench.clock.forward(hours=hours * 0.06)
    assert bench.grant(budget, 20) == 6
    with pytest.raises(QuotaSpent):
        bench.call(budget, 7)


@pytest.mark.parametrize(("quota", "to_the_next"), [({"per_hour": 10}, 0.5), ({"per_day": 10}, 11.5)])
@pytest.mark.parametrize("fixed", [True, False])
def test_a_fixed_window_begins_on_the_clock_and_a_sliding_one_with_each_call(
    bench: Bench, quota: dict[str, int], to_the_next: float, fixed: bool
) -> None:
    bench.clock.forward(minutes=30)  # 12:30 UTC
    budget = bench.budget(**quota, fixed=fixed)
    assert bench.grant(budget, 20) == 10
    bench.call(budget, 10)
    bench.settle(budget)
    bench.clock.forward(hours=to_the_next, seconds=-1)
    assert bench.grant(budget, 1) == 0
    bench.clock.forward(seconds=1)
    assert bench.grant(budget, 20) == (10 if fixed else 0)


def test_calls_on_their_way_when_a_fixed_window_begins_count_in_the_new_one(bench: Bench) -> None:
    bench.clock.forward(minutes=59, seconds=59)
    first, second = bench.budget(per_hour=10, fixed=True), bench.budget(per_hour=10, fixed=True)
    bench.grant(first, 6)
    bench.clock.forward(seconds=2)
    assert bench.grant(second, 10) == 4, "the carrier may count them in the new hour"
    bench.call(first, 6)
    bench.settle(first)
    bench.call(second, 4)
    bench.settle(second)
    assert bench.grant(second, 1) == 0


@pytest.mark.parametrize("fixed", [True, False])
def test_no_window_ever_holds_one_call_too_many(bench: Bench, fixed: bool) -> None:
    budget = bench.budget(per_hour=10, fixed=fixed)
    made: list[datetime] = []
    for minutes in (7, 13, 1, 29, 3, 17) * 12:
        calls = bench.grant(budget, 4)
        made += [bench.clock.now()] * calls
        bench.call(budget, calls)
        bench.settle(budget)
        bench.clock.forward(minutes=minutes)
    hour = timedelta(hours=1)
    begins = [at.replace(minute=0) for at in made] if fixed else made
    most = max(sum(begin <= at < begin + hour for at in made) for begin in begins)
    assert most == 10


def test_a_share_that_is_spared_is_there_for_who_spares_nothing(bench: Bench) -> None:
    budget = bench.budget(per_hour=40, per_day=100)
    with bench.database.write() as tx:
        granted = [
            budget.reserve(tx, want, bench.clock.now(), spare=spare).calls
            for want, spare in ((100, 0.05), (1, 0.05), (1, 0.0), (5, 0.0))
        ]
    assert granted == [38, 0, 1, 1]


def test_a_quota_too_small_to_share_has_nothing_spared(bench: Bench) -> None:
    budget = bench.budget(per_hour=19)
    with bench.database.write() as tx:
        assert budget.reserve(tx, 30, bench.clock.now(), spare=0.05).calls == 19


def test_hour_and_day_hold_together(bench: Bench) -> None:
    budget = bench.budget(per_hour=10, per_day=25)
    made = 0
    for _ in range(5):
        granted = bench.grant(budget, 50)
        bench.call(budget, granted)
        bench.settle(budget)
        made += granted
        bench.clock.forward(hours=1.1)
    assert made == 25


def test_a_restart_and_another_daemon_share_the_quota(bench: Bench) -> None:
    first = bench.budget(per_hour=10)
    bench.grant(first, 4)
    second = bench.budget(per_hour=10)
    assert bench.grant(second, 10) == 6, "what another process has reserved is granted twice"
    bench.call(first, 4)
    bench.settle(first)
    bench.call(second, 6)
    bench.settle(second)
    assert bench.grant(bench.budget(per_hour=10), 1) == 0


def test_what_was_not_used_comes_back(bench: Bench) -> None:
    budget = bench.budget(per_hour=10)
    bench.grant(budget, 10)
    bench.call(budget, 3)
    bench.settle(budget, unused=False)
    assert (bench.used(3600), bench.reserved()) == (3, 7)
    bench.settle(budget)
    assert (bench.used(3600), bench.reserved()) == (3, 0)
    assert bench.grant(bench.budget(per_hour=10), 10) == 7


def test_a_reservation_nobody_settled_counts_as_made(bench: Bench) -> None:
    killed = bench.budget(per_hour=10)
    bench.grant(killed, 10)
    survivor = bench.budget(per_hour=10)
    assert bench.grant(survivor, 10) == 0
    bench.clock.forward(seconds=LEASE + 1)
    assert bench.grant(survivor, 10) == 0, "calls that may have been made were granted again"
    assert (bench.used(3600), bench.reserved()) == (10, 0)
    bench.clock.forward(hours=1.05)
    assert bench.grant(survivor, 10) == 10


def test_permits_lost_by_a_cancelled_call_are_not_held_for_ever(bench: Bench) -> None:
    budget = bench.budget(per_hour=10, per_second=1)

    async def cancelled_while_it_waits() -> None:
        with bench.database.write() as tx:
            budget.admit(budget.reserve(tx, 2, bench.clock.now()))
        await budget.turn()
        budget.made()
        waiting = asyncio.create_task(budget.turn())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(cancelled_while_it_waits())
    bench.settle(budget)
    assert (bench.used(3600), bench.reserved()) == (1, 0)


@pytest.mark.parametrize(("per_second", "seconds"), [(4, 0.25), (1, 1.0), (0.2, 5.0)])
def test_calls_are_spaced_so_that_no_second_holds_one_too_many(bench: Bench, per_second: float, seconds: float) -> None:
    calls, length = (per_second, 1.0) if per_second >= 1 else (1, 1 / per_second)
    first, second = bench.budget(per_second=per_second), bench.budget(per_second=per_second)
    turns: list[datetime] = []
    for budget in (first, second, first, second) * 4:
        with bench.database.write() as tx:
            granted = budget.reserve(tx, 2, bench.clock.now())
        pace = timedelta(seconds=(length + JITTER) / calls)
        assert granted.first_at <= bench.clock.now() + timedelta(seconds=HORIZON) or not granted.calls
        turns += [granted.first_at + pace * index for index in range(granted.calls)]
        bench.clock.forward(seconds=0.7)
    assert len(turns) >= 3
    for begin in turns:
        inside = [turn for turn in turns if begin <= turn < begin + timedelta(seconds=length)]
        assert len(inside) <= calls


@pytest.mark.parametrize("late", [0.05, 3.0])
def test_calls_that_missed_their_turns_do_not_go_out_together(tmp_path: Path, late: float) -> None:
    """A token, fetched before the first call, may outlast the turns of all that wait for it."""

    async def calls() -> list[float]:
        writer, clock = Writer(database), Clock()
        budget = Budget("acme", "acme", Quota(per_second=20), clock, writer)
        await writer.run(budget.open)
        granted = await writer.run(lambda tx: budget.reserve(tx, 12, clock.now()))
        budget.admit(granted._replace(first_at=granted.first_at - timedelta(seconds=late)))
        made = []
        for _ in range(granted.calls):
            await budget.turn()
            made.append(asyncio.get_running_loop().time())
        writer.close()
        return made

    database = Database(tmp_path / "tracker.db")
    database.migrate()
    made = asyncio.run(calls())
    database.close()
    pace = (1 + JITTER) / 20
    assert len(made) == 12
    assert made[-1] - made[0] >= 11 * pace - LATE - 0.01


def test_a_clock_put_back_holds_no_call_up(bench: Bench) -> None:
    budget = bench.budget()
    bench.grant(budget, 1)
    bench.call(budget, 1)
    bench.clock.forward(hours=-5)
    bench.grant(budget, 1)
    asyncio.run(asyncio.wait_for(budget.turn(), 5))


def test_without_a_limit_everything_is_granted_and_still_counted(bench: Bench) -> None:
    budget = bench.budget()
    assert bench.grant(budget, 5_000) == 5_000
    bench.call(budget, 5_000)
    bench.settle(budget)
    assert (bench.used(3600), bench.used(86_400)) == (5_000, 5_000)


def test_old_counts_are_deleted_but_none_that_still_counts(bench: Bench) -> None:
    budget = bench.budget(per_day=10)
    bench.grant(budget, 10)
    bench.call(budget, 10)
    bench.settle(budget)
    bench.clock.forward(hours=23)
    with bench.database.write() as tx:
        quotas.forget_old(tx, bench.clock.now())
    assert bench.used(86_400) == 10
    bench.clock.forward(days=3)
    with bench.database.write() as tx:
        quotas.forget_old(tx, bench.clock.now())
        assert tx.exec_driver_sql("SELECT COUNT(*) FROM quota_use").scalar_one() == 0
