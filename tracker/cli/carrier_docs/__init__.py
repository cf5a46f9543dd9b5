"""The hidden `tracker carrier-docs`: the pages in docs/carriers/, written from the carriers themselves.

Owns the command and the index. Knows every carrier of this project, and no plug-in's.
"""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from carriers.sdk.registry import Registered, known_carriers
from tracker.cli.console import BadUsage, stdout


def carrier_docs(
    folder: Annotated[Path, typer.Argument(help="Where the pages go.", metavar="FOLDER")] = Path("docs/carriers"),
) -> None:
    """Write the page of every carrier of this checkout, and the index. Run it where a carrier changed.

    Example: tracker carrier-docs
    """
    if not folder.is_dir():
        raise BadUsage(f"{folder}: no such folder; run it in a checkout of this project")
    written = pages()
    for name, content in written.items():
        (folder / name).write_text(content, encoding="utf-8")
    left = sorted(path for path in folder.glob("*.md") if path.name not in written)
    for path in left:
        path.unlink()
    stdout().print(f"wrote {len(written)} pages to {folder}", *(f"removed {path}" for path in left), sep="\n")


def pages() -> dict[str, str]:
    """Every page by its file's name, the index included. Raises BadUsage where recorded answers can't be read."""
    from tracker.cli.carrier_docs.index import index
    from tracker.cli.carrier_docs.page import page
    from tracker.cli.carrier_docs.told import PACKAGE, Told, told

    own: dict[str, tuple[Registered, Told]] = {}
    for code, registered in known_carriers().items():
        if registered.kind == "plugin":
            continue
        recorded = PACKAGE.parent / "tests" / "carriers" / code
        try:
            own[code] = registered, told(registered.create, recorded)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise BadUsage(f"{recorded}: {error}") from None
    return {"README.md": index(own), **{f"{code}.md": page(*known) for code, known in own.items()}}
