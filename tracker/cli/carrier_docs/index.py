"""The index of docs/carriers/, as Markdown."""

from collections.abc import Iterator, Mapping

from carriers.sdk import numbers
from carriers.sdk.numbers import forms
from carriers.sdk.registry import Registered
from tracker.cli.carrier_docs.page import table
from tracker.cli.carrier_docs.told import Told, columns, sentences_read
from tracker.cli.carriers import quota_words

#: What merchants rely on, and not every carrier says.
RELIED_ON = ("OUT_FOR_DELIVERY", "ATTEMPTED_DELIVERY", "READY_FOR_PICKUP", "DELAYED", "RETURNING")

OPENING = """<!-- Written by `tracker carrier-docs`; do not edit. -->

# Carriers

A page for each: credentials, what to put into config.yaml, limits, what it can and cannot tell, and every code with
the status it stands for. `tracker carriers` lists them with what your configuration makes of them. A further one:
[adding a carrier](../adding-a-carrier.md)."""


def index(known: Mapping[str, tuple[Registered, Told]]) -> str:
    """The whole page."""
    direct = [row for row in known.values() if not row[0].aggregator]
    aggregators = [row for row in known.values() if row[0].aggregator]
    head = ("carrier", "code", "credentials", "numbers a call", "quota", "codes", "estimated delivery", "never tells")
    parts = [
        OPENING,
        f"{len(direct)} carriers:",
        table(head, map(_row, direct)),
        "## Aggregators",
        f"{len(aggregators)} services that tell of other carriers' parcels, to merchants with an account there:",
        table(head, map(_row, aggregators)),
        "## Tracking numbers",
        *_notation(),
    ]
    return "\n\n".join(parts) + "\n"


def _row(known: tuple[Registered, Told]) -> tuple[object, ...]:
    registered, told = known
    info, by_code, by_sentence = registered.info, columns(registered), sentences_read(registered)
    return (
        f"[{info.name}]({info.code}.md)",
        f"`{info.code}`",
        ", ".join(info.auth.fields) or "none",
        info.batch,
        quota_words(info.quota),
        len(registered.codes),
        "yes" if told.estimated_delivery else "no",
        ", ".join(f"`{name}`" for name in RELIED_ON if not by_code[name] and not by_sentence[name]) or "–",
    )


def _notation() -> Iterator[str]:
    """The tables that the docstrings of the number formats hold."""
    for told, module in (("Forms are written so:", forms), ("A confidence is a judgement:", numbers)):
        lines = [line for line in (module.__doc__ or "").splitlines() if line.startswith("|")]
        yield told
        yield "\n".join(lines)
