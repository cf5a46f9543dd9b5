"""`tracker reconcile`: what Order Protection holds against what we hold.

Owns the command and its shapes. The comparison is `tracker.reconcile`'s; this asks Order Protection and no carrier.
"""

import asyncio
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from tracker.cli.console import BadUsage, Failed, NothingFound, coloured, document, local, plain, stderr, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile, now
from tracker.durations import read_moment

if TYPE_CHECKING:
    from tracker.reconcile import Compared, Run
    from tracker.store.reconciling import Asked

#: How far back fulfillments that have ended are compared where nobody says.
LATELY = timedelta(days=7)


def reconcile(
    references: Annotated[
        list[str] | None,
        typer.Argument(
            help="Tracking numbers, fulfillment or order ids; left out: all that are open or ended in the last week.",
            metavar="REF…",
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="All whose status has changed since: 30d, a date, an instant.")
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Push ours over every difference found.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Compare what Order Protection holds with ours, and with --repair set it right there; ours is never changed.

    One call for each order. Ends with 1 where a difference stands, with 0 where there is none or all were repaired.

    Example: tracker reconcile --since 30d --repair
    """
    if references and since is not None:
        raise BadUsage("name references or --since, not both")
    with stderr().status("asking Order Protection…") if not as_json else nullcontext():
        asked, run = asyncio.run(_compare(config, references or [], _moment(since), repair))
    if as_json:
        document(_shape(run))
    elif run.orders:
        _print(run)
    if not asked:
        named = "nothing known under " + ", ".join(references) if references else "nothing to compare"
        raise NothingFound(named)
    _judge(run)


def _moment(since: str | None) -> datetime | None:
    try:
        return None if since is None else read_moment(since, now())
    except ValueError as error:
        raise BadUsage(f"--since: {error}") from None


async def _compare(
    config: Path, references: list[str], since: datetime | None, repair: bool
) -> "tuple[list[Asked], Run]":
    from tracker.app import build
    from tracker.store import reconciling
    from tracker.telemetry import configure

    app = build(config)
    configure(app.settings.logging.model_copy(update={"level": "error"}), app.secrets())
    try:
        if app.reconciler is None:
            raise BadUsage("no way to authenticate with Order Protection: set orders.token (see `tracker check`)")
        await app.open()
        with app.database.read() as db:
            if references:
                asked = reconciling.orders_of(db, references)
            else:
                start = since or app.clock.now() - LATELY
                asked = reconciling.lively_orders(db, start, open=since is None)
        return asked, await app.reconciler.run(asked, repair=repair)
    finally:
        await app.close()


def _judge(run: "Run") -> None:
    """End with 1 where work failed or a difference stands."""
    from tracker.reconcile import DRIFT

    words = list(run.failures[:3])
    if len(run.failures) > 3:
        words.append(f"and {len(run.failures) - 3} orders more")
    if run.left:
        words.append(f"{run.left} orders were not compared")
    standing = sum(1 for one in run.found if one.judgement.outcome in DRIFT and not one.repaired)
    if standing:
        words.append(f"{standing} {'differs' if standing == 1 else 'differ'}")
    if words:
        raise Failed("; ".join(words))


def _shape(run: "Run") -> dict[str, Any]:
    return {
        "orders": run.orders,
        "counts": {outcome.value: count for outcome, count in run.counts.items()},
        "repaired": sum(1 for one in run.found if one.repaired),
        "failures": run.failures,
        "left": run.left,
        "fulfillments": [_compared_shape(one) for one in run.found],
    }


def _compared_shape(one: "Compared") -> dict[str, Any]:
    ours, theirs = one.judgement.ours, one.judgement.theirs
    return {
        "sourceFulfillmentId": one.judgement.source_fulfillment_id,
        "sourceOrderId": one.source_order_id,
        "outcome": one.judgement.outcome.value,
        "ours": ours.status if ours else None,
        "oursAt": ours.status_at.isoformat() if ours else None,
        "theirs": theirs.status if theirs else None,
        "theirsAt": theirs.updated_at.isoformat() if theirs and theirs.updated_at else None,
        "push": ours.push.value if ours and ours.push else None,
        "underWay": bool(ours and ours.under_way),
        "since": one.since.isoformat() if one.since else None,
        "repaired": one.repaired,
        "error": one.error,
    }


def _print(run: "Run") -> None:
    console = stdout()
    if run.found:
        table = Table("fulfillment", "order", "", "ours", "theirs", "since", "push", "", box=None, pad_edge=False)
        for one in run.found:
            ours, theirs = one.judgement.ours, one.judgement.theirs
            table.add_row(
                plain(one.judgement.source_fulfillment_id),
                plain(one.source_order_id),
                one.judgement.outcome.value.replace("_", " "),
                coloured(ours.status if ours else None),
                plain(theirs.status) if theirs else "–",
                local(one.since),
                "under way" if ours and ours.under_way else str(ours.push or "–") if ours else "–",
                "[green]repaired[/green]" if one.repaired else f"[red]{plain(one.error)}[/red]" if one.error else "",
            )
        console.print(table)
    counted = ", ".join(f"{count} {outcome.value.replace('_', ' ')}" for outcome, count in run.counts.items() if count)
    console.print(f"{run.orders} order{'' if run.orders == 1 else 's'}: {counted or 'nothing there and nothing here'}")
