"""What there is to do, against what may be done: the outbox, the parcels and where they are asked about, codes,
drift, quotas."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from tracker.doctor.findings import Case, Finding, counted, note, ok, span, wrong
from tracker.models import Outcome
from tracker.plan import outlooks
from tracker.replay import RuleBook
from tracker.replay.unknown import Seen, seen
from tracker.store import forwards, gauges, queries, reconciling
from tracker.store import unmapped as codes_seen

#: Days ahead for which the quotas are reckoned.
AHEAD = 7
#: Codes that are named; `tracker unmapped` lists all.
NAMED = 5

_DRIFT = (Outcome.DIFFERS, Outcome.MISSING_THERE)


def outbox(db: Connection, case: Case) -> Iterator[Finding]:
    """Pushes and merchants' calls that wait or are dead."""
    pushes, calls = gauges.outbox(db, case.now), forwards.counted(db)
    if pushes.dead:
        yield wrong(
            "outbox",
            f"{pushes.dead:,} dead",
            "`tracker outbox` tells why; `tracker outbox retry --all` tries again",
        )
    if calls.dead:
        yield wrong(
            "front door",
            f"Order Protection refused {counted(calls.dead, 'call')} for good that had been taken for it",
            "the log names the orders (\"a merchant's call is dead\"); have the merchant's program make them again",
        )
    if pushes.waiting:
        words = f"{pushes.waiting:,} waiting" + (
            f", {pushes.held:,} of them held back by a mute" if pushes.held else ""
        )
        if pushes.oldest_at is not None:
            words += f", the oldest for {span(case.now - pushes.oldest_at)}"
        yield Finding("ok" if case.settings.orders.configured else "note", "outbox", words)
    if calls.waiting:
        yield note(
            "front door", f"{counted(calls.waiting, 'call waits', 'calls wait')} until Order Protection takes them"
        )


def webhooks(db: Connection, case: Case) -> Iterator[Finding]:
    """Endpoints that are paused, and messages that are dead."""
    for name, webhook in gauges.webhooks(db).items():
        place, state = f"webhook {name}", webhook.state
        if state.paused_until is not None and state.paused_until > case.now:
            yield wrong(
                place,
                f"paused: {state.paused_reason}; {counted(webhook.waiting, 'message waits', 'messages wait')}",
                "mend the endpoint; it is tried again by itself",
            )
        if webhook.dead:
            yield wrong(
                place, f"{counted(webhook.dead, 'message is', 'messages are')} dead", "`tracker hooks` tells why"
            )


def parcels(db: Connection, case: Case) -> Iterator[Finding]:
    """Parcels nobody is asked about."""
    for company, count in queries.unclaimed(db):
        yield wrong(
            "parcels",
            f"{count} without a carrier" + (f"; the merchant wrote {company!r}" if company else ""),
            "import them again with a trackingCompany that `tracker carriers` lists",
        )
    yield from accounts_off(case, {source: count for source, count in queries.open_by_source(db).items() if source})


def accounts_off(case: Case, waiting: Mapping[str, int]) -> Iterator[Finding]:
    """Accounts that are not polled: wrong where parcels wait for them, and there is no other account. `waiting`:
    open parcels by source."""
    reasons = {account.code: account.reason for account in case.off} | {
        account.name: account.reason for account in case.off
    }
    for account in case.off:
        if not {account.code, account.name}.intersection(waiting) or account.code in case.routes.all_sources:
            yield note(account.name, f"off: {account.reason}")
    for source, count in waiting.items():
        if source in case.routes.all_sources:
            continue
        yield wrong(
            source,
            f"{counted(count, 'parcel waits', 'parcels wait')}, and the account is off:"
            f" {reasons.get(source, 'not in the configuration')}",
            f"set carriers.{source}.credentials" if source in reasons else f"add carriers.{source} with credentials",
        )


def routes(db: Connection, case: Case) -> Iterator[Finding]:
    """Rules of `routes:` that lead to no account that is on."""
    for index, rule in enumerate(case.settings.routes):
        dead = [source for source in rule.through if source not in case.routes.all_sources]
        place = f"routes[{index}]"
        if len(dead) == len(rule.through):
            yield wrong(
                place,
                f"leads nowhere: {', '.join(dead)} {'is' if len(dead) == 1 else 'are'} off",
                f"turn one of them on under `carriers:`, or name another in {place}.through",
            )
        elif dead:
            yield note(place, f"{', '.join(dead)} {'is' if len(dead) == 1 else 'are'} off, so the rest stands in")


def codes(db: Connection, case: Case) -> Iterator[Finding]:
    """Codes no table knows, and those that are known by now."""
    unknown, cured = seen(codes_seen.events(db), RuleBook(case.settings))
    if unknown:
        events = sum(one.events for one in unknown)
        yield note(
            "codes",
            f"{counted(len(unknown), 'code')} in {counted(events, 'event')} that no table knows: {_names(unknown)}",
            "`tracker unmapped` lists them with the lines for `mapping:`",
        )
    if cured:
        yield note(
            "codes",
            f"{counted(len(cured), 'code is', 'codes are')} known by now that {'was' if len(cured) == 1 else 'were'}"
            f" not when told: {_names(cured)}",
            "`tracker replay` shows what that changes, and applies it",
        )


def _names(found: list[Seen]) -> str:
    named = [f"{one.source} {one.code}" for one in found[:NAMED]]
    return ", ".join(named) + (", …" if len(found) > NAMED else "")


def drift(db: Connection, case: Case) -> Iterator[Finding]:
    """What Order Protection holds otherwise than we."""
    summary = reconciling.summary(db)
    standing = sum(summary.differences.get(outcome, 0) for outcome in _DRIFT) - summary.repaired
    if standing > 0:
        yield note(
            "drift",
            f"{counted(standing, 'fulfillment is', 'fulfillments are')} held otherwise at Order Protection",
            "`tracker reconcile --repair`, after a look at `tracker reconcile`",
        )


def quotas(db: Connection, case: Case) -> Iterator[Finding]:
    """What the live parcels ask of the quotas, and how late their news will be."""
    for outlook in outlooks(db, case.ready, case.routes, case.settings.polling, days=AHEAD, now=case.now):
        if outlook.allowed_a_day is None:
            continue
        message = (
            f"{counted(outlook.live, 'parcel')} will ask for {outlook.wanted_a_day:,.0f} calls a day,"
            f" the quota allows {outlook.allowed_a_day:,.0f}"
        )
        remedy = (
            f"raise carriers.{outlook.source}.quota if your contract allows more, add an account, or send parcels"
            " through another with `routes:`; `tracker plan` shows what that comes to"
        )
        if outlook.starved:
            stages = ", ".join(str(stage).lower().replace("_", " ") for stage in outlook.starved)
            yield wrong(outlook.source, f"{message}: news comes more than a day late ({stages})", remedy)
        elif not outlook.fits:
            times = outlook.wanted_a_day / outlook.allowed_a_day
            yield note(outlook.source, f"{message}: news comes some {times:.1f} times later than it could", remedy)
        else:
            yield ok(outlook.source, message)
