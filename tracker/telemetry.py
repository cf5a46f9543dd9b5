"""Logs, without secrets.

Owns how log lines look (console on a terminal, JSON elsewhere) and the redaction that every line passes:
a configured secret never leaves, in whatever field or message it might have got.
"""

import logging
import sys
from collections.abc import Iterable

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from tracker.config import Logging


def configure(settings: Logging, secrets: Iterable[str]) -> None:
    """Send structlog's and the standard library's logs to stderr in one form."""
    redact = _redaction([secret for secret in secrets if len(secret) >= 6])
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


def _redaction(secrets: list[str]) -> Processor:
    def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: _clean(value) for key, value in event.items()}

    def _clean(value: object) -> object:
        if not isinstance(value, str):
            text = str(value)
            return value if not any(secret in text for secret in secrets) else _clean(text)
        for secret in secrets:
            value = value.replace(secret, "[secret]")
        return value

    return redact
