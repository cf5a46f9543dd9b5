"""The commands that talk to the outside, as processes, against a sandbox process on loopback."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

SECRETS = {
    "fedex": {"api_key": "fx-key-5b2e11c0", "secret_key": "fx-secret-90d7aa31"},
    "ups": {"client_id": "up-client-c41f08e7", "client_secret": "up-secret-2ad6b55f"},
    "dhl": {"api_key": "dh-key-77f3c2d9"},
}
ORDERS_TOKEN = "op-token-8e1b40cc"
DELIVERED = ("LABEL", "PICKUP", "ARRIVED", "OUT_FOR_DELIVERY", "DELIVERED")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """The URL of a sandbox without parcels, until they are added."""
    command = [sys.executable, "-m", "tracker.sandbox", "--port", "0", "--parcels", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


class Shop:
    """A folder with a config.yaml, and `tracker` run in it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.config: dict[str, Any] = {
            "database": "tracker.db",
            "orders": {"url": f"{url}/order-protection", "token": ORDERS_TOKEN},
            "carriers": {
                code: {"credentials": dict(secrets), "base_url": f"{url}/{code}"} for code, secrets in SECRETS.items()
            },
            "polling": {"tick": 0.1},
            "web": {"port": 0},
            "logging": {"format": "json"},
        }

    @property
    def environment(self) -> dict[str, str]:
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.config))
        return {**os.environ, "COLUMNS": "200", "TRACKER_CONFIG": "config.yaml"}

    def tracker(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; no secret comes out of any."""
        ran = subprocess.run(
            [sys.executable, "-m", "tracker", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assert_no_secret(ran.stdout + ran.stderr)
        return ran

    def assert_no_secret(self, text: str) -> None:
        secrets = [secret for account in self.config["carriers"].values() for secret in account["credentials"].values()]
        told = [secret for secret in (*secrets, self.config["orders"]["token"]) if secret in text]
        assert told == []

    def ask(self, path: str, payload: object = None) -> Any:
        """Call the sandbox's control door."""
        body = None if payload is None else json.dumps(payload).encode()
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.url}/_sandbox/{path}", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())

    def asked(self, carrier: str) -> int:
        """How many numbers the carrier has been asked about."""
        count: int = self.ask("stats")["services"][carrier]["numbers"]
        return count

    def ship(self, carrier: str, *kinds: str) -> str:
        """Import an order of one parcel with a scan an hour, the last one an hour ago; its tracking number."""
        first = datetime.now(UTC) - timedelta(hours=len(kinds))
        scans = [{"kind": kind, "at": (first + timedelta(hours=hour)).isoformat()} for hour, kind in enumerate(kinds)]
        (order,) = self.ask("parcels", {"carrier": carrier, "scans": scans})
        (self.folder / "orders.json").write_text(json.dumps(order))
        ran = self.tracker("import", "orders.json", "--json")
        assert ran.returncode == 0, ran.stderr
        number: str = order["fulfillments"][0]["trackingNumber"][0]
        return number


@pytest.fixture
def shop(tmp_path: Path, sandbox: str) -> Shop:
    return Shop(tmp_path, sandbox)


# check --online


def test_check_online_tries_every_account(shop: Shop) -> None:
    ran = shop.tracker("check", "--online", "--json")

    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    accepted = {finding["subject"] for finding in told["findings"] if finding["message"] == "credentials accepted"}
    untried = {finding["subject"] for finding in told["findings"] if finding["message"].startswith("not tried")}
    assert (told["ok"], accepted, untried) == (True, {"fedex", "ups", "order_protection"}, {"dhl"})
    (clock,) = (finding for finding in told["findings"] if finding["subject"] == "clock")
    assert (clock["level"], clock["message"]) == ("ok", "within 1 s of 3 others")
    assert "credentials accepted" in shop.tracker("check", "--online").stdout


def test_check_online_names_the_account_whose_credentials_are_refused(shop: Shop) -> None:
    shop.config["carriers"]["ups"]["credentials"] = {"client_id": "wrong-0c8d", "client_secret": "wrong-51fe"}

    ran = shop.tracker("check", "--online", "--json")

    assert ran.returncode == 1
    told = json.loads(ran.stdout)
    wrong = {finding["subject"]: finding for finding in told["findings"] if finding["level"] == "wrong"}
    assert (told["ok"], set(wrong)) == (False, {"ups"})
    assert wrong["ups"]["message"].startswith("AuthFailed")
    assert wrong["ups"]["remedy"]
    for_people = shop.tracker("check", "--online")
    assert (for_people.returncode, "AuthFailed" in for_people.stdout) == (1, True)
    assert "1 thing wrong" in for_people.stderr


def test_check_online_tells_an_outage_from_a_refusal(shop: Shop) -> None:
    shop.config["carriers"]["fedex"]["base_url"] = "http://127.0.0.1:9"  # discard: nobody listens

    ran = shop.tracker("check", "--online", "--json")

    (wrong,) = (finding for finding in json.loads(ran.stdout)["findings"] if finding["level"] == "wrong")
    assert (ran.returncode, wrong["subject"]) == (1, "fedex")
    assert wrong["message"].startswith("Unavailable: no answer")


# poll


def test_poll_asks_about_the_one_parcel_and_shows_its_status(shop: Shop) -> None:
    number = shop.ship("fedex", *DELIVERED)
    shop.ship("fedex", *DELIVERED[:2])
    before = shop.asked("fedex")

    ran = shop.tracker("poll", number)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert number in ran.stdout
    assert "DELIVERED" in ran.stdout
    assert "changed" in ran.stdout
    assert shop.asked("fedex") == before + 1


def test_poll_as_json_and_again_without_news(shop: Shop) -> None:
    number = shop.ship("ups", *DELIVERED[:4])
    expected = {"trackingNumber": number, "carrier": "ups", "status": "OUT_FOR_DELIVERY", "error": None}

    first, second = (shop.tracker("poll", number, "--json") for _ in range(2))

    assert (first.returncode, first.stderr) == (0, "")
    assert json.loads(first.stdout) == [expected | {"changed": True}]
    assert (second.returncode, json.loads(second.stdout)) == (0, [expected | {"changed": False}])


def test_poll_without_a_number_asks_about_all_that_is_due_and_then_nothing_is(shop: Shop) -> None:
    numbers = {shop.ship("fedex", *DELIVERED), shop.ship("dhl", *DELIVERED[:3])}

    first, second = shop.tracker("poll", "--json"), shop.tracker("poll", "--json")

    rows = json.loads(first.stdout)
    assert (first.returncode, {row["trackingNumber"] for row in rows}) == (0, numbers)
    assert {row["status"] for row in rows} == {"DELIVERED", "IN_TRANSIT"}
    assert (second.returncode, json.loads(second.stdout)) == (0, [])
    nothing = shop.tracker("poll")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "nothing is due" in nothing.stderr


def test_poll_of_a_carrier_that_is_off_says_so(shop: Shop) -> None:
    number = shop.ship("ups", *DELIVERED)
    shop.config["carriers"]["ups"]["enabled"] = False

    ran = shop.tracker("poll", number, "--json")

    assert ran.returncode == 1
    (row,) = json.loads(ran.stdout)
    assert (row["trackingNumber"], row["status"]) == (number, None)
    assert row["error"] == "no account for ups is on"
    assert "1 of 1 could not be asked about" in ran.stderr
    assert shop.tracker("poll", "--json").stdout.strip() == "[]", "due, but not of an account that is on"


def test_poll_with_credentials_that_are_refused_fails_and_tells_why(shop: Shop) -> None:
    number = shop.ship("fedex", *DELIVERED)
    shop.config["carriers"]["fedex"]["credentials"] = {"api_key": "wrong-1d77", "secret_key": "wrong-e0a3"}

    ran = shop.tracker("poll", number, "--json")

    assert ran.returncode == 1
    (row,) = json.loads(ran.stdout)
    assert row["error"].startswith("AuthFailed")
    checked = json.loads(shop.tracker("check", "--json").stdout)
    assert any("paused" in f["message"] and f["subject"] == "fedex" for f in checked["findings"])
    shop.config["carriers"]["fedex"]["credentials"] = SECRETS["fedex"]
    (row,) = json.loads(shop.tracker("poll", number, "--json").stdout)
    assert (row["status"], row["error"]) == ("DELIVERED", None), "mended credentials are not tried"


def test_poll_of_something_unknown_asks_nobody(shop: Shop) -> None:
    shop.ship("fedex", *DELIVERED)
    before = shop.asked("fedex")

    ran = shop.tracker("poll", "no-such-thing", "--json")

    assert (ran.returncode, json.loads(ran.stdout)) == (3, [])
    assert "no-such-thing" in ran.stderr
    assert shop.asked("fedex") == before


def test_status_and_outbox_after_a_poll(shop: Shop) -> None:
    number = shop.ship("fedex", *DELIVERED)
    shop.tracker("poll", number)

    (found,) = json.loads(shop.tracker("status", number, "--json").stdout)
    (waiting,) = json.loads(shop.tracker("outbox", "list", "--json").stdout)

    (parcel,) = found["parcels"]
    assert (found["status"], parcel["status"], len(parcel["events"])) == ("DELIVERED", "DELIVERED", len(DELIVERED))
    assert (found["pushed"]["status"], found["pushed"]["pending"]) == (None, True)
    assert parcel["lastPolledAt"] is not None
    assert [event["status"] for event in parcel["events"]][:1] == ["DELIVERED"]
    assert (waiting["state"], waiting["status"]) == ("waiting", "DELIVERED")
    for_people = shop.tracker("outbox", "list")
    assert (for_people.returncode, "DELIVERED" in for_people.stdout) == (0, True)


# run


@pytest.fixture
def run_daemon(shop: Shop) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Starts `tracker run`, and gives it half a minute to live."""
    started: list[subprocess.Popen[str]] = []
    watches: list[threading.Timer] = []

    def start() -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "tracker", "run"],
            cwd=shop.folder,
            env=shop.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        watches.append(threading.Timer(30, process.kill))
        watches[-1].start()
        return process

    yield start
    for watch in watches:
        watch.cancel()
    for process in started:
        process.kill()
        process.communicate()


def lines_until(process: "subprocess.Popen[str]", event: str) -> list[dict[str, Any]]:
    """The log up to the line about this event; all of it where the process ends before."""
    assert process.stderr is not None
    lines: list[dict[str, Any]] = []
    for line in process.stderr:
        lines.append(json.loads(line))
        if lines[-1]["event"] == event:
            return lines
    raise AssertionError(f"ended without {event!r}: {lines}")


def test_a_daemon_told_to_stop_as_soon_as_it_runs_ends_well(
    shop: Shop, run_daemon: Callable[[], "subprocess.Popen[str]"]
) -> None:
    shop.ship("fedex", *DELIVERED)
    process = run_daemon()
    log = lines_until(process, "running")
    process.send_signal(signal.SIGTERM)

    out, rest = process.communicate()

    assert (process.returncode, out) == (0, "")
    log += map(json.loads, rest.splitlines())
    assert [line["event"] for line in log][-2:] == ["stopping", "stopped"]
    assert {line["account"] for line in log if line["event"] == "polling"} == set(SECRETS)
    assert not [line for line in log if line["level"] in ("warning", "error", "critical")]
    shop.assert_no_secret(json.dumps(log))
    assert shop.tracker("check").returncode == 0, "it left something behind"


def test_what_a_daemon_learns_while_it_runs_is_told(
    shop: Shop, run_daemon: Callable[[], "subprocess.Popen[str]"]
) -> None:
    number = shop.ship("fedex", *DELIVERED)
    shop.config["logging"]["level"] = "debug"
    process = run_daemon()
    log = lines_until(process, "pushed")
    process.send_signal(signal.SIGTERM)

    _, rest = process.communicate()

    assert process.returncode == 0
    shop.assert_no_secret(json.dumps(log) + rest)
    (found,) = json.loads(shop.tracker("status", number, "--json").stdout)
    assert (found["status"], found["pushed"]["status"], found["pushed"]["pending"]) == ("DELIVERED", "DELIVERED", False)
    assert json.loads(shop.tracker("outbox", "list", "--json").stdout) == []
