"""`tracker unmapped` and `tracker replay`: codes no table knows, and what a mapping makes of what is stored.

Owns both commands and their shapes. What is read how is `tracker.replay`'s; the statements are the store's.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from carriers.sdk.registry import UnknownCarrier, known_carriers
from tracker.cli import completion
from tracker.cli.console import BadUsage, NothingFound, coloured, document, local, plain, stderr, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile, existing_database, now, settings
from tracker.durations import read_duration
from tracker.shapes import iso

if TYPE_CHECKING:
    from tracker.replay import Tally
    from tracker.replay.unknown import Seen

#: So many parcels and fulfillments are listed for people; --json lists all.
SHOWN = 20

CarrierCode = Annotated[
    str | None,
    typer.Option(
        help="Only codes of this carrier, or of this aggregator.", metavar="CODE", autocompletion=completion.carriers
    ),
]


def unmapped(carrier: CarrierCode = None, as_json: AsJson = False, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List the codes seen that no table knows, the most frequent first, and the lines that map them.

    A code that the tables or your mapping know by now is not listed: `tracker replay` reads it again. Ends with 3
    where every code is known.

    Example: tracker unmapped --carrier fedex
    """
    from tracker.replay import RuleBook
    from tracker.replay.unknown import seen
    from tracker.store import unmapped as store

    _check_carrier(carrier)
    book = RuleBook(settings(config))
    with existing_database(config).read() as db:
        events = [event for event in store.events(db) if carrier in (None, event.source)]
        unknown, cured = seen(events, book)
        numbers = store.numbers(db, {one.newest.parcel_id for one in (*unknown, *cured)})
    if as_json:
        document(
            {
                "unmapped": [_seen_shape(one, numbers) for one in unknown],
                "cured": [_seen_shape(one, numbers) for one in cured],
            }
        )
    elif unknown:
        _print_unmapped(unknown, numbers)
    if cured:
        codes = ", ".join(f"{one.source} {one.code}" for one in cured)
        stderr().print(f"known by now: {plain(codes)}; `tracker replay` shows what that changes", soft_wrap=True)
    if not unknown:
        raise NothingFound("every code seen is known")


def _check_carrier(carrier: str | None) -> None:
    if carrier is not None and carrier not in known_carriers():
        raise UnknownCarrier(f"unknown carrier {carrier!r}; known: {', '.join(known_carriers())}")


def _seen_shape(seen: "Seen", numbers: dict[int, str]) -> dict[str, Any]:
    from tracker.replay import word

    return {
        "carrier": seen.source,
        "code": seen.code,
        "events": seen.events,
        "parcels": len(seen.parcels),
        "firstSeen": iso(seen.first_at),
        "lastSeen": iso(seen.newest.seen_at),
        "sample": {"text": seen.newest.text, "trackingNumber": numbers.get(seen.newest.parcel_id)},
        "means": word(seen.ruling.meaning) if seen.ruling else None,
    }


def _print_unmapped(unknown: "Sequence[Seen]", numbers: dict[int, str]) -> None:
    table = Table(
        *("carrier", "code", "parcels", "events", "first seen", "last seen", "sample", "number"),
        box=None,
        pad_edge=False,
    )
    for seen in unknown:
        table.add_row(
            plain(seen.source),
            plain(seen.code),
            str(len(seen.parcels)),
            str(seen.events),
            local(seen.first_at),
            local(seen.newest.seen_at),
            plain(seen.newest.text),
            plain(numbers.get(seen.newest.parcel_id, "")),
        )
    console = stdout()
    console.print(table)
    console.print(
        "\nSay what they mean in config.yaml: a status for each, INFORMATIONAL if it changes none, or RETURNING."
        " Then `tracker replay`.\n"
    )
    for line in _lines_to_paste(unknown):
        console.print(plain(line), soft_wrap=True)


def _lines_to_paste(unknown: "Sequence[Seen]") -> Iterator[str]:
    """What to put under `mapping:`. STATUS is refused at the start: nobody's guess gets in by pasting."""
    yield "mapping:"
    for source in dict.fromkeys(seen.source for seen in unknown):
        yield f"  {source}:"
        for seen in unknown:
            if seen.source == source:
                told = " ".join(seen.newest.text.split())
                yield f"    {json.dumps(seen.code, ensure_ascii=False)}: STATUS" + (f"  # {told}" if told else "")


def replay(
    since: Annotated[
        str | None,
        typer.Option(help="Only parcels with an event since then: a date, an instant, or 7d.", metavar="WHEN"),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="Read by this file instead of the configuration's `mapping:`.", metavar="FILE")
    ] = None,
    carrier: CarrierCode = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write what changes, and push it.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Read the stored codes again, with the tables and the mapping as they are now, and show what changes.

    Without --apply nothing is written. A code that no rule knows keeps what it was read as. Safe beside a running
    daemon, which reads by a changed configuration from its next start or SIGHUP on.

    Example: tracker replay --since 7d --apply
    """
    from tracker.config import load_mapping
    from tracker.replay import Replay, RuleBook, Scope

    _check_carrier(carrier)
    loaded = settings(config)
    own = loaded.mapping
    if mapping is not None:
        if not mapping.is_file():
            raise BadUsage(f"{mapping}: no such file")
        loaded = loaded.model_copy(update={"mapping": load_mapping(mapping)})
    scope = Scope(_instant(since), carrier)
    work = Replay(
        existing_database(config),
        RuleBook(loaded),
        roll_up_rule=loaded.polling.aggregate,
        reuse_margin=loaded.polling.reuse_margin,
        now=now,
    )
    with _bar(as_json) as advanced:
        tally = work.run(scope, apply=apply, advanced=advanced)
    if as_json:
        document(_tally_shape(tally, apply))
    else:
        _print_tally(tally, apply)
    if apply and loaded.mapping != own:
        stderr().print(
            f"the daemon reads by the configuration: put {mapping} under `mapping:` in {config} and reload it,"
            " or its next answers take this back",
            soft_wrap=True,
            markup=False,
        )


def _instant(text: str | None) -> datetime | None:
    """WHEN as an instant; a time without an offset is this machine's."""
    if text is None:
        return None
    try:
        return now() - read_duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise BadUsage(f"--since: {text!r} is neither a date such as 2026-03-01 nor a time back such as 7d") from None


@contextmanager
def _bar(hidden: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal's stderr, and nothing elsewhere."""
    console = stderr()
    columns = (TextColumn("reading again"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=hidden or not console.is_terminal) as progress:
        task = progress.add_task("")
        yield lambda done, whole: progress.update(task, completed=done, total=whole)


def _tally_shape(tally: "Tally", applied: bool) -> dict[str, Any]:
    from tracker.replay import word

    return {
        "applied": applied,
        "read": {"parcels": tally.parcels_read, "codes": tally.codes_read},
        "codes": [
            {
                "carrier": code.source,
                "code": code.code,
                "from": word(code.before),
                "to": word(code.after),
                "by": code.rule,
                "events": events,
                "parcels": len(tally.parcels[code]),
            }
            for code, events in tally.events.most_common()
        ],
        "statuses": [
            {"carrier": source, "code": code, "from": before, "to": after, "parcels": parcels}
            for (source, code, before, after), parcels in _by_code(tally).most_common()
        ],
        "parcels": [
            {
                "trackingNumber": parcel.number,
                "carrier": parcel.carrier,
                "from": parcel.before,
                "to": parcel.after,
                "because": {
                    "carrier": parcel.because.source,
                    "code": parcel.because.code,
                    "text": parcel.because.text,
                },
            }
            for parcel in tally.retold
        ],
        "fulfillments": [
            {
                "sourceFulfillmentId": changed.source_fulfillment_id,
                "sourceOrderId": changed.source_order_id,
                "from": changed.before,
                "to": changed.after,
                "reason": changed.reason,
            }
            for changed in tally.fulfillments
        ],
        "undecided": tally.undecided,
    }


def _by_code(tally: "Tally") -> Counter[tuple[str, str, Any, Any]]:
    return Counter((one.because.source, one.because.code, one.before, one.after) for one in tally.retold)


def _print_tally(tally: "Tally", applied: bool) -> None:
    from tracker.replay import word

    console = stdout()
    console.print(f"{tally.codes_read} codes of {tally.parcels_read} parcels read again")
    if not tally.events and not tally.retold:
        console.print("Every one means what it meant: nothing changes.")
        return
    codes = Table("carrier", "code", "meant", "means", "by", "events", "parcels", box=None, pad_edge=False)
    for code, events in tally.events.most_common():
        meant, means = word(code.before) or "unmapped", word(code.after) or "unmapped"
        by = {"mapping": "your mapping", "table": "the carrier's table"}.get(code.rule, "")
        codes.add_row(
            plain(code.source), plain(code.code), meant, means, by, str(events), str(len(tally.parcels[code]))
        )
    if tally.events:
        console.print(codes)
    for (source, code_, before, after), parcels in _by_code(tally).most_common():
        console.print(
            f"{parcels} parcel{'' if parcels == 1 else 's'}: {coloured(before, 'no status')} → {coloured(after)}"
            f" because of {plain(source)} {plain(code_)}",
            soft_wrap=True,
        )
    changes = Table("fulfillment", "order", "from", "to", "reason", box=None, pad_edge=False)
    for changed in tally.fulfillments[:SHOWN]:
        changes.add_row(
            plain(changed.source_fulfillment_id),
            plain(changed.source_order_id),
            coloured(changed.before),
            coloured(changed.after),
            plain(changed.reason),
        )
    if tally.fulfillments:
        console.print(changes)
    if len(tally.fulfillments) > SHOWN:
        console.print(f"… and {len(tally.fulfillments) - SHOWN} more fulfillments; --json lists all")
    if tally.undecided:
        console.print(f"{tally.undecided} parcels keep their status until the carrier's next answer")
    pushed = f"{len(tally.fulfillments)} fulfillment{'' if len(tally.fulfillments) == 1 else 's'}"
    console.print(
        f"Written; {pushed} on the way to Order Protection through the outbox."
        " A running daemon reads by a changed mapping from its next SIGHUP on."
        if applied
        else f"Nothing is written. With --apply it is, and {pushed} would be pushed.",
        soft_wrap=True,
    )
