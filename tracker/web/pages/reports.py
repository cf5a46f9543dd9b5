"""How the carriers did: transit times, on time, first attempts, trouble; as table, picture and CSV."""

import csv
import io
import time
from collections import OrderedDict
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from starlette.responses import Response

from carriers.sdk.registry import known_carriers
from tracker import reports
from tracker.durations import read_moment
from tracker.reports import By, Report
from tracker.store import reporting
from tracker.web.pages import dressing
from tracker.web.pages.session import Reader
from tracker.web.problems import Problem
from tracker.web.services import Services

#: Groups in the table; the CSV has all.
MOST = 60
#: Wall seconds for which a report is shown again, and so many of them: over many parcels one takes seconds to make.
KEPT, KEPT_MOST = 300.0, 20

PERIODS = {"7d": "7 days", "30d": "30 days", "90d": "90 days", "365d": "a year"}


class Wanted(NamedTuple):
    """What was chosen; `until` '' is now, `then` '' compares by one thing."""

    since: str
    until: str
    by: str
    then: str
    carrier: str

    def url(self, kind: str = "") -> str:
        """The same as another kind of file."""
        chosen = {name: value for name, value in self._asdict().items() if value}
        return f"/reports{kind}?{urlencode(chosen)}"


def router(services: Services) -> APIRouter:
    """`/reports`, `/reports.csv` and `/reports.svg`."""
    routes = APIRouter(include_in_schema=False)
    kept: OrderedDict[Wanted, tuple[float, Report]] = OrderedDict()

    async def made(wanted: Wanted) -> Report:
        until, report = kept.get(wanted, (0.0, None))
        if report is None or until < time.monotonic():
            since, end = _period(wanted, services.clock.now())
            report = await run_in_threadpool(_made, services, wanted, since, end)
            kept[wanted] = (time.monotonic() + KEPT, report)
            while len(kept) > KEPT_MOST:
                kept.popitem(last=False)
        return report

    @routes.get("/reports", response_class=HTMLResponse)
    async def page(
        request: Request,
        caller: Reader,
        since: str = "30d",
        until: str = "",
        by: str = "carrier",
        then: str = "",
        carrier: str = "",
    ) -> HTMLResponse:
        wanted = Wanted(since, until, by, then, carrier)
        report = await made(wanted)
        return dressing.page(
            request,
            "reports.html",
            caller,
            wanted=wanted,
            report=report,
            columns=reports.columns(report.by),
            picture=Markup(reports.chart(report, style=False)),  # noqa: S704 - it escapes what it is given
            choices=[choice.value for choice in By],
            periods=PERIODS,
            carriers=sorted(known_carriers()),
            most=MOST,
        )

    @routes.get("/reports.csv")
    async def table(
        caller: Reader, since: str = "30d", until: str = "", by: str = "carrier", then: str = "", carrier: str = ""
    ) -> Response:
        report = await made(Wanted(since, until, by, then, carrier))
        rows = [reports.flat(row) for row in report.rows]
        out = io.StringIO(newline="")
        if rows:
            writer = csv.DictWriter(out, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return _file(out.getvalue(), "text/csv", "report.csv")

    @routes.get("/reports.svg")
    async def picture(
        caller: Reader, since: str = "30d", until: str = "", by: str = "carrier", then: str = "", carrier: str = ""
    ) -> Response:
        report = await made(Wanted(since, until, by, then, carrier))
        return _file(reports.chart(report), "image/svg+xml", "report.svg")

    return routes


def _file(content: str, kind: str, name: str) -> Response:
    headers = {**dressing.HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)


def _period(wanted: Wanted, now: datetime) -> tuple[datetime, datetime]:
    try:
        since = read_moment(wanted.since, now)
        until = read_moment(wanted.until, now, end=True) if wanted.until else now
    except (ValueError, OverflowError) as error:
        raise Problem(422, f"the period cannot be read: {error}") from None
    if since >= until:
        raise Problem(422, "the period ends before it begins")
    return since, until


def _made(services: Services, wanted: Wanted, since: datetime, until: datetime) -> Report:
    try:
        by = tuple(dict.fromkeys(By(name) for name in (wanted.by, wanted.then) if name)) or (By.CARRIER,)
    except ValueError:
        raise Problem(422, f"reports compare by {', '.join(By)}") from None
    carrier = wanted.carrier or None
    if carrier is not None and carrier not in known_carriers():
        raise Problem(422, "no such carrier is known")
    with services.database.read() as db:
        journeys = reporting.journeys(db, since, until, carrier=carrier)
        under_way = reporting.under_way(db, since, until, carrier=carrier)
    return reports.report(journeys, by, since=since, until=until, carrier=carrier, under_way=under_way)
