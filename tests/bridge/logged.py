"""What this process would write to its log, by the handlers and formats of the real thing."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from typing import Any

import structlog

from bridge import logs
from bridge.settings import Settings


@dataclass
class Lines:
    """What was written so far."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@contextmanager
def logged(level: str = "INFO", form: str = "json", process: str = "w", **fields: str) -> Iterator[Lines]:
    """Sets the logging of this process up as a worker or gateway does, and back as it was."""
    lines, root = Lines(), logging.getLogger()
    named = [logging.getLogger(name) for name in ("", *logs._TAKEN_OVER, *logs._PER_TASK)]
    kept = [(each, list(each.handlers), each.level, each.propagate) for each in named]
    root.handlers.clear()
    with redirect_stderr(lines.stream), warnings.catch_warnings():
        try:
            logs.setup(Settings.read(log_level=level, log_format=form), process, **fields)
            yield lines
        finally:
            for logger, handlers, was, propagates in kept:
                logger.handlers[:] = handlers
                logger.setLevel(was)
                logger.propagate = propagates
            logging.captureWarnings(False)
            structlog.contextvars.clear_contextvars()
            structlog.reset_defaults()
