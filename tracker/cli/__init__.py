"""The command line, `tracker`: what it can be asked, and the exit codes it answers with.

Owns the list of commands and what becomes of an exception: 0 done, 1 the work failed, 2 bad usage, bad
configuration or bad input, 3 nothing found. The commands themselves are in the modules beside this one.
"""

from collections.abc import Callable, Sequence
from typing import NoReturn

import typer

from carriers.sdk.registry import UnknownCarrier
from tracker.cli.carriers import carriers, detect
from tracker.cli.check import check
from tracker.cli.console import Ended, complain
from tracker.cli.feed import import_files
from tracker.cli.map import map_answer
from tracker.cli.outbox import outbox
from tracker.cli.setup import backup, init, schema
from tracker.cli.show import list_parcels, status
from tracker.cli.work import demo, poll, run

app = typer.Typer(
    name="tracker",
    help="Polls carriers' tracking APIs and keeps Order Protection's fulfillment statuses true.",
    epilog="Exit codes: 0 done, 1 the work failed, 2 bad usage, configuration or input, 3 nothing found.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, and those may be secrets
)

COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Start": {"demo": demo, "init": init, "check": check, "run": run},
    "Parcels": {"import": import_files, "status": status, "list": list_parcels, "poll": poll},
    "Carriers": {"carriers": carriers, "map": map_answer, "detect": detect},
    "Upkeep": {"outbox": outbox, "backup": backup},
}
for panel, commands in COMMANDS.items():
    for name, command in commands.items():
        app.command(name, rich_help_panel=panel)(command)
app.command("schema", hidden=True)(schema)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its code. `arguments`: the process's own where left out."""
    from sqlalchemy.exc import DatabaseError

    from tracker.config_file import BadConfig
    from tracker.store.database import DatabaseUnusable

    try:
        app(args=arguments, prog_name="tracker")
    except Ended as error:
        complain(str(error))
        raise SystemExit(error.code) from None
    except (BadConfig, UnknownCarrier) as error:
        complain(str(error))
        raise SystemExit(2) from None
    except DatabaseUnusable as error:
        complain(str(error))
        raise SystemExit(1) from None
    except DatabaseError as error:
        complain(f"the database does not answer: {error.orig}; `tracker check` looks closer")
        raise SystemExit(1) from None
    raise SystemExit(0)
