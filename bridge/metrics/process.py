"""The series of every process of ours, beside those of prometheus_client (process_*, python_*)."""

from __future__ import annotations

from bridge.metrics import SHORT, Place, duration, gauge

AT: Place = "every process"

COMMAND = duration(
    "bridge_redis_command_seconds",
    "How long Redis takes to answer; commands that wait for something are not counted.",
    {"command": ()},
    at=AT,
    begins="the command was sent",
    ends="its answer was read",
    buckets=SHORT,
)
BUILD = gauge("bridge_build_info", "1, with the release as a label.", {"version": ()}, at=AT)
MEMORY_LIMIT = gauge(
    "bridge_memory_limit_bytes",
    "What the process may use: the limit of its container, else the machine's.",
    at=AT,
)
CPU_LIMIT = gauge(
    "bridge_cpu_limit_cores",
    "Cores that the process may use: the limit of its container, else the machine's.",
    at=AT,
)
