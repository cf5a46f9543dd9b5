"""What only the other sides can tell: whether they take our credentials, and what time it is."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from statistics import median

from tracker.app import App, Probed
from tracker.doctor.findings import Finding, counted, note, ok, wrong

#: Our clock may be off by so much before tokens, quotas and due times suffer; by a fraction of it is worth a note.
SKEW, SLIGHT = timedelta(minutes=2), timedelta(seconds=30)


async def online(app: App) -> list[Finding]:
    """One token call for each account, and what came of it."""
    probed = await app.probe()
    return [*(_credentials(one) for one in probed), *_clock(probed, simulated=app.clock.origins is not None)]


def _credentials(one: Probed) -> Finding:
    if not one.tried:
        return ok(one.name, "not tried: a key is only tried by a real call, which would cost quota")
    if one.error is None:
        return ok(one.name, "credentials accepted")
    return wrong(one.name, one.error, "check the credentials in the carrier's portal, and the environment")


def _clock(probed: Sequence[Probed], *, simulated: bool) -> Iterator[Finding]:
    """Our clock against theirs: the middle one of them counts, for one of theirs may be wrong too."""
    told = [one.ahead.total_seconds() for one in probed if one.ahead is not None]
    if simulated or not told:
        return
    ahead = median(told)
    off, side = timedelta(seconds=abs(ahead)), "ahead of" if ahead > 0 else "behind"
    words = f"this machine's clock is {abs(ahead):,.0f} s {side} those of others"
    remedy = "set it by a time server: `timedatectl set-ntp true`"
    if off > SKEW:
        yield wrong("clock", words, remedy)
    elif off > SLIGHT:
        yield note("clock", words, remedy)
    else:
        yield ok("clock", f"within {max(1, round(abs(ahead)))} s of {counted(len(told), 'other')}")
