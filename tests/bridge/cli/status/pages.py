"""Pages of metrics as gateways and workers write them, for looks without a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bridge.cli.status.asking import Target, Trouble
from bridge.cli.status.fold import folded
from bridge.cli.status.history import History
from bridge.cli.status.kept import Kept
from bridge.cli.status.look import Look
from bridge.cli.status.numbers import Numbers, parsed
from bridge.cli.status.sources import Sight
from bridge.metrics import TABLE, Series, gateway, process, worker

assert gateway and process and worker  # each adds its rows
ROWS = {row.name: row for row in TABLE}
EDGES = (0.1, 0.2, 0.4, 1.0)


class Process:
    """A process of ours with the series of the table, as far as they are told something."""

    def __init__(self, started: float = 1.0) -> None:
        self._registry = CollectorRegistry()
        self._made: dict[str, Counter | Gauge | Histogram] = {}
        Gauge("process_start_time_seconds", "When.", registry=self._registry).set(started)

    def tell(self, name: str, value: float, **labels: str) -> Process:
        """Sets a gauge, adds to a counter, observes in a histogram."""
        row = ROWS[f"bridge_{name}"]
        made = self._made.get(row.name) or self._make(row)
        assert set(labels) == set(row.labels), row
        child = made.labels(**labels) if labels else made
        if isinstance(child, Gauge):
            child.set(value)
        elif isinstance(child, Counter):
            child.inc(value)
        else:
            child.observe(value)
        return self

    def _make(self, row: Series) -> Counter | Gauge | Histogram:
        given = (row.name, row.help, row.labels)
        made: Counter | Gauge | Histogram
        if row.kind == "histogram":
            made = Histogram(*given, buckets=EDGES, registry=self._registry)
        else:
            kind = Counter if row.kind == "counter" else Gauge
            made = kind(*given, registry=self._registry)
        self._made[row.name] = made
        return made

    @property
    def text(self) -> str:
        """Its page."""
        return generate_latest(self._registry).decode()

    def page(self) -> Numbers:
        """Its page, read."""
        return parsed(self.text)


GATEWAY = "gw:8000"


def serving(**queues: int) -> Process:
    """A gateway that sees Redis, and so many workers of each stage: one where nothing is said."""
    made = Process().tell("redis_up", 1).tell("connections", 0).tell("pressure_level", 0)
    made.tell("build_info", 1, version="0.1.0")
    for stage, workers in ({"stt": 1, "translation": 1, "tts": 1} | queues).items():
        queue = f"{stage}.cpu0"
        made.tell("queue_workers", workers, queue=queue).tell("queue_slots", workers, queue=queue)
        made.tell("queue_running", 0, queue=queue).tell("queue_length", 0, queue=queue)
        made.tell("queue_oldest_seconds", 0, queue=queue)
    return made


def sight(
    at: float = 0.0,
    pages: Mapping[str, Numbers] | None = None,
    *,
    workers: Iterable[Target] = (),
    silent: Mapping[str, str] | None = None,
    kept: Kept | str = "not asked",
    trouble: Trouble = "",
) -> Sight:
    """What one round of questions brought; addresses that begin with "gw" are gateways."""
    pages, silent, workers = pages or {}, silent or {}, tuple(workers)
    gateways = [Target(each, "gateway") for each in (*pages, *silent) if each.startswith("gw")]
    return Sight(at, "http://gw:8000", trouble, (*gateways, *workers), pages, silent, kept)


def look(*sights: Sight) -> Look:
    """What the last of these shows to who saw all of them."""
    history = History()
    for each in sights:
        history.add(each.at, each.pages)
    return folded(sights[-1], history, sights[0].at)
