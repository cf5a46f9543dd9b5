"""`tracker import`: orders and fulfillments from files or stdin.

Owns the command: every file is read and checked before the first row is written. What a file may hold, and
what follows from it, is tracker.intake's.
"""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from carriers.sdk.registry import known_carriers
from tracker.cli.console import BadUsage, document, stderr, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile, migrated_database, now, read_bytes, settings

if TYPE_CHECKING:
    from tracker.intake import BadInput, Counts, Registration


def import_files(
    files: Annotated[
        list[str],
        typer.Argument(help="JSON (object, array or lines) or CSV files; - for stdin.", metavar="FILE…|-"),
    ],
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Take in orders and fulfillments, in Order Protection's JSON or as CSV.

    A file with anything wrong in it is refused as a whole, every problem with its line or path, and nothing
    of the call is kept. The same file twice changes nothing.

    Example: tracker import orders.json shipped-today.csv
    """
    from tracker.config import routes_of
    from tracker.intake import Counts, chunks, register

    configured = settings(config)
    polling, routes = configured.polling, routes_of(configured)
    registrations, problems = _read(files)
    if problems:
        _print(Counts(rejected=sum(problem.count for problem in problems)), as_json)
        raise BadUsage("\n".join(str(problem) for problem in problems))
    known = {code: registered.info for code, registered in known_carriers().items()}
    total = Counts()
    database = migrated_database(config)
    console = stderr()
    with Progress(console=console, transient=True, disable=as_json or not console.is_terminal) as progress:
        task = progress.add_task("importing", total=len(registrations))
        for portion in chunks(registrations):
            with database.write() as tx:
                counts = register(tx, portion, now(), known, polling.aggregate, polling.reuse_margin, routes)
            total = total.plus(counts)
            progress.advance(task, len(portion))
    database.close()
    _print(total, as_json)


def _print(counts: "Counts", as_json: bool) -> None:
    if as_json:
        document(counts._asdict())
    else:
        stdout().print(", ".join(f"{count} {name}" for name, count in counts._asdict().items()))


def _read(files: list[str]) -> "tuple[list[Registration], list[BadInput]]":
    """All files' registrations, and what is wrong with each of the files. Raises BadUsage for one that is missing."""
    from tracker.intake import BadInput, read_file

    registrations: list[Registration] = []
    problems: list[BadInput] = []
    for name in files:
        try:
            registrations += read_file("stdin" if name == "-" else name, read_bytes(name))
        except BadInput as error:
            problems.append(error)
    return registrations, problems
