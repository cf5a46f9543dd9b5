"""Is everything in order, and if not, what mends it.

Owns the examination behind `tracker check`: what is looked at, in which order, and what a finding is. Reads the
configuration and the database and changes neither; talks to the outside in `online` alone. Each part is in a module
of its own, none of them needs another.
"""

from collections.abc import Iterator
from pathlib import Path

from tracker.clock import Clock
from tracker.config import Settings, plan_accounts, routes_of
from tracker.doctor import access, files, running, work
from tracker.doctor.findings import Case, Finding, counted, note, ok
from tracker.store.database import Database

__all__ = ["Case", "Finding", "examine"]


def examine(settings: Settings, config: Path, clock: Clock) -> Iterator[Finding]:
    """All findings without going online. `config`: the file the settings came from, to name it."""
    ready, off = plan_accounts(settings)
    case = Case(settings, tuple(ready), tuple(off), routes_of(settings), clock)
    yield ok("configuration", f"{config} is sound")
    yield from access.secrets(case)
    if not settings.orders.configured:
        yield note(
            "orders",
            "no way to authenticate, so status changes wait in the outbox",
            "export ORDER_PROTECTION_TOKEN, or set orders.client_id and orders.client_secret",
        )
    if not ready:
        yield note("carriers", "no account is ready, so nothing is polled", "see the accounts that are off")
    if not settings.database.is_file():
        yield from (ok(account.name, f"ready, {counted(account.batch, 'number')} a call") for account in ready)
        yield from work.accounts_off(case, {})
        yield note("database", f"none at {settings.database} yet", "`tracker import` or `tracker run` makes it")
        return
    database = Database(settings.database)
    try:
        yield from (found := list(files.file(database)))
        if not any(finding.level == "wrong" for finding in found):
            yield from _inside(database, case)
    finally:
        database.close()


def _inside(database: Database, case: Case) -> Iterator[Finding]:
    with database.read() as db:
        yield from files.room(db, database.path, case)
        yield from running.clock(db, case)
        yield from running.daemon(db, database.path, case)
        yield from running.accounts(db, case)
        yield from access.web(db, case)
        for examined in (work.outbox, work.webhooks, work.parcels, work.routes, work.codes, work.drift, work.quotas):
            yield from examined(db, case)
