"""`tracker report`: how the carriers did, as table, CSV, JSON and picture.

Owns the command and its table. The figures and the picture are `tracker.reports`'.
"""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from carriers.sdk.registry import UnknownCarrier, known_carriers
from tracker.cli import completion
from tracker.cli.console import BadUsage, NothingFound, document, plain, stderr, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile, existing_database, now
from tracker.durations import read_moment
from tracker.reports import By

if TYPE_CHECKING:
    from datetime import datetime

    from tracker.reports import Figures, Report

#: So many groups stand in the terminal's table; CSV and JSON have all.
MOST = 40


def report(
    since: Annotated[str, typer.Option(help="Parcels that ended since: 30d, a date, an instant.")] = "30d",
    until: Annotated[
        str | None, typer.Option(help="And until: a date, which is included, or an instant.", show_default="now")
    ] = None,
    by: Annotated[
        list[By] | None,
        typer.Option(help="What to compare; repeat it for several at once.", show_default="carrier"),
    ] = None,
    carrier: Annotated[
        str | None, typer.Option(help="Only parcels of this carrier.", autocompletion=completion.carriers)
    ] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a header on stdout.")] = False,
    svg: Annotated[
        str | None, typer.Option(help="Write the picture to this file too; - is stdout.", metavar="FILE")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show how carriers did: transit times, on time, first attempts, what went wrong; of parcels that ended.

    Every figure comes from the carriers' own scans. Where fewer than 5 parcels tell, there is no median.

    Example: tracker report --since 90d --by service --by month --csv
    """
    if sum((as_json, as_csv, svg == "-")) > 1:
        raise BadUsage("only one of --json, --csv and --svg - can have stdout")
    made = _made(since, until, by or [By.CARRIER], carrier, config)
    if svg is not None:
        _draw(made, svg)
    if as_json or as_csv or svg == "-":
        if as_json or as_csv:
            (_json if as_json else _csv)(made)
    elif made.total.parcels:
        _print(made)
    if not made.total.parcels:
        raise NothingFound(
            f"no parcel ended from {made.since:%Y-%m-%d %H:%M} to {made.until:%Y-%m-%d %H:%M} UTC;"
            f" {made.under_way} sent in that time are under way"
        )


def _made(since: str, until: str | None, by: list[By], carrier: str | None, config: Path) -> "Report":
    from tracker import reports
    from tracker.store import reporting

    if carrier is not None and carrier not in known_carriers():
        raise UnknownCarrier(f"unknown carrier {carrier!r}; known: {', '.join(known_carriers())}")
    start, end = _period(since, until)
    with existing_database(config).read() as db:
        journeys = reporting.journeys(db, start, end, carrier)
        under_way = reporting.under_way(db, start, end, carrier)
    return reports.report(journeys, by, since=start, until=end, carrier=carrier, under_way=under_way)


def _period(since: str, until: str | None) -> "tuple[datetime, datetime]":
    present = now()
    try:
        start = read_moment(since, present)
    except ValueError as error:
        raise BadUsage(f"--since: {error}") from None
    try:
        end = present if until is None else read_moment(until, present, end=True)
    except ValueError as error:
        raise BadUsage(f"--until: {error}") from None
    if start >= end:
        raise BadUsage(f"--since lies at {start:%Y-%m-%d %H:%M} UTC, not before --until at {end:%Y-%m-%d %H:%M} UTC")
    return start, end


def _draw(made: "Report", file: str) -> None:
    from tracker import reports

    picture = reports.chart(made) + "\n"
    if file == "-":
        typer.echo(picture, nl=False)
        return
    try:
        Path(file).write_text(picture, encoding="utf-8")
    except OSError as error:
        raise BadUsage(f"{file}: cannot be written: {error.strerror}") from None
    stderr().print(f"wrote {plain(file)}")


def _json(made: "Report") -> None:
    from tracker import reports

    document(reports.shape(made))


def _csv(made: "Report") -> None:
    from tracker import reports

    rows = [reports.flat(row) for row in made.rows]
    out = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(out, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    typer.echo(out.getvalue(), nl=False)


def _print(made: "Report") -> None:
    from tracker import reports

    names = reports.columns(made.by)
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for name in ("ended", "median", "p90", "on time", "first try", "delayed", "held", "failed", "returned"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in made.rows[:MOST]:
        table.add_row(*(plain(row.key[name] or "–") for name in names), *_cells(row.figures))
    if len(made.rows) > 1:
        table.add_row("all", *[""] * (len(names) - 1), *_cells(made.total), style="bold")
    console = stdout()
    console.print(
        f"Parcels that ended {made.since:%Y-%m-%d} to {made.until:%Y-%m-%d} (UTC); times in days from the first scan"
        " to the delivery; in brackets, of how many."
    )
    console.print(table)
    if len(made.rows) > MOST:
        console.print(f"… and {len(made.rows) - MOST} more: --csv and --json have all.")
    console.print(f"{made.under_way:,} parcels sent in that time are under way and in none of the figures.")


def _cells(figures: "Figures") -> list[str]:
    return [
        f"{figures.parcels:,}",
        f"{_days(figures.transit_median_days)} ({figures.transit_parcels:,})",
        _days(figures.transit_p90_days),
        f"{_percent(figures.on_time_rate)} ({figures.on_time_parcels:,})",
        f"{_percent(figures.first_attempt_rate)} ({figures.delivered:,})",
        *(
            _percent(rate)
            for rate in (figures.delayed_rate, figures.on_hold_rate, figures.failure_rate, figures.returned_rate)
        ),
    ]


def _days(days: float | None) -> str:
    return "–" if days is None else f"{days:.1f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
