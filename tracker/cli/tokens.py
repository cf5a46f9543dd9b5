"""`tracker token`: who may use the HTTP API and the pages.

Owns the commands. How a token looks and what is kept of it is the store's.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from tracker.cli.console import BadUsage, NothingFound, complain, document, local, plain, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, AsJson, ConfigFile, existing_database, migrated_database, now
from tracker.durations import read_duration
from tracker.models import Role
from tracker.shapes import iso

if TYPE_CHECKING:
    from tracker.store.tokens import Token

token = typer.Typer(
    name="token",
    help="Make, list and revoke the tokens of the HTTP API and the pages.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, and those may be secrets
)

LONGEST_NAME = 80


@token.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What uses it; shown in lists.")],
    role: Annotated[Role, typer.Option(help="read: GET alone; write: everything.")],
    expires: Annotated[str, typer.Option(help='After how long it ends, such as "90d"; never where left out.')] = "",
    as_json: AsJson = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Make a token and show it, this once: only its hash is kept.

    As soon as there is one, the API and the pages ask for it, on loopback too.

    Example: tracker token add grafana --role read --expires 90d
    """
    from tracker.store import tokens

    if not (name.strip() and name.isprintable() and len(name) <= LONGEST_NAME):
        raise BadUsage(f"a name has 1 to {LONGEST_NAME} printable characters")
    moment = now()
    try:
        expires_at = moment + read_duration(expires) if expires else None
    except (ValueError, OverflowError) as error:
        raise BadUsage(f"--expires: {error}") from None
    with migrated_database(config).write() as tx:
        try:
            made = tokens.add(tx, name, role, expires_at, moment)
        except tokens.NameTaken:
            raise BadUsage(f"there is a token {name!r}: revoke it first, or take another name") from None
    if as_json:
        document({"name": name, "role": role, "token": made, "expiresAt": iso(expires_at)})
        return
    typer.echo(made)
    complain("Keep it: it is shown this once.")


@token.command("list")
def list_tokens(as_json: AsJson = False, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List the tokens: name, role, how they begin, when they were used last and when they end.

    Example: tracker token list
    """
    from tracker.store import tokens

    with existing_database(config).read() as db:
        found = tokens.listed(db)
    moment = now()
    if as_json:
        document([_shape(one, moment) for one in found])
    elif found:
        table = Table("name", "role", "begins", "made", "used", "ends", box=None, pad_edge=False)
        for one in found:
            ends = "[red]expired[/red]" if one.is_expired(moment) else local(one.expires_at, "never")
            begins = f"{tokens.MARK}_{one.prefix}"
            table.add_row(
                plain(one.name), one.role, begins, local(one.created_at), local(one.last_used_at, "never"), ends
            )
        stdout().print(table)
    else:
        stdout().print("There is no token: on loopback everything is open, elsewhere nothing is served.")


@token.command("revoke")
def revoke(
    names: Annotated[list[str], typer.Argument(help="Names of tokens.", metavar="NAME…")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Revoke tokens: they open nothing any more, from this moment on.

    Example: tracker token revoke grafana
    """
    from tracker.store import tokens

    with existing_database(config).write() as tx:
        unknown = [name for name in names if not tokens.revoke(tx, name)]
        left = tokens.any_there(tx)
    if not left:
        complain("No token is left: on loopback everything is open now, elsewhere nothing is served.")
    if unknown:
        raise NothingFound(f"no token {', '.join(map(repr, unknown))}")


def _shape(one: "Token", moment: datetime) -> dict[str, Any]:
    return {
        "name": one.name,
        "role": one.role,
        "prefix": one.prefix,
        "createdAt": iso(one.created_at),
        "lastUsedAt": iso(one.last_used_at),
        "expiresAt": iso(one.expires_at),
        "expired": one.is_expired(moment),
    }
