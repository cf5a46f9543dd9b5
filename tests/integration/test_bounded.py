"""Years of parcels, and the database stays as large as what is to be kept."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from sqlalchemy import Connection
from sqlmodel import SQLModel

from carriers.sdk.registry import known_infos
from tracker import intake
from tracker.app import App, build
from tracker.daemon import Daemon
from tracker.store import heartbeats, hours, quotas

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(days=14)
YEAR = 26
"""Steps."""

#: Tables that grow with the configuration, and with what people do to it, and not with the parcels.
SETTLED = {
    "accounts": "a row an account",
    "prices": "a row an account",
    "lessons": "sums by carrier, service and stage",
    "remembered": "a row a name",
    "tokens": "as many as people make",
    "webhook_endpoints": "a row an endpoint",
}


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def ship(tx: Connection, step: int, now: datetime) -> None:
    """A fortnight's orders: one delivered, one gone silent, one whose push is dead, one whose carrier nobody knows,
    one without a number, one that is muted, one never shipped; each with what hangs on it.
    """
    lines = ["sourceOrderId,sourceFulfillmentId,trackingNumber,trackingCompany,createdAt"]
    names = ("delivered", "silent", "dead", "nobody", "muted")
    for place, name in enumerate(names):
        company = "?" if name == "nobody" else "FedEx"
        lines.append(f"#{step}-{name},{step}-{name},{794600000000 + step * 10 + place},{company},{now.isoformat()}")
    intake.register(tx, intake.read_file("a.csv", "\n".join(lines).encode()), now, known_infos())
    empty = (
        f'[{{"sourceOrderId": "#{step}-never", "sourceCreatedAt": "{now.isoformat()}", "fulfillments": []}},'
        f' {{"sourceOrderId": "#{step}-bare", "sourceCreatedAt": "{now.isoformat()}", "fulfillments":'
        f' [{{"sourceFulfillmentId": "{step}-bare", "fulfillmentStatus": "FULFILLED"}}]}}]'
    )
    intake.register(tx, intake.read_file("a.json", empty.encode()), now, known_infos())
    at = {"now": text(now), "step": f"{step}-%"}
    tx.exec_driver_sql(
        "UPDATE parcels SET last_polled_at = :now, stage_at = :now WHERE carrier = 'fedex' AND stage_at IS NULL", at
    )
    tx.exec_driver_sql(
        "UPDATE parcels SET ended_at = :now WHERE id IN (SELECT l.parcel_id FROM fulfillment_parcels l"
        " JOIN fulfillments f ON f.id = l.fulfillment_id WHERE f.source_fulfillment_id IN (:a, :b, :c))",
        {"now": text(now), "a": f"{step}-delivered", "b": f"{step}-dead", "c": f"{step}-muted"},
    )
    for statement in (
        "INSERT INTO events (parcel_id, key, source, occurred_at, utc_offset, zone, code, mapped, effect, description,"
        " city, state, postal_code, country, position, seen_at)"
        " SELECT l.parcel_id, :now, 'fedex', :now, 0, 'given', 'IT', 1, 'none', '', '', '', '', '', 0, :now"
        " FROM fulfillment_parcels l JOIN fulfillments f ON f.id = l.fulfillment_id"
        " WHERE f.source_fulfillment_id LIKE :step",
        "INSERT INTO status_history (fulfillment_id, status, at, recorded_at, reason)"
        " SELECT id, 'IN_TRANSIT', :now, :now, '' FROM fulfillments WHERE source_fulfillment_id LIKE :step",
        "INSERT INTO pushes (fulfillment_id, status, state, created_at, next_attempt_at, attempts) SELECT id, status,"
        " CASE WHEN source_fulfillment_id LIKE '%delivered' THEN 'sent' ELSE 'dead' END, :now, :now, 1"
        " FROM fulfillments WHERE source_fulfillment_id LIKE :step",
        'INSERT INTO notes (fulfillment_id, at, "by", action, text)'
        " SELECT id, :now, 'me', '', 'called' FROM fulfillments WHERE source_fulfillment_id LIKE :step",
        'INSERT INTO overrides (fulfillment_id, status, at, "by", note, before, told)'
        " SELECT id, 'ON_HOLD', :now, 'me', '', status, '[]' FROM fulfillments WHERE source_fulfillment_id LIKE :step",
        'INSERT INTO mutes (fulfillment_id, at, "by", note)'
        " SELECT id, :now, 'me', '' FROM fulfillments WHERE source_fulfillment_id LIKE :step || 'muted'",
        "INSERT INTO drift (order_id, source_fulfillment_id, outcome, since, seen_at)"
        " SELECT order_id, source_fulfillment_id, 'differs', :now, :now FROM fulfillments"
        " WHERE source_fulfillment_id LIKE :step",
        "INSERT INTO webhook_messages (message_id, endpoint, fulfillment_id, change_id, state, created_at,"
        " next_attempt_at, attempts, done_at) SELECT 'm' || h.id, 'shop', f.id, h.id,"
        " CASE WHEN h.id % 2 THEN 'sent' ELSE 'dead' END, :now, :now, 1, :now"
        " FROM status_history h JOIN fulfillments f ON f.id = h.fulfillment_id"
        " WHERE f.source_fulfillment_id LIKE :step",
        "INSERT INTO hook_deliveries (account, identity, received_at, news, parcels, unknown)"
        " VALUES ('fedex', :now, :now, 1, 1, 0)",
        "INSERT INTO forwarded_calls (source_order_id, method, path, content_type, state, created_at,"
        " next_attempt_at, attempts, done_at) VALUES ('#', 'POST', '/v1/orders', '', 'dead', :now, :now, 1, :now)",
    ):
        tx.exec_driver_sql(statement, at)
    hours.count(tx, "fedex", hours.Done(calls=3), now)
    hours.keep_statuses(tx, now)
    quotas.reserve(
        tx,
        f"fedex/of-{step}",  # an account that is renamed every fortnight
        windows={86400: 100},
        fixed=False,
        pace=timedelta(),
        horizon=timedelta(minutes=1),
        want=3,
        token=f"lost-{step}",
        now=now,
        expires_at=now,
    )
    quotas._count(tx, f"fedex/of-{step}", {86400: 100}, 3, now)
    kept = heartbeats.Kept(f"killed:{step}", "relay", 1.0, None, None, 0.0, 0, "", now)
    heartbeats.keep(tx, kept.process, [kept], now)


def sizes(app: App) -> dict[str, int]:
    """How many rows each table has."""
    with app.database.read() as tx:
        return {
            table: tx.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar_one()  # noqa: S608 - our own names
            for table in SQLModel.metadata.tables
        }


def pages(app: App) -> int:
    with app.database.read() as tx:
        number: int = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
    return number


@contextmanager
def opened(folder: Path) -> Iterator[App]:
    (folder / "config.yaml").write_text("web: {enabled: false}\n")
    app = build(folder / "config.yaml", {})
    try:
        yield app
    finally:
        asyncio.run(app.close())


def live(app: App, daemon: Daemon, begin: int, end: int) -> None:
    """The steps from one to the other, each with what the daemon does at its end."""

    async def clean() -> None:
        await daemon.keep_house()
        await daemon.forget()

    for step in range(begin, end):
        now = BEGIN + step * STEP
        with freeze_time(now, real_asyncio=True):
            with app.database.write() as tx:
                ship(tx, step, now)
            asyncio.run(clean())


def test_it_does_not_grow_once_there_is_as_much_as_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        daemon = Daemon(app)
        live(app, daemon, 0, 3 * YEAR)
        early, early_pages = sizes(app), pages(app)
        live(app, daemon, 3 * YEAR, 5 * YEAR)
        late, late_pages = sizes(app), pages(app)

    assert [table for table in late if not late[table] and table not in SETTLED] == [], "never filled by this test"
    assert {table: (early[table], late[table]) for table in late if late[table] > early[table]} == {}
    assert late_pages <= early_pages * 1.05
    assert late["fulfillments"] < 8 * 2.1 * YEAR


def test_every_table_is_looked_at_here_or_does_not_grow_with_the_parcels(tmp_path: Path) -> None:
    with opened(tmp_path) as app, app.database.write() as tx:
        ship(tx, 1, BEGIN)
        filled = {
            table
            for table in SQLModel.metadata.tables
            if tx.exec_driver_sql(f"SELECT EXISTS (SELECT 1 FROM {table})").scalar()  # noqa: S608
        }

    assert set(SQLModel.metadata.tables) - filled - set(SETTLED) == set()


@pytest.mark.parametrize(("name", "kept"), [("delivered", 365), ("muted", 365), ("silent", 730), ("dead", 730)])
def test_what_goes_when(tmp_path: Path, name: str, kept: int) -> None:
    def there(app: App) -> Any:
        with app.database.read() as tx:
            return tx.exec_driver_sql(
                "SELECT 1 FROM fulfillments WHERE source_fulfillment_id = ?", (f"0-{name}",)
            ).scalar()

    with opened(tmp_path) as app:
        daemon = Daemon(app)
        live(app, daemon, 0, 1)
        with freeze_time(BEGIN + timedelta(days=kept, seconds=-1), real_asyncio=True):
            asyncio.run(daemon.forget())
        assert there(app)
        with freeze_time(BEGIN + timedelta(days=kept, seconds=1), real_asyncio=True):
            asyncio.run(daemon.forget())
        assert not there(app)
