"""A town to run the real daemon in: sandbox, daemon and command line as processes of their own, on one clock.

Owns their lives, the waiting for what they do (always for an event, with a deadline), and the reckoning at the
end: what the carriers showed is what Order Protection was told, in order. Knows the outside alone: processes,
HTTP, config.yaml, and the database's views and tables as any reader sees them. Tests get at it through the
fixture `new_town`.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml

from tracker.clock import Clock

#: What the accounts are called with. Long enough to be found wherever they leak.
CREDENTIALS = {
    "fedex": {"api_key": "fx-key-3f1d9c77", "secret_key": "fx-secret-a8810be2"},
    "ups": {"client_id": "up-client-77aa01d4", "client_secret": "up-secret-5bd3e0f9"},
    "usps": {"consumer_key": "us-key-c0ffee42", "consumer_secret": "us-secret-91be7d60"},
    "dhl": {"api_key": "dh-key-e6b2410a"},
}
ORDERS_TOKEN = "op-token-d41d8cd98f"
#: Limits that no test of anything else than limits should meet.
GENEROUS = {"per_second": 100_000, "per_day": 10_000_000}


class Town:
    """A sandbox that runs, and daemons that come and go."""

    credentials = CREDENTIALS
    orders_token = ORDERS_TOKEN

    def __init__(
        self,
        folder: Path,
        *,
        parcels: int,
        speed: float,
        seed: int = 1,
        labels: tuple[float, float] = (-24.0, 0.0),
        carriers: Sequence[str] = tuple(CREDENTIALS),
        quotas: Mapping[str, Mapping[str, float]] | None = None,
        enforced: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        """`labels`: hours from now between which labels are made. `quotas`: by carrier, as configured;
        `enforced`: as the sandbox keeps them, where that is something else.
        """
        self.folder = folder
        self.clock = Clock.simulated(datetime.now(UTC).replace(microsecond=0), speed)
        self.database = folder / "tracker.db"
        self.config_file = folder / "config.yaml"
        self.log_file = folder / "daemon.log"
        self._processes: list[subprocess.Popen[str]] = []
        limits = {carrier: (quotas or {}).get(carrier, GENEROUS) for carrier in CREDENTIALS}
        self.sandbox = self._start(
            "tracker.sandbox",
            f"--parcels={parcels}",
            f"--seed={seed}",
            "--labels",
            *map(str, labels),
            "--carriers",
            *carriers,
            *(
                f"--quota={name}={','.join(f'{k}:{v}' for k, v in limit.items())}"
                for name, limit in (enforced or limits).items()
            ),
            stdout=subprocess.PIPE,
        )
        assert self.sandbox.stdout is not None
        self.url: str = json.loads(self.sandbox.stdout.readline())["url"]
        self.config: dict[str, Any] = {
            "database": self.database.name,
            "orders": {"url": f"{self.url}/order-protection", "token": ORDERS_TOKEN},
            "carriers": {
                carrier: {"credentials": secrets, "base_url": f"{self.url}/{carrier}", "quota": dict(limits[carrier])}
                for carrier, secrets in CREDENTIALS.items()
                if carrier in carriers
            },
            "polling": {"tick": 0.1},
            "web": {"enabled": False},
            "logging": {"level": "debug", "format": "json"},
        }
        self.write_config()

    def wait_until(self, condition: Callable[[], object], within: float, what: str) -> None:
        """Wait for `condition` to hold; AssertionError, naming `what`, after so many wall seconds."""
        deadline = time.monotonic() + within
        while not condition():
            if time.monotonic() > deadline:
                end = "\n".join(self.log_file.read_text().splitlines()[-5:]) if self.log_file.exists() else ""
                raise AssertionError(f"not within {within:g} s: {what}\n{end}")
            time.sleep(0.05)

    # --- processes

    def _start(self, module: str, *arguments: str, **streams: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env={**os.environ, **self.clock.environment()},
            text=True,
            start_new_session=True,
            **streams,
        )
        self._processes.append(process)
        return process

    def write_config(self) -> None:
        """Write `config` for the next start or reload."""
        self.config_file.write_text(yaml.safe_dump(self.config))

    def daemon(self) -> subprocess.Popen[str]:
        """Start a daemon; it is not waited for."""
        with self.log_file.open("a") as log:
            return self._start("tracker", "run", "-c", str(self.config_file), stderr=log)

    def stop(self, daemon: subprocess.Popen[str], within: float = 30.0) -> int:
        """SIGTERM; the exit code."""
        daemon.send_signal(signal.SIGTERM)
        return daemon.wait(within)

    def kill(self, daemon: subprocess.Popen[str]) -> None:
        """kill -9."""
        daemon.kill()
        daemon.wait()

    def tracker(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "tracker", *arguments, "-c", str(self.config_file)],
            env={**os.environ, **self.clock.environment()},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def close(self) -> None:
        """End what still runs."""
        for process in self._processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    # --- the sandbox

    def ask(self, path: str, payload: object = None, method: str = "GET") -> Any:
        """Call the sandbox's control door."""
        body = None if payload is None else json.dumps(payload).encode()
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.url}/_sandbox/{path}", body, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())

    def faults(self, **services: Mapping[str, object]) -> None:
        """Set what is wrong with services; `{}` heals one."""
        self.ask("faults", services, "PUT")

    def service(self, name: str) -> dict[str, Any]:
        """A service's counters."""
        counters: dict[str, Any] = self.ask("stats")["services"][name]
        return counters

    def orders(self) -> list[dict[str, Any]]:
        """All orders, as the shop would export them."""
        exported: list[dict[str, Any]] = self.ask("orders")
        return exported

    def import_orders(self, orders: Sequence[Mapping[str, Any]] | None = None) -> None:
        """Import these orders, or all, through the command line."""
        path = self.folder / "orders.json"
        path.write_text(json.dumps(self.orders() if orders is None else orders))
        done = self.tracker("import", str(path), "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["rejected"] == 0

    # --- the database

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a query of the database gives."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(query, parameters).fetchall()

    def now(self) -> str:
        """The present, as the database writes it."""
        return self.clock.now().isoformat(timespec="microseconds")

    def count(self, query: str, *parameters: object) -> int:
        """The one number a query gives."""
        number: int = self.rows(query, *parameters)[0][0]
        return number

    def log(self) -> list[dict[str, Any]]:
        """The daemons' log, line by line; one that a kill cut short is left out."""
        lines = []
        for line in self.log_file.read_text().splitlines():
            with suppress(json.JSONDecodeError):
                lines.append(json.loads(line))
        return lines

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The log's lines about one kind of event."""
        return [line for line in self.log() if line.get("event") == event]

    # --- the reckoning

    def come_to_an_end(self, within: float = 60.0) -> None:
        """Let the carriers show nothing new, and a running daemon catch up with them and with its outbox."""
        self.ask("freeze", method="PUT")
        for _ in range(2):  # answers on their way at the freeze may be older than it: the second round's are not
            since = self.now()
            with closing(sqlite3.connect(self.database, timeout=30)) as connection:
                connection.execute("UPDATE parcels SET next_poll_at = ? WHERE carrier <> ''", (since,))
                connection.commit()
            self.wait_until(
                lambda since=since: (
                    not self.count("SELECT COUNT(*) FROM parcels WHERE COALESCE(last_polled_at, '') < ?", since)
                ),
                within,
                "every parcel polled once more",
            )
        self.wait_until(lambda: not self.count("SELECT COUNT(*) FROM pending_pushes"), within, "an empty outbox")

    def assert_nothing_lost(self) -> None:
        """Order Protection holds what the carriers show, was told it in order, and had nothing to complain of."""
        told = self.ask("stats")["orderProtection"]
        assert told["violations"] == []
        assert not self.refused_pushes()
        truth = self.ask("truth")
        held = {(entry["sourceOrderId"], entry["sourceFulfillmentId"]): entry for entry in told["fulfillments"]}
        histories = self._histories()
        late = self._late_by_now()
        lost = []
        for item in truth["fulfillments"]:
            key = (item["sourceOrderId"], item["sourceFulfillmentId"])
            assert key in histories, f"{key} was never imported"
            received = [entry["status"] for entry in held[key]["history"]] if key in held else []
            if item["status"] is None:
                assert received == [], f"{key} was told {received} of a parcel no carrier knows"
                continue
            overdue = bool(received) and received[-1] == "DELAYED" and (item["overdue"] or key in late)
            if not overdue and (not received or received[-1] != item["status"]):
                lost.append((key, item["status"], received, histories[key]))
            assert _in_order(received, histories[key]), f"{key} was told {received}, became {histories[key]}"
        assert lost == []

    def refused_pushes(self) -> dict[str, int]:
        """Answers of Order Protection that only a wrong request gets."""
        statuses = self.service("order_protection")["statuses"]
        return {status: count for status, count in statuses.items() if status in ("400", "403", "405", "409", "422")}

    def _histories(self) -> dict[tuple[str, str], list[str]]:
        """What each fulfillment became after its import, oldest first."""
        rows = self.rows(
            "SELECT o.source_order_id, f.source_fulfillment_id, h.status, h.reason FROM fulfillments f"
            " JOIN orders o ON o.id = f.order_id JOIN status_history h ON h.fulfillment_id = f.id ORDER BY f.id, h.id"
        )
        return {key: [row[2] for row in group][1:] for key, group in groupby(rows, key=lambda row: (row[0], row[1]))}

    def _late_by_now(self) -> set[tuple[str, str]]:
        """Fulfillments with an open parcel whose promise ran out, be it after the carriers froze."""
        rows = self.rows(
            "SELECT source_order_id, source_fulfillment_id FROM parcel_status"
            " WHERE status = 'DELAYED' AND reason LIKE 'overdue%' AND estimated_delivery < ?",
            self.now(),
        )
        return {(order, fulfillment) for order, fulfillment in rows}


def _in_order(received: Sequence[str], became: Sequence[str]) -> bool:
    """Whether what was received, repetitions aside, skips at most some of what became of it, and ends as it."""
    distinct = [status for status, _ in groupby(received)]
    remaining: Iterator[str] = iter(became)
    return all(status in remaining for status in distinct) and (not became or distinct[-1:] == [became[-1]])


@pytest.fixture
def new_town(tmp_path: Path) -> Iterator[Callable[..., Town]]:
    """Builds towns: `new_town(parcels=…, speed=…)`, the options being Town's; taken down whatever happens."""
    towns: list[Town] = []

    def build(**options: Any) -> Town:
        folder = tmp_path / f"town{len(towns)}"
        folder.mkdir()
        towns.append(Town(folder, **options))
        return towns[-1]

    yield build
    for town in towns:
        town.close()
