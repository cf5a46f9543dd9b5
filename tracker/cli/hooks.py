"""`tracker hooks`: what carriers deliver by themselves, and who is told of status changes.

Owns the command. Addresses are shown without the parts that may be secret, secrets never.
"""

import asyncio
import base64
import secrets
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.table import Table

from tracker.cli.console import BadUsage, Ended, NothingFound, document, local, plain, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile, existing_database, now, settings

if TYPE_CHECKING:
    from tracker.config import Settings


class Action(StrEnum):
    """What to do."""

    LIST = "list"
    TEST = "test"
    RETRY = "retry"
    DROP = "drop"
    SECRET = "secret"  # noqa: S105 - a command's name


def hooks(
    action: Annotated[Action, typer.Argument(help="What to do.", show_default=True)] = Action.LIST,
    name: Annotated[str, typer.Argument(help="The webhook's name: for test, retry and drop.", metavar="NAME")] = "",
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show where carriers deliver by themselves and what came, and how the webhooks do that are told of changes.

    `test` sends a signed message that says nothing; `retry` sends what waits or is dead now, `drop` gives the dead
    messages up; `secret` makes a secret for a new webhook.

    Example: tracker hooks test warehouse
    """
    if action is Action.SECRET:
        made = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        document({"secret": made}) if as_json else stdout().print(made)
        return
    configured = settings(config)
    if action is Action.LIST:
        _list(configured, as_json, config)
        return
    if name not in (known := [webhook.name for webhook in configured.webhooks]):
        raise BadUsage(f"name the webhook; there {'is' if known else 'are'} {', '.join(known) or 'none configured'}")
    if action is Action.TEST:
        _test(configured, name, as_json)
        return
    from tracker.store import messages

    with existing_database(config).write() as tx:
        changed = (messages.retry if action is Action.RETRY else messages.drop)(tx, name, now())
    if as_json:
        document({"action": action, "changed": changed})
    else:
        done = "due again" if action is Action.RETRY else "given up"
        stdout().print(f"{changed} message{'' if changed == 1 else 's'} {done}")


def _test(configured: "Settings", name: str, as_json: bool) -> None:
    from tracker.app import tell
    from tracker.orders import Verdict

    (webhook,) = [webhook for webhook in configured.webhooks if webhook.name == name]
    answer = asyncio.run(tell(webhook))
    taken = answer.verdict is Verdict.DONE
    if as_json:
        document({"name": name, "taken": taken, "error": None if taken else answer.message})
    elif taken:
        stdout().print(f"{name} took a signed message")
    if not taken:
        raise Ended("" if as_json else f"{name} did not take it: {answer.message}", 1)


def _list(configured: "Settings", as_json: bool, config: Any) -> None:
    from tracker.store import hooks as deliveries
    from tracker.store import messages

    heard, states, counts, listed = {}, {}, {}, []
    if configured.database.is_file():
        with existing_database(config).read() as db:
            heard = {one.account: one for one in deliveries.heard(db)}
            states = {one.name: one for one in messages.states(db)}
            counts, listed = messages.counted(db), messages.listed(db)
    incoming = list(_incoming(configured, heard))
    outgoing = [
        {
            "name": webhook.name,
            "host": urlsplit(webhook.url).hostname,
            "statuses": list(webhook.wanted),
            "carriers": list(webhook.carriers),
            "paused": webhook.paused,
            "pausedUntil": _until(states.get(webhook.name)),
            "lastError": state.paused_reason or None if (state := states.get(webhook.name)) else None,
            "waiting": counts.get((webhook.name, "waiting"), 0),
            "dead": counts.get((webhook.name, "dead"), 0),
            "messages": [row for row in listed if row["endpoint"] == webhook.name],
        }
        for webhook in configured.webhooks
    ]
    if as_json:
        document({"incoming": incoming, "outgoing": outgoing})
        return
    _show(incoming, outgoing)
    if not incoming and not outgoing:
        raise NothingFound("no account whose carrier delivers by itself is on, and no webhook is configured")


def _until(state: Any) -> str | None:
    return state.paused_until.isoformat() if state is not None and state.is_paused(now()) else None


def _incoming(configured: "Settings", heard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    from tracker.config import plan_accounts

    for plan in plan_accounts(configured)[0]:
        if plan.carrier.hook is not None:
            told = heard.get(plan.name)
            yield {
                "account": plan.name,
                "path": f"/hooks/{plan.name}",
                "secret": bool(plan.hook_secret.get_secret_value()),
                "ordering": plan.carrier.hook.ordering,
                "deliveries": told.deliveries if told else 0,
                "news": told.news if told else 0,
                "unknown": told.unknown if told else 0,
                "lastAt": told.last_at.isoformat() if told and told.last_at else None,
            }


def _show(incoming: list[dict[str, Any]], outgoing: list[dict[str, Any]]) -> None:
    from datetime import datetime

    if incoming:
        table = Table("account", "address", "secret", "in 7 days", "news", "unknown", "last", box=None, pad_edge=False)
        for one in incoming:
            table.add_row(
                one["account"],
                one["path"],
                "set" if one["secret"] else "[yellow]missing[/yellow]",
                str(one["deliveries"]),
                str(one["news"]),
                str(one["unknown"]),
                local(datetime.fromisoformat(one["lastAt"])) if one["lastAt"] else "–",
            )
        stdout().print(table)
        for one in incoming:
            stdout().print(f"{one['account']}: {plain(one['ordering'])}", highlight=False)
    if outgoing:
        table = Table("webhook", "host", "told of", "waiting", "dead", "state", box=None, pad_edge=False)
        for one in outgoing:
            state = "[yellow]paused[/yellow]" if one["paused"] else plain(one["lastError"] or "")
            wanted = ", ".join([*one["statuses"], *one["carriers"]]) or "everything"
            table.add_row(one["name"], plain(one["host"]), wanted, str(one["waiting"]), str(one["dead"]), state)
        stdout().print(table)
        for row in (row for one in outgoing for row in one["messages"] if row["state"] == "dead"):
            stdout().print(f"dead: {row['endpoint']} {plain(row['sourceFulfillmentId'])} {row['status']}", end=": ")
            stdout().print(plain(row["lastError"] or ""))
