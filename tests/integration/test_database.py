"""The file: migrated up and down, copied while in use, refused when it is not ours."""

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select, table, text
from sqlmodel import SQLModel

from tracker import models  # noqa: F401 - fills SQLModel.metadata
from tracker.store.database import Database, DatabaseUnusable
from tracker.store.presence import Presence

VIEWS = {"parcel_status", "fulfillment_status", "tracking_events", "pending_pushes"}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(tmp_path / "tracker.db")
    database.migrate()
    return database


def names(database: Database, kind: str) -> set[str]:
    with database.read() as tx:
        return set(tx.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = ?", (kind,)).scalars())


def test_the_views_that_people_script_against_are_there(database: Database) -> None:
    assert names(database, "view") == VIEWS
    with database.read() as tx:
        for view in sorted(VIEWS):
            assert tx.execute(select(text("*")).select_from(table(view))).all() == []


def test_down_and_up_again(database: Database) -> None:
    before = names(database, "table") | names(database, "index")
    database.downgrade("base")
    assert names(database, "table") <= {"alembic_version"}
    assert names(database, "view") == set()
    database.migrate()
    assert names(database, "table") | names(database, "index") == before


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    with database.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), SQLModel.metadata) == []


def test_an_older_program_refuses_a_newer_file(database: Database) -> None:
    with database.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnusable, match="newer version"):
        database.migrate()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear all, this is no database at all. " * 50)
    with pytest.raises(DatabaseUnusable, match=r"letter\.txt"):
        Database(letter).migrate()
    assert letter.read_text().startswith("Dear all")


def test_a_reader_cannot_write(database: Database) -> None:
    with database.read() as tx, pytest.raises(Exception, match="readonly"):
        tx.exec_driver_sql("DELETE FROM parcels")


def test_a_backup_is_whole_while_others_write(database: Database, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with database.write() as tx:
                tx.exec_driver_sql("INSERT INTO quota_use VALUES (hex(randomblob(8)), 3600, 1, 1)")
                tx.exec_driver_sql("INSERT INTO quota_use VALUES (hex(randomblob(8)), 3600, 2, 1)")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        database.backup(tmp_path / "copy.db")
    finally:
        stop.set()
        writer.join()
    copy = sqlite3.connect(tmp_path / "copy.db")
    counts = [copy.execute("SELECT COUNT(*) FROM quota_use WHERE slot = ?", (slot,)).fetchone() for slot in (1, 2)]
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    copy.close()
    assert counts[0] == counts[1]  # never half a transaction


def test_a_backup_overwrites_nothing(database: Database, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(FileExistsError):
        database.backup(tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "été #1 ?x=y %20 & co"
    folder.mkdir()
    database = Database(folder / "my tracker#2.db")
    database.migrate()
    database.backup(folder / "copy?.db")
    assert database.problems() == []
    assert {path.name for path in folder.glob("*.db")} == {"my tracker#2.db", "copy?.db"}


def test_a_lock_file_that_cannot_be_opened_is_told_like_a_database_that_cannot(tmp_path: Path) -> None:
    (tmp_path / "tracker.db.lock").mkdir()
    with pytest.raises(DatabaseUnusable, match=r"tracker\.db\.lock"):
        Presence(tmp_path / "tracker.db")
