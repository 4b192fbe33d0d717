"""Writes docs/metrics.md from the table of the series, so that neither can say what the other does not.

Run `python scripts/metrics_doc.py` after a change of any series.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bridge.metrics import TABLE, Series, gateway, process, worker

PAGE = Path(__file__).parent.parent / "docs" / "metrics.md"

INTRODUCTION = """\
# Metrics

This page is written by `scripts/metrics_doc.py` from `bridge/metrics`.

```sh
curl localhost:8000/metrics            # the gateway that answers
curl localhost:8000/metrics/targets    # where the metrics of every gateway and worker are
```

The second address is for `http_sd_configs` of Prometheus, which then needs no list of its own: whoever comes
is scraped, whoever goes is not.

```yaml
scrape_configs:
  - job_name: speechbridge
    scrape_interval: 5s
    honor_labels: true     # a worker's series name their own stage and worker
    http_sd_configs:
      - url: http://localhost:8000/metrics/targets
        refresh_interval: 5s
```

- The targets carry the labels `job` (`gateway` or `worker`) and, of a worker, `worker`, `stage`, `device` and
  `provider`.
- The pages are in Prometheus' text format, and in OpenMetrics for who asks for that.
- Workers serve theirs on METRICS_HOST:METRICS_PORT, and so do gateways that share one port (`up --gateways`),
  where that one shows whichever answers; any other gateway serves them beside all else. Port 0 is a free one,
  and `/metrics/targets` knows it. Where the host is 0.0.0.0, as in containers, the targets name the machine
  or the container instead.
- `METRICS=false` answers 404; then no timer runs and no command of Redis is timed.
- All is in base units: seconds, bytes, ratios from 0 to 1. No label is a session, a room or a text, and no
  series holds speech.
- What a label is known to take is 0 before it happens; other labels appear with their first use. The series
  of queues, workers and Redis are read when somebody scrapes and show that moment. Where Redis does not
  answer within 0.8 s, `bridge_redis_up` is 0 and the others are absent.
- Each gateway shows all queues and workers: take `max by (queue)` over gateways, not a sum.
- A histogram `x` is three series: `x_bucket` with the label `le`, `x_sum` and `x_count`.
- The labels of `bridge_redis_command_seconds` are commands in lower case, `pipeline` for several sent at
  once, and `script:FILE.NAME` for a script of `bridge/store/FILE.py`.
"""

PLACES = {
    "gateway": "## Gateways\n",
    "worker": "\n## Workers\n",
    "every process": "\n## Every process\n\n"
    "Beside the `process_*` and `python_*` of prometheus_client: CPU, memory, open files, garbage.\n",
}


def render() -> str:
    """The whole page."""
    assert all(part.AT in PLACES for part in (gateway, worker, process))
    parts = [INTRODUCTION]
    for place, head in PLACES.items():
        parts += [head, *_table([series for series in TABLE if series.at == place])]
    return "\n".join(parts).rstrip() + "\n"


def _table(rows: list[Series]) -> Iterator[str]:
    yield "| series | type | labels | what it says | from | to |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        labels = ", ".join(f"`{label}`" for label in row.labels)
        said = row.help + (f" Needs {row.needs}." if row.needs else "")
        cells = (f"`{row.name}`", row.kind, labels, said, row.begins, row.ends)
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
