"""Carriers with the state of their accounts, and counts over everything.

Owns these routes. The statements are the store's.
"""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from carriers.sdk.registry import known_carriers
from tracker.shapes import carrier_shape, iso
from tracker.store import accounts, forwards, quotas, stats
from tracker.web.api.answers import answer, errors, found
from tracker.web.api.schemas import Carrier, Stats
from tracker.web.security import Reader
from tracker.web.services import Services


def router(services: Services) -> APIRouter:
    """`/api/carriers` and `/api/stats`."""
    routes = APIRouter(prefix="/api", tags=["Desk"])

    @routes.get(
        "/carriers",
        operation_id="listCarriers",
        summary="Every known carrier, with the state of its accounts",
        responses={**found(list[Carrier], "The carriers."), **errors()},
    )
    async def list_carriers(request: Request, caller: Reader) -> Response:
        return answer(request, await run_in_threadpool(_carriers, services))

    @routes.get(
        "/stats",
        operation_id="getStats",
        summary="Counts: parcels by status, outbox, quota used, unmapped codes",
        responses={**found(Stats, "The counts."), **errors()},
    )
    async def get_stats(request: Request, caller: Reader) -> Response:
        return answer(request, await run_in_threadpool(_stats, services))

    return routes


def _carriers(services: Services) -> list[dict[str, Any]]:
    now = services.clock.now()
    with services.database.read() as tx:
        states = {state.name: state for state in accounts.states(tx)}
        used = {use["name"]: use for use in _quotas(services)}
    shapes: dict[str, list[dict[str, Any]]] = {}
    for plan in services.accounts:
        state = states.get(plan.name)
        paused = state is not None and state.is_paused(now)
        shapes.setdefault(plan.code, []).append(
            {
                **used[plan.name],
                "state": "paused" if paused else "on",
                "reason": state.paused_reason if state and paused else "",
                "pausedUntil": iso(state.paused_until) if state and paused else None,
                "lastSuccessAt": iso(state.last_success_at) if state else None,
            }
        )
    for off in services.off:
        nothing = {"callsLastHour": 0, "callsPerHour": None, "callsLastDay": 0, "callsPerDay": None}
        shapes.setdefault(off.code, []).append(
            {
                **nothing,
                "name": off.name,
                "state": "off",
                "reason": off.reason,
                "pausedUntil": None,
                "lastSuccessAt": None,
            }
        )
    ready = {plan.code for plan in services.accounts}
    return [
        {**carrier_shape(registered, code in ready), "accounts": shapes.get(code, [])}
        for code, registered in known_carriers().items()
    ]


def _quotas(services: Services) -> list[dict[str, Any]]:
    """Calls of each account against its quota."""
    now = services.clock.now()
    with services.database.read() as tx:
        return [
            {
                "name": plan.name,
                "callsLastHour": quotas.used(tx, plan.name, quotas.HOUR, now),
                "callsPerHour": plan.quota.per_hour,
                "callsLastDay": quotas.used(tx, plan.name, quotas.DAY, now),
                "callsPerDay": plan.quota.per_day,
            }
            for plan in services.accounts
        ]


def _stats(services: Services) -> dict[str, Any]:
    with services.database.read() as tx:
        due = stats.due(tx, services.clock.now())
        shape = {
            "parcels": stats.parcels_by_status(tx),
            "fulfillments": stats.fulfillments_by_status(tx),
            "polling": {"due": due.parcels, "oldestDueAt": due.oldest_at},
            "outbox": _line(stats.pushes(tx)),
            "forwards": _line(forwards.counted(tx)),
            "unmapped": [
                {"carrier": code.source, "code": code.code, "events": code.events} for code in stats.unmapped(tx)
            ],
        }
    return {**shape, "accounts": _quotas(services)}


def _line(counted: stats.Pushes | forwards.Counted) -> dict[str, Any]:
    return {"waiting": counted.waiting, "dead": counted.dead, "oldestWaitingAt": counted.oldest_at}
