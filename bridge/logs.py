"""One handler for every log line of a process, ours and the libraries', for people or for machines."""

from __future__ import annotations

import logging
import sys
import traceback
import warnings
from collections.abc import Mapping
from typing import cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bridge.settings import Settings

# One line for each task or request, which would repeat what the events say already.
_PER_TASK = ("celery.app.trace", "celery.worker.strategy", "httpx")
# They bring handlers of their own, which would write each line twice.
_TAKEN_OVER = ("celery", "celery.task", "kombu", "uvicorn", "uvicorn.error", "uvicorn.access")


def setup(settings: Settings, process: str, **fields: str) -> None:
    """Sends all logging of this process to stderr, at LOG_LEVEL and in LOG_FORMAT.

    Each line carries `process`, these fields, and whatever is bound with structlog.contextvars (session,
    segment, stage). Celery's lines for single tasks appear at DEBUG only. May be called again.
    """
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named({"process": process} | fields),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(settings.log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _TAKEN_OVER:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _PER_TASK:
        logging.getLogger(name).setLevel(level if level <= logging.DEBUG else max(level, logging.WARNING))
    logging.captureWarnings(True)
    # Celery fears root because of pickled messages; ours are JSON, and containers run as root.
    warnings.filterwarnings("ignore", message="You're running the worker with superuser")


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module: `log = logs.get(__name__)`, then `log.info("static message", key=value)`."""
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger(name))


def frames(error: BaseException) -> str:
    """The traceback of an error and of what caused it, without what they say: an engine may repeat its input.

    As the field `exception`, it stands in a log line where a traceback would.
    """
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{frames(cause)}\n" if cause is not None else ""
    return f"{before}{''.join(traceback.format_tb(error.__traceback__))}{type(error).__name__}"


def _named(fields: Mapping[str, str]) -> Processor:
    def add(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        return {**fields, **event}

    return add


def _renderers(form: str) -> list[Processor]:
    """Neither form prints the local variables of a traceback: they hold speech and secrets."""
    if form == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        )
    ]
