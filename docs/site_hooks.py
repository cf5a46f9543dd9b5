"""What the site does to the pages: links to files of the repository outside docs/ become their names.

The same pages are read in a checkout, where those links lead somewhere; a site has no such files.
"""

import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Called by mkdocs with a page's text before it is rendered."""
    docs = Path(config["docs_dir"]).resolve()
    folder = Path(page.file.abs_src_path).resolve().parent

    def inside(link: re.Match[str]) -> str:
        label, target = link[1], link[2]
        if "://" in target or target.startswith("mailto:") or (folder / target).resolve().is_relative_to(docs):
            return link[0]
        return label if "`" in label or "/" in label else f"{label} (`{target.lstrip('./')}`)"

    return _LINK.sub(inside, markdown)
