"""The long-lived process: heartbeats, signals, drain.

Owns what runs when. A handful of fixed heartbeats on APScheduler, each behind its own time-out; due times
are columns in the database, never jobs. SIGTERM and SIGINT stop claiming and drain within a deadline;
SIGHUP reads the configuration again. All that must survive is in the database, so kill -9 loses nothing.
"""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from carriers.sdk.registry import known_infos
from tracker import intake, web
from tracker.app import App, build
from tracker.config_file import BadConfig
from tracker.poll import Poller
from tracker.store import quotas, retention
from tracker.store.database import DatabaseUnusable
from tracker.telemetry import configure

log = structlog.get_logger(__name__)

#: Wall seconds that work under way gets to finish after SIGTERM.
DRAIN = 20.0
#: Wall seconds after which a heartbeat is taken for hung and cut off; longer than any lawful run, which begins
#: nothing new after half a minute and then waits for a call with its retries.
HUNG = 180.0
HOUSEKEEPING = 60.0


class Daemon:
    """Runs an App until it is told to stop."""

    def __init__(self, app: App) -> None:
        self.app = app
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
        for poller in app.pollers:
            self._beat(f"poll {poller.name}", partial(self._poll, poller), app.settings.polling.tick)
        self._beat("housekeeping", self._keep_house, HOUSEKEEPING)
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
        await self.app.close()

    async def _serve_page(self) -> None:
        """The page is a convenience: a port that is taken stops nothing else."""
        try:
            page = web.serve(web.build(self.app.services()), self.app.settings.web)
            log.info("the page is up", url=await self._closing.enter_async_context(page))
        except OSError as error:
            log.error("no page", port=self.app.settings.web.port, reason=error.strerror)

    def _beat(self, name: str, work: Callable[[], Awaitable[None]], seconds: float) -> None:
        """Run `work` every so many wall seconds; a beat that finds the last one still running is left out."""
        running: set[asyncio.Task[None]] = set()

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

    async def _guarded(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(HUNG):
                await work()
        except TimeoutError:
            log.error("heartbeat hung and was cut off", job=name, seconds=HUNG)
        except Exception:
            log.exception("heartbeat failed", job=name)

    async def _poll(self, poller: Poller) -> None:
        tally = await poller.run(self._stop)
        if tally.calls:
            log.debug("polled", account=poller.name, parcels=tally.polls, calls=tally.calls, news=tally.changes)

    async def _relay(self) -> None:
        if self.app.relay is not None:
            tally = await self.app.relay.run(self._stop)
            if tally.pushed:
                log.debug("pushed", fulfillments=tally.pushed)

    async def _keep_house(self) -> None:
        now = self.app.clock.now()
        before = now - self.app.settings.retention.ended
        await self.app.writer.run(lambda tx: quotas.forget_old(tx, now))
        gone = await self.app.writer.run(lambda tx: retention.forget(tx, before))
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
    daemon = Daemon(app)
    await daemon.start()
    while (word := await wake.get()) == "reload":
        try:
            fresh = build(config)
        except (BadConfig, DatabaseUnusable, ValueError) as error:
            log.error("configuration not reloaded, the old one stays", reason=str(error))
            continue
        await daemon.stop()
        configure(fresh.settings.logging, fresh.secrets())
        daemon = Daemon(fresh)
        await daemon.start()
        log.info("configuration reloaded")
    log.info("stopping", reason=word)
    await daemon.stop()
    log.info("stopped")
