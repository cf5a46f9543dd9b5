"""`tracker check`: is everything in order, and if not, what mends it.

Owns the findings. Reads the configuration and the database; talks to the outside with --online alone.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from carriers.sdk.carrier import Quota
from carriers.sdk.status import CARRIER_STATUSES, ENDED, FulfillmentStatus
from tracker.cli.carriers import quota_words
from tracker.cli.console import Failed, document, local, plain, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile, now, settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tracker.config import AccountOff, AccountPlan, Settings
    from tracker.store.database import Database

DAY = timedelta(days=1)


class Finding(NamedTuple):
    """One thing looked at. `remedy`: the command or the setting that mends it, '' where nothing needs mending."""

    level: Literal["ok", "note", "wrong"]
    subject: str
    message: str
    remedy: str = ""


def check(
    online: Annotated[
        bool, typer.Option("--online", help="Try the credentials too: one token call for each account.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Check configuration, database, credentials, and quotas against the parcels there are.

    Every finding names what mends it. Ends with 1 if something is wrong, with 0 if there are only notes.

    Example: tracker check --online
    """
    findings = list(_findings(config, online))
    wrong = sum(1 for finding in findings if finding.level == "wrong")
    if as_json:
        document({"ok": not wrong, "findings": [finding._asdict() for finding in findings]})
    else:
        _print(findings)
    if wrong:
        raise Failed(f"{wrong} thing{'' if wrong == 1 else 's'} wrong")


def _print(findings: Sequence[Finding]) -> None:
    console = stdout()
    marks = {"ok": "[green]ok   [/green]", "note": "[yellow]note [/yellow]", "wrong": "[red]wrong[/red]"}
    for finding in findings:
        console.print(f"{marks[finding.level]} {plain(finding.subject)}: {plain(finding.message)}", soft_wrap=True)
        if finding.remedy:
            console.print(f"      → {plain(finding.remedy)}", soft_wrap=True)


def _findings(config: Path, online: bool) -> Iterator[Finding]:
    from tracker.config import plan_accounts
    from tracker.store.database import Database

    loaded = settings(config)
    ready, off = plan_accounts(loaded)
    yield Finding("ok", "configuration", f"{config} is sound")
    if not loaded.orders.configured:
        yield Finding(
            "note",
            "orders",
            "no way to authenticate, so status changes wait in the outbox",
            "export ORDER_PROTECTION_TOKEN, or set orders.client_id and orders.client_secret",
        )
    if not ready:
        yield Finding("note", "carriers", "no account is ready, so nothing is polled", "see the accounts that are off")
    for account in ready:
        yield Finding("ok", account.name, f"ready, {quota_words(account.quota)}, {account.batch} numbers a call")
    waiting: dict[str, int] = {}
    if loaded.database.is_file():
        database = Database(loaded.database)
        yield from (broken := list(_file(database)))
        if not any(finding.level == "wrong" for finding in broken):
            from tracker.store import queries

            with database.read() as db:
                waiting = queries.open_parcels(db)
                yield from _work(db, loaded, ready, now())
        database.close()
    else:
        yield Finding(
            "note", "database", f"none at {loaded.database} yet", "`tracker import` or `tracker run` makes it"
        )
    yield from _accounts_off(off, {account.code for account in ready}, waiting)
    if online:
        yield from _probes(config)


def _file(database: "Database") -> Iterator[Finding]:
    """The database file itself."""
    from alembic.script import ScriptDirectory
    from sqlalchemy.exc import DatabaseError

    from tracker.store.database import MIGRATIONS

    newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    try:
        problems, revision = database.problems(), database.revision
    except DatabaseError as error:
        yield Finding(
            "wrong",
            "database",
            f"{database.path}: {error.orig}",
            "set `database:` to the tracker's own file, or put a backup in its place",
        )
        return
    for problem in problems:
        yield Finding("wrong", "database", problem, "stop the daemon and put a backup in the file's place")
    if revision is None:
        yield Finding("wrong", "database", f"{database.path} is no tracker database", "set `database:` to another file")
    elif revision != newest:
        yield Finding(
            "wrong",
            "database",
            f"at revision {revision}, this program's is {newest}",
            "`tracker run` and `tracker import` bring an older one up to date; for a newer one upgrade the program",
        )
    elif not problems:
        yield Finding("ok", "database", f"{database.path} is sound, revision {revision}")


def _work(db: "Connection", loaded: "Settings", ready: "Sequence[AccountPlan]", moment: datetime) -> Iterator[Finding]:
    """What the daemon has to do, against what it may do."""
    from tracker.models import PushState
    from tracker.store import queries

    for account in queries.paused(db, moment):
        yield Finding(
            "wrong",
            account.name,
            f"paused until {local(account.until)}: {account.reason}",
            "mend the cause; `tracker check --online` tries the credentials",
        )
    pushes = queries.pushes_by_state(db)
    if dead := pushes.get(PushState.DEAD):
        yield Finding(
            "wrong", "outbox", f"{dead} dead", "`tracker outbox` tells why; `tracker outbox retry --all` tries again"
        )
    if pending := pushes.get(PushState.WAITING):
        yield Finding("ok" if loaded.orders.configured else "note", "outbox", f"{pending} waiting")
    for company, parcels in queries.unclaimed(db):
        yield Finding(
            "wrong",
            "parcels",
            f"{parcels} without a carrier; the merchant wrote {company!r}"
            if company
            else f"{parcels} without a carrier",
            "import them again with a trackingCompany that `tracker carriers` lists",
        )
    yield from _quotas(db, loaded, ready, moment)


def _quotas(
    db: "Connection", loaded: "Settings", ready: "Sequence[AccountPlan]", moment: datetime
) -> Iterator[Finding]:
    """Looks a day that the open parcels ask for, against those the quotas allow."""
    from tracker.store import queries

    polling = loaded.polling
    intervals: dict[FulfillmentStatus, timedelta] = {
        status: getattr(polling, status.value.lower()) for status in CARRIER_STATUSES - ENDED
    }
    for demand in queries.demand(
        db,
        intervals=intervals,
        otherwise=polling.unknown_later,
        slow_down=polling.slow_down,
        maximum=polling.maximum,
        now=moment,
    ):
        accounts = [account for account in ready if account.code == demand.carrier]
        supplies = [calls * account.batch for account in accounts if (calls := calls_a_day(account.quota)) is not None]
        if not accounts or len(supplies) < len(accounts):
            continue
        supply = sum(supplies)
        message = (
            f"{demand.parcels} parcels ask for {demand.looks_a_day:,.0f} looks a day, the quota allows {supply:,.0f}"
        )
        if demand.looks_a_day <= supply:
            yield Finding("ok", demand.carrier, message)
        else:
            yield Finding(
                "wrong",
                demand.carrier,
                f"{message}: each is looked at {demand.looks_a_day / supply:.1f} times later than wanted",
                f"raise carriers.{demand.carrier}.quota if your contract allows more, lengthen the intervals in"
                " `polling:`, or add an account",
            )


def calls_a_day(quota: Quota) -> float | None:
    """The most calls a quota allows in a day; None where it has no limit."""
    limits = (
        quota.per_second and quota.per_second * DAY.total_seconds(),
        quota.per_hour and quota.per_hour * 24,
        quota.per_day,
    )
    return min((limit for limit in limits if limit is not None), default=None)


def _accounts_off(off: "Sequence[AccountOff]", ready: set[str], waiting: dict[str, int]) -> Iterator[Finding]:
    """Accounts that are not polled: wrong where parcels wait for them, and there is no other account."""
    reasons = {account.code: account for account in off}
    for account in off:
        if account.code in ready or not waiting.get(account.code):
            yield Finding("note", account.name, f"off: {account.reason}")
    for carrier, parcels in waiting.items():
        if not carrier or carrier in ready:
            continue
        reason = reasons[carrier].reason if carrier in reasons else "not in the configuration"
        yield Finding(
            "wrong",
            carrier,
            f"{parcels} parcels wait, and the account is off: {reason}",
            f"set carriers.{carrier}.credentials" if carrier in reasons else f"add carriers.{carrier} with credentials",
        )


def _probes(config: Path) -> Iterator[Finding]:
    """The credentials, tried."""
    from tracker.app import build

    async def probe() -> list[tuple[str, str | None]]:
        app = build(config)
        try:
            return await app.probe()
        finally:
            await app.close()

    for name, error in asyncio.run(probe()):
        if error is None:
            yield Finding("ok", name, "credentials accepted")
        else:
            yield Finding("wrong", name, error, "check the credentials in the carrier's portal, and the environment")
