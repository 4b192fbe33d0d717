"""The environment variables of what is measured, recorded and shown to an operator."""

from __future__ import annotations

from pydantic import Field, SecretStr

from bridge.options import Options


class MonitoringSettings(Options):
    """What of Settings says what an operator sees."""

    metrics: bool = Field(
        True,
        description="Export Prometheus metrics: `/metrics` of the gateway, and a port of each worker; "
        "off, nothing listens and nothing is timed for them.",
    )
    metrics_host: str = Field(
        "127.0.0.1", description="Address on which a worker's metrics, and a gateway's own ones, are served."
    )
    metrics_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Port of a worker's metrics, and of one gateway of several; 0 takes a free one, which "
        "the gateway's `/metrics/targets` tells Prometheus. Replica n of a worker takes the n-th port behind "
        "it; workers of other names on one host need their own, by `env` in the topology.",
    )
    flight_seconds: int = Field(
        3_600,
        ge=0,
        description="Time for which `speechbridge trace` can show the segments of a session; 0 records none.",
    )
    flight_segments: int = Field(
        200, ge=1, description="Segments of one session that are recorded; the oldest go first."
    )

    task_events: bool = Field(
        False,
        description="Send the Celery events that Flower shows; costs 0.7 ms of CPU per task, Redis included.",
    )
    flower_host: str = Field("127.0.0.1", description="Address Flower listens on.")
    flower_port: int = Field(5555, ge=0, le=65535, description="Port of Flower.")
    flower_user: str = Field("flower", description="User name of Flower's pages and API.")
    flower_read_only: bool = Field(
        True,
        description="Flower only shows. Off, it can also end workers, take them off their queues and send or "
        "revoke tasks, of which the gateway hears nothing.",
    )
    flower_password: SecretStr | None = Field(
        None, description="Password of Flower; unset, `speechbridge up --flower` makes one and prints it."
    )
