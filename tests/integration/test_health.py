"""/healthz and /readyz: each is false for its own reasons, and true again when they are gone."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.monitored import NOW, Monitored
from tracker import daemon
from tracker.heartbeats import HUNG
from tracker.models import Role
from tracker.web import health

READY = {"status": "ok"}


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitored]:
    monkeypatch.setattr(health, "FRESH", 0.0)
    monitored = Monitored(tmp_path)
    monitored.app.heartbeats.add("relay", 1.0)
    yield monitored
    monitored.close()


def reasons(seen: Monitored, path: str = "/readyz") -> list[str]:
    """Why it is not; empty where it is."""
    answer = seen.ask(path)
    told: list[str] = answer.json().get("reasons", [])
    assert answer.status_code == (503 if told else 200)
    assert answer.json()["status"] == ("failed" if told else "ok")
    return told


def beat(seen: Monitored) -> None:
    seen.app.heartbeats.began("relay")
    seen.app.heartbeats.succeeded("relay")


def test_a_tracker_that_works_lives_and_is_ready(seen: Monitored) -> None:
    beat(seen)
    assert seen.ask("/healthz").json() == READY
    assert seen.ask("/readyz").json() == READY


def test_both_are_open_to_everybody(seen: Monitored) -> None:
    seen.token(Role.READ)
    assert seen.ask("/healthz").status_code == 200
    assert seen.ask("/readyz").status_code == 200


# heartbeats


def test_a_heartbeat_that_hangs_is_no_life(seen: Monitored) -> None:
    seen.app.heartbeats.began("relay")
    seen.pass_time(HUNG)
    assert reasons(seen, "/healthz") == []
    seen.pass_time(10)
    assert reasons(seen, "/healthz") == ["heartbeat 'relay' hangs: no run of it has ended for 190 s"]
    seen.app.heartbeats.succeeded("relay")
    assert reasons(seen, "/healthz") == []


def test_a_heartbeat_that_nobody_starts_is_no_life(seen: Monitored) -> None:
    beat(seen)
    seen.pass_time(HUNG + 10)
    assert "'relay'" in reasons(seen, "/healthz")[0]


def test_a_run_that_was_cut_off_is_no_end(seen: Monitored) -> None:
    seen.pass_time(HUNG)
    seen.app.heartbeats.began("relay")
    seen.pass_time(HUNG)
    seen.app.heartbeats.cut_off("relay")
    assert len(reasons(seen, "/healthz")) == 1


def test_a_heartbeat_that_fails_lives_but_is_not_ready(seen: Monitored) -> None:
    for _ in range(20):
        seen.pass_time(10)
        seen.app.heartbeats.began("relay")
        seen.app.heartbeats.failed("relay", "ValueError")
    assert reasons(seen, "/healthz") == []
    assert reasons(seen) == ["heartbeat 'relay' is stale: no run of it has succeeded for 200 s"]
    beat(seen)
    assert reasons(seen) == []


def test_only_what_is_new_about_a_failing_heartbeat_is_news(seen: Monitored) -> None:
    beats = seen.app.heartbeats
    assert [beats.failed("relay", error) for error in ("ValueError", "ValueError", "KeyError")] == [True, False, True]
    assert [beats.cut_off("relay"), beats.cut_off("relay")] == [True, False]
    assert [beats.succeeded("relay"), beats.succeeded("relay")] == [5, 0]
    assert beats.failed("relay", "KeyError")


# the database


def test_a_database_of_another_revision_is_not_ready(seen: Monitored) -> None:
    seen.database.downgrade("0004")
    [reason] = reasons(seen)
    assert reason.startswith("the database is at revision 0004, this program's is 00")


def test_a_database_that_takes_no_write_is_not_ready(seen: Monitored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    with seen.database.write():
        assert reasons(seen) == ["the database took no write within 0 s"]
    assert reasons(seen) == []


def test_a_database_that_is_gone_is_not_ready(seen: Monitored) -> None:
    seen.database.close()
    for name in ("tracker.db", "tracker.db-wal", "tracker.db-shm"):
        seen.database.path.with_name(name).unlink(missing_ok=True)
    assert reasons(seen) == ["the database cannot be read"]


# accounts


def test_one_account_that_answers_is_enough(seen: Monitored) -> None:
    seen.write("UPDATE accounts SET paused_until = ? WHERE name = 'ups'", NOW + timedelta(hours=1))
    assert reasons(seen) == []
    seen.write("UPDATE accounts SET paused_until = ? WHERE name = 'dhl'", NOW + timedelta(hours=1))
    assert reasons(seen) == ["all 2 accounts are paused"]
    seen.pass_time(60)
    beat(seen)
    seen.clock.forward(hours=1)
    assert reasons(seen) == []


def test_without_any_account_it_is_ready_until_parcels_wait_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "FRESH", 0.0)
    seen = Monitored(tmp_path, {"carriers": {"ups": {}}})
    assert reasons(seen) == []
    seen.parcels(1)
    assert reasons(seen) == ["parcels wait, and every account of the configuration is off"]
    seen.close()


# the outbox


def test_a_push_that_could_be_made_and_is_not_is_a_stuck_outbox(seen: Monitored) -> None:
    seen.push(due=NOW + timedelta(minutes=5))
    seen.push("dead", due=NOW - timedelta(days=1))
    seen.clock.forward(minutes=19)
    assert reasons(seen) == []
    seen.clock.forward(minutes=2)
    assert reasons(seen) == ["the outbox is stuck: a push has been due for 960 s"]


def test_a_push_that_is_held_back_or_behind_another_is_no_stuck_outbox(seen: Monitored) -> None:
    seen.push(due=NOW)
    seen.write("INSERT INTO mutes (fulfillment_id, at, by, note) VALUES (1, ?, 'me', '')", NOW)
    seen.push(due=NOW + timedelta(hours=1))
    seen.write(
        "INSERT INTO pushes (fulfillment_id, status, state, created_at, next_attempt_at, attempts)"
        " VALUES (2, 'DELIVERED', 'waiting', ?, ?, 0)",
        NOW,
        NOW,
    )
    seen.clock.forward(minutes=30)
    assert reasons(seen) == []


def test_a_silent_receiver_is_a_stuck_outbox_as_soon_as_something_waits(seen: Monitored) -> None:
    seen.write(
        "INSERT INTO accounts (name, carrier, paused_reason, failures, calls, failing_since)"
        " VALUES ('order_protection', 'order_protection', '', 9, 0, ?)",
        NOW,
    )
    seen.clock.forward(minutes=20)
    assert reasons(seen) == []
    seen.push(due=NOW + timedelta(hours=1))
    assert reasons(seen) == ["the outbox is stuck: Order Protection has given no answer for 1200 s"]


def test_an_answer_is_given_again_for_a_while(tmp_path: Path) -> None:
    seen = Monitored(tmp_path)
    assert reasons(seen) == []
    seen.app.heartbeats.add("relay", 1.0)
    seen.pass_time(HUNG + 60)
    assert reasons(seen) == [], "looked again at once: each look writes"
    seen.close()


def test_the_daemon_cuts_off_what_counts_as_hung() -> None:
    assert daemon.HUNG == HUNG
