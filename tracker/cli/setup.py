"""`tracker init`, `tracker backup`, `tracker restore` and the hidden `tracker schema`: files to start from and to keep.

Owns the commands. What the configuration may hold is tracker.config's.
"""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from tracker.cli.console import BadUsage, Failed, complain, document, stdout
from tracker.cli.workspace import DEFAULT_CONFIG, ConfigFile, existing_database, settings


def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.", metavar="FILE")] = DEFAULT_CONFIG,
) -> None:
    """Write a commented config.yaml to start from. Never overwrites.

    Example: tracker init
    """
    content = files("tracker").joinpath("default_config.yaml").read_bytes()
    try:
        with file.open("xb") as target:
            target.write(content)
    except FileExistsError:
        raise BadUsage(f"{file}: exists; name another file or move it away") from None
    except FileNotFoundError:
        raise BadUsage(f"{file}: there is no folder {file.parent}") from None
    except OSError as error:
        raise Failed(f"{file}: cannot be written: {error.strerror}") from None
    stdout().print(
        f"wrote {file}: put credentials into the environment, then `tracker check` says what is missing",
        markup=False,
        soft_wrap=True,
    )


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write the copy.", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write a consistent copy of the database, while the daemon runs. Never overwrites.

    Example: tracker backup tracker-monday.db
    """
    import sqlite3

    database = existing_database(config)
    if not file.absolute().parent.is_dir():
        raise BadUsage(f"{file}: there is no folder {file.parent}")
    try:
        database.backup(file)
    except FileExistsError as error:
        raise BadUsage(str(error)) from None
    except (OSError, sqlite3.Error) as error:
        file.unlink(missing_ok=True)
        raise Failed(f"{file}: the copy failed: {error}") from None
    stdout().print(f"wrote {file} ({file.stat().st_size:,} bytes)", markup=False, soft_wrap=True)


def restore(
    file: Annotated[Path, typer.Argument(help="A copy that `tracker backup` wrote.", metavar="FILE")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Put a backup in the place of the database, which is kept beside it. Stop the daemon first.

    Calls made since the backup stay counted, so that no quota is overrun.

    Example: tracker restore tracker-monday.db
    """
    from tracker.store.restoring import restore

    database = settings(config).database
    if not database.absolute().parent.is_dir():
        raise BadUsage(f"{database}: there is no folder {database.parent}")
    try:
        restored = restore(database, file)
    except OSError as error:
        raise Failed(f"{database}: not restored: {error.strerror}") from None
    out = stdout()
    out.print(f"{database} is {file} now", markup=False, soft_wrap=True)
    if restored.kept is not None:
        out.print(f"what was there is {restored.kept}", markup=False, soft_wrap=True)
    if not restored.counted:
        complain("which calls were made since the backup is not known: a carrier may say that its quota is used up")


def schema() -> None:
    """Print the JSON Schema of config.yaml, which editors complete it with.

    Example: tracker schema > docs/config.schema.json
    """
    document(config_schema())


def config_schema() -> dict[str, Any]:
    """The JSON Schema of config.yaml: as the Settings describe it, for a file in which one account needs no list."""
    from tracker.config import Settings
    from tracker.durations import DurationSchema

    described = Settings.model_json_schema(mode="validation", schema_generator=DurationSchema)
    accounts = described["properties"]["carriers"]["additionalProperties"]
    described["properties"]["carriers"]["additionalProperties"] = {
        "anyOf": [accounts["items"], accounts, {"type": "null"}]
    }
    described["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    described["title"] = "config.yaml of the fulfillment tracker"
    return described
