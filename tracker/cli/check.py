"""`tracker check`: is everything in order, and if not, what mends it.

Owns the command and its shape. What is looked at is `tracker.doctor`'s.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.console import Failed, document, plain, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile, clock, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracker.doctor import Finding


def check(
    online: Annotated[
        bool, typer.Option("--online", help="Try the credentials too: one token call for each account.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Look over everything: configuration, database and disk, clock, daemon, accounts, outbox, parcels, codes, quotas.

    Every finding names what mends it. Ends with 1 if something is wrong, with 0 if there are only notes.

    Example: tracker check --online
    """
    from tracker.doctor import examine

    findings = list(examine(settings(config), config, clock()))
    if online:
        findings += asyncio.run(_online(config))
    wrong = sum(1 for finding in findings if finding.level == "wrong")
    if as_json:
        document({"ok": not wrong, "findings": [finding._asdict() for finding in findings]})
    else:
        _print(findings)
    if wrong:
        raise Failed(f"{wrong} thing{'' if wrong == 1 else 's'} wrong")


async def _online(config: Path) -> "list[Finding]":
    from tracker.app import build
    from tracker.doctor.online import online
    from tracker.telemetry import configure

    app = build(config)
    configure(app.settings.logging.model_copy(update={"level": "error"}), app.secrets())
    try:
        return await online(app)
    finally:
        await app.close()


def _print(findings: "Sequence[Finding]") -> None:
    console = stdout()
    marks = {"ok": "[green]ok   [/green]", "note": "[yellow]note [/yellow]", "wrong": "[red]wrong[/red]"}
    for finding in findings:
        console.print(f"{marks[finding.level]} {plain(finding.subject)}: {plain(finding.message)}", soft_wrap=True)
        if finding.remedy:
            console.print(f"      → {plain(finding.remedy)}", soft_wrap=True)
