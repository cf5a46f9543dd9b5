"""The accounts: up or paused and why, the day's calls against the quota, how quick, how often in vain, how fresh."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from carriers.sdk.registry import known_carriers
from tracker.config import AccountPlan
from tracker.relay import NAME as RECEIVER
from tracker.store import hours, overview, quotas
from tracker.store.accounts import AccountState
from tracker.store.hours import AccountHour
from tracker.store.overview import Freshness
from tracker.web.pages import charts, dressing
from tracker.web.pages.charts import Columns, Hour
from tracker.web.pages.session import Reader
from tracker.web.services import Services


class Quota(NamedTuple):
    """Calls within a window, and how many there may be."""

    window: str
    used: int
    limit: int | None

    @property
    def share(self) -> float:
        """Per cent of the limit."""
        return 0.0 if not self.limit else min(100.0, self.used / self.limit * 100)


class Shown(NamedTuple):
    """An account as it is shown."""

    name: str
    carrier: str
    batch: int
    state: AccountState | None
    paused: bool
    quotas: list[Quota]
    chart: Columns
    hours: list[AccountHour]
    """Of today, UTC."""
    calls: int
    errors: int
    polls: int
    latency: float | None
    """Mean wall seconds of a call."""
    lag: float | None
    """Mean seconds between an event and our knowing of it."""
    fresh: Freshness | None

    @property
    def error_rate(self) -> float:
        """Per cent of the calls."""
        return self.errors / self.calls * 100 if self.calls else 0.0


def router(services: Services) -> APIRouter:
    """`/carriers`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/carriers", response_class=HTMLResponse)
    async def page(request: Request, caller: Reader) -> HTMLResponse:
        return dressing.page(request, "carriers.html", caller, **await run_in_threadpool(_read, services))

    return routes


def _read(services: Services) -> dict[str, Any]:
    now = services.clock.now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    since = min(midnight, now - timedelta(days=1))
    with services.database.read() as db:
        by_hour = hours.account_hours(db, since)
        fresh = overview.freshness(db, now)
        states = overview.states(db, [RECEIVER, *(plan.name for plan in services.accounts)])
        accounts = [
            _shown(db, plan, states.get(plan.name), by_hour.get(plan.name, []), _fresh(services, plan, fresh), now)
            for plan in services.accounts
        ]
        pushes = overview.unsent(db)
    receiver = states.get(RECEIVER)
    return {
        "accounts": accounts,
        "off": services.off,
        "receiver": receiver,
        "receiver_paused": receiver is not None and receiver.is_paused(now),
        "configured": services.settings.orders.configured,
        "pushes": pushes,
        "names": {code: registered.info.name for code, registered in known_carriers().items()},
        "plot": charts.PLOT,
    }


def _fresh(services: Services, plan: AccountPlan, fresh: dict[str, Freshness]) -> Freshness | None:
    """Of the sources this account serves, together."""
    served = services.routes.served_by(plan.name) or (plan.code,)
    parts = [fresh[name] for name in served if name in fresh]
    if not parts:
        return None
    parcels = sum(part.parcels for part in parts)
    age = sum(part.mean_age * part.parcels for part in parts) / parcels
    longest = min((part.longest_due for part in parts if part.longest_due), default=None)
    return Freshness(parcels, sum(part.due for part in parts), age, longest)


def _shown(
    db: Connection,
    plan: AccountPlan,
    state: AccountState | None,
    past: Sequence[AccountHour],
    fresh: Freshness | None,
    now: datetime,
) -> Shown:
    today = [hour for hour in past if hour.at.date() == now.date()]
    calls, news = sum(hour.calls for hour in past), sum(hour.news for hour in past)
    limits = {quotas.HOUR: plan.quota.per_hour, quotas.DAY: plan.quota.per_day}
    return Shown(
        plan.name,
        plan.code,
        plan.batch,
        state,
        state is not None and state.is_paused(now),
        [
            Quota(name, quotas.used(db, plan.name, window, now), limits[window])
            for name, window in (("hour", quotas.HOUR), ("24 hours", quotas.DAY))
        ],
        charts.quota(
            [Hour(hour.at.hour, hour.calls, hour.errors) for hour in today], plan.quota.per_hour, plan.quota.per_day
        ),
        today,
        calls,
        sum(hour.errors for hour in past),
        sum(hour.polls for hour in past),
        sum(hour.seconds for hour in past) / calls if calls else None,
        sum(hour.lag_seconds for hour in past) / news if news else None,
        fresh,
    )
