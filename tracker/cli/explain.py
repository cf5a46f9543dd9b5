"""`tracker explain`: the chain from a carrier's word to Order Protection's answer.

Owns the command and how the chain looks to people. The chain itself is `tracker.replay.explaining`'s. Changes nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tracker.cli.console import NothingFound, at_place, coloured, document, local, plain, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile, existing_database, now, settings


def explain(
    reference: Annotated[
        str,
        typer.Argument(help="A tracking number, a sourceFulfillmentId or a sourceOrderId.", metavar="REF"),
    ],
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show why a status is what it is: each event, the rule that read it, what decided, what was pushed and answered.

    Example: tracker explain 794600000017
    """
    from tracker.config import routes_of
    from tracker.relay import NAME
    from tracker.replay import RuleBook
    from tracker.replay.explaining import explained, gather
    from tracker.store import queries

    loaded = settings(config)
    with existing_database(config).read() as db:
        facts = gather(
            db,
            queries.tracked(db, reference),
            loaded,
            book=RuleBook(loaded),
            routes=routes_of(loaded),
            receiver=NAME,
            moment=now(),
            when=local,
        )
    shapes = [explained(found, facts) for found in facts.found]
    if as_json:
        document(shapes)
    if not shapes:
        raise NothingFound(f"nothing known of {reference!r}: no tracking number, fulfillment or order of that name")
    if not as_json:
        console = stdout()
        for shape in shapes:
            _print(console, shape)


def _print(console: Console, shape: dict[str, Any]) -> None:
    _line(
        console,
        f"[bold]{plain(shape['sourceFulfillmentId'])}[/bold] of order {plain(shape['sourceOrderId'])}:"
        f" {coloured(shape['status'])} since {_local(shape['statusAt'])}",
    )
    _line(console, f"  because: {plain(shape['why'])}")
    for parcel in shape["parcels"]:
        _print_parcel(console, parcel)
    console.print("\n  [bold]pushes[/bold]" if shape["changes"] else "\n  nothing pushed yet")
    for change in shape["changes"]:
        reason = f"  [dim]{plain(change['reason'])}[/dim]" if change["reason"] else ""
        _line(console, f"  {_local(change['recordedAt'])}  {coloured(change['status'])}{reason}")
        _line(console, f"    {plain(change['why'])}")
    console.print()


def _print_parcel(console: Console, parcel: dict[str, Any]) -> None:
    asked = parcel["asked"]
    known = coloured(parcel["status"], "no status")
    console.print()
    _line(
        console,
        f"  [bold]{plain(parcel['trackingNumber'])}[/bold] {plain(parcel['carrier'] or 'carrier unknown')} {known}",
    )
    _line(console, f"  because: {plain(parcel['why'])}")
    route = f", of {plain(' → '.join(asked['route']))}" if len(asked["route"]) > 1 else ""
    last = _local(asked["lastPolledAt"], "never yet")
    _line(console, f"  asked at: {plain(asked['source'] or 'nowhere')}{route}; last {last}")
    for account in asked["accounts"]:
        if account["pausedUntil"]:
            until = _local(account["pausedUntil"])
            _line(
                console,
                f"  [yellow]{account['name']} is paused until {until}: {plain(account['pausedReason'])}[/yellow]",
            )
    if asked["lastError"]:
        _line(console, f"  [red]{plain(asked['lastError'])}[/red]")
    _line(console, f"  next poll: {plain(parcel['nextPoll']['why'])}")
    if parcel["events"]:
        console.print(_events_table(parcel["events"]))


def _events_table(events: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 2))
    for name in ("", "there", "UTC", "code", "means"):
        table.add_column(name, no_wrap=True)
    for name in ("rule", "text", "told by"):
        table.add_column(name)
    for event in events:
        means = event["means"] or "unmapped"
        now_means = event["rule"]["means"] or "unmapped"
        table.add_row(
            "→" if event["decided"] else "",
            at_place(datetime.fromisoformat(event["occurredAt"])) + (" ?" if event["zone"] == "assumed" else ""),
            f"{datetime.fromisoformat(event['occurredAtUtc']):%d %H:%M}",
            plain(event["code"]),
            means + (" (withdrawn)" if event["withdrawnAt"] else ""),
            plain(event["rule"]["words"]) + (f"; now {now_means}: `tracker replay`" if now_means != means else ""),
            plain(event["description"]),
            plain(event["source"]),
        )
    return table


def _line(console: Console, text: str) -> None:
    """One line, however long: what is pasted into a ticket must not be broken."""
    console.print(text, soft_wrap=True)


def _local(value: str | None, nothing: str = "–") -> str:
    return local(datetime.fromisoformat(value) if value else None, nothing)
