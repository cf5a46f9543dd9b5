"""docs/commands.md: every command with its help, as the program itself has it.

Owns the page. Run by hand after a change (`tracker command-docs > docs/commands.md`); a test compares.
"""

from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperArgument, TyperGroup

INTRODUCTION = """\
# Commands

Made by `tracker command-docs` from the program itself. Every command explains itself with `--help`; those with `--json`
print one JSON document and nothing else on stdout. The configuration is `config.yaml` in the current folder, or what
`--config` or `TRACKER_CONFIG` names.

Exit codes: 0 done, 1 the work failed, 2 bad usage, configuration or input, 3 nothing found.

## In your shell

`tracker --install-completion` makes bash, zsh, fish or PowerShell complete commands, options, carriers' codes and
statuses when Tab is pressed; begin a new shell after it. `tracker --show-completion` prints what it would add, for
those who keep such things elsewhere.
"""


def command_docs() -> None:
    """Print docs/commands.md.

    Example: tracker command-docs > docs/commands.md
    """
    typer.echo(page())


def page() -> str:
    """The whole page, without the newline at its end."""
    parts = [INTRODUCTION]
    for path, command in commands():
        parts.append(f"## `{path}`\n")
        parts += _command(path, command)
    return "\n".join(parts).rstrip()


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that help shows, as the library has it, with its whole name; those of a group one by one."""
    from tracker.cli import app

    yield from _under("tracker", typer.main.get_command(app))


def _under(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(command, TyperGroup):
        yield path, command
        return
    for name, inner in command.commands.items():
        if not inner.hidden:
            yield from _under(f"{path} {name}", inner)


def _command(path: str, command: Any) -> Iterator[str]:
    context = typer.Context(command, info_name=path)
    yield f"    {path} {' '.join(command.collect_usage_pieces(context))}".rstrip() + "\n"
    *text, example = (paragraph.strip() for paragraph in (command.help or "").split("\n\n"))
    yield from (f"{' '.join(paragraph.split())}\n" for paragraph in text)
    yield f"    {example.removeprefix('Example: ')}\n"
    if rows := [row for parameter in command.params if (row := _parameter(parameter, context))]:
        yield from ("| | |", "|---|---|", *rows, "")


def _parameter(parameter: Any, context: typer.Context) -> str | None:
    """A line of the table; None for what help does not show."""
    if isinstance(parameter, TyperArgument):
        return f"| `{parameter.metavar or parameter.name}` | {_cell(parameter.help or '')} |"
    shown = parameter.get_help_record(context)
    return f"| `{shown[0]}` | {_cell(shown[1])} |" if shown else None


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
