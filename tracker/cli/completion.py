"""What a shell proposes for a carrier or a status, when Tab is pressed.

Owns the proposals alone; `tracker --install-completion` puts them into the shell.
"""

from collections.abc import Iterator

from carriers.sdk.status import FulfillmentStatus


def carriers(incomplete: str) -> Iterator[tuple[str, str]]:
    """Carriers' codes that begin so, with their names."""
    from carriers.sdk.registry import known_infos

    for code, info in known_infos().items():
        if code.startswith(incomplete.lower()):
            yield code, info.name


def statuses(incomplete: str) -> Iterator[str]:
    """Statuses that begin so, in the case they were begun in."""
    for status in FulfillmentStatus:
        word = status.value.lower() if incomplete == incomplete.lower() else status.value
        if word.startswith(incomplete):
            yield word
