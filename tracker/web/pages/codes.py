"""Codes that no table knows: where they were seen, and the lines that map them."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from tracker.replay import RuleBook, unknown
from tracker.store import unmapped
from tracker.web.pages import dressing
from tracker.web.pages.session import Reader
from tracker.web.services import Services


def router(services: Services) -> APIRouter:
    """`/codes`."""
    routes = APIRouter(include_in_schema=False)
    book = RuleBook(services.settings)

    @routes.get("/codes", response_class=HTMLResponse)
    async def page(request: Request, caller: Reader) -> HTMLResponse:
        return dressing.page(request, "codes.html", caller, **await run_in_threadpool(_read, services, book))

    return routes


def _read(services: Services, book: RuleBook) -> dict[str, Any]:
    with services.database.read() as db:
        codes, cured = unknown.seen(unmapped.events(db), book)
        numbers = unmapped.numbers(db, {one.newest.parcel_id for one in codes})
    return {"codes": codes, "cured": cured, "numbers": numbers, "names": book.name}
