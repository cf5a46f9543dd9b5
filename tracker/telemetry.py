"""Logs, without secrets.

Owns how log lines look (console on a terminal, JSON elsewhere) and the redaction that every line passes:
a configured secret never leaves, in whatever field or message it might have got.
"""

import logging
import re
import sys
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from tracker.config import Logging

#: A secret of fewer characters cannot be told from parts of words.
SHORT = 6
#: What this module itself puts into a line.
_OWN = frozenset({"level", "timestamp"})


def configure(settings: Logging, secrets: Iterable[str]) -> None:
    """Send structlog's and the standard library's logs to stderr in one form."""
    redact = _redaction(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    as_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level.upper()]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the stderr of the moment
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.level.upper(), force=True)
    # these two tell each job and each request, at a level of their own choosing
    for chatty in ("apscheduler", "httpx", "httpcore", "alembic", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def _redaction(secrets: Iterable[str]) -> Processor:
    """Replaces secrets in every field but our own level and timestamp; percent-encoded ones too."""
    forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""), quote_plus(secret))}
    patterns = [_pattern(form) for form in sorted(forms, key=len, reverse=True)]
    pattern = re.compile("|".join(patterns)) if patterns else None

    def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if pattern is None:
            return event
        return {key: value if key in _OWN else _clean(pattern, value) for key, value in event.items()}

    return redact


def _pattern(secret: str) -> str:
    """A short one only counts where it stands alone: a "1" in every number would leave no log, and tell the secret."""
    escaped = re.escape(secret)
    return escaped if len(secret) >= SHORT else rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"


def _clean(pattern: re.Pattern[str], value: object) -> object:
    text = value if isinstance(value, str) else str(value)
    cleaned = pattern.sub("[secret]", text)
    return value if cleaned == text else cleaned
