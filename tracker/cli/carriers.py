"""`tracker carriers` and `tracker detect`: what carriers there are, and whose a number may be.

Owns both commands. Knows the registry and the number formats, no database and no network.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from carriers.sdk.carrier import Quota
from carriers.sdk.numbers import TrackingNumber, candidates, tracking_number
from carriers.sdk.registry import known_carriers
from tracker.cli.console import BadUsage, NothingFound, document, plain, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile
from tracker.shapes import carrier_shape


def carriers(as_json: AsJson = False, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List every known carrier: code, batch size, quota, credentials, mapped codes, configured or not.

    Needs no configuration; where there is one, it tells which carriers are ready.

    Example: tracker carriers
    """
    ready, off = _configured(config)
    if as_json:
        document([carrier_shape(registered, code in ready) for code, registered in known_carriers().items()])
        return
    table = Table("code", "name", "batch", "quota", "credentials", "codes", "state", box=None, pad_edge=False)
    for code, registered in known_carriers().items():
        info = registered.info
        state = "[green]ready[/green]" if code in ready else "off" if code in off else "[dim]not set up[/dim]"
        table.add_row(
            code,
            plain(info.name),
            str(info.batch),
            quota_words(info.quota),
            ", ".join(info.auth.fields),
            str(len(registered.codes)),
            state,
        )
    stdout().print(table)


def _configured(config: Path) -> tuple[set[str], set[str]]:
    """The carriers that are ready and those that are off; none without a configuration, unless one was named."""
    from tracker.config import load, plan_accounts

    if config == DEFAULT_CONFIG and not config.exists():
        return set(), set()
    ready, off = plan_accounts(load(config))
    return {account.code for account in ready}, {account.code for account in off}


def quota_words(quota: Quota) -> str:
    """A quota as people say it."""
    limits = (("a second", quota.per_second), ("an hour", quota.per_hour), ("a day", quota.per_day))
    return ", ".join(f"{limit:,g} {span}" for span, limit in limits if limit is not None) or "none known"


def detect(
    numbers: Annotated[list[str], typer.Argument(help="Tracking numbers.", metavar="NUMBER…")],
    as_json: AsJson = False,
) -> None:
    """Tell which carriers a tracking number can belong to, likeliest first, with its public page.

    Goes by format and check digit alone: a candidate is a possibility, not a fact.

    Example: tracker detect 1Z999AA10123456784
    """
    try:
        cleaned = [tracking_number(text) for text in numbers]
    except ValueError as error:
        raise BadUsage(str(error)) from None
    shapes = [_detected(number) for number in cleaned]
    if as_json:
        document(shapes)
    else:
        console = stdout()
        for shape in shapes:
            console.print(f"[bold]{shape['number']}[/bold]" + ("" if shape["candidates"] else "  of no known form"))
            for found in shape["candidates"]:
                page = plain(found["trackingUrl"] or "")
                console.print(
                    f"  {found['carrier']}  {plain(found['format'])}  {found['confidence']:.0%}  {page}", soft_wrap=True
                )
    if not any(shape["candidates"] for shape in shapes):
        raise NothingFound("no carrier is known to issue such numbers")


def _detected(number: TrackingNumber) -> dict[str, Any]:
    found = []
    for candidate in candidates(number):
        registered = known_carriers().get(candidate.carrier)
        found.append(
            {
                "carrier": candidate.carrier,
                "format": candidate.format,
                "confidence": candidate.confidence,
                "trackingUrl": registered.info.tracking_url(number) if registered else None,
            }
        )
    return {"number": number, "candidates": found}
