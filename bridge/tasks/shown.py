"""What Flower, `celery inspect` and Celery's own log lines tell of a task and of its worker.

Whose it is and what became of it; never what was said: arguments and results of our tasks are transcripts.
"""

from __future__ import annotations

import time
from typing import Any

from celery.bootsteps import StartStopStep
from celery.worker.consumer import consumer
from celery.worker.request import Request

from bridge.errors import RedisUnavailable
from bridge.store.registry import Registry, WorkerRecord
from bridge.tasks.run import Ended


class Shown(Request):
    """A task in a worker, as events and inspection tell of it.

    Celery itself shows the arguments to everybody who asks without `safe`, and tells nothing of a task that
    ends by Ignore, which would stand as started for ever.
    """

    def info(self, safe: bool = False) -> Any:
        """What `inspect active`, `reserved` and `query_task` answer; never the arguments."""
        return super().info(safe=True)

    def send_event(self, type: str, **fields: Any) -> None:
        """Tells Flower; of a result only that there is one."""
        if type == "task-succeeded":
            fields["result"] = fields.pop("outcome", "done")
        super().send_event(type, **fields)

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:
        """Celery's, and then the event of a task that ended itself."""
        super().on_failure(exc_info, send_failed_event, return_ok)
        error = exc_info.exception
        ended = getattr(error, "exc", error)
        if not isinstance(ended, Ended):
            return
        runtime = time.time() - self.time_start if self.time_start else None
        if ended.failed:
            self.send_event("task-failed", exception=ended.outcome, result=ended.outcome, runtime=runtime)
        else:
            self.send_event("task-succeeded", outcome=ended.outcome, runtime=runtime)


def hush() -> None:
    """Has Celery log the length of a message that it does not know, of an older or newer release, not its
    words."""
    module: Any = consumer
    module.dump_body = lambda message, body: f"{len(message.body)} bytes"


def card(record: WorkerRecord, provider: Any, registry: Registry) -> type[StartStopStep]:
    """A part of a Celery worker by which `inspect stats`, and so Flower's page of it, says what it serves."""

    def breakers() -> str:
        try:
            return ", ".join(f"{each.provider} {each.words}" for each in registry.circuits([record]))
        except RedisUnavailable as error:
            return f"not known: {error.message}"

    class Card(StartStopStep):
        def info(self, worker: Any) -> Any:
            return {
                "stage": record.stage,
                "device": record.device,
                "provider": record.provider,
                "models": ", ".join(provider.resident()) or "none by name",
                "breakers": breakers(),
            }

    return Card
