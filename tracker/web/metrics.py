"""`/metrics`, for Prometheus: what this process counts, and how things stand in the database.

Owns the gauges' names; docs/monitoring.md says what each is for. The database is read for it no more often than is
cheap, however many scrape. Several daemons on one database tell the same of it, each.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from importlib.metadata import version
from platform import python_version
from typing import NamedTuple

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from carriers.sdk.status import FulfillmentStatus
from tracker.heartbeats import Beat
from tracker.models import Outcome
from tracker.relay import NAME as RECEIVER
from tracker.store import gauges, space
from tracker.store.gauges import Gauges, Source
from tracker.store.space import Space
from tracker.web.security import reader
from tracker.web.services import Services

#: Seconds for which what was read of the database is told again, at least, and as a multiple of what the reading took.
FRESH, SHARE = 5.0, 20.0

DRIFT = (Outcome.DIFFERS, Outcome.MISSING_THERE, Outcome.MISSING_HERE)
#: Parcels nobody said anything of.
UNKNOWN = "UNKNOWN"


def router(services: Services) -> APIRouter:
    """`/metrics`."""
    routes = APIRouter(include_in_schema=False)
    standing = Standing(services)
    registry = CollectorRegistry()
    registry.register(_Collected(standing.collect))
    registry.register(_Collected(lambda: heartbeats(services)))
    registry.register(_Collected(services.meters.registry.collect))
    ProcessCollector(registry=registry)

    @routes.get("/metrics", dependencies=[Depends(reader)])
    async def metrics(request: Request) -> Response:
        await standing.refresh()
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(await run_in_threadpool(encode, registry), headers={"Content-Type": media_type})

    return routes


class _Collected(Collector):
    """Metrics that are made when they are asked for. Describes none beforehand: that would ask for them."""

    def __init__(self, make: Callable[[], Iterable[Metric]]) -> None:
        self._make = make

    def collect(self) -> Iterable[Metric]:
        """The registry's hook."""
        return self._make()

    def describe(self) -> Iterable[Metric]:
        """The registry's hook."""
        return ()


class Seen(NamedTuple):
    """What was read, and when."""

    now: datetime
    gauges: Gauges
    space: Space
    receiver_failing_since: datetime | None
    seconds: float
    """That the reading took."""


class Standing:
    """How things stand in the database, read again where the last time is a while ago."""

    def __init__(self, services: Services, steady: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._steady = steady
        self._reading = asyncio.Lock()
        self._seen: Seen | None = None
        self._until = 0.0

    async def refresh(self) -> None:
        """Read, if need be; all who wait for it share one reading."""
        async with self._reading:
            if self._seen is None or self._steady() >= self._until:
                self._seen = await run_in_threadpool(self._read)
                self._until = self._steady() + max(FRESH, SHARE * self._seen.seconds)

    def collect(self) -> Iterator[Metric]:
        """What was read, as metrics."""
        if self._seen is not None:
            yield from _build()
            yield from _database(self._seen)
            yield from _parcels(self._seen)
            yield from _accounts(self._services, self._seen)
            yield from _outbox(self._seen)
            yield from _webhooks(self._seen)
            yield from _trouble(self._seen)

    def _read(self) -> Seen:
        services, began = self._services, self._steady()
        now = services.clock.now()
        fixed = {plan.name: plan.quota.fixed for plan in services.accounts}
        with services.database.read() as tx:
            found = gauges.read(tx, fixed | ({RECEIVER: False} if services.settings.orders.configured else {}), now)
            failing_since = gauges.failing_since(tx, RECEIVER)
        return Seen(now, found, space.space(services.database.path), failing_since, self._steady() - began)


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tracker_{name}", about, value)


def _gauges(
    name: str, about: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float | None]]
) -> GaugeMetricFamily:
    """One value for each row that has one."""
    family = GaugeMetricFamily(f"tracker_{name}", about, labels=labels)
    for words, value in rows:
        if value is not None:
            family.add_metric(words, value)
    return family


def _build() -> Iterator[Metric]:
    info = {"version": version("fulfillment-tracker"), "python": python_version()}
    yield InfoMetricFamily("tracker_build", "What runs.", info)


def _database(seen: Seen) -> Iterator[Metric]:
    yield _gauge("database_bytes", "Size of the database file.", seen.space.database)
    yield _gauge("database_wal_bytes", "Size of its write-ahead log.", seen.space.wal)
    yield _gauge("disk_free_bytes", "Room on the database's disk.", seen.space.free)
    yield _gauge("metrics_reading_seconds", "How long the database was read for this answer.", seen.seconds)


def _parcels(seen: Seen) -> Iterator[Metric]:
    found = seen.gauges
    parcels = dict.fromkeys((*FulfillmentStatus, ""), 0) | dict(found.parcels)
    fulfillments = dict.fromkeys(FulfillmentStatus, 0) | dict(found.fulfillments)
    yield _gauges("parcels", "Parcels.", ("status",), (((word or UNKNOWN,), n) for word, n in parcels.items()))
    yield _gauges(
        "fulfillments",
        "Fulfillments, without withdrawn ones.",
        ("status",),
        (((w,), n) for w, n in fulfillments.items()),
    )
    sources = {name or "none": source for name, source in found.sources.items()}
    label = ("source",)

    def each(name: str, about: str, value: Callable[[Source], float]) -> Metric:
        return _gauges(name, about, label, (((key,), value(one)) for key, one in sources.items()))

    yield each("parcels_polled", "Parcels that are asked about from time to time.", lambda source: source.parcels)
    yield each("parcels_due", "Parcels whose turn has come.", lambda source: source.due)
    yield each("parcels_late", "Parcels whose turn came more than an hour ago.", lambda source: source.late)
    yield each(
        "parcels_oldest_due_seconds",
        "Since when the parcel waits that has waited longest for its turn.",
        lambda source: _age(source.oldest_due_at, seen.now),
    )


def _accounts(services: Services, seen: Seen) -> Iterator[Metric]:
    accounts = seen.gauges.accounts
    states = {name: account.state for name, account in accounts.items()}
    paused = {name: state is not None and state.is_paused(seen.now) for name, state in states.items()}
    label = ("account",)
    yield _gauges(
        "account_up", "1 while it may be called, 0 while it is paused.", label, _each(accounts, lambda n: not paused[n])
    )
    yield _gauge("accounts_off", "Accounts of the configuration that are not polled.", len(services.off))
    yield _gauges(
        "account_failures_in_a_row",
        "Calls that paused it since the last that was answered.",
        label,
        _each(accounts, lambda name: 0 if (state := states[name]) is None else state.failures),
    )
    yield _gauges(
        "account_last_success_timestamp_seconds",
        "When it last answered.",
        label,
        _each(accounts, lambda name: None if (state := states[name]) is None else _stamp(state.last_success_at)),
    )
    calls = CounterMetricFamily("tracker_calls", "Calls made, by all processes and ever.", labels=label)
    for plan in services.accounts:
        calls.add_metric((plan.name,), accounts[plan.name].calls)
    yield calls
    yield _gauges(
        "call_price",
        "Hours of delay, by their worth, that a call costs.",
        label,
        _each(accounts, lambda n: accounts[n].price),
    )
    yield from _quotas(services, seen)


def _quotas(services: Services, seen: Seen) -> Iterator[Metric]:
    used: list[tuple[tuple[str, ...], float | None]] = []
    limits: list[tuple[tuple[str, ...], float | None]] = []
    left: list[tuple[tuple[str, ...], float | None]] = []
    for plan in services.accounts:
        account = seen.gauges.accounts[plan.name]
        windows = ("hour", account.used_hour, plan.quota.per_hour), ("day", account.used_day, plan.quota.per_day)
        for window, calls, limit in windows:
            words = (plan.name, window)
            used.append((words, calls))
            if limit is not None:
                limits.append((words, limit))
                left.append((words, max(0, limit - calls)))
    labels = ("account", "window")
    yield _gauges("quota_used_calls", "Calls made in the window that runs.", labels, used)
    yield _gauges("quota_limit_calls", "Calls allowed in it.", labels, limits)
    yield _gauges("quota_left_calls", "Calls left in it.", labels, left)


def _outbox(seen: Seen) -> Iterator[Metric]:
    pushes, calls = seen.gauges.outbox, seen.gauges.forwarded
    states = {"waiting": pushes.waiting - pushes.held, "held": pushes.held, "dead": pushes.dead}
    yield _gauges(
        "outbox_pushes", "Pushes that are not done.", ("state",), (((word,), n) for word, n in states.items())
    )
    yield _gauge("outbox_oldest_seconds", "Age of the oldest push that waits.", _age(pushes.oldest_at, seen.now))
    yield _gauge("outbox_due_seconds", "For how long a push has been due.", _age(pushes.due_since, seen.now))
    yield _gauge(
        "receiver_failing_seconds",
        "For how long Order Protection has given no answer.",
        _age(seen.receiver_failing_since, seen.now),
    )
    forwarded = {"waiting": calls.waiting, "dead": calls.dead}
    yield _gauges(
        "forwarded_calls",
        "Merchants' calls that Order Protection does not have.",
        ("state",),
        (((w,), n) for w, n in forwarded.items()),
    )
    oldest = datetime.fromisoformat(calls.oldest_at) if calls.oldest_at else None
    yield _gauge("forwarded_oldest_seconds", "Age of the oldest call that waits.", _age(oldest, seen.now))


def _webhooks(seen: Seen) -> Iterator[Metric]:
    told, label = seen.gauges.webhooks, ("endpoint",)
    up = _each(told, lambda name: (until := told[name].state.paused_until) is None or until <= seen.now)
    yield _gauges("webhook_up", "1 while messages are sent to it, 0 while it is paused.", label, up)
    states = [
        ((name, word), n) for name, one in told.items() for word, n in (("waiting", one.waiting), ("dead", one.dead))
    ]
    yield _gauges("webhook_messages", "Messages that are not done.", ("endpoint", "state"), states)
    ages = _each(told, lambda name: _age(told[name].oldest_at, seen.now))
    yield _gauges("webhook_oldest_seconds", "Age of the oldest message that waits.", label, ages)
    heard = {one.account: one for one in seen.gauges.hooks}
    label = ("account",)
    yield _gauges(
        "hook_deliveries",
        "What the carrier delivered by itself, of late.",
        label,
        _each(heard, lambda n: heard[n].deliveries),
    )
    yield _gauges("hook_news", "New events in that.", label, _each(heard, lambda name: heard[name].news))
    yield _gauges(
        "hook_last_timestamp_seconds",
        "When it last did.",
        label,
        _each(heard, lambda name: _stamp(heard[name].last_at)),
    )


def _trouble(seen: Seen) -> Iterator[Metric]:
    unmapped, drift = seen.gauges.unmapped, seen.gauges.drift
    yield _gauge("unmapped_codes", "Codes no table knew when they were told.", unmapped.codes)
    yield _gauge("unmapped_events", "Events with such a code.", unmapped.events)
    differences = {outcome.value: drift.differences.get(outcome, 0) for outcome in DRIFT}
    yield _gauges(
        "drift_fulfillments",
        "Fulfillments Order Protection held otherwise than we when last compared.",
        ("outcome",),
        (((word,), n) for word, n in differences.items()),
    )
    yield _gauge("drift_repaired", "Of those, the ones over which a push was made since.", drift.repaired)
    yield _gauge(
        "reconcile_late_seconds",
        "How long after its turn an order waits to be compared.",
        max(0.0, _age(drift.waiting_longest, seen.now)),
    )


def heartbeats(services: Services) -> Iterator[Metric]:
    """The daemon's heartbeats."""
    beats = list(services.heartbeats)
    label = ("job",)
    runs = CounterMetricFamily("tracker_heartbeat_runs", "Runs, by how they ended.", labels=("job", "outcome"))
    for beat in beats:
        for outcome, count in (("done", beat.done), ("failed", beat.failed), ("hung", beat.hung)):
            runs.add_metric((beat.name, outcome), count)
    yield runs

    def each(name: str, about: str, value: Callable[[Beat], float | None]) -> Metric:
        return _gauges(f"heartbeat_{name}", about, label, (((beat.name,), value(beat)) for beat in beats))

    yield each("interval_seconds", "How often it is to run.", lambda beat: beat.every)
    yield each("duration_seconds", "How long its last run took.", lambda beat: beat.seconds)
    yield each("last_run_timestamp_seconds", "When a run last began.", lambda beat: _stamp(beat.began_at))
    yield each("last_success_timestamp_seconds", "When a run last ended well.", lambda beat: _stamp(beat.succeeded_at))


def _each(names: Iterable[str], value: Callable[[str], float | None]) -> Iterator[tuple[tuple[str, ...], float | None]]:
    return (((name,), value(name)) for name in names)


def _age(moment: datetime | None, now: datetime) -> float:
    """Seconds since then; 0 where there is no such instant."""
    return 0.0 if moment is None else (now - moment).total_seconds()


def _stamp(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
