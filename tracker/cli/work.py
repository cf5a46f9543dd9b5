"""`tracker run`, `tracker poll` and `tracker demo`: the commands that talk to the outside.

Owns their options and their tables. What they do is the daemon's, the app's and the demo's.
"""

import asyncio
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from carriers.sdk.errors import AmbiguousShipment, InvalidNumber, NotFound
from tracker.cli.console import Failed, NothingFound, coloured, document, plain, stderr, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile

NUMBER_ERRORS = frozenset(error.__name__ for error in (AmbiguousShipment, InvalidNumber, NotFound))


def run(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Run the daemon: poll what is due, push what changed, serve the page.

    SIGTERM or Ctrl-C finishes the work under way and ends; SIGHUP reads the configuration again.

    Example: tracker run -c /etc/tracker/config.yaml
    """
    from tracker.daemon import run as run_daemon

    raise typer.Exit(run_daemon(config))


def poll(
    references: Annotated[
        list[str] | None,
        typer.Argument(help="Tracking numbers, fulfillment or order ids; left out: all that is due.", metavar="REF…"),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Ask the carriers now, out of turn, within the quota.

    Example: tracker poll 794600000017
    """
    with stderr().status("asking the carriers…") if not as_json else nullcontext():
        rows = asyncio.run(_ask(config, references or []))
    if as_json:
        document(rows)
    elif rows:
        stdout().print(_table(rows))
    if not rows and references:
        raise NothingFound("nothing known under " + ", ".join(references))
    if not rows:
        stderr().print("nothing is due")
    failed = sum(1 for row in rows if _account_failed(row))
    if failed:
        raise Failed(f"{failed} of {len(rows)} could not be asked about")


async def _ask(config: Path, references: list[str]) -> list[dict[str, Any]]:
    from tracker.app import build
    from tracker.telemetry import configure

    app = build(config)
    configure(app.settings.logging.model_copy(update={"level": "error"}), app.secrets())
    try:
        return await app.poll(references)
    finally:
        await app.close()


def _account_failed(row: dict[str, Any]) -> bool:
    """Whether the parcel's question came to nothing; an answer about the number itself is an answer."""
    return bool(row["error"]) and row["error"].partition(":")[0] not in NUMBER_ERRORS


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("number", "carrier", "status", "", box=None, pad_edge=False)
    for row in rows:
        outcome = f"[red]{plain(row['error'])}[/red]" if row["error"] else "changed" if row["changed"] else ""
        table.add_row(plain(row["trackingNumber"]), plain(row["carrier"]), coloured(row["status"]), outcome)
    return table


def demo(
    parcels: Annotated[int, typer.Option(help="How many parcels.", min=1)] = 200,
    seconds: Annotated[
        float | None, typer.Option("--for", help="End by itself after so many seconds.", min=1, metavar="SECONDS")
    ] = None,
    speed: Annotated[float, typer.Option(help="Clock seconds in a second.", min=1)] = 10800,
    seed: Annotated[int, typer.Option(help="The same seed gives the same parcels.")] = 1,
    port: Annotated[int, typer.Option(help="Of the page; 0 picks a free one.", min=0, max=65535)] = 0,
    as_json: AsJson = False,
) -> None:
    """Run the whole system on this machine: sandbox carriers, a sandbox Order Protection, the daemon, the page.

    Needs no key and no service, and leaves nothing behind. Ctrl-C ends it with a summary.

    Example: tracker demo --for 30 --json
    """
    from tracker.demo import demo as run_demo

    raise typer.Exit(run_demo(parcels, seconds, speed, seed, port, as_json))
