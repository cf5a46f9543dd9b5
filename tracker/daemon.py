"""The long-lived process: heartbeats, signals, drain.

Owns what runs when. A handful of fixed heartbeats on APScheduler, each behind its own time-out; due times
are columns in the database, never jobs. SIGTERM and SIGINT stop claiming and drain within a deadline;
SIGHUP reads the configuration again. All that must survive is in the database, so kill -9 loses nothing.
"""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.exc import DatabaseError

from carriers.sdk.registry import known_infos
from tracker import intake, notify, web
from tracker.app import App, build
from tracker.config_file import BadConfig
from tracker.forwarding import DEAD_KEPT
from tracker.heartbeats import HUNG
from tracker.hooks import REMEMBERED
from tracker.notify import Notifier
from tracker.poll import Poller
from tracker.store import forwards, heartbeats, hooks, hours, messages, quotas, retention
from tracker.store.database import DatabaseUnusable
from tracker.systemd import ServiceManager
from tracker.telemetry import configure

log = structlog.get_logger(__name__)

#: Wall seconds that work under way gets to finish after SIGTERM.
DRAIN = 20.0
HOUSEKEEPING = 60.0
#: Wall seconds between looks for what is no longer to be kept: each goes through all fulfillments.
FORGETTING = 900.0
#: Wall seconds between the times that the heartbeats are written down.
KEEPING = 30.0
#: Seconds of the clock between looks at how many parcels have each status, for the chart.
STATUSES = 900.0
#: What is kept hour by hour for the charts goes after so long.
DRAWN = timedelta(days=90)
#: Wall seconds between questions what Order Protection holds of an order.
RECONCILE = 5.0

_PROCESS = f"{socket.gethostname()}:{os.getpid()}"


class Daemon:
    """Runs an App until it is told to stop."""

    def __init__(self, app: App, manager: ServiceManager | None = None) -> None:
        """`manager`: who wants signs of life."""
        self.app = app
        self._manager = manager or ServiceManager()
        self._stop = asyncio.Event()
        self._jobs: set[asyncio.Task[None]] = set()
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._closing = AsyncExitStack()

    async def start(self) -> None:
        """Open the database and begin the heartbeats."""
        app = self.app
        await app.open()
        rule, margin = app.settings.polling.aggregate, app.settings.polling.reuse_margin
        found = await app.writer.run(
            lambda tx: intake.reassign_unknown(tx, app.clock.now(), known_infos(), rule, margin, app.routes)
        )
        rerouted = await app.writer.run(app.reroute)
        if found:
            log.info("parcels got their carrier", parcels=found)
        if rerouted:
            log.info("parcels are asked about elsewhere now, as routes and accounts changed", parcels=rerouted)
        for plan in app.accounts:
            log.info("polling", account=plan.name, at=plan.base_url, batch=plan.batch)
        for off in app.off:
            log.info("carrier is off", account=off.name, reason=off.reason)
        if app.relay is None:
            log.warning("nothing is pushed: orders.token is not set; statuses wait in the outbox")
        else:
            self._beat("relay", self._relay, app.settings.polling.tick)
            self._beat("forward", self._forward, app.settings.polling.tick)
            if app.settings.orders.reconcile:
                self._beat("reconcile", self._reconcile, max(RECONCILE, app.settings.polling.tick))
        for poller in app.pollers:
            self._beat(f"poll {poller.name}", partial(self._poll, poller), app.settings.polling.tick)
        for notifier in app.notifiers:
            self._beat(f"webhook {notifier.name}", partial(self._notify, notifier), app.settings.polling.tick)
        self._beat("housekeeping", self.keep_house, HOUSEKEEPING)
        self._beat("retention", self.forget, FORGETTING)
        self._beat("heartbeats", self._keep_heartbeats, KEEPING)
        if self._manager.sign_every:
            self._beat("sign of life", self._give_sign_of_life, self._manager.sign_every)
        self._beat("hours", self._keep_hours, max(1.0, STATUSES / app.clock.speed))
        await self._keep_heartbeats()
        self._scheduler.start()
        if app.settings.web.enabled:
            await self._serve_page()
        log.info("running", database=str(app.database.path), accounts=len(app.accounts))

    async def stop(self) -> None:
        """Stop claiming, let work under way finish within the deadline, close everything."""
        self._stop.set()
        self._scheduler.shutdown(wait=False)
        await self._closing.aclose()
        if self._jobs:
            _, late = await asyncio.wait(self._jobs, timeout=DRAIN)
            for job in late:
                job.cancel()
            if late:
                log.warning("cut off after the drain deadline", jobs=len(late))
                await asyncio.gather(*late, return_exceptions=True)
        with suppress(DatabaseError):  # it is kept for a day then
            await self.app.writer.run(lambda tx: heartbeats.leave(tx, _PROCESS))
        await self.app.close()

    async def _serve_page(self) -> None:
        """The page is a convenience: a port that is taken stops nothing else."""
        try:
            services = self.app.services()
            if closed := web.exposed(services):
                log.error("the page and the API are closed", reason=closed)
            page = web.serve(web.build(services), self.app.settings.web)
            log.info("the page is up", url=await self._closing.enter_async_context(page))
        except OSError as error:
            log.error("no page", port=self.app.settings.web.port, reason=error.strerror)

    def _beat(self, name: str, work: Callable[[], Awaitable[None]], seconds: float) -> None:
        """Run `work` every so many wall seconds; a beat that finds the last one still running is left out."""
        running: set[asyncio.Task[None]] = set()
        self.app.heartbeats.add(name, seconds)

        async def job() -> None:
            if running or self._stop.is_set():
                return
            # a task of our own: APScheduler cancels its coroutines at shutdown, ours drain
            task = asyncio.create_task(self._guarded(name, work), name=name)
            running.add(task)
            self._jobs.add(task)
            task.add_done_callback(running.discard)
            task.add_done_callback(self._jobs.discard)

        self._scheduler.add_job(job, "interval", seconds=seconds, coalesce=True, misfire_grace_time=None, id=name)

    def summary(self) -> str:
        """What it does, in a line."""
        names = ", ".join(plan.name for plan in self.app.accounts)
        return f"polling {names}" if names else "no carrier account is on"

    def hung(self) -> list[str]:
        """The heartbeats that came to no end of their own for so long that at least two runs were cut off."""
        return list(self.app.heartbeats.hanging(2 * HUNG))

    async def _give_sign_of_life(self) -> None:
        if hung := self.hung():
            log.error("the service manager gets no sign of life", hung=hung)
            self._manager.ailing(f"hung: {', '.join(hung)}")
        else:
            self._manager.alive()

    async def _guarded(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        beats = self.app.heartbeats
        beats.began(name)
        try:
            async with asyncio.timeout(HUNG):
                await work()
        except TimeoutError:
            if beats.cut_off(name):
                log.error("heartbeat hung and was cut off", job=name, seconds=HUNG)
        except Exception as error:
            if beats.failed(name, type(error).__name__):
                log.exception("heartbeat failed", job=name)
        else:
            if failures := beats.succeeded(name):
                log.info("heartbeat works again", job=name, failures=failures)

    async def _poll(self, poller: Poller) -> None:
        tally = await poller.run(self._stop)
        if tally.calls:
            log.debug("polled", account=poller.name, parcels=tally.polls, calls=tally.calls, news=tally.changes)

    async def _relay(self) -> None:
        if self.app.relay is not None:
            tally = await self.app.relay.run(self._stop)
            self.app.meters.pushed("sent", tally.pushed)
            self.app.meters.pushed("postponed", tally.postponed)
            self.app.meters.pushed("dead", tally.dead)
            if tally.pushed:
                log.debug("pushed", fulfillments=tally.pushed)

    async def _notify(self, notifier: Notifier) -> None:
        tally = await notifier.run(self._stop)
        if tally.sent:
            log.debug("told", webhook=notifier.name, messages=tally.sent)

    async def _reconcile(self) -> None:
        if self.app.reconciler is not None:
            await self.app.reconciler.step()

    async def _forward(self) -> None:
        if self.app.forwarding is not None:
            tally = await self.app.forwarding.run(self._stop)
            if tally.delivered:
                log.debug("delivered merchants' calls", calls=tally.delivered)

    async def _keep_hours(self) -> None:
        now = self.app.clock.now()
        await self.app.writer.run(lambda tx: hours.keep_statuses(tx, now))

    async def _keep_heartbeats(self) -> None:
        """Write down how the heartbeats do, for other processes."""
        now = self.app.clock.now()
        kept = [
            heartbeats.Kept(
                _PROCESS,
                beat.name,
                beat.every,
                beat.began_at,
                beat.succeeded_at,
                beat.seconds,
                beat.in_a_row,
                beat.error,
                now,
            )
            for beat in self.app.heartbeats
        ]
        await self.app.writer.run(lambda tx: heartbeats.keep(tx, _PROCESS, kept, now))

    async def keep_house(self) -> None:
        """Delete what was only kept for a while."""
        now = self.app.clock.now()
        await self.app.writer.run(lambda tx: forwards.forget_dead(tx, now - DEAD_KEPT))
        await self.app.writer.run(lambda tx: quotas.forget_old(tx, now))
        await self.app.writer.run(lambda tx: hooks.forget(tx, now - REMEMBERED))
        await self.app.writer.run(lambda tx: messages.forget(tx, now - notify.SENT_KEPT, now - notify.DEAD_KEPT))
        await self.app.writer.run(lambda tx: hours.forget(tx, now - DRAWN))
        await self.app.writer.run(lambda tx: self.app.hazards.refresh(tx, now))

    async def forget(self) -> None:
        """Delete what `retention:` does not want kept, a portion at a time."""
        now, keep = self.app.clock.now(), self.app.settings.retention
        gone = 0
        while portion := await self.app.writer.run(lambda tx: retention.forget(tx, now - keep.ended, now - keep.idle)):
            gone += portion
            if self._stop.is_set():
                break
        if gone:
            log.info("forgot what ended long ago", fulfillments=gone)


def run(config: Path) -> int:
    """Run the daemon until SIGTERM or SIGINT; 0 after a clean end.

    Raises BadConfig or DatabaseUnusable where it cannot begin.
    """
    app = build(config)
    configure(app.settings.logging, app.secrets())
    gc.freeze()  # what was imported stays; looking through it again and again takes a tenth of a poll
    asyncio.run(_serve(config, app))
    return 0


async def _serve(config: Path, app: App) -> None:
    loop = asyncio.get_running_loop()
    wake: asyncio.Queue[str] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, wake.put_nowait, "stop")
    loop.add_signal_handler(signal.SIGHUP, wake.put_nowait, "reload")
    manager = ServiceManager.from_environment()
    daemon = Daemon(app, manager)
    await daemon.start()
    manager.ready(daemon.summary())
    while (word := await wake.get()) == "reload":
        manager.reloading()
        try:
            fresh = build(config)
        except (BadConfig, DatabaseUnusable, ValueError) as error:
            log.error("configuration not reloaded, the old one stays", reason=str(error))
            manager.ready(f"{daemon.summary()}; the configuration is bad and was not reloaded")
            continue
        await daemon.stop()
        configure(fresh.settings.logging, fresh.secrets())
        daemon = Daemon(fresh, manager)
        await daemon.start()
        manager.ready(daemon.summary())
        log.info("configuration reloaded")
    log.info("stopping", reason=word)
    manager.stopping("finishing what is under way")
    await daemon.stop()
    log.info("stopped")
