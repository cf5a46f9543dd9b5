"""The command line, `tracker`: what it can be asked, and the exit codes it answers with.

Owns the list of commands and what becomes of an exception: 0 done, 1 the work failed, 2 bad usage, bad
configuration or bad input, 3 nothing found. The commands themselves are in the modules beside this one.
"""

from collections.abc import Callable, Sequence
from typing import NoReturn

import typer

from carriers.sdk.registry import UnknownCarrier
from tracker.cli.carrier_docs import carrier_docs
from tracker.cli.carriers import carriers, detect
from tracker.cli.check import check
from tracker.cli.command_docs import command_docs
from tracker.cli.config_docs import config_docs
from tracker.cli.console import Ended, complain
from tracker.cli.explain import explain
from tracker.cli.feed import import_files
from tracker.cli.hooks import hooks
from tracker.cli.map import map_answer
from tracker.cli.mapping import replay, unmapped
from tracker.cli.new_carrier import new_carrier
from tracker.cli.outbox import outbox
from tracker.cli.plan import learnt, plan
from tracker.cli.reconcile import reconcile
from tracker.cli.report import report
from tracker.cli.setup import backup, init, restore, schema
from tracker.cli.show import list_parcels, status
from tracker.cli.tokens import token
from tracker.cli.top import top
from tracker.cli.work import demo, poll, run

app = typer.Typer(
    name="tracker",
    help="Polls carriers' tracking APIs and keeps Order Protection's fulfillment statuses true.",
    epilog="Exit codes: 0 done, 1 the work failed, 2 bad usage, configuration or input, 3 nothing found.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,  # its tracebacks show local variables, and those may be secrets
)

COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Start": {"demo": demo, "init": init, "check": check, "run": run, "top": top},
    "Parcels": {
        "import": import_files,
        "status": status,
        "explain": explain,
        "list": list_parcels,
        "poll": poll,
        "report": report,
    },
    "Carriers": {"carriers": carriers, "map": map_answer, "detect": detect, "new-carrier": new_carrier},
    "Mapping": {"unmapped": unmapped, "replay": replay},
    "Upkeep": {
        "outbox": outbox,
        "hooks": hooks,
        "reconcile": reconcile,
        "backup": backup,
        "restore": restore,
    },
    "Quotas": {"plan": plan, "learnt": learnt},
}
for panel, commands in COMMANDS.items():
    for name, command in commands.items():
        app.command(name, rich_help_panel=panel)(command)
app.add_typer(token, rich_help_panel="Upkeep")
app.command("schema", hidden=True)(schema)
app.command("carrier-docs", hidden=True)(carrier_docs)
app.command("config-docs", hidden=True)(config_docs)
app.command("command-docs", hidden=True)(command_docs)


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
