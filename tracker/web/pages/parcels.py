"""The list of parcels: filters in the URL, a page at a time, and the search that leads to one fulfillment."""

from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from carriers.sdk.status import FulfillmentStatus
from tracker.store import desk, listing, overview, queries
from tracker.store.listing import Wanted
from tracker.store.needs import Need
from tracker.web.pages import dressing
from tracker.web.pages.overview import ORDER, thresholds
from tracker.web.pages.session import Reader
from tracker.web.services import Services

#: Parcels on a page.
LIMIT = 50

#: Statuses a parcel can have, in the order of its way.
STATUSES = ("UNKNOWN", *map(str, ORDER[1:]), "FAILURE", "PICKED_UP", "DELIVERED")

NEEDS = {
    Need.STALLED: "Stalled",
    Need.LATE: "Late",
    Need.FAILURE: "Failed, claim possible",
    Need.CLOSING: "Claim window closing",
    Need.ATTEMPTED: "Delivery attempted",
    Need.HELD: "On hold",
    Need.PICKUP: "Waiting for pickup",
}


class Choice(NamedTuple):
    """What was chosen in the form; '' for anything."""

    q: str
    status: str
    carrier: str
    need: str

    def url(self, **more: object) -> str:
        """The list so filtered."""
        chosen = {name: value for name, value in {**self._asdict(), **more}.items() if value}
        return "/parcels" + (f"?{urlencode(chosen)}" if chosen else "")


def router(services: Services) -> APIRouter:
    """`/parcels`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/parcels", response_class=HTMLResponse)
    async def page(
        request: Request,
        caller: Reader,
        q: str = "",
        status: str = "",
        carrier: str = "",
        need: str = "",
        below: str = "",
    ) -> Response:
        choice = Choice(
            q.strip(),
            status if status in STATUSES else "",
            carrier.strip(),
            need if need in NEEDS else "",
        )
        alone = choice.q and not (choice.status or choice.carrier or choice.need)
        if alone and (found := await run_in_threadpool(_exactly, services, choice.q)) is not None:
            return RedirectResponse(f"/fulfillments/{found}", 303)
        shown = await run_in_threadpool(_read, services, choice, _start(below))
        return dressing.page(request, "parcels.html", caller, choice=choice, **shown)

    return routes


def _start(below: str) -> int:
    return int(below) if below.isascii() and below.isdigit() and len(below) < 19 else listing.FIRST_PAGE


def _exactly(services: Services, reference: str) -> int | None:
    """The one fulfillment that a reference stands for; None where there are none or several."""
    with services.database.read() as db:
        found = queries.tracked(db, reference)
    return int(found[0].row.id) if len(found) == 1 else None


def _read(services: Services, choice: Choice, below: int) -> dict[str, Any]:
    now = services.clock.now()
    wanted = Wanted(
        statuses=[FulfillmentStatus(choice.status)] if choice.status in FulfillmentStatus.__members__ else (),
        unspoken=choice.status == "UNKNOWN",
        carrier=choice.carrier or None,
        text=choice.q,
        need=Need(choice.need) if choice.need else None,
        thresholds=thresholds(services, now),
    )
    with services.database.read() as db:
        ids = listing.parcels(db, wanted, below=below, limit=LIMIT + 1)
        rows = listing.parcels_by_id(db, ids[:LIMIT])
        links = desk.links(db, ids[:LIMIT])
        carriers = overview.carriers(db)
    more = choice.url(below=ids[LIMIT - 1]) if len(ids) > LIMIT else ""
    return {
        "rows": [(one.row, links[one.row.id]) for one in rows],
        "more": more,
        "first": choice.url() if below != listing.FIRST_PAGE else "",
        "statuses": STATUSES,
        "needs": NEEDS,
        "carriers": sorted({*carriers, *filter(None, [choice.carrier])}),
    }
