"""A backup put back: what it held is there, what was called since stays counted, and nothing is thrown away."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from tracker.cli import main
from tracker.store import quotas
from tracker.store.database import Database
from tracker.store.presence import Presence
from tracker.store.times import stored

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LINES = "sourceOrderId,sourceFulfillmentId,trackingNumber,trackingCompany\n#{0},F-{0},79460000001{0},FedEx\n"


class Ran(NamedTuple):
    code: object
    out: str
    err: str


Tracker = Callable[..., Ran]


@pytest.fixture
def tracker(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tracker:
    """`tracker …` in a folder with a config.yaml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "config.yaml").write_text("database: tracker.db\n")

    def run(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return Ran(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "tracker.db")
    yield database
    database.close()


def ship(tracker: Tracker, order: int) -> None:
    Path("orders.csv").write_text(LINES.format(order))
    assert tracker("import", "orders.csv").code == 0


def orders(path: Path = Path("tracker.db")) -> list[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return [row[0] for row in connection.execute("SELECT source_order_id FROM orders ORDER BY 1")]


def grant(database: Database, want: int, now: datetime, token: str) -> int:
    """Reserve calls of an account that has 60 an hour; how many were granted."""
    with database.write() as tx:
        granted = quotas.reserve(
            tx,
            "usps",
            windows={3600: 60},
            fixed=False,
            pace=timedelta(),
            horizon=timedelta(minutes=1),
            want=want,
            token=token,
            now=now,
            expires_at=now + timedelta(minutes=5),
        )
        if granted.calls:
            quotas.settle(tx, "usps", {3600: 60}, token, made=granted.calls, unused=0, now=now)
    return granted.calls


def test_what_the_backup_held_is_there_and_what_came_later_is_beside_it(tracker: Tracker) -> None:
    ship(tracker, 1)
    assert tracker("backup", "monday.db").code == 0
    ship(tracker, 2)

    done = tracker("restore", "monday.db")

    assert (done.code, done.err) == (0, "")
    assert orders() == ["#1"]
    assert orders(Path("tracker.db.replaced-1")) == ["#1", "#2"]
    assert "what was there is tracker.db.replaced-1" in done.out
    assert tracker("status", "#1").code == 0
    ship(tracker, 2)
    assert orders() == ["#1", "#2"]


def test_calls_made_since_the_backup_stay_counted(tracker: Tracker, database: Database) -> None:
    ship(tracker, 1)
    with database.write() as tx:
        tx.exec_driver_sql(
            "INSERT INTO accounts (name, carrier, paused_reason, failures, calls) VALUES ('usps', 'usps', '', 0, 0)"
        )
    assert grant(database, 20, NOW, "before") == 20
    assert tracker("backup", "monday.db").code == 0
    later = NOW + timedelta(minutes=10)
    assert grant(database, 30, later, "since") == 30
    pause = stored(later + timedelta(hours=1))
    with database.write() as tx:
        tx.exec_driver_sql("UPDATE accounts SET paused_until = ?, paused_reason = 'quota'", (pause,))
    database.close()

    assert tracker("restore", "monday.db").code == 0

    assert grant(database, 60, later + timedelta(minutes=1), "after") == 10
    with database.read() as tx:
        assert tx.exec_driver_sql("SELECT paused_until, paused_reason FROM accounts").all() == [(pause, "quota")]


def test_a_broken_database_is_replaced_all_the_same(tracker: Tracker, tmp_path: Path) -> None:
    ship(tracker, 1)
    assert tracker("backup", "monday.db").code == 0
    (tmp_path / "tracker.db").write_bytes(os.urandom(9000))

    done = tracker("restore", "monday.db")

    assert (done.code, orders()) == (0, ["#1"])
    assert "which calls were made since the backup is not known" in done.err
    assert (tmp_path / "tracker.db.replaced-1").stat().st_size == 9000


def test_on_a_new_machine_there_is_nothing_to_replace(tracker: Tracker, tmp_path: Path) -> None:
    ship(tracker, 1)
    assert tracker("backup", "monday.db").code == 0
    for file in tmp_path.glob("tracker.db*"):
        file.unlink()

    assert tracker("restore", "monday.db").code == 0
    assert orders() == ["#1"]


def test_what_lay_unwritten_beside_the_old_one_is_not_read_into_the_new(tracker: Tracker, tmp_path: Path) -> None:
    ship(tracker, 1)
    assert tracker("backup", "monday.db").code == 0
    with closing(sqlite3.connect("tracker.db")) as writer, closing(sqlite3.connect("tracker.db")) as killed:
        killed.execute("SELECT * FROM orders").fetchall()
        writer.execute("UPDATE orders SET source_order_id = '#9'")
        writer.commit()
        (tmp_path / "crash").mkdir()
        for file in tmp_path.glob("tracker.db*"):
            shutil.copy(file, tmp_path / "crash")
    assert (tmp_path / "crash" / "tracker.db-wal").stat().st_size
    for file in (tmp_path / "crash").iterdir():
        shutil.copy(file, tmp_path)

    assert tracker("restore", "monday.db").code == 0

    assert orders() == ["#1"]
    assert orders(Path("tracker.db.replaced-1")) == ["#9"]


def test_it_refuses_while_a_daemon_works(tracker: Tracker, tmp_path: Path) -> None:
    ship(tracker, 1)
    assert tracker("backup", "monday.db").code == 0
    daemon = Presence(tmp_path / "tracker.db")
    daemon.share()
    try:
        done = tracker("restore", "monday.db")
    finally:
        daemon.leave()

    assert (done.code, "stop it first" in done.err) == (1, True)
    assert not list(tmp_path.glob("*.re*"))


@pytest.mark.parametrize("broken", ["missing", "text", "foreign", "newer", "torn"])
def test_a_copy_that_is_none_changes_nothing(tracker: Tracker, tmp_path: Path, broken: str) -> None:
    ship(tracker, 1)
    copy = tmp_path / "monday.db"
    if broken in ("newer", "torn"):
        assert tracker("backup", "monday.db").code == 0
    if broken == "text":
        copy.write_text("no database at all, but long enough to look like one" * 20)
    if broken == "torn":
        pages = copy.read_bytes()
        copy.write_bytes(pages[: len(pages) // 2])
    if broken in ("foreign", "newer"):
        with closing(sqlite3.connect(copy)) as connection:
            told = "UPDATE alembic_version SET version_num = '9999'" if broken == "newer" else "CREATE TABLE t (x)"
            connection.execute(told)
            connection.commit()

    done = tracker("restore", "monday.db")

    assert done.code == 1
    assert "monday.db: " in done.err
    assert orders() == ["#1"]
    assert not list(tmp_path.glob("tracker.db.re*"))
