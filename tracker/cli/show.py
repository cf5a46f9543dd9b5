"""`tracker status` and `tracker list`: what is known, from the database alone.

Owns the shapes of both in JSON, CSV and for people. Asks no carrier and changes nothing.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from carriers.sdk.registry import UnknownCarrier, known_carriers
from carriers.sdk.status import FulfillmentStatus
from tracker.cli import completion
from tracker.cli.console import (
    COLOURS,
    BadUsage,
    NothingFound,
    coloured,
    document,
    local,
    plain,
    stdout,
    stream,
)
from tracker.cli.rendering import timeline
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile, existing_database, now, settings
from tracker.shapes import fulfillment_whole_shape, iso

if TYPE_CHECKING:
    from sqlalchemy import Row


def status(
    reference: Annotated[
        str,
        typer.Argument(help="A tracking number, a sourceFulfillmentId or a sourceOrderId.", metavar="REF"),
    ],
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show a fulfillment: status, what was pushed, every parcel with its timeline, and the history.

    Example: tracker status 794600000017
    """
    from tracker.store import queries

    database = existing_database(config)
    with database.read() as db:
        found = queries.tracked(db, reference)
        parcel_ids = list({parcel.id for fulfillment in found for parcel in fulfillment.parcels})
        events = queries.events(db, parcel_ids)
    shapes = [fulfillment_whole_shape(fulfillment, events) for fulfillment in found]
    if as_json:
        document(shapes)
    if not found:
        raise NothingFound(f"nothing known of {reference!r}: no tracking number, fulfillment or order of that name")
    if not as_json:
        console = stdout()
        for shape in shapes:
            _print_fulfillment(console, shape)


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _print_fulfillment(console: Console, shape: dict[str, Any]) -> None:
    console.print(
        f"[bold]{plain(shape['sourceFulfillmentId'])}[/bold] of order {plain(shape['sourceOrderId'])}:"
        f" {coloured(shape['status'])} since {local(_moment(shape['statusAt']))}"
    )
    console.print(f"  Order Protection {_pushed_words(shape['pushed'])}")
    for parcel in shape["parcels"]:
        console.print()
        console.print(
            f"  [bold]{plain(parcel['trackingNumber'])}[/bold] {plain(parcel['carrier'] or 'carrier unknown')}"
            f" {coloured(parcel['status'], 'not known to the carrier yet')}"
        )
        if parcel["trackingUrl"]:
            console.print(f"  {plain(parcel['trackingUrl'])}", soft_wrap=True)
        promised = f"promised by {local(_moment(parcel['estimatedDelivery']))}, " if parcel["estimatedDelivery"] else ""
        asked = local(_moment(parcel["lastPolledAt"]), "never")
        console.print(f"  {promised}asked {asked}, next {local(_moment(parcel['nextPollAt']), 'not any more')}")
        if parcel["lastError"]:
            console.print(f"  [red]{plain(parcel['lastError'])}[/red]")
        if parcel["events"]:
            console.print(timeline(parcel["events"]))
    if shape["history"]:
        console.print("\n  history")
        for change in shape["history"]:
            console.print(
                f"  {local(_moment(change['at']))}  {coloured(change['status'])}  [dim]{plain(change['reason'])}[/dim]"
            )
    console.print()


def _pushed_words(pushed: dict[str, Any]) -> str:
    words = (
        f"was told {pushed['status']} {local(_moment(pushed['at']))}" if pushed["status"] else "was told nothing yet"
    )
    if pushed["pending"]:
        words += f", a push is waiting (attempts: {pushed['attempts']})"
    if pushed["lastError"]:
        words += f": [red]{plain(pushed['lastError'])}[/red]"
    return words


#: The columns of `tracker list`, in JSON and CSV, with the column of the query behind each.
COLUMNS = {
    "sourceFulfillmentId": "source_fulfillment_id",
    "sourceOrderId": "source_order_id",
    "status": "status",
    "carrier": "carrier",
    "trackingNumber": "number",
    "parcelStatus": "parcel_status",
    "statusAt": "status_at",
    "lastMovementAt": "last_movement_at",
    "estimatedDelivery": "estimated_delivery",
    "lastPolledAt": "last_polled_at",
    "nextPollAt": "next_poll_at",
    "lastError": "last_error",
    "claimClosesAt": "fulfilled_at",
}


def list_parcels(
    statuses: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            help="Only fulfillments of this status; repeat it for several.",
            autocompletion=completion.statuses,
        ),
    ] = None,
    carrier: Annotated[
        str | None, typer.Option(help="Only parcels of this carrier.", autocompletion=completion.carriers)
    ] = None,
    late: Annotated[bool, typer.Option("--late", help="Only parcels under way after their promised day.")] = False,
    stalled: Annotated[
        int | None,
        typer.Option(help="Only parcels under way without a movement for so many days.", min=0, metavar="DAYS"),
    ] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a header on stdout.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """List parcels, one row for each parcel of each fulfillment, in the order they came in.

    `claimClosesAt` is when a claim can no longer be made: `claims.window` after the fulfilment.

    Example: tracker list --status in_transit --status delayed --stalled 7 --csv
    """
    from tracker.store import queries

    if as_json and as_csv:
        raise BadUsage("choose one of --json and --csv")
    if carrier is not None and carrier not in known_carriers():
        raise UnknownCarrier(f"unknown carrier {carrier!r}; known: {', '.join(known_carriers())}")
    try:
        wanted = [FulfillmentStatus.read(text) for text in statuses or ()]
    except ValueError as error:
        raise BadUsage(f"--status: {error}") from None
    moment = now()
    chosen = queries.Filter(
        statuses=wanted,
        carrier=carrier,
        late_at=moment if late else None,
        silent_since=None if stalled is None else moment - timedelta(days=stalled),
    )
    write = stream if as_json else _csv if as_csv else _lines
    configured = settings(config)
    with existing_database(config).read() as db:
        count = write(_row_shapes(queries.listed(db, chosen), configured.claims.window))
    if not count:
        raise NothingFound("no parcel matches")


def _row_shapes(rows: "Iterable[Row[Any]]", window: timedelta) -> Iterator[dict[str, Any]]:
    """Rows as they are written; the last column is when a claim can no longer be made."""
    for row in rows:
        told = zip(COLUMNS, (*row[:-1], row[-1] + window), strict=True)
        yield {name: iso(value) if isinstance(value, datetime) else value for name, value in told}


def _csv(rows: Iterable[dict[str, Any]]) -> int:
    out = typer.get_binary_stream("stdout")
    line = io.StringIO(newline="")
    writer = csv.DictWriter(line, COLUMNS, lineterminator="\n")
    writer.writeheader()
    count = 0
    for row in rows:
        count += 1
        writer.writerow({name: _harmless(value) for name, value in row.items()})
        out.write(line.getvalue().encode())
        line.seek(0)
        line.truncate()
    out.write(line.getvalue().encode())
    out.flush()
    return count


def _harmless(value: str | None) -> str | None:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if value and value[0] in "=+-@\t\r" else value


_WIDTHS = {"sourceFulfillmentId": 24, "trackingNumber": 26, "carrier": 14, "parcelStatus": 18, "status": 18}


def _lines(rows: Iterable[dict[str, Any]]) -> int:
    """Columns of a fixed width: a table that fits itself would have to wait for its last row."""
    out = typer.get_binary_stream("stdout")
    colour = stdout().color_system is not None
    header = "".join(name.ljust(width + 2) for name, width in _WIDTHS.items()) + "lastMovementAt    claimClosesAt\n"
    header = typer.style(header, bold=True) if colour else header
    count = 0
    for count, row in enumerate(rows, 1):
        cells = [_cell(row, name, width, colour) for name, width in _WIDTHS.items()]
        moved = local(_moment(row["lastMovementAt"])).ljust(18)
        closes = local(_moment(row["claimClosesAt"]))[:10]
        out.write(f"{header if count == 1 else ''}{''.join(cells)}{moved}{closes}\n".encode())
    out.flush()
    return count


def _cell(row: dict[str, Any], name: str, width: int, colour: bool) -> str:
    value = row[name]
    shown = "".join(char if char.isprintable() else " " for char in str(value or "–")).ljust(width) + "  "
    if colour and isinstance(value, FulfillmentStatus) and value in COLOURS:
        return typer.style(shown, fg=COLOURS[value])
    return shown
