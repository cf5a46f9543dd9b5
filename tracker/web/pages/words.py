"""How the pages say things: statuses, instants, spans, numbers. Pure.

Owns the words and the tones (the few colours that mean something). Every instant is told in UTC, those of a place with
the time there beside it.
"""

from datetime import datetime, timedelta, timezone

from carriers.sdk.status import FulfillmentStatus

_S = FulfillmentStatus

#: A status in words for people; what a carrier has not spoken of yet is '' or 'UNKNOWN'.
LABELS = {
    **{str(status): str(status).replace("_", " ").capitalize() for status in FulfillmentStatus},
    "UNKNOWN": "Not known yet",
    "": "Not known yet",
}

#: What a status means to the one who looks: good, moving, waiting, a warning, bad; else nothing yet.
_TONES = {
    _S.DELIVERED: "good",
    _S.PICKED_UP: "good",
    _S.OUT_FOR_DELIVERY: "near",
    _S.IN_TRANSIT: "moving",
    _S.CARRIER_PICKED_UP: "moving",
    _S.READY_FOR_PICKUP: "waiting",
    _S.DELAYED: "warning",
    _S.ON_HOLD: "warning",
    _S.ATTEMPTED_DELIVERY: "bad",
    _S.FAILURE: "bad",
}


def label(status: str | None) -> str:
    """A status in words."""
    return LABELS.get(status or "", str(status))


def tone(status: str | None) -> str:
    """The class of a status's colour."""
    return _TONES.get(_S(status), "early") if status and status in _S.__members__ else "early"


def moment(value: datetime | str | None) -> datetime | None:
    """An instant in UTC, given as one or as ISO 8601."""
    if value is None or value == "":
        return None
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.astimezone(timezone.utc)  # noqa: UP017 - beside `timezone` of a place


def utc(value: datetime | str | None, nothing: str = "–") -> str:
    """An instant as `2026-03-02 14:05 UTC`."""
    found = moment(value)
    return f"{found:%Y-%m-%d %H:%M} UTC" if found else nothing


def there(value: datetime | str) -> str:
    """An instant by the clock on the wall at its place, with the offset."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{found:%Y-%m-%d %H:%M} {offset(found)}"


def offset(value: datetime) -> str:
    """The offset from UTC, as `+01:00`."""
    return value.isoformat()[-6:]


def span(length: timedelta | float) -> str:
    """A length of time in its largest unit or two: `3 min`, `5 h`, `2 d 4 h`."""
    seconds = abs(length.total_seconds() if isinstance(length, timedelta) else length)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours = round(minutes / 60)
    if hours < 36:
        return f"{hours} h"
    days, rest = divmod(hours, 24)
    return f"{days} d {rest} h" if rest and days < 4 else f"{days} d"


def ago(value: datetime | str | None, now: datetime, nothing: str = "never") -> str:
    """How long ago, or in how long."""
    found = moment(value)
    if found is None:
        return nothing
    gap = now - found
    if abs(gap) < timedelta(seconds=5):
        return "now"
    return f"{span(gap)} ago" if gap > timedelta(0) else f"in {span(gap)}"


def count(value: float) -> str:
    """A number with thousands apart."""
    return f"{value:,.0f}"


def plural(value: int, one: str, many: str = "") -> str:
    """A number with its noun."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"
