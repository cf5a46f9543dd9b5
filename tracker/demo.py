"""The whole system on this machine: a sandbox world, the daemon, and a table that shows them at work.

Owns the processes of a demo, its table and its reckoning at the end. The world and the daemon run as they do
elsewhere: as processes that speak HTTP with each other, on a clock that runs faster than the wall's.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from carriers.sdk.registry import known_infos
from tracker import intake
from tracker.clock import Clock
from tracker.plan import calls_a_day
from tracker.store import hours, overview, parcels, stats
from tracker.store.database import Database

#: What the sandbox's accounts are called with; it accepts all but those that begin with "wrong".
_CREDENTIALS = {
    "fedex": {"api_key": "demo-credential", "secret_key": "demo-credential"},
    "ups": {"client_id": "demo-credential", "client_secret": "demo-credential"},
    "usps": {"consumer_key": "demo-credential", "consumer_secret": "demo-credential"},
    "dhl": {"api_key": "demo-credential"},
}
#: A small contract where the free one would keep a demo waiting.
_QUOTAS: Mapping[str, Mapping[str, Any]] = {
    "dhl": {"per_day": 2000, "per_second": 20},
    "ups": {"per_second": 50},
    "usps": {"per_hour": 300},
}
#: Wall seconds between looks at the database, and the most that the last round of polls may take.
_LOOK, _LAST_ROUND = 0.5, 60.0


@dataclass(slots=True)
class Summary:
    """What a demo came to. `lost`: status changes that carriers showed and Order Protection does not have."""

    parcels: int = 0
    polls: int = 0
    calls: int = 0
    events: int = 0
    pushes: int = 0
    delivered: int = 0
    unmapped: int = 0
    lost: int = 0
    seconds: float = 0.0


def demo(parcel_count: int, seconds: float | None, speed: float, seed: int, port: int, as_json: bool) -> int:
    """Run a demo until `seconds` have passed or Ctrl-C; 0 if nothing got lost, else 1."""
    console = Console(stderr=as_json)
    for number in (signal.SIGTERM, signal.SIGHUP):  # whoever ends the demo ends its processes
        signal.signal(number, signal.default_int_handler)
    clock = Clock.simulated(datetime.now(UTC).replace(microsecond=0), speed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tracker-demo-") as folder, ExitStack() as processes:
        sandbox, url = processes.enter_context(_sandbox(clock, parcel_count, seed))
        port = port or _free_port()
        config = _write_config(Path(folder), url, port)
        database = Database(Path(folder) / "demo.db")
        database.migrate()
        daemon = processes.enter_context(_daemon(clock, config, Path(folder) / "daemon.log"))
        try:
            page = f"http://127.0.0.1:{port}/"
            console.print(f"the page: {page}   Ctrl-C ends the demo", highlight=False)
            _watch(console, database, clock, url, began, seconds)
        except KeyboardInterrupt:
            console.print("\nending: one last round of polls, then the reckoning")
        _request(f"{url}/_sandbox/freeze", method="PUT")
        _last_round(database, clock)
        summary = _reckon(database, url, began)
        for process in (daemon, sandbox):
            if process.poll() not in (None, 0):
                console.print(f"[red]a process of the demo ended with {process.returncode}[/red]")
                console.print((Path(folder) / "daemon.log").read_text()[-2000:])
        database.close()
    if as_json:
        print(json.dumps(asdict(summary)))
    else:
        console.print(_summary_table(summary))
    return 1 if summary.lost else 0


@contextmanager
def _sandbox(clock: Clock, count: int, seed: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    quotas = [
        f"--quota={carrier}={','.join(f'{name}:{limit}' for name, limit in quota.items())}"
        for carrier, quota in _QUOTAS.items()
    ]
    world = [f"--parcels={count}", f"--seed={seed}", "--labels", "-60", "12"]
    command = [sys.executable, "-m", "tracker.sandbox", *world, *quotas]
    with _process(command, clock, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the sandbox did not start")
        yield process, json.loads(line)["url"]


@contextmanager
def _daemon(clock: Clock, config: Path, log: Path) -> Iterator[subprocess.Popen[str]]:
    with (
        log.open("w") as stream,
        _process([sys.executable, "-m", "tracker", "run", "-c", str(config)], clock, stderr=stream) as process,
    ):
        yield process


@contextmanager
def _process(command: list[str], clock: Clock, **streams: Any) -> Iterator[subprocess.Popen[str]]:
    """A process of its own group, so that Ctrl-C reaches only us; ended by SIGTERM when the block is left."""
    environment = {**os.environ, **clock.environment()}
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, env=environment, text=True, start_new_session=True, **streams
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _write_config(folder: Path, url: str, port: int) -> Path:
    config = {
        "database": "demo.db",
        "orders": {"url": f"{url}/order-protection", "token": "demo-token"},
        "carriers": {
            carrier: {
                "credentials": credentials,
                "base_url": f"{url}/{carrier}",
                "quota": _QUOTAS.get(carrier, {}),
            }
            for carrier, credentials in _CREDENTIALS.items()
        },
        "polling": {"tick": 0.2},
        "web": {"port": port},
        "logging": {"level": "info", "format": "json"},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def _request(url: str, method: str = "GET") -> Any:
    request = urllib.request.Request(url, method=method)  # noqa: S310 - loopback, our own server
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.loads(answer.read())


def _watch(
    console: Console,
    database: Database,
    clock: Clock,
    url: str,
    began: float,
    seconds: float | None,
) -> None:
    """Let orders come in and show what happens, until the time is over."""
    with Live(console=console, refresh_per_second=4, transient=not console.is_terminal) as live:
        while seconds is None or time.monotonic() - began < seconds:
            _import_new(database, clock, url)
            live.update(_picture(database, clock))
            time.sleep(_LOOK)


def _import_new(database: Database, clock: Clock, url: str) -> None:
    """Import the orders there are by now, as a merchant's export would have them."""
    payload = json.dumps(_request(f"{url}/_sandbox/orders?created=1")).encode()
    registrations = intake.read_file("orders.json", payload)
    with database.write() as tx:
        intake.register(tx, registrations, clock.now(), known_infos())


def _last_round(database: Database, clock: Clock) -> None:
    """Ask about every parcel once more and let the outbox run empty.

    Twice, since an answer that was under way when the world froze may count for the first round.
    """
    deadline = time.monotonic() + _LAST_ROUND
    for _ in range(2):
        since = clock.now()
        with database.write() as tx:
            parcels.make_all_due(tx, since)
        while not _settled(database, since) and time.monotonic() < deadline:
            time.sleep(_LOOK)


def _settled(database: Database, since: datetime) -> bool:
    with database.read() as tx:
        return parcels.all_polled_since(tx, since) and not _count(tx, "SELECT COUNT(*) FROM pending_pushes")


def _count(tx: Any, query: str) -> int:
    count: int = tx.exec_driver_sql(query).scalar_one()
    return count


def _reckon(database: Database, url: str, began: float) -> Summary:
    stats = _request(f"{url}/_sandbox/stats")
    truth = _request(f"{url}/_sandbox/truth")["fulfillments"]
    with database.read() as tx:
        rows = tx.exec_driver_sql("SELECT source_order_id, source_fulfillment_id FROM fulfillment_status")
        known = {tuple(row) for row in rows}
        summary = Summary(
            parcels=_count(tx, "SELECT COUNT(*) FROM parcels"),
            events=_count(tx, "SELECT COUNT(*) FROM events"),
            delivered=_count(tx, "SELECT COUNT(*) FROM parcels WHERE status IN ('DELIVERED', 'PICKED_UP')"),
            pushes=_count(tx, "SELECT COUNT(*) FROM pushes WHERE state = 'sent'"),
            unmapped=_count(tx, "SELECT COUNT(DISTINCT code) FROM events WHERE NOT mapped"),
        )
    carriers = {name: service for name, service in stats["services"].items() if name != "order_protection"}
    summary.calls = sum(sum(service["calls"].values()) for service in carriers.values())
    summary.polls = sum(service["numbers"] for service in carriers.values())
    held = {
        (item["sourceOrderId"], item["sourceFulfillmentId"]): item["status"]
        for item in stats["orderProtection"]["fulfillments"]
    }
    for item in truth:
        key = (item["sourceOrderId"], item["sourceFulfillmentId"])
        true = {item["status"]} | ({"DELAYED"} if item["overdue"] else set())
        summary.lost += key in known and item["status"] is not None and held.get(key) not in true
    summary.seconds = round(time.monotonic() - began, 1)
    return summary


def _picture(database: Database, clock: Clock) -> Group:
    now = clock.now()
    with database.read() as tx:
        statuses = stats.parcels_by_status(tx)
        lately = hours.account_hours(tx, now - timedelta(days=1))
        accounts = {
            use.name: f"{_spent(use)}  {_fresh(lately.get(use.name, []))}  {use.paused}"
            for use in overview.accounts(tx, now)
            if use.name in _CREDENTIALS
        }
        outbox = overview.outbox(tx)
        news = {row.fulfillment: f"{row.status}  [dim]{row.reason[:60]}[/dim]" for row in overview.news(tx, 8)}
    return Group(
        f"[bold]{now:%A %d %B %H:%M}[/bold] UTC, one second is {clock.wall(1)}; "
        f"{outbox.sent} statuses pushed, {outbox.waiting} waiting",
        _table("parcels", statuses),
        _table("calls in 24 h, and how soon news was seen", accounts),
        _table("latest news", news),
    )


def _spent(use: overview.AccountUse) -> str:
    """Calls in 24 hours, of those that the quota allows."""
    quota = known_infos()[use.name].quota
    allowed = calls_a_day(replace(quota, **_QUOTAS.get(use.name, {})))
    return f"{use.calls:,} of {allowed:,.0f}, {use.calls / allowed:.0%}" if allowed else f"{use.calls:,}"


def _fresh(lately: Sequence[hours.AccountHour]) -> str:
    news = sum(hour.news for hour in lately)
    late = timedelta(seconds=sum(hour.lag_seconds for hour in lately) / news) if news else None
    return f"[dim]{news} pieces of news, {late / timedelta(hours=1):.1f} h after the scan[/dim]" if late else ""


def _table(title: str, rows: Mapping[str, object]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2))
    for name, value in rows.items():
        table.add_row(name, str(value))
    return table


def _summary_table(summary: Summary) -> Table:
    return _table("the demo in numbers", asdict(summary))
