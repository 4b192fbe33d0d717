"""Writes the dashboards of Grafana, config/grafana/dashboards/*.json, from the few lines that differ in them.

Run `python scripts/dashboards.py` after a change here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent.parent / "config" / "grafana" / "dashboards"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
"""By the uid that config/grafana/provisioning gives."""
HEIGHT, WIDTH, ACROSS = 9, 12, 24


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; `lines` are a PromQL expression each, with the words of its legend."""

    title: str
    lines: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: Literal["timeseries", "gauge", "heatmap", "bargauge"] = "timeseries"
    stacked: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One file; `name` is its uid too."""

    name: str
    title: str
    panels: tuple[Panel, ...]


def _rate(series: str, by: str = "") -> str:
    return f"sum{f' by ({by})' if by else ''} (rate({series}[$__rate_interval]))"


def _objective(slo: str) -> tuple[str, str]:
    return f'max(bridge_slo_seconds{{slo="{slo}"}})', "objective"


def _queues(series: str) -> str:
    # Each gateway shows all queues: no sum.
    return f"max by (queue) ({series})"


REALTIME = Dashboard(
    "realtime",
    "Realtime Performance",
    (
        Panel("Sessions", (("sum(bridge_sessions_active)", "sessions"),), kind="gauge"),
        Panel(
            "First audio",
            (
                *((f"bridge:first_audio_seconds:{q}", q) for q in ("p50", "p95", "p99")),
                (
                    'max(bridge_slo_seconds{slo="segment"}) + bridge:endpoint_seconds:p95',
                    "objective and silence",
                ),
            ),
            "s",
            about="From the end of speech to the first frame that leaves for a listener.",
        ),
        Panel(
            "Barge-in, p95",
            (("bridge:barge_in_seconds:p95", "p95"), _objective("barge_in")),
            "s",
            about="From the decision that somebody is interrupted until the worker obeys.",
        ),
        Panel(
            "Frame jitter, p95",
            (("bridge:frame_jitter_seconds:p95", "p95"), _objective("jitter")),
            "s",
            about="How late frames leave that are paced; none are where no client asks for it.",
        ),
    ),
)
RESOURCES = Dashboard(
    "resources",
    "Resource Utilization",
    (
        Panel(
            "GPU memory of the workers",
            (('max by (device) (bridge_gpu_memory_bytes{kind="used"})', "{{device}}"),),
            "bytes",
            stacked=True,
            about="By card: workers that share one see the memory of all.",
        ),
        Panel(
            "GPU utilisation",
            (("max by (device) (bridge_gpu_utilization_ratio)", "{{device}}"),),
            "percentunit",
        ),
        Panel(
            "CPU of each process, in cores",
            (
                (
                    _rate('process_cpu_seconds_total{job=~"gateway|worker"}', "job, worker, instance"),
                    "{{job}} {{worker}} {{instance}}",
                ),
            ),
        ),
        Panel(
            "Redis latency",
            (("sum by (le) (increase(bridge_redis_command_seconds_bucket[$__rate_interval]))", "{{le}}"),),
            "s",
            kind="heatmap",
        ),
    ),
)
SESSIONS = Dashboard(
    "sessions",
    "Session Overview",
    (
        Panel(
            "Sessions started and ended",
            (
                (_rate("bridge_sessions_started_total"), "started"),
                (_rate("bridge_sessions_ended_total", "reason"), "ended: {{reason}}"),
            ),
            "cps",
        ),
        Panel(
            "How long sessions lasted",
            (("sum by (le) (increase(bridge_session_duration_seconds_bucket[$__range]))", "{{le}} s"),),
            kind="bargauge",
        ),
        Panel(
            "Errors by type",
            ((_rate("bridge_errors_total", "type"), "{{type}}"),),
            "cps",
            stacked=True,
            about="What clients were told of.",
        ),
    ),
)
QUEUES = Dashboard(
    "queues",
    "Queues",
    (
        Panel("Tasks that wait", ((_queues("bridge_queue_length"), "{{queue}}"),)),
        Panel("Since when the oldest waits", ((_queues("bridge_queue_oldest_seconds"), "{{queue}}"),), "s"),
        Panel("Wait by stage, p95", (("stage:queue_seconds:p95", "{{stage}}"),), "s"),
        Panel("Workers", ((_queues("bridge_queue_workers"), "{{queue}}"),)),
        Panel(
            "Running, of as many as fit",
            (
                (_queues("bridge_queue_running"), "{{queue}}"),
                (_queues("bridge_queue_slots"), "{{queue}}, fit"),
            ),
        ),
        Panel("Work sent again", ((_rate("bridge_redispatches_total", "stage"), "{{stage}}"),), "cps"),
        Panel("Drafts", ((_rate("bridge_drafts_total", "outcome"), "{{outcome}}"),), "cps", stacked=True),
        Panel(
            "Left out",
            (
                (_rate("bridge_shed_total", "what"), "{{what}}"),
                ("max(bridge_pressure_level)", "level: 1 partials, 2 drafts, 3 quality"),
            ),
        ),
    ),
)
PROVIDERS = Dashboard(
    "providers",
    "Providers",
    (
        Panel(
            "Breakers",
            (("max by (stage, provider) (bridge_breaker_state)", "{{stage}} {{provider}}"),),
            about="0: it is asked. 1: one call is let through to find out. 2: nobody asks it.",
        ),
        Panel(
            "Work left to the next provider",
            (
                (
                    _rate("bridge_fallbacks_total", "stage, provider, reason"),
                    "{{stage}} {{provider}}: {{reason}}",
                ),
            ),
            "cps",
            stacked=True,
            about="By the provider that was left, and why.",
        ),
        Panel(
            "Dollars a minute, about",
            (("bridge:provider_cost:dollars_per_minute", "{{stage}} {{provider}}"),),
            "currencyUSD",
            stacked=True,
            about="What vendors charge by their price lists; the bill is theirs.",
        ),
        Panel(
            "Time for a piece of work, mean",
            (
                (
                    _rate("bridge_stage_duration_seconds_sum", "stage, provider")
                    + " / "
                    + _rate("bridge_stage_duration_seconds_count", "stage, provider"),
                    "{{stage}} {{provider}}",
                ),
            ),
            "s",
            about="By the provider that did it.",
        ),
    ),
)
DASHBOARDS = (REALTIME, RESOURCES, SESSIONS, QUEUES, PROVIDERS)


def render(dashboard: Dashboard) -> str:
    """The JSON of Grafana."""
    whole = {
        "uid": dashboard.name,
        "title": dashboard.title,
        "tags": ["speechbridge"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": []},
        "links": [{"type": "dashboards", "title": "others", "tags": ["speechbridge"], "asDropdown": False}],
        "panels": list(_panels(dashboard.panels)),
    }
    return json.dumps(whole, indent=1) + "\n"


def _panels(panels: tuple[Panel, ...]) -> Iterator[dict[str, Any]]:
    for number, panel in enumerate(panels):
        row, column = divmod(number * WIDTH, ACROSS)
        yield {
            "id": number + 1,
            "type": panel.kind,
            "title": panel.title,
            "description": panel.about,
            "datasource": SOURCE,
            "gridPos": {"x": column, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
            "targets": [_target(panel, *line, ref) for line, ref in zip(panel.lines, "ABCDE", strict=False)],
            "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
            "options": _options(panel),
        }


def _target(panel: Panel, expression: str, legend: str, ref: str) -> dict[str, Any]:
    now = panel.kind in ("gauge", "bargauge")
    return {
        "refId": ref,
        "datasource": SOURCE,
        "expr": expression,
        "legendFormat": legend,
        "instant": now,
        "range": not now,
        # Buckets that count all below them become counts of their own.
        "format": "heatmap" if panel.kind in ("heatmap", "bargauge") else "time_series",
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "fillOpacity": 30 if panel.stacked else 0,
            "stacking": {"mode": "normal" if panel.stacked else "none"},
            "spanNulls": False,
        }
    return defaults


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "timeseries":
        return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    if panel.kind == "heatmap":
        return {"calculate": False, "yAxis": {"unit": panel.unit}, "cellGap": 1}
    return {"reduceOptions": {"calcs": ["lastNotNull"]}, "orientation": "auto"}


if __name__ == "__main__":
    for each in DASHBOARDS:
        (FOLDER / f"{each.name}.json").write_text(render(each), encoding="utf-8")
