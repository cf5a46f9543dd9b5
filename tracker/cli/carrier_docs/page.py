"""A carrier's page in docs/carriers/, as Markdown.

Owns the page's parts and their words. What stands in them comes from the carrier's Info, table, options, files and
recorded answers; nothing depends on the day or the machine.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from carriers.sdk.auth import ApiKey, Auth, Basic, InRequest, Login, NoAuth, OAuth2
from carriers.sdk.carrier import Aggregator, Carrier, Info, Quota
from carriers.sdk.events import ZoneSource
from carriers.sdk.numbers.formats import FORMATS, Format
from carriers.sdk.numbers.posts import S10
from carriers.sdk.registry import Registered
from tracker.cli.carrier_docs import doubts
from tracker.cli.carrier_docs.told import PACKAGE, Told, borrowed_names, columns, own_files, sentences_read
from tracker.cli.carriers import quota_words

#: What each column of a table means to whoever waits for the parcel.
COLUMNS: Mapping[str, str] = {
    "CONFIRMED": "announced, not handed over yet",
    "CARRIER_PICKED_UP": "the carrier has it",
    "IN_TRANSIT": "on its way",
    "UNSCANNED": "on its way, said without a scan: IN_TRANSIT",
    "OUT_FOR_DELIVERY": "on the vehicle",
    "ATTEMPTED_DELIVERY": "tried in vain",
    "READY_FOR_PICKUP": "waits for the recipient",
    "PICKED_UP": "the recipient fetched it",
    "UNCOLLECTED": "not fetched after all: READY_FOR_PICKUP again",
    "DELIVERED": "delivered",
    "CORRECTED": "a delivery is taken back: DELAYED",
    "DELAYED": "late, goes on by itself",
    "ON_HOLD": "stands still until somebody acts",
    "FAILURE": "will not arrive",
    "RETURNING": "travels back: FAILURE, and so is all that follows",
    "INFORMATIONAL": "notices that change no status",
}

_RARE = ("UNSCANNED", "UNCOLLECTED", "CORRECTED")


def page(registered: Registered, told: Told) -> str:
    """The whole page."""
    carrier = registered.create()
    parts = [
        _opening(registered),
        _setting_up(registered, carrier),
        _facts(carrier),
        _telling(registered, told),
        _doubts(registered),
        () if registered.aggregator else _numbers(carrier.info),
        _names(carrier),
        _codes(registered),
    ]
    return "\n\n".join(chain(("<!-- Written by `tracker carrier-docs`; do not edit. -->",), *parts)) + "\n"


def _opening(registered: Registered) -> Iterator[str]:
    info, own = registered.info, own_files(registered)[0]
    yield f"# {info.name}"
    prose = doubts.sentences(doubts.opening(own.read_text(encoding="utf-8"), own.suffix))
    yield " ".join(sentence for sentence in prose if not doubts.is_doubt(sentence))
    files = ", ".join(f"[{_place(path)}](../../{_place(path)})" for path in own_files(registered))
    recorded = f"tests/carriers/{info.code}/cases.yaml"
    yield f"Written in {files}; what its answers mean, as recorded: [{recorded}](../../{recorded})."


def _place(path: Path) -> str:
    return path.relative_to(PACKAGE.parent).as_posix()


# Setting up


def _setting_up(registered: Registered, carrier: Carrier) -> Iterator[str]:
    info = carrier.info
    yield "## Setting up"
    where = f"[the carrier's developer site]({info.docs})"
    if info.auth.fields:
        names = ", ".join(f"`{name}`" for name in info.auth.fields)
        yield f"Credentials: {names}, from {where}. They travel as {_travels(info.auth)}."
    else:
        yield f"No credentials: {_travels(info.auth)}. About the API: {where}."
    yield "Into config.yaml, where what stands behind a `#` can be left out:"
    yield "\n".join(["```yaml", *_snippet(registered, carrier), "```"])
    yield from _variants(registered, carrier)


def _travels(auth: Auth) -> str:
    match auth:
        case OAuth2():
            return "an OAuth token, fetched and renewed by itself"
        case ApiKey(header=header):
            return f"the header `{header}`"
        case Basic():
            return "HTTP Basic"
        case InRequest():
            return "a part of each request"
        case Login():
            return f"a log-in whose token is good for {auth.hours:g} hours, renewed by itself"
        case NoAuth():
            return "the carrier answers anybody who asks"


def _snippet(registered: Registered, carrier: Carrier) -> Iterator[str]:
    """What goes into config.yaml; what is commented out is the default."""
    code = carrier.info.code
    yield "carriers:"
    yield f"  {code}:"
    yield from _account(registered, carrier)
    if isinstance(carrier, Aggregator):
        yield ""
        yield "routes:"
        yield f"  - {{through: [{code}]}}       # parcels of every carrier, or of those named by `carrier: [...]`"


def _account(registered: Registered, carrier: Carrier) -> Iterator[str]:
    info, options = carrier.info, registered.options
    if info.auth.fields:
        yield "    credentials:"
        for name in info.auth.fields:
            yield f"      {name}: ${{{f'{info.code}_{name}'.upper()}:-}}"
    if options.required:
        yield "    options:"
        for name in options.required:
            yield f"      {name}: ${{{f'{info.code}_{name}'.upper()}:-}}"
    further = {name: field for name, field in options.model_fields.items() if name not in options.required}
    if further and not options.required:
        yield "    # options:"
    for name, field in further.items():
        yield f"    #   {name}: {_default(field)}"
    if info.sandbox:
        yield "    # environment: sandbox"
    if limits := _limits(info.quota):
        yield f"    # quota: {{{', '.join(f'{name}: {round(limit, 4)}' for name, limit in limits.items())}}}"
    else:
        yield "    # quota: {per_second: 1, per_day: 1000}"
    if info.batch > 1:
        yield f"    # batch: {info.batch}"


def _limits(quota: Quota) -> dict[str, float]:
    named = {"per_second": quota.per_second, "per_hour": quota.per_hour, "per_day": quota.per_day}
    return {name: limit for name, limit in named.items() if limit is not None}


def _default(field: FieldInfo) -> str:
    default = field.default
    return "null" if default is None else '""' if default == "" else _word(default)


def _variants(registered: Registered, carrier: Carrier) -> Iterator[str]:
    """The options, and what choosing one changes beside the answer."""
    fields = registered.options.model_fields
    if not fields:
        return
    yield "Options:"
    lines = []
    for name, field in fields.items():
        kind = "required" if name in registered.options.required else f"default `{_default(field)}`"
        choices = _choices(field.annotation)
        listed = f", of {', '.join(f'`{_word(choice)}`' for choice in choices)}" if choices else ""
        lines.append(f"- `{name}` ({kind}{listed})" + (f": {field.description}" if field.description else ""))
        for choice in choices:
            changed = registered.create(registered.options.model_validate({name: choice})).info
            if differences := list(_differences(carrier.info, changed)):
                lines.append(f"  - `{name}: {_word(choice)}`: {'; '.join(differences)}")
    yield "\n".join(lines)


def _choices(annotation: Any) -> tuple[Any, ...]:
    """The values a setting chooses among; () for one that is free."""
    if annotation is bool:
        return (True, False)
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for part in get_args(annotation) for value in _choices(part))


def _word(choice: object) -> str:
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


def _differences(usual: Info, other: Info) -> Iterator[str]:
    if other.auth != usual.auth and other.auth.fields != usual.auth.fields:
        yield f"credentials {', '.join(f'`{name}`' for name in other.auth.fields)}"
    if other.production != usual.production:
        yield f"production <{other.production}>"
    if other.sandbox != usual.sandbox:
        yield f"sandbox <{other.sandbox}>" if other.sandbox else "no sandbox"
    if other.batch != usual.batch:
        yield f"{_batch(other.batch)} a call"
    if other.quota != usual.quota:
        yield f"quota {quota_words(other.quota)}"


# What it is, and what it tells


def _facts(carrier: Carrier) -> Iterator[str]:
    info = carrier.info
    quota = quota_words(info.quota) + (", token calls included" if info.quota.counts_tokens else "")
    yield "## Limits and addresses"
    rows = {
        "numbers a call": str(info.batch),
        "quota, where your contract says nothing else": quota,
        "production": f"<{info.production}>",
        "sandbox": f"<{info.sandbox}>" if info.sandbox else "none",
        "tracking page": f"`{info.tracking_page}`",
    }
    yield table(("", ""), rows.items())


def _batch(batch: int) -> str:
    return "one number" if batch == 1 else f"{batch} numbers"


def _telling(registered: Registered, told: Told) -> Iterator[str]:
    yield "## What it can tell"
    by_code = {name: len(codes) for name, codes in columns(registered).items()}
    by_sentence = {name: len(sentences) for name, sentences in sentences_read(registered).items()}
    rows = []
    for name, meaning in COLUMNS.items():
        if name in _RARE and not by_code[name] and not by_sentence[name]:
            continue
        counts = ((by_code[name], "code"), (by_sentence[name], "sentence"))
        told_by = [f"{count} {what}{'s' if count > 1 else ''}" for count, what in counts if count]
        rows.append((f"`{name}`", meaning, ", ".join(told_by) or "never"))
    yield table(("column", "meaning", "told by"), rows)
    yield "\n".join(
        [
            f"- Estimated delivery: {'yes' if told.estimated_delivery else 'no'}.",
            f"- Who signed: {'yes; shown by `tracker map`, never stored' if told.signature else 'no'}.",
            f"- Times: {_CLOCKS[told.zones]}.",
        ]
    )


_CLOCKS: Mapping[frozenset[ZoneSource], str] = {
    frozenset(): "none in its recorded answers",
    frozenset({ZoneSource.GIVEN}): "with their offset from UTC",
    frozenset({ZoneSource.ASSUMED}): "bare local times, read in the zone of the event's place and marked as assumed",
    frozenset(ZoneSource): "with their offset from UTC where it is given; bare ones are read in the zone of the event's"
    " place and marked as assumed",
}


def _doubts(registered: Registered) -> Iterator[str]:
    own = own_files(registered)
    by_code = {code: name for name, codes in columns(registered).items() for code in codes}
    found = [doubts.doubts(path.read_text(encoding="utf-8"), path.suffix, by_code) for path in own]
    for path, names in borrowed_names(own).items():
        found.append(doubts.doubts(path.read_text(encoding="utf-8"), path.suffix, by_code, names))
    lines = list(dict.fromkeys(chain.from_iterable(found)))
    yield "## Unverified"
    yield "\n".join(f"- {line}" for line in lines) or "Nothing is marked as unverified."


# Whose parcels


def _numbers(info: Info) -> Iterator[str]:
    yield "## Tracking numbers"
    own = [form for form in chain(FORMATS, *S10.values()) if form.carrier == info.code]
    if not own:
        yield "No form is known that tells this carrier's numbers; what an order says of its carrier decides."
        return
    grouped: dict[tuple[str, bool, float], list[Format]] = {}
    for form in own:
        grouped.setdefault((form.name, form.check is not None, form.confidence), []).append(form)
    yield table(
        ("numbers", "form", "check digit", "confidence"),
        [
            (name, ", ".join(f"`{form.form}`" for form in forms), "yes" if check else "no", f"{confidence:.0%}")
            for (name, check, confidence), forms in grouped.items()
        ],
    )
    yield "The notation of forms and the meaning of the confidence are in [the index](README.md#tracking-numbers)."


def _names(carrier: Carrier) -> Iterator[str]:
    if isinstance(carrier, Aggregator):
        yield "## Carriers it knows"
        yield "By the name it has for them; every other number it is left to recognise by itself."
        yield table(("carrier", "its name for it"), [(code, f"`{slug}`") for code, slug in carrier.slugs.items()])
    if carrier.info.names:
        yield "## Names"
        yield f"Recognised in `trackingCompany`: {', '.join((carrier.info.name, *carrier.info.names))}."


def _codes(registered: Registered) -> Iterator[str]:
    yield "## Codes"
    yield f"{len(registered.codes)} codes, as `mapping:` in config.yaml and `tracker unmapped` write them."
    listed, sentences = columns(registered), sentences_read(registered)
    for name in COLUMNS:
        codes = listed[name]
        if codes or sentences[name]:
            yield f"### {name}"
        if codes:
            yield ", ".join(f"`{code}`" for code in codes)
        if sentences[name]:
            yield "\n".join(["By sentences such as:", "", *(f"- {sentence}" for sentence in sentences[name])])


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines: list[Sequence[object]] = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
