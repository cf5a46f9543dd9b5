"""What routes are to the database: a claim that goes by index whatever the sources, and a file that comes from before
there were any."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from tests.integration.bench import claim
from tests.integration.network import Network
from tracker.store import parcels
from tracker.store.database import Database
from tracker.store.parcels import Source
from tracker.store.times import stored

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "tracker.db")
    database.migrate()
    yield database
    database.close()


def insert(tx: Connection, table: str, **values: object) -> int:
    """Add a row; what is left out is empty."""
    columns = tx.exec_driver_sql(f"SELECT name, type, pk FROM pragma_table_info('{table}') WHERE \"notnull\"").all()  # noqa: S608
    empty: dict[str, object] = {
        row.name: 0 if row.type in ("INTEGER", "BOOLEAN") else "" for row in columns if not row.pk
    }
    row = empty | values
    names, places = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
    return tx.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({places})", tuple(row.values())).lastrowid  # noqa: S608


def parcel(tx: Connection, number: str, source: str, route: str = "", **values: object) -> int:
    given: dict[str, object] = {"carrier": "plain", "number": number, "use": 1, "priority": 1, "source": source}
    given |= {"route": route or source, "fulfilled_at": stored(NOW), "next_poll_at": stored(NOW)}
    return insert(tx, "parcels", **given | values)


# claims


def plans(tx: Connection, work: Callable[[], object]) -> list[str]:
    """How SQLite goes about every statement of some work: the lines of their query plans."""
    statements: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(tx, "before_cursor_execute", note)
    work()
    event.remove(tx, "before_cursor_execute", note)
    assert statements
    return [
        row.detail
        for statement, parameters in statements
        for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    ]


ONE = [Source("a")]
SIX = [Source(name) for name in ("a", "b", "c", "d", "e", "f")]
STANDING_IN = [Source("a"), *(Source(name, ("a", "plain")) for name in ("b", "c", "d", "e", "f"))]
BY_INDEX = "INDEX ix_parcels_due (source=? AND priority=? AND next_poll_at<?)"


@pytest.mark.parametrize("sources", [ONE, SIX, STANDING_IN], ids=["one", "six", "standing in for five"])
@pytest.mark.parametrize("analysed", [False, True])
def test_a_claim_goes_by_index_for_every_source(database: Database, sources: list[Source], analysed: bool) -> None:
    with database.write() as tx:
        for index in range(200):
            parcel(tx, f"NUM{index:03}", SIX[index % 6].name, priority=index % 4)
        if analysed:
            tx.exec_driver_sql("ANALYZE")
        taken = plans(tx, lambda: claim(tx, sources, token="t", now=NOW))
        look = plans(tx, lambda: parcels.any_due(tx, sources, NOW))
    for plan in (taken, look):
        assert len([line for line in plan if line.startswith("SEARCH p ") and line.endswith(BY_INDEX)]) == len(
            parcels.HEAD_START
        )
    touched = [line for line in taken + look if "parcels" in line or line.startswith(("SCAN p", "SEARCH p"))]
    assert not [line for line in touched if line.startswith("SCAN")]


SOON = NOW + timedelta(hours=6)
NEARLY = "INDEX ix_parcels_due (source=? AND priority=? AND next_poll_at>? AND next_poll_at<?)"
NEW = "INDEX ix_parcels_unasked (source=? AND next_poll_at>? AND next_poll_at<?)"


@pytest.mark.parametrize("sources", [ONE, SIX, STANDING_IN], ids=["one", "six", "standing in for five"])
@pytest.mark.parametrize("analysed", [False, True])
@pytest.mark.parametrize(
    ("look", "index", "times"),
    [
        (lambda tx, sources: parcels.due(tx, sources, limit=9, now=NOW), BY_INDEX, 4),
        (lambda tx, sources: parcels.backlog(tx, sources, most=100, now=NOW), BY_INDEX, 4),
        (lambda tx, sources: parcels.riders(tx, sources, limit=9, now=NOW, near=SOON, before=NOW), NEARLY, 3),
        (lambda tx, sources: parcels.unasked(tx, sources, limit=9, now=NOW), NEW, 1),
    ],
    ids=["due", "backlog", "riders", "unasked"],
)
def test_no_look_for_parcels_goes_through_all_of_them(
    database: Database,
    look: Callable[[Connection, list[Source]], object],
    index: str,
    times: int,
    sources: list[Source],
    analysed: bool,
) -> None:
    with database.write() as tx:
        for number in range(300):
            polled = None if number % 5 == 0 else stored(NOW - timedelta(hours=9))
            turn = stored(NOW + timedelta(hours=number % 7 - 3))
            given: dict[str, object] = {"priority": number % 4, "last_polled_at": polled, "next_poll_at": turn}
            parcel(tx, f"NUM{number:03}", SIX[number % 6].name, "a plain", **given)
        if analysed:
            tx.exec_driver_sql("ANALYZE")
        plan = plans(tx, lambda: look(tx, sources))
    touched = [line for line in plan if "parcels" in line or line.startswith(("SCAN p", "SEARCH p"))]
    assert [line.replace("COVERING ", "") for line in touched] == [f"SEARCH p USING {index}"] * times


def test_the_most_valuable_go_first_whatever_their_source(database: Database) -> None:
    with database.write() as tx:
        ids = [
            parcel(tx, "NUM001", "a", next_poll_at=stored(NOW - timedelta(hours=1))),
            parcel(tx, "NUM002", "b", priority=3),
            parcel(tx, "NUM003", "b", next_poll_at=stored(NOW - timedelta(hours=2))),
            parcel(tx, "NUM004", "c", priority=3),
        ]
        sources = [Source("a"), Source("b")]
        first = claim(tx, sources, limit=2, token="t", now=NOW)
        assert {claimed.id for claimed in first} == {ids[1], ids[2]}
        rest = claim(tx, sources, token="t", now=NOW)
        assert [claimed.id for claimed in rest] == [ids[0]]


@pytest.mark.parametrize(
    ("route", "before", "may"),
    [
        ("plain gatherer", ("gatherer",), True),
        ("gatherer", ("gatherer",), True),
        ("plain gatherer ship24", ("nobody", "ship24"), True),
        ("plain", ("gatherer",), False),
        ("plain gatherer/b", ("gatherer",), False),
        ("plain gatherer/axb", ("gatherer/a_b",), False),
        ("plain gatherer", ("gather",), False),
    ],
)
def test_a_stand_in_gets_only_what_has_it_among_its_sources(
    database: Database, route: str, before: tuple[str, ...], may: bool
) -> None:
    with database.write() as tx:
        parcel(tx, "NUM001", "plain", route)
        sources = [Source("plain", before)]
        assert parcels.any_due(tx, sources, NOW) is may
        claimed = claim(tx, sources, token="t", now=NOW)
        assert bool(claimed) is may


# the migration


def old_file(database: Database) -> tuple[int, int, int]:
    """A file as it was before routes, with parcels asked about and not, events, and a lease; the parcels' ids."""
    database.downgrade("0001")
    lease = {"lease_token": "dead", "lease_until": stored(NOW + timedelta(minutes=3))}
    with database.write() as tx:
        order = insert(tx, "orders", source_order_id="#1", country="US")
        known = insert(
            tx,
            "parcels",
            **{"carrier": "ups", "number": "NUM001", "use": 1, "fulfilled_at": stored(NOW), "status": "IN_TRANSIT"},
            **{"known": 1, "priority": 2, "next_poll_at": stored(NOW), "first_asked_at": stored(NOW)},
            **lease,
        )
        unknown = insert(
            tx,
            "parcels",
            **{"carrier": "fedex", "number": "NUM002", "use": 1, "fulfilled_at": stored(NOW), "not_found": 1},
            **{"priority": 1, "next_poll_at": stored(NOW), "first_asked_at": stored(NOW - timedelta(days=9))},
        )
        nobodys = insert(tx, "parcels", carrier="", number="NUM003", use=1, fulfilled_at=stored(NOW))
        fulfillment = insert(
            tx,
            "fulfillments",
            **{"order_id": order, "source_fulfillment_id": "F1", "tracking_company": "UPS", "payload": "{}"},
            **{"fulfilled_at": stored(NOW), "status": "IN_TRANSIT", "status_at": stored(NOW)},
        )
        for id in (known, unknown, nobodys):
            insert(tx, "fulfillment_parcels", fulfillment_id=fulfillment, parcel_id=id)
        insert(tx, "events", parcel_id=known, key="k", occurred_at=stored(NOW), zone="given", code="IT", effect="none")
        insert(tx, "accounts", name="ups", carrier="ups", failures=3)
    return known, unknown, nobodys


def everything(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.read() as tx:
        return {
            table: [row._asdict() for row in tx.exec_driver_sql(f"SELECT * FROM {table}")]  # noqa: S608
            for table in ("orders", "fulfillments", "parcels", "fulfillment_parcels", "events", "accounts")
        }


def test_a_file_from_before_routes_is_asked_about_where_it_was(database: Database) -> None:
    known, unknown, nobodys = old_file(database)
    before = everything(database)
    database.migrate()
    after = everything(database)
    for table, rows in before.items():
        assert [{name: new[name] for name in old} for old, new in zip(rows, after[table], strict=True)] == rows
    added = {row["id"]: (row["source"], row["route"], row["step"], row["not_found_since"]) for row in after["parcels"]}
    assert added == {
        known: ("ups", "ups", 0, None),
        unknown: ("fedex", "fedex", 0, stored(NOW - timedelta(days=9))),
        nobodys: ("", "", 0, None),
    }
    assert [row["source"] for row in after["events"]] == ["ups"]
    assert [row["tags"] for row in after["orders"]] == [""]
    assert [row["failing_since"] for row in after["accounts"]] == [None]
    with database.write() as tx:
        assert not claim(tx, [Source("ups")], token="t", now=NOW), "it is under a lease"
        assert [one.id for one in claim(tx, [Source("fedex")], token="t", now=NOW)] == [unknown]
        (state,) = parcels.leased(tx, [known], "dead")
        assert (state.carrier, state.source, state.route) == ("ups", "ups", "ups")


def test_and_back_again(database: Database) -> None:
    old_file(database)
    before = everything(database)
    database.migrate()
    database.downgrade("0001")
    assert everything(database) == before


def test_a_parcel_of_nobodys_is_routed_when_its_carrier_is_known(network: Callable[..., Network]) -> None:
    at = network(["plain", "gatherer"], [{"carrier": "plain", "through": ["gatherer", "plain"]}])
    at.order("NUM001", company="Nobody Knows")
    assert at.parcel("NUM001").next_poll_at is None
    at.reassign({"Nobody Knows": "plain"})
    row = at.parcel("NUM001")
    assert (row.carrier, row.source, row.route) == ("plain", "gatherer", "gatherer plain")
    assert row.next_poll_at is not None
