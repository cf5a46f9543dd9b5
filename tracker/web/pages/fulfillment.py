"""One fulfillment: the timeline of its parcels, why its status is what it is, what was pushed, and the buttons."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection, Row
from starlette.responses import Response

from carriers.sdk.events import ZoneSource
from carriers.sdk.status import FulfillmentStatus
from tracker import desk as use
from tracker.desk import Person, Refused
from tracker.relay import NAME as RECEIVER
from tracker.replay import RuleBook, explaining
from tracker.shapes import tracking_page
from tracker.store import desk, needs, queries
from tracker.store.needs import Need
from tracker.web.pages import dressing, words
from tracker.web.pages.overview import thresholds
from tracker.web.pages.session import Reader, Writer
from tracker.web.problems import Problem
from tracker.web.security import Caller
from tracker.web.services import Services

_DAY = timedelta(days=1)

#: What the buttons do: what is to be said when it is done.
_DONE = {
    "poll": "The carriers are asked next, within the quota.",
    "status": "The status was given, and is on its way to Order Protection.",
    "take-back": "What the carriers say counts again.",
    "mute": "Muted: its pushes are held back, and it needs nobody.",
    "unmute": "Unmuted: what was held back is pushed.",
    "note": "Noted.",
}


def router(services: Services) -> APIRouter:
    """`/fulfillments/{id}` and what its buttons do."""
    routes = APIRouter(include_in_schema=False)
    book = RuleBook(services.settings)

    @routes.get("/fulfillments/{id}", response_class=HTMLResponse)
    async def page(request: Request, caller: Reader, id: int, done: str = "") -> HTMLResponse:
        shown = await run_in_threadpool(_read, services, book, id)
        if shown is None:
            raise Problem(404, "no fulfillment is known under this path; it may have been withdrawn or forgotten")
        return dressing.page(request, "fulfillment.html", caller, done=_DONE.get(done, ""), **shown)

    def act(action: str) -> Callable[..., Any]:
        async def press(
            caller: Writer,
            id: int,
            note: Annotated[str, Form()] = "",
            status: Annotated[str, Form()] = "",
        ) -> Response:
            work = _work(services, action, caller, id, note, status)
            try:
                await services.writer.run(work)
            except Refused as refused:
                raise Problem(409, f"{refused}") from None
            return RedirectResponse(f"/fulfillments/{id}?done={action}#done", 303)

        return press

    for action in _DONE:
        routes.add_api_route(f"/fulfillments/{{id}}/{action}", act(action), methods=["POST"])
    return routes


def _work(
    services: Services, action: str, caller: Caller, id: int, note: str, status: str
) -> Callable[[Connection], object]:
    """What a button does, as a transaction. Raises Problem where the form is wrong."""
    person = Person(caller.name, services.clock.now())
    work: Callable[[Connection], object]
    match action:
        case "poll":
            work = partial(use.poll_now, fulfillment_id=id, person=person)
        case "status":
            try:
                given = FulfillmentStatus.read(status)
            except ValueError:
                raise Problem(422, "choose the status to give") from None
            work = partial(use.give_status, fulfillment_id=id, status=given, note=note, person=person)
        case "take-back":
            work = partial(use.take_back, fulfillment_id=id, person=person, rule=services.settings.polling.aggregate)
        case "mute":
            work = partial(use.mute, fulfillment_id=id, note=note, person=person)
        case "unmute":
            work = partial(use.unmute, fulfillment_id=id, person=person)
        case _:
            work = partial(use.write_down, fulfillment_id=id, note=note, person=person)

    def run(tx: Connection) -> None:
        if desk.reference(tx, id) is None:
            raise Problem(404, "there is no such fulfillment any more")
        work(tx)

    return run


def _read(services: Services, book: RuleBook, id: int) -> dict[str, Any] | None:
    now = services.clock.now()
    limits = thresholds(services, now)
    with services.database.read() as db:
        reference = desk.reference(db, id)
        found = next((one for one in queries.tracked(db, reference or "") if one.row.id == id), None)
        if found is None:
            return None
        facts = explaining.gather(
            db,
            [found],
            services.settings,
            book=book,
            routes=services.routes,
            receiver=RECEIVER,
            moment=now,
            when=words.utc,
        )
        shape = explaining.explained(found, facts)
        needed = needs.of(db, limits, [parcel.id for parcel in found.parcels])
        override, muted, notes = desk.override(db, id), desk.muted(db, id), desk.notes(db, id)
    return {
        "found": found,
        "shape": shape,
        "parcels": [
            (row, told, _reasons(row, facts.events[row.id], needed[row.id], services), _page_of(row))
            for row, told in zip(found.parcels, shape["parcels"], strict=True)
        ],
        "override": override,
        "muted": muted,
        "notes": notes,
        "pushed": found.pushed,
        "statuses": list(FulfillmentStatus),
        "assumed": ZoneSource.ASSUMED.value,
        "place": _place,
    }


def _page_of(row: Row[Any]) -> str | None:
    """The public page of a parcel; the merchant's own URL only where it is one to follow."""
    url: str = row.tracking_url
    return url if url.startswith(("https://", "http://")) else tracking_page(row.carrier, row.number)


def _place(place: Mapping[str, str] | None) -> str:
    """A place on one line."""
    return (
        ", ".join(filter(None, (place["city"], place["state"], place["postalCode"], place["country"]))) if place else ""
    )


class Reason(NamedTuple):
    """Why a parcel needs somebody."""

    title: str
    words: str


def _reasons(row: Row[Any], events: Sequence[Row[Any]], needed: Sequence[Need], services: Services) -> list[Reason]:
    """Why a parcel needs somebody, in sentences."""
    now, claims = services.clock.now(), services.settings.claims
    closes = row.fulfilled_at + claims.window
    told: dict[Need, Callable[[], Reason]] = {
        Need.STALLED: lambda: Reason("Stalled", _stalled(row, events, services)),
        Need.LATE: lambda: Reason(
            "Late", f"promised for {words.utc(row.estimated_delivery)}, {words.ago(row.estimated_delivery, now)}"
        ),
        Need.CLOSING: lambda: Reason(
            "Claim closing", f"neither received nor given up, and the claim window closes {words.ago(closes, now)}"
        ),
        Need.FAILURE: lambda: Reason("Failed", f"will not reach the recipient; claim until {words.utc(closes)}"),
        Need.ATTEMPTED: lambda: Reason("Attempted", "a delivery failed; it is tried again, or must be arranged"),
        Need.HELD: lambda: Reason("On hold", "stands still until somebody acts"),
        Need.PICKUP: lambda: Reason("For pickup", "waits for the recipient, and goes back if nobody comes"),
    }
    return [told[need]() for need in needed]


def _stalled(row: Row[Any], events: Sequence[Row[Any]], services: Services) -> str:
    """Since when it has not moved, what the last scan was, and whether we may simply not know."""
    now, claims = services.clock.now(), services.settings.claims
    if row.last_movement_at is None:
        since, last = row.fulfilled_at, "the carrier never scanned it"
    else:
        since = row.last_movement_at
        scan = next((event for event in events if event.occurred_at == since), None)
        where = ", ".join(filter(None, (scan.city, scan.state, scan.country))) if scan else ""
        said = f"“{scan.description or scan.code}”" if scan else "a scan"
        last = f"the last was {said}{' in ' + where if where else ''}, {words.utc(since)}"
    asked = f"we asked {words.ago(row.last_polled_at, now)}" if row.last_polled_at else "it was never asked about"
    limit = f"{claims.stalled / _DAY:g} days" + (f" ({claims.stalled_abroad / _DAY:g} abroad)" if claims.home else "")
    return f"no movement for {words.span(now - since)}: {last}. After {limit} it counts as lost; {asked}."
