"""`tracker plan` and `tracker learnt`: what the quotas will allow, and what the cadence goes by.

Owns both commands and their shapes. The estimate is `tracker.plan`'s, what was learnt is the cadence's.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from tracker.cli import completion
from tracker.cli.console import NothingFound, document, plain, stderr, stdout
from tracker.cli.workspace import (
    DEFAULT_CONFIG,
    AsJson,
    ConfigFile,
    existing_database,
    migrated_database,
    now,
    settings,
)

if TYPE_CHECKING:
    from tracker.plan import Outlook


def plan(
    days: Annotated[int, typer.Option(min=1, max=60, help="How far to look ahead.")] = 7,
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Say beforehand what the coming days ask of each account's quota, and how fresh its news will be.

    An estimate from the live parcels, new ones coming in as they did in the last week, and how soon news came so far.
    Ends with 3 where no parcel is live.

    Example: tracker plan --days 14
    """
    from tracker.config import plan_accounts, routes_of
    from tracker.plan import outlooks

    configured = settings(config)
    ready, _ = plan_accounts(configured)
    with existing_database(config).read() as db:
        found = list(outlooks(db, ready, routes_of(configured), configured.polling, days=days, now=now()))
    if as_json:
        document([_shape(outlook) for outlook in found])
    if not found:
        raise NothingFound("no live parcel of a carrier with an account: nothing to plan")
    if not as_json:
        _print(found)


def _shape(outlook: "Outlook") -> dict[str, Any]:
    return {
        "source": outlook.source,
        "accounts": list(outlook.accounts),
        "liveParcels": outlook.live,
        "newParcelsPerDay": round(outlook.new_a_day, 1),
        "wantedCallsPerDay": round(outlook.wanted_a_day),
        "allowedCallsPerDay": None if outlook.allowed_a_day is None else round(outlook.allowed_a_day),
        "fits": outlook.fits,
        "price": round(outlook.price, 3),
        "freshness": [
            {"stage": str(one.stage), "parcels": one.parcels, "meanHours": round(one.hours, 2)}
            for one in outlook.freshness
        ],
        "starved": [str(stage) for stage in outlook.starved],
    }


def _print(found: "list[Outlook]") -> None:
    out = stdout()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("asked at")
    for name in ("live", "new a day", "calls wanted", "allowed a day"):
        table.add_column(name, justify="right")
    table.add_column("news late by, in hours")
    for one in found:
        late = ", ".join(f"{_words(fresh.stage)} {fresh.hours:.1f}" for fresh in one.freshness)
        allowed = "any" if one.allowed_a_day is None else f"{one.allowed_a_day:,.0f}"
        wanted = f"{one.wanted_a_day:,.0f}"
        table.add_row(
            plain(one.source),
            f"{one.live:,}",
            f"{one.new_a_day:,.0f}",
            wanted if one.fits else f"[yellow]{wanted}[/yellow]",
            allowed,
            late,
        )
    out.print(table)
    for one in found:
        if one.fits or not one.allowed_a_day:
            continue
        times = one.wanted_a_day / one.allowed_a_day
        out.print(
            f"{plain(one.source)}: the quota allows one call in {times:.1f} that would pay, a call costs"
            f" {one.price:.2g}, and news comes some {times:.1f} times later. Raise the quota with the"
            " carrier, add an account, or send parcels through another with `routes:`."
        )
        if one.starved:
            stages = ", ".join(_words(stage) for stage in one.starved)
            out.print(f"[red]{plain(one.source)}: more than a day late: {stages}[/red]")


def _words(stage: object) -> str:
    return str(stage).lower().replace("_", " ")


def learnt(
    reset: Annotated[
        bool, typer.Option("--reset", help="Forget it all, or one carrier's: the shipped rates hold again.")
    ] = False,
    carrier: Annotated[
        str | None, typer.Option(help="Only this carrier's.", metavar="CODE", autocompletion=completion.carriers)
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show what the cadence learnt from your own parcels: how much sooner or later news comes than it was shipped with.

    A factor of 2 means news twice as soon. Ends with 3 where nothing was learnt yet.

    Example: tracker learnt --carrier ups
    """
    from tracker.store import learning

    if reset:
        database = migrated_database(config)
        with database.write() as tx:
            gone = learning.forget(tx, carrier)
        stderr().print(f"forgot {gone} sums; a running daemon goes by the shipped rates within the hour")
        return
    from tracker.cadence import multipliers

    with existing_database(config).read() as db:
        rows = [row for row in learning.lessons(db) if carrier in (None, row.carrier)]
    if as_json:
        document([row._asdict() | {"stage": str(row.stage)} for row in rows])
    if not rows:
        raise NothingFound("nothing was learnt yet: the cadence goes by the rates it is shipped with")
    if as_json:
        return
    seen = {(row.carrier, row.service, row.stage): row.events for row in rows if row.part == "overall"}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("carrier", "service", "stage"):
        table.add_column(name)
    table.add_column("seen", justify="right")
    table.add_column("factor", justify="right")
    table.add_column("most likely hours")
    for (code, service, stage), factors in sorted(multipliers(rows).items()):
        busiest = max(range(len(factors.hour)), key=lambda block: factors.hour[block])
        hours = f"{2 * busiest:02}-{2 * busiest + 2:02} h, {factors.hour[busiest]:.1f} times the shipped"
        events = seen.get((code, service, stage), 0.0)
        table.add_row(plain(code), service, _words(stage), f"{events:.0f}", f"{factors.overall:.2f}", hours)
    stdout().print(table)
