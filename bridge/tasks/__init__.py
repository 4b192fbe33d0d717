"""The Celery application. `configure` gives it its broker; importing it changes nothing."""

from __future__ import annotations

from typing import Any, Literal

from celery import Celery, Task
from kombu import Exchange, Queue

from bridge import redis_url
from bridge.errors import SettingsError
from bridge.settings import Settings
from bridge.store.keys import PRIORITY_SEPARATOR, PRIORITY_STEPS
from bridge.tasks.broker import mend
from bridge.topology import Topology


class OurTask(Task[Any, Any]):
    """Celery's, of which others are shown no words."""

    Request = "bridge.tasks.shown:Shown"


app: Celery[Task[Any, Any]] = Celery(
    "bridge", include=["bridge.tasks.stt", "bridge.tasks.translation", "bridge.tasks.tts"], task_cls=OurTask
)

# Without emulated acknowledgements: whatever a worker held when it vanished, the gateway sends again at
# once. Redelivery would come after 30 s, as a third copy; a host whose clock is ahead would redeliver what
# runs on the others; and a full Redis would refuse the book-keeping, which ends a worker.
WORKER_TRANSPORT = {
    "ack_emulation": False,
    "health_check_interval": 3,
    "socket_keepalive": True,
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
}
# With Redis down a plain send blocks 6.0 s; with these it fails within 0.06 s.
GATEWAY_TRANSPORT = {
    "max_retries": 0,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
    "connect_retries_timeout": 0.5,
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.3,
}


def configure(settings: Settings, topology: Topology, role: Literal["gateway", "worker"]) -> Celery:
    """Sets the broker, the queues of the topology and what measurements showed to matter.

    No result backend: results leave as events. Late acknowledgement without prefetch: a worker holds
    just what it runs, and all else waits in Redis, where any worker of the queue can take it.
    A queue that this topology does not name is made on the way: work goes only where a worker has registered,
    and that one may have come with a topology of its own.

    Raises SettingsError where there is no REDIS_URL.
    """
    if not settings.redis_url:
        raise SettingsError(
            "REDIS_URL is empty.", "Set it, or use `speechbridge up`, which starts a private Redis."
        )
    transport: dict[str, Any] = dict(WORKER_TRANSPORT if role == "worker" else GATEWAY_TRANSPORT)
    app.conf.update(
        broker_url=redis_url.for_celery(settings.redis_url),
        broker_transport_options=transport
        | {"sep": PRIORITY_SEPARATOR, "priority_steps": list(PRIORITY_STEPS)},
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        result_backend=None,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_queues=[Queue(name, Exchange(name), routing_key=name) for name in topology.queues],
        task_default_queue=topology.queues[0],
        task_create_missing_queues=True,
        task_acks_late=True,
        task_reject_on_worker_lost=False,
        broker_channel_error_retry=True,  # a Redis that is full refuses commands; it ends no worker
        task_publish_retry=role == "worker",
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_send_task_events=settings.task_events,
        task_send_sent_event=False,
        worker_hijack_root_logger=False,
    )
    # Arguments hold transcripts: neither Flower nor a log line may show them.
    app.amqp.argsrepr_maxsize = app.amqp.kwargsrepr_maxsize = 0
    mend()
    return app
