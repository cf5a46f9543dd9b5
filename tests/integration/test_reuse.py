"""A tracking number that its carrier gives out again: each use is a parcel of its own, from import to push."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from carriers.fedex import FedEx
from carriers.sdk import Call, Quota, Reply
from carriers.sdk.registry import known_infos
from carriers.sdk.status import FulfillmentStatus as S
from tests.integration.bench import claim
from tracker.budget import Budget
from tracker.cadence import Cadence
from tracker.intake import Counts, read_file, reassign_unknown, register
from tracker.poll import Poller
from tracker.progress import Rules
from tracker.store import parcels, queries
from tracker.store.database import Database
from tracker.store.times import stored
from tracker.store.writer import Writer
from tracker.timeline import RollUp

MARGIN = timedelta(days=30)
FIRST = datetime(2026, 3, 2, 15, tzinfo=UTC)
"""When the parcel of the fixture was handed over; it was delivered two days later."""
AGAIN = FIRST + timedelta(days=365)
NUMBER = "794600000013"
ANSWER = (Path(__file__).parents[1] / "carriers/fedex/delivered.json").read_bytes()
UNKNOWN_FEDEX = {code: info for code, info in known_infos().items() if code != "fedex"}
TABLES = ("orders", "fulfillments", "parcels", "fulfillment_parcels", "pushes", "status_history")


class SetClock:
    """A clock that stands where it is set."""

    speed = 1.0

    def __init__(self) -> None:
        self.time = FIRST

    def now(self) -> datetime:
        return self.time

    def wall(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds)


class Desk:
    """A shop's database, and FedEx with what it tells of the number at present."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "tracker.db")
        self.database.migrate()
        self.writer = Writer(self.database)
        self.clock = SetClock()
        self.answer = ANSWER
        self.asked: list[tuple[str, ...]] = []
        self.budget = Budget("fedex", "fedex", Quota(), self.clock, self.writer)  # type: ignore[arg-type]

    def take(self, *fulfillments: dict[str, Any], now: datetime, **options: Any) -> Counts:
        self.clock.time = now
        known = options.pop("known", known_infos())
        given = read_file("orders.json", json.dumps([order(one) for one in fulfillments]).encode())
        with self.database.write() as tx:
            return register(tx, given, now, known, **options)

    async def send(self, call: Call) -> Reply:
        await self.budget.turn()
        self.asked.append(tuple(call.numbers))
        self.budget.made()
        return Reply(call.numbers, 200, self.answer)

    def poll(self, now: datetime) -> list[tuple[str, ...]]:
        """Ask about all that is due; what was asked."""
        self.clock.time = now
        self.asked = []
        poller = Poller(
            FedEx(),
            self,
            self.budget,
            self.writer,
            self.clock,  # type: ignore[arg-type]
            batch=30,
            connections=1,
            rules=Rules(Cadence(jitter=0), MARGIN, {}),
            roll_up_rule=RollUp.ATTENTION,
        )
        with self.database.write() as tx:
            poller.open(tx)
        asyncio.run(poller.run(asyncio.Event()))
        return self.asked

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.database.read() as tx:
            return [dict(row._mapping) for row in tx.execute(text(query))]

    def everything(self) -> list[list[dict[str, Any]]]:
        return [self.rows(f"SELECT * FROM {table} ORDER BY rowid") for table in TABLES]  # noqa: S608

    def uses(self) -> list[tuple[int, str | None, str | None]]:
        """(use, status, due when) of the number, in the order they began."""
        return [
            (row["use"], row["status"], row["next_poll_at"]) for row in self.rows("SELECT * FROM parcels ORDER BY id")
        ]

    def of(self, id: str) -> tuple[str, list[int]]:
        """A fulfillment's status, and the uses it has."""
        with self.database.read() as tx:
            (found,) = [one for one in queries.tracked(tx, NUMBER) if one.row.source_fulfillment_id == id]
        return found.row.status, [parcel.use for parcel in found.parcels]

    def pushed(self) -> list[str]:
        return [row["status"] for row in self.rows("SELECT status FROM pushes ORDER BY id")]

    def execute(self, statement: str) -> None:
        with self.database.write() as tx:
            tx.execute(text(statement))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.writer.close()
    made.database.close()


def fulfillment(id: str, at: datetime, **fields: object) -> dict[str, Any]:
    return {
        "sourceFulfillmentId": id,
        "fulfillmentStatus": "FULFILLED",
        "sourceItemIds": [],
        "trackingCompany": "FedEx",
        "trackingNumber": [NUMBER],
        "createdAt": at.isoformat(),
        **fields,
    }


def order(one: dict[str, Any], **fields: object) -> dict[str, Any]:
    return {"sourceOrderId": f"#{one['sourceFulfillmentId']}", "fulfillments": [one], **fields}


@pytest.fixture
def delivered(desk: Desk) -> Desk:
    """Last year's order, delivered."""
    desk.take(fulfillment("old", FIRST), now=FIRST)
    desk.poll(FIRST + timedelta(days=3))
    assert (desk.of("old"), desk.pushed()) == ((S.DELIVERED, [1]), ["DELIVERED"])
    return desk


def test_a_number_used_again_is_another_parcel(delivered: Desk) -> None:
    file = [fulfillment("old", FIRST), fulfillment("new", AGAIN)]
    assert delivered.take(*file, now=AGAIN) == Counts(created=1, unchanged=1)
    assert delivered.uses() == [(1, "DELIVERED", None), (2, None, stored(AGAIN))]
    assert delivered.of("old") == (S.DELIVERED, [1])
    assert delivered.of("new") == (S.FULFILLED, [2])
    assert delivered.pushed() == ["DELIVERED"]
    before = delivered.everything()
    assert delivered.take(*file, now=AGAIN + timedelta(hours=1)) == Counts(unchanged=2)
    assert delivered.everything() == before


def test_the_old_delivery_is_not_the_new_parcels(delivered: Desk) -> None:
    delivered.take(fulfillment("new", AGAIN), now=AGAIN)
    assert delivered.poll(AGAIN) == [(NUMBER,)]
    (_, parcel) = delivered.rows("SELECT * FROM parcels ORDER BY id")
    assert (parcel["status"], parcel["not_found"], parcel["shipment_id"]) == (None, 1, "")
    assert parcel["last_error"].startswith("NotFound: ")
    assert delivered.rows("SELECT 1 FROM events WHERE parcel_id = 2") == []
    assert (delivered.of("new"), delivered.pushed()) == ((S.FULFILLED, [2]), ["DELIVERED"])

    history = delivered.rows("SELECT * FROM events WHERE parcel_id = 1")
    delivered.answer = ANSWER.replace(b"2026-", b"2027-")
    delivered.poll(AGAIN + timedelta(days=3))
    assert (delivered.of("new"), delivered.pushed()) == ((S.DELIVERED, [2]), ["DELIVERED", "DELIVERED"])
    assert delivered.rows("SELECT * FROM events WHERE parcel_id = 1") == history
    assert [row["delivered_at"][:4] for row in delivered.rows("SELECT * FROM parcels ORDER BY id")] == ["2026", "2027"]


def test_fulfillments_of_one_week_share_a_parcel(delivered: Desk) -> None:
    week = [fulfillment("new", AGAIN), fulfillment("new2", AGAIN - timedelta(days=6))]
    delivered.take(*week, now=AGAIN)
    assert (delivered.of("new")[1], delivered.of("new2")[1]) == ([2], [2])
    assert delivered.rows("SELECT fulfilled_at FROM parcels WHERE use = 2") == [
        {"fulfilled_at": stored(AGAIN - timedelta(days=6))}
    ]
    assert delivered.poll(AGAIN) == [(NUMBER,)]


@pytest.mark.parametrize(("apart", "use"), [(MARGIN, 1), (MARGIN + timedelta(seconds=1), 2)])
def test_the_margin(delivered: Desk, apart: timedelta, use: int) -> None:
    delivered.take(fulfillment("new", FIRST + apart), now=AGAIN)
    assert delivered.of("new") == (S.DELIVERED if use == 1 else S.FULFILLED, [use])


def test_the_margin_is_a_setting(delivered: Desk) -> None:
    delivered.take(fulfillment("new", FIRST + timedelta(days=8)), now=AGAIN, reuse_margin=timedelta(days=7))
    assert delivered.of("new") == (S.FULFILLED, [2])


def under_way(desk: Desk) -> None:
    desk.take(fulfillment("old", FIRST), now=FIRST)
    desk.poll(FIRST + timedelta(days=3))
    desk.execute("UPDATE parcels SET status = 'IN_TRANSIT', ended_at = NULL, delivered_at = NULL")
    desk.execute("UPDATE fulfillments SET status = 'IN_TRANSIT'")


def test_a_parcel_that_is_still_on_its_way_is_shared(desk: Desk) -> None:
    under_way(desk)
    desk.take(fulfillment("new", FIRST + timedelta(days=45)), now=FIRST + timedelta(days=45))
    assert (desk.of("old"), desk.of("new")) == ((S.IN_TRANSIT, [1]), (S.IN_TRANSIT, [1]))


def test_a_parcel_that_fell_silent_is_not_shared(desk: Desk) -> None:
    under_way(desk)
    desk.execute("UPDATE parcels SET next_poll_at = NULL")
    desk.take(fulfillment("new", AGAIN), now=AGAIN)
    assert (desk.of("old"), desk.of("new")) == ((S.IN_TRANSIT, [1]), (S.FULFILLED, [2]))


def test_two_years_in_one_file_are_two_parcels_and_the_later_one_is_polled(desk: Desk) -> None:
    desk.take(fulfillment("new", AGAIN), fulfillment("old", FIRST), now=AGAIN)
    assert (desk.of("old")[1], desk.of("new")[1]) == ([1], [2])
    assert desk.poll(AGAIN) == [(NUMBER,)]
    assert (desk.of("old")[0], desk.of("new")[0]) == (S.FULFILLED, S.FULFILLED)


@pytest.mark.parametrize("ended", [True, False])
def test_an_order_from_before_takes_nothing_from_a_later_parcel(desk: Desk, ended: bool) -> None:
    if ended:
        desk.take(fulfillment("old", FIRST), now=FIRST)
        desk.poll(FIRST + timedelta(days=3))
    else:
        under_way(desk)
    kept = desk.rows("SELECT * FROM parcels")
    desk.take(fulfillment("ancient", FIRST - timedelta(days=300)), now=FIRST + timedelta(days=3))
    assert desk.of("ancient") == (S.FULFILLED, [2])
    assert desk.uses()[1] == (2, None, None)
    assert desk.rows("SELECT * FROM parcels WHERE use = 1") == kept


def test_a_poll_under_way_of_the_old_use_is_fenced_off(delivered: Desk) -> None:
    delivered.execute(f"UPDATE parcels SET next_poll_at = '{stored(AGAIN)}'")  # noqa: S608
    with delivered.database.write() as tx:
        (late_look,) = claim(tx, [parcels.Source("fedex")], token="t", now=AGAIN)
    delivered.take(fulfillment("new", AGAIN), now=AGAIN)
    with delivered.database.write() as tx:
        assert parcels.leased(tx, [late_look.id], "t") == []


@pytest.mark.parametrize("change", [{"sourceCancelledAt": AGAIN.isoformat()}, {"fulfillments": []}])
def test_nothing_makes_the_old_use_due_again(delivered: Desk, change: dict[str, Any]) -> None:
    delivered.execute("UPDATE parcels SET status = 'FAILURE'")  # a received one is not due again anyhow
    delivered.take(fulfillment("new", AGAIN), now=AGAIN)
    for fields in (change, {"sourceCancelledAt": None}):
        given = read_file("order.json", json.dumps(order(fulfillment("old", FIRST)) | fields).encode())
        with delivered.database.write() as tx:
            assert register(tx, given, AGAIN, known_infos()).updated == 1
    assert delivered.uses() == [(1, "FAILURE", None), (2, None, stored(AGAIN))]


@pytest.mark.parametrize(("reference", "found"), [(NUMBER, [2]), ("new", [2]), ("#new", [2]), ("old", [])])
def test_by_hand_only_the_newest_use_is_asked_about(delivered: Desk, reference: str, found: list[int]) -> None:
    delivered.take(fulfillment("new", AGAIN), now=AGAIN)
    with delivered.database.read() as tx:
        assert [asked.id for parcels in queries.parcels_of(tx, [reference]).values() for asked in parcels] == found


def test_a_carrier_that_becomes_known_keeps_the_uses_apart(delivered: Desk) -> None:
    late = [fulfillment("same", FIRST + timedelta(days=1)), fulfillment("new", AGAIN)]
    delivered.take(*late, now=AGAIN, known=UNKNOWN_FEDEX)
    assert delivered.uses()[1:] == [(1, None, None), (2, None, None)]
    with delivered.database.write() as tx:
        reassign_unknown(tx, AGAIN, known_infos())
    assert delivered.of("same") == (S.DELIVERED, [1])
    assert delivered.of("new") == (S.FULFILLED, [2])
    assert delivered.uses() == [(1, "DELIVERED", None), (2, None, stored(AGAIN))]
    before = delivered.everything()
    assert delivered.take(*late, now=AGAIN) == Counts(unchanged=2)
    assert delivered.everything() == before
