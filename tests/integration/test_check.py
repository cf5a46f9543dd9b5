"""`tracker check`, the doctor: each thing that can be wrong is found, with what mends it, until it is mended."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.integration.monitored import NOW, SETTINGS, Monitored
from tracker.app import Probed
from tracker.cli import main
from tracker.doctor import Finding, examine, files, online
from tracker.models import Role
from tracker.store import heartbeats, tokens
from tracker.store.heartbeats import Kept
from tracker.store.presence import Presence
from tracker.store.space import Space

Look = Callable[..., dict[str, Finding]]
DAEMON = "host:1"


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[Monitored]:
    monitored = Monitored(tmp_path)
    monitored.app._presence.leave()  # as if it did not run
    yield monitored
    monitored.close()


def findings(seen: Monitored) -> list[Finding]:
    return list(examine(seen.app.settings, Path("config.yaml"), cast("Any", seen.clock)))


def one(seen: Monitored, subject: str, level: str) -> Finding | None:
    """The finding of that subject and level, which names a remedy unless all is well."""
    found = [finding for finding in findings(seen) if (finding.subject, finding.level) == (subject, level)]
    assert len(found) <= 1, found
    assert all(finding.remedy for finding in found if level != "ok")
    return found[0] if found else None


def wrong(seen: Monitored) -> set[str]:
    return {finding.subject for finding in findings(seen) if finding.level == "wrong"}


def beats(seen: Monitored, *kept: Kept) -> None:
    with seen.database.write() as tx:
        heartbeats.keep(tx, DAEMON, kept, seen.clock.now())


def kept(job: str = "relay", **fields: Any) -> Kept:
    usual = {"began_at": None, "succeeded_at": NOW, "seconds": 0.1, "in_a_row": 0, "error": "", "kept_at": NOW}
    return Kept(DAEMON, job, 1.0, **(usual | fields))


# the command


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(config: dict[str, Any], *arguments: str) -> tuple[object, str, str]:
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({"database": "tracker.db", **config}))
        with pytest.raises(SystemExit) as ended:
            main(["check", *arguments])
        return ended.value.code, *capsys.readouterr()

    return run


def test_the_command_ends_with_1_where_something_is_wrong_and_0_where_nothing_is(
    seen: Monitored, command: Callable[..., Any]
) -> None:
    code, out, _ = command(SETTINGS, "--json")
    told = json.loads(out)
    assert (code, told["ok"]) == (0, True)
    assert all(list(finding) == ["level", "subject", "message", "remedy"] for finding in told["findings"])
    seen.push("dead")
    code, out, err = command(SETTINGS)
    assert code == 1
    assert "wrong outbox: 1 dead" in out
    assert "→ `tracker outbox` tells why" in out
    assert err.strip() == "1 thing wrong"


def test_no_secret_is_told(seen: Monitored, command: Callable[..., Any]) -> None:
    _, out, err = command(SETTINGS, "--json")
    assert not [secret for secret in seen.app.secrets() if secret in out + err]


def test_a_file_that_is_no_database_is_found(tmp_path: Path, command: Callable[..., Any]) -> None:
    (tmp_path / "tracker.db").write_bytes(b"this is not a database, it is a text file" * 100)
    code, out, _ = command({}, "--json")
    assert code == 1
    assert any("not a database" in finding["message"] for finding in json.loads(out)["findings"])


# a healthy one


def test_of_a_healthy_tracker_nothing_is_wrong(seen: Monitored) -> None:
    presence = Presence(seen.database.path)
    presence.share()
    beats(seen, kept(), kept("poll ups"))
    told = findings(seen)
    presence.leave()
    assert wrong(seen) == set()
    messages = {finding.subject: finding.message for finding in told if finding.level == "ok"}
    assert messages["daemon"] == "host:1: 2 heartbeats are well"
    assert messages["configuration"] == "config.yaml is sound"
    assert "is sound, revision" in messages["database"]
    assert "free" in messages["disk"]
    assert messages["web"] == "open to everybody on this machine, and to nobody else, on port 8470"


# the file


def test_a_damaged_file_is_found(seen: Monitored) -> None:
    seen.parcels(500)
    seen.close()
    with sqlite3.connect(seen.database.path) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.close()
    content = bytearray(seen.database.path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xff" * 8192
    seen.database.path.write_bytes(content)
    assert "database" in wrong(seen)


def test_an_older_revision_is_found(seen: Monitored) -> None:
    seen.database.downgrade("0004")
    found = one(seen, "database", "wrong")
    assert found is not None
    assert "at revision 0004" in found.message
    assert "tracker run" in found.remedy


@pytest.mark.parametrize(
    ("space", "level"),
    [
        (Space(10_000_000, 0, 90_000_000_000), "ok"),
        (Space(10_000_000, 0, 100_000_000), "wrong"),
        (Space(1_000_000_000, 0, 900_000_000), "wrong"),  # 100 MB a day: nine days
        (Space(1_000_000_000, 0, 5_000_000_000), "note"),  # fifty
        (Space(1_000_000_000, 0, 50_000_000_000), "ok"),
    ],
)
def test_room_on_the_disk_is_told_against_growth(
    seen: Monitored, monkeypatch: pytest.MonkeyPatch, space: Space, level: str
) -> None:
    monkeypatch.setattr(files, "space", lambda path: space)
    seen.push()
    seen.write(
        "INSERT INTO status_history (fulfillment_id, status, at, recorded_at, reason)"
        " VALUES (1, 'IN_TRANSIT', ?, ?, '')",
        NOW,
        NOW - timedelta(days=10),
    )
    assert [finding.level for finding in findings(seen) if finding.subject == "disk"] == [level]


def test_a_log_that_is_not_written_back_is_noted(seen: Monitored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "space", lambda path: Space(1_000_000, 400_000_000, 90_000_000_000))
    found = one(seen, "database", "note")
    assert found is not None
    assert "write-ahead log takes 400.0 MB" in found.message


# the clock


def test_a_clock_that_was_put_back_is_found(seen: Monitored) -> None:
    seen.push(made=NOW + timedelta(minutes=1))
    assert one(seen, "clock", "wrong") is None
    seen.push(made=NOW + timedelta(hours=3))
    found = one(seen, "clock", "wrong")
    assert found is not None
    assert "3 hours ahead" in found.message


def probed(*ahead: float | None, error: str | None = None) -> list[Probed]:
    return [
        Probed(f"a{index}", True, error, None if seconds is None else timedelta(seconds=seconds))
        for index, seconds in enumerate(ahead)
    ]


@pytest.mark.parametrize(
    ("ahead", "level"),
    [
        ((1.0, None, -2.0), "ok"),
        ((45.0,), "note"),
        ((-300.0, -301.0, 4000.0), "wrong"),
        ((0.5, -0.5, 4000.0), "ok"),  # one of theirs is wrong
    ],
)
def test_online_the_clock_is_compared_with_others(ahead: tuple[float | None, ...], level: str) -> None:
    (found,) = online._clock(probed(*ahead), simulated=False)
    assert (found.subject, found.level) == ("clock", level)


def test_a_simulated_clock_and_silent_others_are_not_compared() -> None:
    assert list(online._clock(probed(4000.0), simulated=True)) == []
    assert list(online._clock(probed(None), simulated=False)) == []


def test_credentials_that_were_not_tried_are_not_called_accepted() -> None:
    tried, untried, refused = (
        online._credentials(Probed("ups", was, error, None))
        for was, error in ((True, None), (False, None), (True, "AuthFailed: HTTP 401"))
    )
    assert (tried.level, tried.message) == ("ok", "credentials accepted")
    assert untried.message.startswith("not tried")
    assert (refused.level, refused.message) == ("wrong", "AuthFailed: HTTP 401")


# the daemon


def test_without_a_daemon_it_is_noted_and_wrong_as_soon_as_parcels_wait(seen: Monitored) -> None:
    assert one(seen, "daemon", "note") == Finding("note", "daemon", "none is running", "start it: `tracker run`")
    seen.parcels(1, hours=2)
    found = one(seen, "daemon", "wrong")
    assert found is not None
    assert found.message == "none is running, and parcels have waited for 2 hours"


def test_a_killed_daemon_is_told_from_one_that_ended(seen: Monitored) -> None:
    beats(seen, kept())
    seen.clock.forward(minutes=20)
    found = one(seen, "daemon", "note")
    assert found is not None
    assert "the last one was killed, and heard of 20 minutes ago" in found.message
    with seen.database.write() as tx:
        heartbeats.leave(tx, DAEMON)
    assert one(seen, "daemon", "note") == Finding("note", "daemon", "none is running", "start it: `tracker run`")


@pytest.fixture
def running(seen: Monitored) -> Iterator[Monitored]:
    """With a process that holds the lock."""
    presence = Presence(seen.database.path)
    presence.share()
    yield seen
    presence.leave()


def test_a_daemon_that_is_silent_hangs(running: Monitored) -> None:
    beats(running, kept())
    running.clock.forward(minutes=5)
    found = one(running, "daemon", "wrong")
    assert found is not None
    assert "was last heard of 5 minutes ago: it hangs" in found.message


@pytest.mark.parametrize(
    ("beat", "message"),
    [
        (kept("poll ups", began_at=NOW - timedelta(minutes=9)), "heartbeat 'poll ups' hangs, since 9 minutes ago"),
        (
            kept(in_a_row=3, error="ValueError", succeeded_at=NOW - timedelta(hours=1)),
            "heartbeat 'relay' failed 3 times in a row (ValueError), last well 1 hour ago",
        ),
    ],
)
def test_a_heartbeat_that_hangs_or_fails_is_wrong(running: Monitored, beat: Kept, message: str) -> None:
    beats(running, kept("housekeeping"), beat)
    found = one(running, "daemon", "wrong")
    assert found is not None
    assert found.message == message


# accounts


def test_a_paused_account_tells_until_when_and_why(seen: Monitored) -> None:
    seen.write(
        "UPDATE accounts SET paused_until = ?, paused_reason = 'AuthFailed: HTTP 401' WHERE name = 'ups'",
        NOW + timedelta(hours=1),
    )
    found = one(seen, "ups", "wrong")
    assert found is not None
    assert found.message.endswith("AuthFailed: HTTP 401")
    seen.clock.forward(hours=2)
    seen.write("UPDATE accounts SET last_success_at = ? WHERE name = 'ups'", seen.clock.now() - timedelta(minutes=3))
    assert one(seen, "ups", "ok") == Finding("ok", "ups", "ready, 1 number a call, last answered 3 minutes ago")


def test_parcels_that_wait_for_their_turn_are_noted(seen: Monitored) -> None:
    seen.parcels(3, hours=5)
    found = one(seen, "ups", "note")
    assert found is not None
    assert "3 parcels have waited for more than an hour for a turn, one for 5 hours" in found.message


def test_parcels_of_an_account_that_is_off_are_wrong(seen: Monitored) -> None:
    seen.parcels(2, source="usps")
    seen.parcels(1, source="gls")
    assert wrong(seen) == {"usps", "gls"}
    off, missing = one(seen, "usps", "wrong"), one(seen, "gls", "wrong")
    assert off is not None
    assert missing is not None
    assert off.message.startswith("2 parcels wait, and the account is off: needs consumer_key")
    assert off.remedy == "set carriers.usps.credentials"
    assert missing.message == "1 parcel waits, and the account is off: not in the configuration"


def test_parcels_without_a_carrier_are_wrong(seen: Monitored) -> None:
    seen.parcels(2, source="")
    found = one(seen, "parcels", "wrong")
    assert found is not None
    assert found.message == "2 without a carrier; the merchant wrote 'UPS'"


def test_routes_that_lead_nowhere_are_wrong(tmp_path: Path) -> None:
    rules = [
        {"carrier": "usps", "through": "usps"},
        {"carrier": "ups", "tag": "b2b", "through": ["ups"]},
    ]
    seen = Monitored(tmp_path, {"routes": rules})
    found = one(seen, "routes[0]", "wrong")
    assert found is not None
    assert found.message == "leads nowhere: usps is off"
    assert wrong(seen) == {"routes[0]"}
    seen.close()


# outbox, codes, drift, quotas


def test_dead_pushes_and_calls_are_wrong(seen: Monitored) -> None:
    seen.push("dead")
    seen.push("waiting", made=NOW - timedelta(hours=4))
    seen.write(
        "INSERT INTO forwarded_calls (source_order_id, method, path, content_type, state, created_at, next_attempt_at,"
        " attempts) VALUES ('1', 'PUT', '/v1/orders/1', '', 'dead', ?, ?, 3)",
        NOW,
        NOW,
    )
    assert wrong(seen) == {"outbox", "front door"}
    waiting = one(seen, "outbox", "ok")
    assert waiting is not None
    assert waiting.message == "1 waiting, the oldest for 4 hours"


def test_a_webhook_that_is_paused_is_wrong(seen: Monitored) -> None:
    seen.write(
        "INSERT INTO webhook_endpoints (name, statuses, carriers, paused_until, paused_reason, failures)"
        " VALUES ('shop', '[]', '[]', ?, 'HTTP 500', 3)",
        NOW + timedelta(minutes=1),
    )
    found = one(seen, "webhook shop", "wrong")
    assert found is not None
    assert found.message == "paused: HTTP 500; 0 messages wait"


def event(seen: Monitored, code: str) -> None:
    seen.write(
        "INSERT INTO events (parcel_id, key, source, occurred_at, utc_offset, zone, code, mapped, effect, description,"
        " city, state, postal_code, country, position, seen_at)"
        " VALUES (1, ?, 'ups', ?, 0, 'given', ?, 0, 'none', 'Something', '', '', '', '', 0, ?)",
        code,
        NOW,
        code,
        NOW,
    )


def test_unknown_codes_are_named_and_known_ones_are_to_be_read_again(seen: Monitored) -> None:
    seen.parcels(1, hours=-1)
    event(seen, "ZZ-9")
    found = one(seen, "codes", "note")
    assert found is not None
    assert found.message == "1 code in 1 event that no table knows: ups ZZ-9"
    assert "tracker unmapped" in found.remedy
    seen.app.settings.mapping["ups"] = {"ZZ-9": "IN_TRANSIT"}
    found = one(seen, "codes", "note")
    assert found is not None
    assert "known by now" in found.message
    assert "tracker replay" in found.remedy
    del seen.app.settings.mapping["ups"]


def test_drift_is_noted_until_it_is_repaired(seen: Monitored) -> None:
    seen.push("sent")
    seen.write(
        "INSERT INTO drift (order_id, source_fulfillment_id, outcome, since, seen_at)"
        " VALUES (1, 'F-1', 'differs', ?, ?)",
        NOW,
        NOW,
    )
    found = one(seen, "drift", "note")
    assert found is not None
    assert found.message == "1 fulfillment is held otherwise at Order Protection"
    seen.write("UPDATE drift SET repaired_at = ?", NOW)
    assert one(seen, "drift", "note") is None


def test_a_quota_that_cannot_serve_the_parcels_is_found(tmp_path: Path) -> None:
    def verdict(folder: Path, per_day: int) -> Finding:
        folder.mkdir()
        carriers = {"dhl": {"credentials": {"api_key": "dh-77f3"}, "quota": {"per_day": per_day}}}
        seen = Monitored(folder, {"carriers": carriers})
        seen.parcels(300, source="dhl", hours=-1)
        found = [one for one in findings(seen) if one.subject == "dhl" and "will ask for" in one.message]
        seen.close()
        return found[0]

    assert verdict(tmp_path / "plenty", 100_000).level == "ok"
    scarce = verdict(tmp_path / "scarce", 5)
    assert scarce.level == "wrong"
    assert "the quota allows 5: news comes more than a day late" in scarce.message
    assert "carriers.dhl.quota" in scarce.remedy


# who gets in


@pytest.mark.parametrize(
    ("web", "message"),
    [
        ({"host": "192.0.2.7"}, "on 192.0.2.7 others can reach it, so nothing is served until there is a token"),
        ({"names": ["track.example.com"]}, "under track.example.com nothing is served until there is a token"),
    ],
)
def test_a_page_that_others_reach_wants_a_token(tmp_path: Path, web: dict[str, Any], message: str) -> None:
    seen = Monitored(tmp_path, {"web": web})
    found = one(seen, "web", "wrong")
    assert found is not None
    assert found.message == message
    assert "tracker token add" in found.remedy
    seen.token(Role.READ)
    assert one(seen, "web", "wrong") is None
    seen.close()


def test_tokens_that_expired_or_will_soon_are_told(seen: Monitored) -> None:
    with seen.database.write() as tx:
        tokens.add(tx, "grafana", Role.READ, NOW + timedelta(days=3), NOW)
    found = one(seen, "web", "note")
    assert found is not None
    assert found.message == "token 'grafana' expires in 3 days"
    seen.clock.forward(days=4)
    assert one(seen, "web", "wrong") is not None


def test_a_secret_too_short_to_keep_out_of_logs_is_noted_and_not_told(tmp_path: Path) -> None:
    seen = Monitored(tmp_path, {"orders": {"token": "q7Z"}})
    found = one(seen, "orders.token", "note")
    assert found is not None
    assert "q7Z" not in " ".join(found)
    seen.close()


def test_dates_of_answers_are_compared_with_the_clock_on_the_wall() -> None:
    from tracker.app import _ahead

    assert _ahead("") is None
    assert _ahead("yesterday") is None
    long_ago = _ahead("Tue, 03 Mar 2020 10:00:00 GMT")
    assert long_ago is not None
    assert long_ago > timedelta(days=365)
