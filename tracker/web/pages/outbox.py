"""The outbox with its buttons, and what Order Protection holds otherwise than we."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from tracker.relay import NAME as RECEIVER
from tracker.store import outbox as pushes
from tracker.store import overview
from tracker.web.pages import dressing
from tracker.web.pages.session import Reader, Writer
from tracker.web.services import Services

#: Rows that are shown of each kind; `tracker outbox` lists all.
SHOWN = 200


def router(services: Services) -> APIRouter:
    """`/outbox` and `/drift`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/outbox", response_class=HTMLResponse)
    async def page(request: Request, caller: Reader, done: str = "", changed: str = "") -> HTMLResponse:
        shown = await run_in_threadpool(_read, services)
        number = int(changed) if changed.isascii() and changed.isdigit() and len(changed) < 10 else 0
        return dressing.page(request, "outbox.html", caller, done=done, changed=number, **shown)

    @routes.post("/outbox/retry")
    async def retry(caller: Writer, push: Annotated[list[int] | None, Form()] = None) -> Response:
        now = services.clock.now()
        changed = await services.writer.run(lambda tx: pushes.retry(tx, push or [], now))
        return RedirectResponse(f"/outbox?done=retry&changed={changed}#done", 303)

    @routes.post("/outbox/drop")
    async def drop(caller: Writer, push: Annotated[list[int] | None, Form()] = None) -> Response:
        now = services.clock.now()
        changed = await services.writer.run(lambda tx: pushes.drop(tx, push or [], now))
        return RedirectResponse(f"/outbox?done=drop&changed={changed}#done", 303)

    @routes.get("/drift", response_class=HTMLResponse)
    async def drift(request: Request, caller: Reader) -> HTMLResponse:
        return dressing.page(request, "drift.html", caller, rows=await run_in_threadpool(_drifted, services))

    return routes


def _read(services: Services) -> dict[str, Any]:
    with services.database.read() as db:
        counts = overview.unsent(db)
        dead, waiting = overview.pushes(db, dead=True, limit=SHOWN), overview.pushes(db, dead=False, limit=SHOWN)
        receiver = next(
            (state for state in overview.paused(db, services.clock.now()) if state.carrier == RECEIVER), None
        )
    return {"counts": counts, "dead": dead, "waiting": waiting, "receiver": receiver, "shown": SHOWN}


def _drifted(services: Services) -> list[overview.Drifted]:
    with services.database.read() as db:
        return overview.drifted(db, SHOWN)
