"""What ended long ago goes, with all that hung on it; what is still wanted stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carriers.sdk.registry import known_infos
from tracker import intake
from tracker.store import retention
from tracker.store.database import Database

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LINES = b"""sourceOrderId,sourceFulfillmentId,trackingNumber,trackingCompany
#1,old,794600000017,FedEx
#2,open,794600000028,FedEx
#3,shared,794600000017,FedEx
#3,shared,794600000028,FedEx
"""
LEFT = """SELECT (SELECT COUNT(*) FROM orders) + (SELECT COUNT(*) FROM fulfillments) + (SELECT COUNT(*) FROM parcels)
    + (SELECT COUNT(*) FROM events) + (SELECT COUNT(*) FROM status_history) + (SELECT COUNT(*) FROM pushes)
    + (SELECT COUNT(*) FROM fulfillment_parcels)"""


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path / "tracker.db")
    database.migrate()
    with database.write() as tx:
        intake.register(tx, intake.read_file("shipped.csv", LINES), NOW, known_infos())
    return database


def end(database: Database, number: str, at: datetime) -> None:
    with database.write() as tx:
        tx.exec_driver_sql(
            "UPDATE parcels SET ended_at = ? WHERE number = ?", (at.isoformat(timespec="microseconds"), number)
        )


def forget(database: Database) -> set[str]:
    """Forget what ended over a year ago; the fulfillments left."""
    with database.write() as tx:
        while retention.forget(tx, NOW - timedelta(days=365), NOW - timedelta(days=730)):
            pass
        return set(tx.exec_driver_sql("SELECT source_fulfillment_id FROM fulfillments").scalars())


def test_nothing_goes_while_a_parcel_is_open_or_ended_lately(database: Database) -> None:
    end(database, "794600000017", NOW - timedelta(days=364))
    assert forget(database) == {"old", "open", "shared"}


def test_a_fulfillment_goes_with_its_last_parcel(database: Database) -> None:
    end(database, "794600000017", NOW - timedelta(days=366))
    assert forget(database) == {"open", "shared"}
    with database.read() as tx:
        assert tx.exec_driver_sql("SELECT COUNT(*) FROM parcels").scalar() == 2  # "shared" still has both


def test_in_the_end_nothing_is_left_behind(database: Database) -> None:
    for number in ("794600000017", "794600000028"):
        end(database, number, NOW - timedelta(days=366))
    assert forget(database) == set()
    with database.read() as tx:
        assert tx.exec_driver_sql(LEFT).scalar() == 0


def test_what_is_still_to_be_pushed_stays(database: Database) -> None:
    end(database, "794600000017", NOW - timedelta(days=366))
    with database.write() as tx:
        tx.exec_driver_sql(
            "INSERT INTO pushes (fulfillment_id, status, state, created_at, next_attempt_at, attempts)"
            " SELECT id, 'DELIVERED', 'dead', '2025', '2025', 3 FROM fulfillments WHERE source_fulfillment_id = 'old'"
        )
    assert "old" in forget(database)


def test_an_order_that_was_not_shipped_yet_stays(database: Database) -> None:
    with database.write() as tx:
        waiting = b'{"sourceOrderId": "#9", "total": 12.5, "fulfillments": []}'
        intake.register(tx, intake.read_file("order.json", waiting), NOW, known_infos())
    end(database, "794600000017", NOW - timedelta(days=366))
    assert forget(database) == {"open", "shared"}
    with database.read() as tx:
        assert set(tx.exec_driver_sql("SELECT source_order_id FROM orders").scalars()) == {"#2", "#3", "#9"}
