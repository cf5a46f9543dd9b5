"""Where a command's words go: documents and tables to stdout, all the rest to stderr.

Owns the two streams, the shape of JSON output and the reasons to end with another code than 0. Knows no
command and no parcel.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from carriers.sdk.status import FulfillmentStatus

_S = FulfillmentStatus

#: What a status looks like on a terminal: green ended well, red needs a look, yellow waits for somebody.
COLOURS: Mapping[FulfillmentStatus, str] = {
    _S.DELIVERED: "green",
    _S.PICKED_UP: "green",
    _S.FAILURE: "red",
    _S.ATTEMPTED_DELIVERY: "yellow",
    _S.ON_HOLD: "yellow",
    _S.DELAYED: "yellow",
    _S.READY_FOR_PICKUP: "cyan",
    _S.OUT_FOR_DELIVERY: "cyan",
}


class Ended(Exception):
    """The command ends here with `code`; the message, where there is one, goes to stderr."""

    code = 1


class Failed(Ended):
    """The work failed."""


class BadUsage(Ended):
    """The call, the configuration or the input is wrong."""

    code = 2


class NothingFound(Ended):
    """There is nothing of what was asked for."""

    code = 3


def stdout() -> Console:
    """The console for people's tables; plain text where stdout is no terminal."""
    return Console(highlight=False)


def stderr() -> Console:
    """The console for errors, hints and progress."""
    return Console(stderr=True, highlight=False)


def complain(message: str) -> None:
    """A message to stderr, as it is: never wrapped, never coloured, so that editors find `file:line`."""
    typer.echo(message, err=True)


def document(value: object) -> None:
    """One JSON document to stdout."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def stream(rows: Iterable[Mapping[str, Any]]) -> int:
    """A JSON array to stdout, a row at a time, however many there are; how many there were."""
    out = typer.get_binary_stream("stdout")
    count = 0
    for count, row in enumerate(rows, 1):
        out.write((b"[\n" if count == 1 else b",\n") + orjson.dumps(row))
    out.write(b"\n]\n" if count else b"[]\n")
    out.flush()
    return count


def coloured(status: FulfillmentStatus | None, nothing: str = "–") -> str:
    """A status as console markup."""
    if status is None:
        return f"[dim]{nothing}[/dim]"
    colour = COLOURS.get(status)
    return f"[{colour}]{status}[/{colour}]" if colour else str(status)


def plain(text: object) -> str:
    """Text of other people, without what it might do to a terminal or to markup."""
    return escape("".join(char if char.isprintable() else " " for char in str(text)))


def local(moment: datetime | None, nothing: str = "–") -> str:
    """An instant by this machine's clock on the wall, to the minute."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else nothing


def at_place(moment: datetime) -> str:
    """An instant by the clock on the wall at its place, with the offset."""
    return f"{moment:%Y-%m-%d %H:%M} {moment.isoformat()[-6:]}"
