"""The overview: what needs somebody now, the parcels over time, deliveries a day, the latest news."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from carriers.sdk.status import ENDED, FulfillmentStatus
from tracker.replay import RuleBook, unknown
from tracker.store import hours, needs, overview, stats, unmapped
from tracker.store.needs import Need, Thresholds
from tracker.web.pages import charts, dressing
from tracker.web.pages.session import Reader
from tracker.web.services import Services

_S = FulfillmentStatus

#: From the bottom of the chart up: from the label to the door, then what stands in the way.
ORDER = (
    *("", _S.CONFIRMED, _S.CARRIER_PICKED_UP, _S.IN_TRANSIT, _S.OUT_FOR_DELIVERY),
    *(_S.READY_FOR_PICKUP, _S.DELAYED, _S.ON_HOLD, _S.ATTEMPTED_DELIVERY),
)
#: All of them in the bar over the list of statuses.
_WHOLE = ("UNKNOWN", *ORDER[1:], _S.FAILURE, _S.PICKED_UP, _S.DELIVERED)


class Item(NamedTuple):
    """Something that may need somebody."""

    parcels: int
    """How many, of whatever it is."""
    title: str
    hint: str
    href: str
    tone: str


def thresholds(services: Services, now: datetime) -> Thresholds:
    """The thresholds of the configuration at that moment."""
    claims = services.settings.claims
    return Thresholds.at(
        now,
        stalled=claims.stalled,
        stalled_abroad=claims.stalled_abroad,
        window=claims.window,
        warning=claims.warning,
        home=claims.home,
    )


def router(services: Services) -> APIRouter:
    """`/`."""
    routes = APIRouter(include_in_schema=False)
    book = RuleBook(services.settings)

    @routes.get("/", response_class=HTMLResponse)
    async def page(request: Request, caller: Reader) -> HTMLResponse:
        return dressing.page(request, "overview.html", caller, **await run_in_threadpool(_read, services, book))

    return routes


def _read(services: Services, book: RuleBook) -> dict[str, Any]:
    now = services.clock.now()
    since = now - overview.CHART
    with services.database.read() as db:
        items = _items(db, services, book, now)
        statuses = stats.parcels_by_status(db)
        samples = hours.statuses_since(db, since)
        delivered = overview.deliveries_since(db, _midnight(since))
        pushes = overview.unsent(db)
        news = overview.news(db, limit=15)
    whole = [(str(status), statuses[status]) for status in _WHOLE if statuses.get(status)]
    return {
        "needed": [item for item in items if item.parcels],
        "quiet": [item for item in items if not item.parcels],
        "parcels": sum(statuses.values()),
        "open": sum(parcels for status, parcels in whole if status not in ENDED),
        "segments": charts.shares(whole),
        "stack": charts.stack([(one.at, one.status, one.parcels) for one in samples], ORDER, since, now),
        "deliveries": charts.days(delivered, now.date(), overview.CHART.days),
        "received": sum(delivered.values()),
        "outbox": pushes,
        "news": news,
    }


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _items(db: Connection, services: Services, book: RuleBook, now: datetime) -> list[Item]:
    counted = needs.counts(db, thresholds(services, now))
    claims = services.settings.claims
    days = f"{claims.stalled / timedelta(days=1):g}"
    told = {
        Need.STALLED: ("Stalled", f"no movement for {days} days or more: they count as lost", "bad"),
        Need.FAILURE: ("Failures", "will not reach the recipient; a claim can still be made", "bad"),
        Need.CLOSING: ("Claims closing", "still open, and the claim window ends soon", "bad"),
        Need.ATTEMPTED: ("Delivery attempts", "tried and failed; the recipient may have to act", "warning"),
        Need.HELD: ("On hold", "stand still until somebody acts: customs, address, request", "warning"),
        Need.LATE: ("Late", "the promised day has passed", "warning"),
        Need.PICKUP: ("Waiting for pickup", "at a counter or locker; they go back if nobody comes", "waiting"),
    }
    items = [
        Item(counted[need], title, hint, f"/parcels?need={need}", tone) for need, (title, hint, tone) in told.items()
    ]
    pushes = overview.unsent(db)
    items += [
        Item(pushes.dead, "Dead pushes", "refused by Order Protection for good", "/outbox", "bad"),
        Item(len(overview.paused(db, now)), "Paused accounts", "not asked at present; see why", "/carriers", "warning"),
        Item(
            len(unknown.seen(unmapped.events(db), book)[0]),
            "Unmapped codes",
            "told by carriers, in no table yet",
            "/codes",
            "warning",
        ),
        Item(overview.drifts(db), "Drift", "Order Protection holds another status", "/drift", "warning"),
    ]
    return items
