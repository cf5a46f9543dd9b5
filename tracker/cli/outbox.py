"""`tracker outbox`: pushes that wait for Order Protection, and those given up with the reason.

Owns the command. The statements are the store's.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from tracker.cli.console import BadUsage, NothingFound, document, local, plain, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile, existing_database, now


class Action(StrEnum):
    """What to do with pushes."""

    LIST = "list"
    RETRY = "retry"
    DROP = "drop"


def outbox(
    action: Annotated[Action, typer.Argument(help="What to do.", show_default=True)] = Action.LIST,
    ids: Annotated[list[int] | None, typer.Argument(help="Pushes, by the id that `list` shows.", metavar="ID…")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="retry: all that wait or are dead; drop: all that are dead.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show what waits to be pushed and what is dead and why; try it again, or give it up.

    A dead push is one Order Protection refuses for good; mend the cause, then retry it. Dropping keeps the
    status here and tells the other side nothing.

    Example: tracker outbox retry 17 18
    """
    if action is Action.LIST:
        _list(ids, as_json, config)
        return
    if bool(ids) == every:
        raise BadUsage(f"name the pushes to {action}, or all of them with --all")
    from tracker.store import outbox as pushes

    database = existing_database(config)
    work = pushes.retry if action is Action.RETRY else pushes.drop
    with database.write() as tx:
        changed = work(tx, None if every else ids, now())
    if as_json:
        document({"action": action, "changed": changed})
    else:
        done = "due again" if action is Action.RETRY else "given up"
        stdout().print(f"{changed} push{'' if changed == 1 else 'es'} {done}")
    if ids and not changed:
        raise NothingFound("none of these is waiting or dead, or each is just under way")


def _list(ids: list[int] | None, as_json: bool, config: ConfigFile) -> None:
    from tracker.store import outbox as pushes

    with existing_database(config).read() as db:
        rows = [row for row in pushes.listed(db) if not ids or row["id"] in ids]
    if as_json:
        document(rows)
    elif rows:
        table = Table(
            "id", "fulfillment", "order", "status", "state", "attempts", "next", "error", box=None, pad_edge=False
        )
        for row in rows:
            dead = row["state"] == "dead"
            table.add_row(
                str(row["id"]),
                plain(row["sourceFulfillmentId"]),
                plain(row["sourceOrderId"]),
                str(row["status"]),
                "[red]dead[/red]" if dead else str(row["state"]),
                str(row["attempts"]),
                "–" if dead else local(datetime.fromisoformat(str(row["nextAttemptAt"]))),
                plain(row["lastError"] or ""),
            )
        stdout().print(table)
    else:
        stdout().print("Nothing waits and nothing is dead.")
    if ids and not rows:
        raise NothingFound("none of these is waiting or dead")
