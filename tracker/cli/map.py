"""`tracker map`: what would be made of a carrier's answer, offline.

Owns the command. Knows carriers and the timeline; needs no configuration, no database and no network.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from carriers.sdk.carrier import read
from carriers.sdk.errors import CarrierError
from carriers.sdk.exchange import Reply
from carriers.sdk.numbers import TrackingNumber, tracking_number
from carriers.sdk.registry import carrier as carrier_by_code
from tracker.cli import completion, rendering
from tracker.cli.console import BadUsage, coloured, document, plain, stdout
from tracker.cli.workspace import AsJson, read_bytes

if TYPE_CHECKING:
    from carriers.sdk.events import Report


def map_answer(
    carrier: Annotated[
        str, typer.Argument(help="Carrier code; `tracker carriers` lists them.", autocompletion=completion.carriers)
    ],
    file: Annotated[str, typer.Argument(help="File with the answer's body, or - for stdin.", metavar="FILE|-")],
    http_status: Annotated[int, typer.Option(help="The answer's HTTP status.", min=100, max=599)] = 200,
    number: Annotated[
        list[str] | None,
        typer.Option(help="A number that was asked for; repeat it for several. Left out: all there are."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a carrier's raw answer means: status, events, and codes no table knows.

    Works offline, for every carrier, configured or not. An answer that is an error is shown as that error.

    Example: tracker map fedex answer.json --json
    """
    try:
        numbers = tuple(tracking_number(text) for text in number or ())
    except ValueError as error:
        raise BadUsage(f"--number: {error}") from None
    known = carrier_by_code(carrier)
    reply = Reply(numbers, http_status, read_bytes(file))
    shapes: list[dict[str, Any]]
    reports: list[Report] = []
    try:
        reports = read(known, reply)
    except CarrierError as error:
        asked: tuple[TrackingNumber | None, ...] = numbers or (None,)
        shapes = [rendering.failed_report_shape(number, error) for number in asked]
    else:
        shapes = [rendering.report_shape(report) for report in reports]
    unmapped = list(rendering.unmapped(reports))
    if as_json:
        document({"carrier": carrier, "reports": shapes, "unmapped": unmapped})
    else:
        _print(shapes, unmapped)


def _print(shapes: list[dict[str, Any]], unmapped: list[str]) -> None:
    console = stdout()
    for shape in shapes:
        console.print(f"[bold]{plain(shape['number'] or 'number not told')}[/bold]  {_headline(shape)}")
        for label, key in (("promised by", "estimatedDelivery"), ("signed by", "signedBy")):
            if shape[key]:
                console.print(f"{label} {plain(shape[key])}")
        if shape["events"]:
            console.print(rendering.timeline(shape["events"], unmapped))
    if not shapes:
        console.print("The answer speaks of no parcel.")
    if unmapped:
        console.print(f"[yellow]unmapped codes:[/yellow] {plain(', '.join(unmapped))}")


def _headline(shape: dict[str, Any]) -> str:
    error = shape["error"]
    if error is None:
        return coloured(shape["status"], "no status")
    wait = "" if error["retryAfter"] is None else f" (retry after {error['retryAfter']:g} s)"
    return f"[red]{error['type']}[/red] {plain(error['message'])}{wait}"
