"""Whose turn it is by the price of a call, and what the price becomes of the quota."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carriers.sdk.carrier import Quota
from carriers.sdk.registry import known_infos
from tracker import intake, pricing
from tracker.cadence import Cadence, Lesson
from tracker.cadence.stages import Stage
from tracker.pricing import RELEARN, LearntHazards, Pricing, choose
from tracker.progress import SHIPPED, Rules
from tracker.store import accounts, learning, parcels, quotas
from tracker.store.database import Database
from tracker.store.parcels import Source
from tracker.store.times import stored

NOW = datetime(2026, 3, 4, 15, tzinfo=UTC)
FEDEX = [Source("fedex")]
RULES = Rules(Cadence(), timedelta(days=30), {}, source="fedex", hazards=SHIPPED)


class Depot:
    """Parcels as an earlier poll left them."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.database.migrate()
        with self.database.write() as tx:
            accounts.ensure(tx, "fedex", "fedex")
        self.count = 0

    def parcel(self, **fields: Any) -> int:
        """A parcel that was out for delivery since the morning, looked at an hour ago, and is due now."""
        self.count += 1
        line = f"o{self.count},f{self.count},79460000{self.count:04},FedEx"
        text = f"sourceOrderId,sourceFulfillmentId,trackingNumber,trackingCompany\n{line}\n"
        values: dict[str, Any] = {
            "status": "OUT_FOR_DELIVERY",
            "stage": "OUT_FOR_DELIVERY",
            "status_at": NOW - timedelta(hours=7),
            "stage_at": NOW - timedelta(hours=7),
            "last_movement_at": NOW - timedelta(hours=7),
            "first_asked_at": NOW - timedelta(days=2),
            "last_polled_at": NOW - timedelta(hours=1),
            "next_poll_at": NOW,
            "look_at": NOW,
            "priority": 3,
        } | fields
        with self.database.write() as tx:
            intake.register(tx, intake.read_file("shipped.csv", text.encode()), NOW - timedelta(days=2), known_infos())
            [(id,)] = tx.exec_driver_sql("SELECT MAX(id) FROM parcels").all()
            given = {name: stored(value) if isinstance(value, datetime) else value for name, value in values.items()}
            tx.exec_driver_sql(
                f"UPDATE parcels SET {', '.join(f'{name} = :{name}' for name in given)} WHERE id = :id",  # noqa: S608
                {**given, "id": id},
            )
        return int(id)

    def chosen(self, price: float, limit: int = 10) -> list[int]:
        with self.database.write() as tx:
            return [
                claimed.id
                for claimed in choose(tx, FEDEX, RULES._replace(price=price), limit=limit, now=NOW, chance=0.5)
            ]

    def turn(self, id: int) -> datetime:
        with self.database.read() as tx:
            (at,) = tx.exec_driver_sql("SELECT next_poll_at FROM parcels WHERE id = ?", (id,)).one()
        return datetime.fromisoformat(at)


@pytest.fixture
def depot(tmp_path: Path) -> Iterator[Depot]:
    made = Depot(tmp_path / "tracker.db")
    yield made
    made.database.close()


def test_a_turn_that_is_not_worth_the_price_of_now_is_put_off(depot: Depot) -> None:
    id = depot.parcel()

    assert depot.chosen(price=0.01) == [id]
    assert depot.chosen(price=50.0) == []
    assert NOW < depot.turn(id) <= NOW + Cadence().rejudge


@pytest.mark.parametrize("fields", [{"look_at": NOW + timedelta(hours=3)}, {"last_polled_at": None}])
def test_what_somebody_wants_asked_about_has_no_price(depot: Depot, fields: dict[str, Any]) -> None:
    id = depot.parcel(**fields)

    assert depot.chosen(price=1000.0) == [id]


def test_the_most_valuable_go_first_where_calls_are_scarce(depot: Depot) -> None:
    depot.parcel(status="CONFIRMED", stage="LABEL", priority=1, last_polled_at=NOW - timedelta(hours=2))
    door = depot.parcel(last_polled_at=NOW - timedelta(hours=4))
    wanted = depot.parcel(look_at=None)
    depot.parcel(last_polled_at=NOW - timedelta(minutes=30))

    assert depot.chosen(price=0.001, limit=2)[0] == wanted
    assert set(depot.chosen(price=0.001, limit=2)) == {wanted, door}


def at_a_standstill(depot: Depot, monkeypatch: pytest.MonkeyPatch, worth_it: int) -> None:
    """Sixty parcels that are all due, so many of them worth a call, judged a few at a time."""
    monkeypatch.setattr(pricing, "FEWEST", 5)
    monkeypatch.setattr(pricing, "MOST", 15)
    for index in range(60):
        turn = NOW - timedelta(seconds=60 - index)
        depot.parcel(next_poll_at=turn, look_at=None if index % (60 // worth_it) == 0 else turn)


def due_now(depot: Depot) -> int:
    with depot.database.read() as tx:
        return parcels.backlog(tx, FEDEX, most=100, now=NOW)


def test_after_a_standstill_no_transaction_judges_everything(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_standstill(depot, monkeypatch, 1)
    depot.chosen(price=1000.0, limit=2)
    assert 60 - due_now(depot) <= 5 + 15
    for _ in range(5):
        assert len(depot.chosen(price=1000.0, limit=2)) == 1, "the one that somebody wants"
    assert due_now(depot) == 1


@pytest.mark.parametrize("worth_it", [1, 30])
def test_what_was_not_judged_yet_counts_by_its_share_for_the_price(
    depot: Depot, monkeypatch: pytest.MonkeyPatch, worth_it: int
) -> None:
    at_a_standstill(depot, monkeypatch, worth_it)
    monkeypatch.setattr(pricing, "ROUNDS", 1)
    with depot.database.write() as tx:
        Pricing("fedex", Quota(per_day=10), 1, Cadence()).step(tx, FEDEX, RULES._replace(price=1000.0), NOW)
        kept = learning.price(tx, "fedex")
    assert kept is not None
    assert kept[1] == pytest.approx(worth_it, abs=5)
    assert due_now(depot) > 30, "some were not judged"


def test_riders_are_open_parcels_that_are_nearly_due_and_not_just_asked_about(depot: Depot) -> None:
    near = depot.parcel(next_poll_at=NOW + timedelta(hours=1))
    depot.parcel(next_poll_at=NOW + timedelta(hours=9))
    depot.parcel(next_poll_at=NOW + timedelta(hours=1), last_polled_at=NOW - timedelta(minutes=2))
    depot.parcel(next_poll_at=NOW + timedelta(hours=1), priority=0)

    with depot.database.read() as tx:
        riders = parcels.riders(
            tx, FEDEX, limit=5, now=NOW, near=NOW + timedelta(hours=6), before=NOW - timedelta(minutes=10)
        )
    assert [rider.id for rider in riders] == [near]


def test_the_price_rises_while_the_quota_is_too_small_and_falls_when_it_is_not(depot: Depot) -> None:
    for _ in range(40):
        depot.parcel()
    account = Pricing("fedex", Quota(per_hour=4), 1, Cadence())
    steps = []
    with depot.database.write() as tx:
        for minute in range(0, 240, 5):
            at = NOW + timedelta(minutes=minute)
            if minute % 15 == 0:
                quotas.settle(tx, "fedex", {quotas.HOUR: 4, quotas.DAY: None}, "t", made=1, unused=0, now=at)
            steps.append(account.step(tx, FEDEX, RULES, at))
    assert steps[0] < 2 * Cadence().price
    assert steps[-1] > 5 * Cadence().price

    with depot.database.write() as tx:
        tx.exec_driver_sql("UPDATE parcels SET next_poll_at = NULL")
        later = [account.step(tx, FEDEX, RULES, NOW + timedelta(hours=hours)) for hours in range(5, 80)]
    assert later[-1] == pytest.approx(Cadence().price)


def test_the_price_outlives_the_process_and_is_shared(depot: Depot) -> None:
    first, second = (Pricing("fedex", Quota(per_day=1), 1, Cadence()) for _ in range(2))
    for _ in range(20):
        depot.parcel()
    with depot.database.write() as tx:
        for hour in range(30):
            first.step(tx, FEDEX, RULES, NOW + timedelta(hours=hour))
        assert first.value > Cadence().price
        assert second.step(tx, FEDEX, RULES, NOW + timedelta(hours=29, seconds=10)) == first.value


def test_without_a_quota_the_price_is_the_lowest(depot: Depot) -> None:
    depot.parcel()
    account = Pricing("fedex", Quota(), 1, Cadence(price=0.7))
    with depot.database.write() as tx:
        for hour in range(5):
            assert account.step(tx, FEDEX, RULES, NOW + timedelta(hours=hour)) == 0.7


def test_what_was_learnt_is_put_to_use_within_the_hour(depot: Depot) -> None:
    hazards = LearntHazards()
    with depot.database.write() as tx:
        hazards.refresh(tx, NOW)
        assert hazards.hazards is SHIPPED
        learning.add(tx, [Lesson("fedex", "ground", Stage.HUB, "overall", 90.0, 30.0)] * 2)
        hazards.refresh(tx, NOW + RELEARN / 2)
        assert hazards.hazards is SHIPPED
        hazards.refresh(tx, NOW + RELEARN)
        assert hazards.hazards is not SHIPPED
        (told,) = learning.lessons(tx)
        assert (told.events, told.expected) == (180.0, 60.0)
        assert learning.forget(tx, "ups") == 0
        assert learning.forget(tx) == 1
