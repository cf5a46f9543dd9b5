"""Whether the daemon lives, and whether it does its work: for whoever restarts it, and whoever waits for it.

Owns both answers. They are given to everybody, so the reasons tell no error's words; `tracker check` tells more.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import structlog
from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DatabaseError

from tracker.relay import NAME as RECEIVER
from tracker.store import accounts, gauges, remembered
from tracker.store.database import newest_revision
from tracker.store.times import stored
from tracker.web.services import Services

log = structlog.get_logger(__name__)

#: Seconds for which an answer of `/readyz` is given again: it writes to the database.
FRESH = 3.0
#: Seconds within which a write must get through. Probes commonly wait ten.
PATIENCE = 5.0
#: Wall seconds after which a push that could be made, but is not, says that the outbox is stuck.
STUCK = 900.0


def router(services: Services) -> APIRouter:
    """`/healthz` and `/readyz`."""
    routes = APIRouter(include_in_schema=False)
    readiness = Readiness(services)

    @routes.get("/healthz")
    async def healthz() -> Response:
        return _answer(list(hanging(services)))

    @routes.get("/readyz")
    async def readyz() -> Response:
        return _answer(await readiness.reasons())

    return routes


def _answer(reasons: list[str]) -> Response:
    if reasons:
        return JSONResponse({"status": "failed", "reasons": reasons}, 503)
    return JSONResponse({"status": "ok"})


def hanging(services: Services) -> Iterator[str]:
    """Why the daemon had better be started again. That there is an answer at all shows that its loop turns."""
    for name, seconds in services.heartbeats.hanging().items():
        yield f"heartbeat {name!r} hangs: no run of it has ended for {seconds:.0f} s"


class Readiness:
    """Whether the daemon does its work, found out again where the last time is a while ago."""

    def __init__(self, services: Services, steady: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._steady = steady
        self._looking = asyncio.Lock()
        self._reasons: list[str] = []
        self._until = 0.0

    async def reasons(self) -> list[str]:
        """Why it does not; none where it does."""
        async with self._looking:
            if self._steady() >= self._until:
                before, self._reasons = self._reasons, await self._look()
                self._until = self._steady() + FRESH
                if self._reasons and not before:
                    log.warning("not ready", reasons=self._reasons)
                elif before and not self._reasons:
                    log.info("ready again")
        return self._reasons

    async def _look(self) -> list[str]:
        reasons = [
            f"heartbeat {name!r} is stale: no run of it has succeeded for {seconds:.0f} s"
            for name, seconds in self._services.heartbeats.stale().items()
        ]
        if trouble := await self._database():
            return [*reasons, trouble]
        return reasons + await run_in_threadpool(lambda: [*self._accounts(), *self._outbox()])

    async def _database(self) -> str | None:
        """What is wrong with the database."""
        services = self._services
        try:
            revision = await run_in_threadpool(lambda: services.database.revision)
        except DatabaseError:
            return "the database cannot be read"
        if revision != newest_revision():
            return f"the database is at revision {revision}, this program's is {newest_revision()}"
        now = stored(services.clock.now())
        try:
            async with asyncio.timeout(PATIENCE):
                await services.writer.run(lambda tx: remembered.keep(tx, "ready", now))
        except TimeoutError:
            return f"the database took no write within {PATIENCE:.0f} s"
        except DatabaseError:
            return "the database cannot be written"
        return None

    def _accounts(self) -> Iterator[str]:
        services, now = self._services, self._services.clock.now()
        with services.database.read() as tx:
            if services.accounts:
                states = {state.name: state for state in accounts.states(tx)}
                known = [states[plan.name] for plan in services.accounts if plan.name in states]
                if len(known) == len(services.accounts) and all(state.is_paused(now) for state in known):
                    yield f"all {len(known)} accounts are paused" if len(known) > 1 else "the one account is paused"
            elif services.off and gauges.any_polled(tx):
                yield "parcels wait, and every account of the configuration is off"

    def _outbox(self) -> Iterator[str]:
        services, now = self._services, self._services.clock.now()
        if services.order_protection is None:
            return
        stuck = services.clock.wall(STUCK)
        with services.database.read() as tx:
            outbox, failing_since = gauges.outbox(tx, now), gauges.failing_since(tx, RECEIVER)
        if outbox.due_since is not None and now - outbox.due_since > stuck:
            yield f"the outbox is stuck: a push has been due for {_wall(now - outbox.due_since, services):.0f} s"
        elif outbox.waiting and failing_since is not None and now - failing_since > stuck:
            since = _wall(now - failing_since, services)
            yield f"the outbox is stuck: Order Protection has given no answer for {since:.0f} s"


def _wall(time: timedelta, services: Services) -> float:
    """Wall seconds that the clock took over it."""
    return time.total_seconds() / services.clock.speed
