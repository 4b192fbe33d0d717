"""Makes one look of what was answered: sums over gateways, joins metrics with what Redis knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bridge.cli.status.crew import crew
from bridge.cli.status.figures import errors, late, timings
from bridge.cli.status.history import History
from bridge.cli.status.kept import Kept
from bridge.cli.status.look import Breaker, Gateway, Look, Queue, RedisState, in_order
from bridge.cli.status.numbers import Numbers, total, whole
from bridge.cli.status.quantiles import quantile
from bridge.cli.status.sources import Sight
from bridge.placement import slots_of
from bridge.store.circuits import LEVELS

BREAKERS = "bridge_breaker_state"


def folded(sight: Sight, history: History, began: float) -> Look:
    """What `sight` shows, which `history` has taken already; the first look was at `began`."""
    kept = sight.kept if isinstance(sight.kept, Kept) else None
    pages = {each.address: sight.pages[each.address] for each in sight.targets if each.address in sight.pages}
    views = [pages[each.address] for each in sight.targets if each.job == "gateway" and each.address in pages]
    start, minute = total(pages.values()), history.minute()
    return Look(
        url=sight.url,
        seconds=round(sight.at - began, 3),
        window_s=round(minute.seconds, 3),
        trouble=sight.trouble,
        gateways=tuple(
            _gateway(each.address, pages, minute.by) for each in sight.targets if each.job == "gateway"
        ),
        rooms=kept.rooms if kept else None,
        queues=_queues(views, kept),
        workers=crew(sight, views, kept),
        breakers=_breakers(views, kept),
        redis=_redis(views, kept),
        timings=timings(history.last().all, minute.all, start),
        segments=_counts(minute.all, start, "bridge_segments_total", "outcome"),
        drafts=_counts(minute.all, start, "bridge_drafts_total", "outcome"),
        left_out=_counts(minute.all, start, "bridge_shed_total", "what"),
        again=_counts(minute.all, start, "bridge_redispatches_total", "stage"),
        errors=errors(minute.all, start),
        late=late(minute.all, views),
        unread=dict(sight.silent),
        apart=sight.kept if isinstance(sight.kept, str) else "",
    )


def _counts(grown: Numbers, start: Numbers, name: str, label: str) -> dict[str, int]:
    """How much grew, by a label; 0 for those that are known and did not."""
    known = dict.fromkeys(start.by(name, label), 0)
    return known | {key: round(value) for key, value in grown.by(name, label).items()}


def _gateway(address: str, pages: Mapping[str, Numbers], grown: Mapping[str, Numbers]) -> Gateway:
    page = pages.get(address)
    if page is None:
        return Gateway(address, up=False)
    lag = (
        quantile(0.95, grown[address].buckets("bridge_event_loop_lag_seconds")) if address in grown else None
    )
    return Gateway(
        address,
        up=True,
        version=next((each.get("version") for each in page.labels("bridge_build_info")), None),
        roles={role: round(many) for role, many in page.by("bridge_sessions_active", "role").items()},
        connections=whole(page.get("bridge_connections")),
        waiting=whole(page.get("bridge_waiting_segments")),
        pending_bytes=whole(page.get("bridge_output_queue_bytes")),
        lag_p95=lag,
        pressure=whole(page.get("bridge_pressure_level")),
    )


def _queues(views: Iterable[Numbers], kept: Kept | None) -> tuple[Queue, ...]:
    """As a gateway sees them that sees Redis, else as Redis itself says."""
    found: dict[str, Queue] = {}
    for page in views:
        for name in page.by("bridge_queue_workers", "queue"):
            found.setdefault(name, _queue(page, name))
    if not found and kept is not None:
        taking = [worker for worker in kept.sighting.workers if not worker.draining]
        slots = slots_of(taking)
        for name, queued in kept.backlog.queues.items():
            many = sum(worker.queue == name for worker in taking)
            ran = sum(len(kept.sighting.running.get(each.name, ())) for each in taking if each.queue == name)
            found[name] = Queue(name, many, slots.get(name, 0), ran, queued.length, queued.oldest)
    return tuple(found[name] for name in sorted(found, key=in_order))


def _queue(page: Numbers, name: str) -> Queue:
    workers, slots, running, length = (
        whole(page.get(f"bridge_queue_{what}", queue=name))
        for what in ("workers", "slots", "running", "length")
    )
    return Queue(name, workers, slots, running, length, page.get("bridge_queue_oldest_seconds", queue=name))


def _breakers(views: Iterable[Numbers], kept: Kept | None) -> tuple[Breaker, ...]:
    """As Redis has them, which knows why; else as the first gateway that knows of some."""
    if kept is not None:
        known = kept.sighting.circuits
        return tuple(Breaker(each.stage, each.provider, each.state, each.code, each.left) for each in known)
    found = next((page for page in views if page.labels(BREAKERS)), Numbers({}))
    states = {level: state for state, level in LEVELS.items()}
    return tuple(
        Breaker(each["stage"], each["provider"], states[whole(found.get(BREAKERS, **each)) or 0])
        for each in found.labels(BREAKERS)
    )


def _redis(views: Iterable[Numbers], kept: Kept | None) -> RedisState:
    found = RedisState()
    for page in views:
        if (up := page.get("bridge_redis_up")) is None:
            continue
        memory = {kind: whole(page.get("bridge_redis_memory_bytes", kind=kind)) for kind in ("used", "limit")}
        found = RedisState(
            up == 1, memory["used"], memory["limit"], whole(page.get("bridge_redis_connections"))
        )
        if found.up:
            return found
    if kept is not None and found.up is None:
        return RedisState(True, kept.backlog.memory, kept.backlog.limit or None, kept.backlog.connections)
    return found
