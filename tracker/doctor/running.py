"""Whether a daemon runs and does its work: the clock, its heartbeats, the accounts' last answers."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from tracker.doctor.findings import Case, Finding, ago, counted, note, ok, span, wrong
from tracker.heartbeats import HUNG
from tracker.relay import NAME as RECEIVER
from tracker.store import accounts as states
from tracker.store import gauges, heartbeats
from tracker.store.heartbeats import Kept
from tracker.store.presence import anybody

#: What was written may be ahead of this machine's clock by so much: several daemons write.
SKEW = timedelta(minutes=2)
#: A daemon writes down its heartbeats every half minute; after so many wall seconds it does so no more.
SILENT = 120.0
#: Parcels that have waited so long for their turn are late.
LATE = timedelta(hours=1)

_RUN = "start it: `tracker run`"
_RESTART = "the daemon's log tells why; if it stays so, start the daemon again"


def clock(db: Connection, case: Case) -> Iterator[Finding]:
    """Whether the clock was put back: everything that is due is counted by it."""
    written = gauges.last_written_at(db)
    if written is not None and written - case.now > SKEW:
        yield wrong(
            "clock",
            f"the database was last written {span(written - case.now)} ahead of this machine's clock:"
            " the clock was put back, or the one of another daemon is ahead",
            "set the clock by a time server: `timedatectl set-ntp true`; `tracker check --online` compares it",
        )


def daemon(db: Connection, path: Path, case: Case) -> Iterator[Finding]:
    """Whether one runs, and how its heartbeats do."""
    kept = heartbeats.kept(db)
    silent = case.time.wall(SILENT)
    speaking = [beat for beat in kept if case.now - beat.kept_at <= silent]
    if not anybody(path):
        yield from _nobody(db, kept, case)
    elif not kept:
        yield note("daemon", "something works on the database, but no daemon has told of its heartbeats yet")
    elif not speaking:
        last = max(beat.kept_at for beat in kept)
        yield wrong("daemon", f"it runs, and was last heard of {ago(last, case.now)}: it hangs", _RESTART)
    else:
        troubles = [trouble for beat in speaking if (trouble := _trouble(beat, case))]
        yield from troubles
        if not troubles:
            processes = {beat.process for beat in speaking}
            beats = counted(len(speaking), "heartbeat is", "heartbeats are")
            yield ok("daemon", f"{', '.join(sorted(processes))}: {beats} well")


def _nobody(db: Connection, kept: list[Kept], case: Case) -> Iterator[Finding]:
    waiting = max((one.longest for one in _waiting(db, case).values()), default=timedelta(0))
    words = "none is running"
    if kept:
        last = max(beat.kept_at for beat in kept)
        words += f"; the last one was killed, and heard of {ago(last, case.now)}"
    if waiting > LATE:
        yield wrong("daemon", f"{words}, and parcels have waited for {span(waiting)}", _RUN)
    else:
        yield note("daemon", words, _RUN)


def _trouble(beat: Kept, case: Case) -> Finding | None:
    late = case.time.wall(beat.every + HUNG)
    if beat.began_at is not None and beat.kept_at - beat.began_at > late:
        return wrong("daemon", f"heartbeat {beat.job!r} hangs, since {ago(beat.began_at, case.now)}", _RESTART)
    if beat.in_a_row:
        since = f", last well {ago(beat.succeeded_at, case.now)}" if beat.succeeded_at else ""
        times = counted(beat.in_a_row, "time")
        return wrong("daemon", f"heartbeat {beat.job!r} failed {times} in a row ({beat.error}){since}", _RESTART)
    return None


def accounts(db: Connection, case: Case) -> Iterator[Finding]:
    """Each account that is on: paused or not, when it last answered, how late it is."""
    found = {state.name: state for state in states.states(db)}
    for name in [*(plan.name for plan in case.ready), RECEIVER]:
        state = found.get(name)
        if state is not None and state.is_paused(case.now) and state.paused_until is not None:
            yield wrong(
                name,
                f"paused until {_local(state.paused_until)}: {state.paused_reason}",
                "mend the cause; `tracker check --online` tries the credentials",
            )
        elif name != RECEIVER:
            last = f"last answered {ago(state.last_success_at, case.now)}" if state and state.last_success_at else ""
            batch = next(plan.batch for plan in case.ready if plan.name == name)
            yield ok(name, ", ".join(word for word in ("ready", f"{counted(batch, 'number')} a call", last) if word))
        elif state is not None and state.last_success_at:
            yield ok(name, f"last answered {ago(state.last_success_at, case.now)}")
    for name, waiting in _waiting(db, case).items():
        if waiting.late and name in case.routes.all_sources:
            yield note(
                name,
                f"{counted(waiting.late, 'parcel has', 'parcels have')} waited for more than an hour for a turn,"
                f" one for {span(waiting.longest)}",
                "`tracker plan` shows what the parcels ask of the quota",
            )


class _Waiting(NamedTuple):
    """Parcels of a source whose turn has come: how many have waited for long, and how long the first of them has."""

    late: int
    longest: timedelta


def _waiting(db: Connection, case: Case) -> dict[str, _Waiting]:
    return {
        name: _Waiting(source.late, case.now - source.oldest_due_at)
        for name, source in gauges.sources(db, case.now).items()
        if name and source.oldest_due_at is not None
    }


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
