"""Imports on a real database: what is written, what follows from a change, and that twice is once."""

import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from carriers.sdk.auth import ApiKey
from carriers.sdk.carrier import Info
from carriers.sdk.status import FulfillmentStatus
from tests.integration.bench import claim
from tracker.intake import Counts, chunks, read_file, reassign_unknown, register
from tracker.store import outbox, parcels, queries
from tracker.store.database import Database
from tracker.store.times import stored
from tracker.timeline import RollUp

NOW = datetime(2026, 3, 21, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=5)


def info(code: str, name: str) -> Info:
    return Info(code, name, "", ApiKey("Key"), "https://api.example", None, "https://t.example/{number}")


KNOWN = {"fedex": info("fedex", "FedEx"), "ups": info("ups", "UPS")}


class Shop:
    """A database, and the shop that imports into it."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.database.migrate()

    def take(self, value: object, now: datetime = NOW, name: str = "orders.json") -> Counts:
        data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        counts = Counts()
        for chunk in chunks(read_file(name, data)):
            with self.database.write() as tx:
                counts = counts.plus(register(tx, chunk, now, KNOWN))
        return counts

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.database.read() as tx:
            return [dict(row._mapping) for row in tx.execute(text(query))]

    def all(self, *tables: str) -> dict[str, list[dict[str, Any]]]:
        return {table: self.rows(f"SELECT * FROM {table} ORDER BY rowid") for table in tables}  # noqa: S608

    def parcels(self) -> dict[str, dict[str, Any]]:
        return {row["number"]: row for row in self.rows("SELECT * FROM parcels")}

    def due(self) -> set[str]:
        return {number for number, row in self.parcels().items() if row["next_poll_at"] is not None}

    def fulfillment(self, id: str = "f1") -> dict[str, Any]:
        (row,) = [one for one in self.rows("SELECT * FROM fulfillments") if one["source_fulfillment_id"] == id]
        return row

    def speak(self, number: str, status: FulfillmentStatus, *, next_poll_at: datetime | None = LATER) -> None:
        """The carrier gives a parcel a status, as a poll would save it."""
        with self.database.write() as tx:
            (id,) = tx.execute(
                text(
                    "UPDATE parcels SET status = :status, status_at = :at, reason = 'XX', next_poll_at = :next"
                    " WHERE number = :number RETURNING id"
                ),
                {"status": status, "at": stored(NOW), "number": number, "next": stored(next_poll_at)},
            ).one()
            outbox.refold(tx, outbox.fulfillments_of(tx, [id]), NOW, RollUp.ATTENTION)

    def end(self) -> None:
        """The carriers deliver all that is polled."""
        with self.database.write() as tx:
            ended = tx.execute(
                text(
                    "UPDATE parcels SET status = 'DELIVERED', status_at = :at, ended_at = :at, last_polled_at = :at"
                    " WHERE next_poll_at NOT NULL RETURNING id"
                ),
                {"at": stored(NOW)},
            )
            outbox.refold(tx, outbox.fulfillments_of(tx, [row[0] for row in ended]), NOW, RollUp.ATTENTION)

    def pushes(self) -> list[tuple[str, str]]:
        return [(row["status"], row["state"]) for row in self.rows("SELECT * FROM pushes ORDER BY id")]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path / "tracker.db")
    yield made
    made.database.close()


def fulfillment(*numbers: str, id: str = "f1", **fields: object) -> dict[str, Any]:
    return {
        "sourceFulfillmentId": id,
        "fulfillmentStatus": "fulfilled",
        "sourceItemIds": [{"sourceItemId": "7", "quantity": 1}],
        "trackingCompany": "FedEx",
        "trackingNumber": list(numbers),
        "createdAt": "2026-03-20T12:00:00Z",
        **fields,
    }


def order(*fulfillments: dict[str, Any], id: str = "#1", **fields: object) -> dict[str, Any]:
    return {"sourceOrderId": id, "fulfillments": list(fulfillments), **fields}


ALL = ("orders", "fulfillments", "parcels", "fulfillment_parcels", "pushes", "status_history")


def test_an_order_becomes_rows(shop: Shop) -> None:
    customer = {"customerName": "Ada Nowhere", "customerEmail": "ada@example.com", "tags": "ada"}
    address = {"firstName": "Ada", "address1": "1 Elm Street", "city": "Albany", "state": "NY", "country": "US"}
    whole = order(
        fulfillment("794644790132", "794644790143", trackingUrl=["https://a.example/1"], note="for Ada"),
        sourceOrderNumber="#634C",
        sourceCreatedAt="2026-03-19T08:00:00.000Z",
        address=address | {"zip": "12207"},
        **customer,
    )
    assert shop.take(whole) == Counts(created=1)
    (row,) = shop.rows("SELECT * FROM orders")
    assert (row["source_order_id"], row["source_order_number"]) == ("#1", "#634C")
    assert (row["country"], row["state"], row["postal_code"]) == ("US", "NY", "12207")
    assert json.loads(row["payload"]) == {
        "sourceOrderId": "#1",
        "sourceOrderNumber": "#634C",
        "sourceCreatedAt": "2026-03-19T08:00:00.000Z",
        "address": {"state": "NY", "zip": "12207", "country": "US"},
    }
    kept = shop.fulfillment()
    assert (kept["status"], kept["reason"], kept["fulfilled_at"]) == (
        "FULFILLED",
        "imported",
        "2026-03-20T12:00:00.000000+00:00",
    )
    assert json.loads(kept["payload"]) == {
        "sourceItemIds": [{"sourceItemId": "7", "quantity": 1}],
        "trackingCompany": "FedEx",
        "trackingNumber": ["794644790132", "794644790143"],
        "trackingUrl": ["https://a.example/1"],
        "createdAt": "2026-03-20T12:00:00.000Z",
    }
    assert [(p["carrier"], p["number"], p["next_poll_at"], p["priority"]) for p in shop.parcels().values()] == [
        ("fedex", "794644790132", stored(NOW), 1),
        ("fedex", "794644790143", stored(NOW), 1),
    ]
    assert [(link["position"], link["tracking_url"]) for link in shop.rows("SELECT * FROM fulfillment_parcels")] == [
        (0, "https://a.example/1"),
        (1, ""),
    ]
    assert shop.pushes() == []
    with shop.database.read() as tx:
        dump = "\n".join(tx.connection.driver_connection.iterdump())  # type: ignore[union-attr]
    assert not any(word in dump for word in ("Ada", "ada@", "Elm", "Albany"))


def test_new_parcels_can_be_claimed(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132")))
    with shop.database.write() as tx:
        (claimed,) = claim(tx, [parcels.Source("fedex")], token="t", now=NOW)
    assert claimed.number == "794644790132"


def test_the_same_file_twice_changes_nothing(shop: Shop) -> None:
    header = "sourceOrderId,sourceFulfillmentId,trackingNumber,trackingCompany"
    table = f"{header}\n#3,f3,1Z999AA10123456784,Other\n#3,f3,ZZZZ1,Other\n"
    files: list[tuple[object, str]] = [
        ([order(fulfillment("794644790132")), order(id="#2", sourceCancelledAt="2026-03-20T00:00:00Z")], "a.json"),
        (table, "b.csv"),
    ]
    assert [shop.take(value, name=name) for value, name in files] == [Counts(created=2), Counts(created=1)]
    before = shop.all(*ALL)
    assert [shop.take(value, LATER, name) for value, name in files] == [Counts(unchanged=2), Counts(unchanged=1)]
    assert shop.all(*ALL) == before


def test_what_a_file_leaves_out_stays(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132"), total="9.50", address={"country": "US"}))
    table = "sourceOrderId,sourceFulfillmentId,trackingNumber,trackingCompany,zip\n#1,f1,794644790132,FedEx,12207\n"
    assert shop.take(table, LATER, "more.csv") == Counts(updated=1)
    (row,) = shop.rows("SELECT * FROM orders")
    assert (json.loads(row["payload"])["total"], row["country"], row["postal_code"]) == (9.5, "US", "12207")
    assert json.loads(shop.fulfillment()["payload"])["sourceItemIds"] == [{"sourceItemId": "7", "quantity": 1}]
    assert shop.take({"sourceOrderId": "#1", "sourceUpdatedAt": "2026-03-21T10:00:00Z"}, LATER) == Counts(updated=1)
    assert shop.fulfillment()["withdrawn_at"] is None


@pytest.mark.parametrize(
    ("fields", "fulfilled_at"),
    [
        ({"createdAt": "2026-03-20T12:00:00+02:00"}, "2026-03-20T10:00:00.000000+00:00"),
        ({"createdAt": None}, "2026-03-19T08:00:00.000000+00:00"),
    ],
)
def test_when_it_was_fulfilled(shop: Shop, fields: dict[str, Any], fulfilled_at: str) -> None:
    shop.take(order(fulfillment("794644790132", **fields), sourceCreatedAt="2026-03-19T08:00:00.000Z"))
    assert shop.parcels()["794644790132"]["fulfilled_at"] == fulfilled_at


def test_without_any_date_it_was_fulfilled_now_and_stays_so(shop: Shop) -> None:
    for moment in (NOW, LATER):
        shop.take(fulfillment("794644790132", createdAt=None, sourceOrderId="#1"), moment)
        assert shop.parcels()["794644790132"]["fulfilled_at"] == stored(NOW)
    assert shop.rows("SELECT payload FROM orders") == [{"payload": None}]


def test_fulfillments_share_a_parcel(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132")))
    shop.speak("794644790132", FulfillmentStatus.IN_TRANSIT)
    shop.take(order(fulfillment("794644790132", id="f2", createdAt="2026-03-18T12:00:00Z"), id="#2"), LATER)
    (parcel,) = shop.rows("SELECT * FROM parcels")
    assert parcel["fulfilled_at"] == "2026-03-18T12:00:00.000000+00:00"
    assert parcel["next_poll_at"] == stored(LATER)
    assert shop.fulfillment("f2")["status"] == "IN_TRANSIT"
    assert shop.pushes() == [("IN_TRANSIT", "waiting")] * 2
    shop.take(order(id="#1"), LATER)
    assert shop.due() == {"794644790132"}
    shop.take(order(id="#2"), LATER)
    assert shop.due() == set()


def test_an_ended_one_is_asked_once_after_all_others(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132", fulfillmentStatus="delivered")))
    parcel = shop.parcels()["794644790132"]
    assert (parcel["next_poll_at"], parcel["priority"]) == (stored(NOW), 0)


def test_a_changed_number(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132", "794644790143")))
    shop.speak("794644790132", FulfillmentStatus.OUT_FOR_DELIVERY)
    shop.speak("794644790143", FulfillmentStatus.DELIVERED)
    assert shop.fulfillment()["status"] == "OUT_FOR_DELIVERY"
    assert shop.take(order(fulfillment("794644790143", "794644790154")), LATER) == Counts(updated=1)
    assert shop.due() == {"794644790143", "794644790154"}
    assert shop.parcels()["794644790154"]["next_poll_at"] == stored(LATER)
    # One is received, the other one not known to the carrier yet: that one is furthest behind.
    assert shop.fulfillment()["status"] == "CONFIRMED"
    assert shop.pushes()[-1] == ("CONFIRMED", "waiting")


def test_a_poll_under_way_of_a_parcel_that_left_is_fenced_off(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132")))
    with shop.database.write() as tx:
        (claimed,) = claim(tx, [parcels.Source("fedex")], token="t", now=NOW)
    shop.take(order(fulfillment("794644790143")), NOW)
    with shop.database.write() as tx:
        assert parcels.leased(tx, [claimed.id], "t") == []
    assert shop.due() == {"794644790143"}


def test_a_changed_company(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132", trackingCompany="Correos")))
    assert shop.parcels()["794644790132"]["carrier"] == ""
    assert shop.due() == set()
    shop.take(order(fulfillment("794644790132", trackingCompany="FedEx Ground")))
    assert [p["carrier"] for p in shop.rows("SELECT carrier FROM parcels WHERE next_poll_at NOT NULL")] == ["fedex"]


def test_a_parcel_that_comes_back_is_due_again(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132")))
    shop.take(order(fulfillment("794644790143")))
    shop.take(order(fulfillment("794644790132")), LATER)
    assert shop.due() == {"794644790132"}


def test_a_withdrawn_fulfillment_and_its_return(shop: Shop) -> None:
    whole = order(fulfillment("794644790132"), fulfillment("794644790143", id="f2"))
    shop.take(whole)
    shop.speak("794644790132", FulfillmentStatus.IN_TRANSIT)
    assert shop.take(order(fulfillment("794644790143", id="f2")), LATER) == Counts(updated=1, unchanged=1)
    assert shop.fulfillment()["withdrawn_at"] == stored(LATER)
    assert shop.due() == {"794644790143"}
    assert shop.pushes() == [("IN_TRANSIT", "dropped")]
    with shop.database.read() as tx:
        assert queries.parcels_of(tx, ["794644790132", "f1"]) == {}, "asked for by hand it would be polled again"
    before = shop.all(*ALL)
    shop.take(order(fulfillment("794644790143", id="f2")), LATER + timedelta(hours=1))
    assert shop.all(*ALL) == before
    assert shop.take(whole, LATER) == Counts(updated=1, unchanged=1)
    assert shop.fulfillment()["withdrawn_at"] is None
    assert shop.due() == {"794644790132", "794644790143"}
    assert shop.pushes() == [("IN_TRANSIT", "dropped"), ("IN_TRANSIT", "waiting")]


def test_a_fulfillment_alone_withdraws_nothing(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132")))
    shop.take(fulfillment("794644790143", id="f2", sourceOrderId="#1"))
    shop.take({"sourceOrderId": "#1", "total": 5})
    assert shop.due() == {"794644790132", "794644790143"}


@pytest.mark.parametrize("status", [None, FulfillmentStatus.IN_TRANSIT])
def test_a_cancellation_makes_its_parcels_due(shop: Shop, status: FulfillmentStatus | None) -> None:
    shop.take([order(fulfillment("794644790132")), order(fulfillment("794644790143", id="f2"), id="#2")])
    if status:
        shop.speak("794644790132", status)
    moment = LATER - timedelta(hours=1)
    shop.take(order(fulfillment("794644790132"), sourceCancelledAt="2026-03-21T08:00:00Z"), moment)
    (cancelled, other) = shop.rows("SELECT cancelled_at FROM orders ORDER BY id")
    assert (cancelled["cancelled_at"], other["cancelled_at"]) == ("2026-03-21T08:00:00.000000+00:00", None)
    assert shop.parcels()["794644790132"]["next_poll_at"] == stored(moment)
    assert shop.parcels()["794644790143"]["next_poll_at"] == stored(NOW)
    shop.take({"sourceOrderId": "#1", "sourceCancelledAt": None}, LATER)
    assert shop.parcels()["794644790132"]["next_poll_at"] == stored(LATER)
    assert shop.rows("SELECT 1 FROM orders WHERE cancelled_at NOT NULL") == []


def test_a_received_parcel_is_not_asked_again_for_a_cancellation(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132")))
    shop.speak("794644790132", FulfillmentStatus.DELIVERED, next_poll_at=None)
    shop.take(order(fulfillment("794644790132"), sourceCancelledAt="2026-03-21T08:00:00Z"), LATER)
    assert shop.due() == set()


def test_an_imported_status_gives_way_to_the_carriers(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132")))
    shop.take(order(fulfillment("794644790132", fulfillmentStatus="LABEL_PRINTED")), LATER)
    assert (shop.fulfillment()["status"], shop.pushes()) == ("LABEL_PRINTED", [])
    shop.speak("794644790132", FulfillmentStatus.IN_TRANSIT)
    assert shop.take(order(fulfillment("794644790132", fulfillmentStatus="DELIVERED")), LATER) == Counts(unchanged=1)
    assert shop.fulfillment()["status"] == "IN_TRANSIT"
    history = [(row["status"], row["reason"]) for row in shop.rows("SELECT * FROM status_history ORDER BY id")]
    assert history == [("FULFILLED", "imported"), ("LABEL_PRINTED", "imported"), ("IN_TRANSIT", "XX")]


def test_a_carriers_status_stands_until_the_new_parcel_speaks(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132")))
    shop.speak("794644790132", FulfillmentStatus.DELIVERED)
    shop.take(order(fulfillment("794644790143", fulfillmentStatus="IN_TRANSIT")), LATER)
    assert shop.fulfillment()["status"] == "DELIVERED"
    shop.speak("794644790143", FulfillmentStatus.IN_TRANSIT)
    assert shop.pushes()[-1] == ("IN_TRANSIT", "waiting")


def test_unknown_carriers_are_looked_up_again(shop: Shop) -> None:
    both = [
        order(fulfillment("794644790132", trackingCompany="Correos")),
        order(fulfillment("794644790132", "PQ4F6K", id="f2", trackingCompany="Correos Express"), id="#2"),
        order(fulfillment("ZZZZ1", id="f3", trackingCompany="Zorro Post"), id="#3"),
    ]
    shop.take(both)
    with shop.database.write() as tx:
        assert reassign_unknown(tx, NOW, KNOWN) == 0
        assert reassign_unknown(tx, LATER, KNOWN | {"correos": info("correos", "Correos")}) == 2
    found = {(row["carrier"], row["number"], row["next_poll_at"]) for row in shop.rows("SELECT * FROM parcels")}
    assert found == {
        ("correos", "794644790132", stored(LATER)),
        ("correos", "PQ4F6K", stored(LATER)),
        ("", "ZZZZ1", None),
    }
    before = shop.all(*ALL)
    assert shop.take(both, LATER) == Counts(unchanged=3)
    assert shop.all(*ALL) == before


def test_an_unknown_parcel_joins_the_one_that_is_there(shop: Shop) -> None:
    shop.take(order(fulfillment("794644790132", id="f1")))
    shop.speak("794644790132", FulfillmentStatus.IN_TRANSIT)
    shop.take(order(fulfillment("794644790132", id="f2", trackingCompany="Federal"), id="#2"))
    assert len(shop.rows("SELECT * FROM parcels")) == 2
    with shop.database.write() as tx:
        assert reassign_unknown(tx, LATER, KNOWN | {"fedex": info("fedex", "Federal")}) == 1
    assert len(shop.rows("SELECT * FROM parcels")) == 1
    assert shop.fulfillment("f2")["status"] == "IN_TRANSIT"


def test_more_than_one_chunk(shop: Shop) -> None:
    many = [order(fulfillment(f"{700000000000 + n}", id=f"f{n}"), id=f"#{n}") for n in range(1201)]
    assert shop.take(many) == Counts(created=1201)
    assert len(shop.due()) == 1201
    one = order(*(fulfillment(f"{800000000000 + n}", id=f"g{n}") for n in range(6000)))
    assert shop.take(one) == Counts(created=6000, updated=1)
    assert shop.take(one) == Counts(unchanged=6000)


_NUMBERS = st.sampled_from(["794644790132", "794644790143", "1Z999AA10123456784"])
_FULFILLMENTS = st.fixed_dictionaries(
    {
        "sourceFulfillmentId": st.sampled_from(["f1", "f2"]),
        "fulfillmentStatus": st.sampled_from(["FULFILLED", "LABEL_PRINTED", "DELIVERED"]),
    },
    optional={
        "trackingCompany": st.sampled_from(["FedEx", "UPS", "Correos", "", None]),
        "trackingNumber": st.lists(_NUMBERS, max_size=2),
        "trackingUrl": st.lists(st.sampled_from(["https://a.example/1", ""]), max_size=2),
        "createdAt": st.sampled_from([None, "2026-03-18T12:00:00Z", "2026-03-20T12:00:00Z"]),
    },
)
_IDS = st.sampled_from(["#1", "#2"])
_ORDERS = st.fixed_dictionaries(
    {"sourceOrderId": _IDS},
    optional={
        "fulfillments": st.lists(_FULFILLMENTS, max_size=3),
        "sourceCancelledAt": st.sampled_from([None, "2026-03-21T08:00:00Z"]),
        "sourceCreatedAt": st.just("2026-03-17T12:00:00Z"),
        "address": st.sampled_from([{"country": "US"}, {"country": "", "zip": "12207"}]),
    },
)
_ALONE = st.builds(lambda fields, id: fields | {"sourceOrderId": id}, _FULFILLMENTS, _IDS)
_FILES = st.lists(st.lists(_ORDERS | _ALONE, min_size=1, max_size=3), min_size=1, max_size=4)


def outcome(shop: Shop) -> list[list[dict[str, Any]]]:
    """All that an import leaves but its history, and parcels that no fulfillment has any more."""
    linked = "(SELECT parcel_id FROM fulfillment_parcels)"
    assert shop.rows(f"SELECT 1 FROM parcels WHERE id NOT IN {linked} AND next_poll_at NOT NULL") == []  # noqa: S608
    return [
        shop.rows("SELECT * FROM orders ORDER BY id"),
        shop.rows("SELECT * FROM fulfillments ORDER BY id"),
        shop.rows(f"SELECT * FROM parcels WHERE id IN {linked} ORDER BY carrier, number"),  # noqa: S608
        shop.rows("SELECT * FROM fulfillment_parcels ORDER BY fulfillment_id, position"),
        shop.rows("SELECT * FROM pushes"),
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files=_FILES)
def test_any_files_twice_are_any_files_once(files: list[list[dict[str, Any]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder) / "tracker.db")
        try:
            for value in files:
                shop.take(value)
                after = shop.all(*ALL)
                assert shop.take(value, LATER)[:2] == (0, 0)
                assert shop.all(*ALL) == after
            once = outcome(shop)
            for value in files:
                shop.take(value)
            assert outcome(shop) == once
        finally:
            shop.database.close()


_YEARS = {"f1": "2025-03-18T12:00:00Z", "f2": "2025-05-01T12:00:00Z", "f3": "2026-03-20T12:00:00Z"}
_REUSED = st.builds(
    lambda fields, order_id, id: (
        fields | {"sourceOrderId": order_id, "sourceFulfillmentId": id, "createdAt": _YEARS[id]}
    ),
    _FULFILLMENTS,
    _IDS,
    st.sampled_from(sorted(_YEARS)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files=st.lists(st.lists(_REUSED, min_size=1, max_size=4), min_size=1, max_size=4))
def test_any_file_twice_is_once_where_numbers_are_used_again(files: list[list[dict[str, Any]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder) / "tracker.db")
        try:
            for value in files:
                shop.take(value)
                after = shop.all(*ALL)
                assert shop.take(value, LATER)[:2] == (0, 0)
                assert shop.all(*ALL) == after
                due = "SELECT 1 FROM parcels WHERE next_poll_at NOT NULL GROUP BY carrier, number HAVING COUNT(*) > 1"
                assert shop.rows(due) == [], "two parcels of one number are polled"
                shop.end()
        finally:
            shop.database.close()
