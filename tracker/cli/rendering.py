"""A carrier's reports in the JSON shape of `tracker map`, and events as a table.

Owns the report's fields' names. Knows the carriers' values and the timeline, no database.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table

from carriers.sdk.errors import AmbiguousShipment, CarrierError
from carriers.sdk.events import Event, Report, Shipment
from tracker.cli.console import at_place, coloured, plain
from tracker.shapes import event_shape, iso
from tracker.timeline import choose, event_key, fold


def error_shape(error: CarrierError) -> dict[str, Any]:
    """A carrier's error; `retryAfter` in seconds."""
    return {"type": type(error).__name__, "message": error.message, "retryAfter": error.retry_after}


def report_shape(report: Report) -> dict[str, Any]:
    """One report, with the status its events come to; of several shipments the newest."""
    if report.error is not None:
        return failed_report_shape(report.number, report.error)
    try:
        shipment = choose(report.shipments, None)
    except AmbiguousShipment as error:
        return failed_report_shape(report.number, error)
    return {
        "number": report.number,
        "status": fold(shipment).status,
        "estimatedDelivery": iso(shipment.estimated_delivery),
        "signedBy": shipment.signed_by,
        "error": None,
        "events": [
            event_shape(
                occurred_at=event.occurred_at,
                zone=event.zone,
                status=None if event.meaning is None else event.meaning.status,
                code=event.code,
                description=event.description,
                place=event.place,
            )
            for event in newest_first(shipment)
        ],
    }


def failed_report_shape(number: str | None, error: CarrierError) -> dict[str, Any]:
    """The report of a number, or of an answer about nobody knows whom, that came to an error."""
    return {
        "number": number,
        "status": None,
        "estimatedDelivery": None,
        "signedBy": None,
        "error": error_shape(error),
        "events": [],
    }


def newest_first(shipment: Shipment) -> list[Event]:
    """A shipment's events, each once, by instant; those of one instant in the carrier's order."""
    once: dict[str, Event] = {}
    for event in shipment.events:
        once.setdefault(event_key(event), event)
    return sorted(once.values(), key=lambda event: event.occurred_at.timestamp(), reverse=True)


def unmapped(reports: Iterable[Report]) -> Sequence[str]:
    """Codes no table knows, each once."""
    shipments = (shipment for report in reports for shipment in report.shipments)
    return list(dict.fromkeys(code for shipment in shipments for code in shipment.unmapped))


def timeline(events: list[dict[str, Any]], unmapped: Iterable[str] = ()) -> Table:
    """Events in their JSON shape as a table, by the clock at their place; `?` marks an assumed offset."""
    unknown = set(unmapped)
    table = Table(box=None, padding=(0, 0, 0, 2))
    for name in ("when", "status"):
        table.add_column(name, no_wrap=True)
    for name in ("code", "description", "place"):
        table.add_column(name)
    for event in events:
        place = event["place"] or {}
        nothing = "unmapped" if event["status"] is None and event["code"] in unknown else "info"
        table.add_row(
            at_place(datetime.fromisoformat(event["occurredAt"])) + (" ?" if event["zone"] == "assumed" else ""),
            coloured(event["status"], nothing),
            plain(event["code"]),
            plain(event["description"]),
            plain(", ".join(filter(None, (place.get("city"), place.get("state"), place.get("country"))))),
        )
    return table
