"""Says in words whether people hear each other, and where they do not, what mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.cli.status.look import Look, Worker
from bridge.store.circuits import remedy
from bridge.types import STAGES

OLDEST_SECONDS = 2.0
"""Waiting in a queue from which on people notice; the alert QueueBacklog has the same."""
FULL = 0.9
"""Share of its memory from which on Redis is said to be full: it refuses writes at 1."""
GPU_FULL = 0.95
"""Share of the memory of a GPU; the alert GPUMemoryExhaustion has the same."""
FAILED = 0.05
"""Share of segments that may fail; the alert HighErrorRate has the same."""
LATE = 3
"""A p95 is believed when so many were beyond: one slow sentence of ten is no trend."""
SKEW_MS = 1_000
LAG_SECONDS = 0.1
LEFT_OUT = ("nothing", "partials", "partials and drafts", "quality", "speech: captions only")
"""By the level of bridge_pressure_level."""
MORE = "Give it more: another worker, `concurrency` in the topology, or a faster engine or preset."


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, or only worth knowing, and what to do."""

    what: str
    remedy: str
    wrong: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """`healthy` unless a finding is wrong."""

    words: str
    healthy: bool
    findings: tuple[Finding, ...]


def judged(look: Look) -> Verdict:
    """The verdict on a look; the worst finding first."""
    findings = tuple(sorted(_findings(look), key=lambda finding: not finding.wrong))
    wrong = [finding for finding in findings if finding.wrong]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return Verdict(wrong[0].what + more, False, findings)
    return Verdict(_well(look), True, findings)


def _well(look: Look) -> str:
    heard, span = look.segments.get("heard", 0), _span(look)
    if heard:
        return f"everybody hears each other: {_many(heard, 'segment')} heard within {span}"
    if look.sessions:
        silence = f", nothing was heard within {span}" if look.window_s else ""
        return f"all is ready: {_many(look.sessions, 'session')}{silence}"
    return "all is ready: nobody is here"


def _findings(look: Look) -> Iterator[Finding]:
    yield from _reach(look)
    yield from _redis(look)
    yield from _queues(look)
    yield from _breakers(look)
    yield from _speech(look)
    yield from _objectives(look)
    yield from _remarks(look)


def _reach(look: Look) -> Iterator[Finding]:
    if look.trouble == "no_gateway":
        others = sum(gateway.up for gateway in look.gateways)
        also = f"; {_many(others, 'other')} at the same Redis" if others else ""
        yield Finding(
            f"no gateway answers at {look.url}{also}",
            "Start one with `speechbridge up` or `gateway`, or give its address with --url.",
        )
    if look.trouble == "stranger":
        yield Finding(
            f"what answers at {look.url} is no gateway with metrics",
            "Give that of a gateway with --url; beside it, where a proxy keeps metrics from strangers.",
        )
    if look.trouble == "metrics_off":
        yield Finding(
            "nothing is measured: METRICS is false", "Set METRICS=true and restart gateways and workers."
        )
    for gateway in look.gateways:
        if not gateway.up and look.trouble != "metrics_off":
            why = look.unread.get(gateway.address, "")
            yield Finding(
                f"gateway {gateway.address} does not answer{f': {why}' if why else ''}",
                "Look at its log; where it runs behind another name, run this beside it.",
            )


def _redis(look: Look) -> Iterator[Finding]:
    redis = look.redis
    if redis.up is False:
        yield Finding(
            "Redis does not answer: nothing is translated",
            "Start it, or set REDIS_URL to one that runs; gateways and workers go on by themselves.",
        )
    if redis.used_bytes and redis.limit_bytes and redis.used_bytes > FULL * redis.limit_bytes:
        yield Finding(
            f"Redis is full: {redis.used_bytes / redis.limit_bytes:.0%} of its memory",
            "Raise its `maxmemory` (REDIS_MAX_MEMORY for a private one), or stop what else fills it.",
        )


def _queues(look: Look) -> Iterator[Finding]:
    known = [queue for queue in look.queues if queue.workers is not None]
    for stage in STAGES if known else ():
        its = [queue for queue in known if queue.stage == stage]
        idle = [queue.name for queue in its if not queue.workers]
        if len(idle) == len(its):
            yield Finding(
                f"nobody serves {stage}: no worker lives{' for ' + ', '.join(idle) if idle else ''}",
                "Start one: `speechbridge worker NAME`, NAME as in the topology; `up` starts its own again.",
            )
        elif idle:
            yield Finding(
                f"no worker for {', '.join(idle)}", f"Other queues of {stage} do its work.", wrong=False
            )
    for queue in look.queues:
        if (queue.oldest or 0) > OLDEST_SECONDS and queue.workers:
            yield Finding(
                f"{queue.name} is behind: {_many(queue.length or 0, 'task')} waiting, the oldest "
                f"for {queue.oldest:.1f} s",
                MORE,
            )


def _breakers(look: Look) -> Iterator[Finding]:
    """A provider that nobody asks; it is wrong where its stage has no other."""
    for each in look.breakers:
        if each.state == "closed":
            continue
        others = [
            other.provider for other in look.breakers if other.stage == each.stage and other.state == "closed"
        ]
        until = f", for {each.left:.0f} s more" if each.left else ""
        tried = f"is not asked{until}" if each.state == "open" else "is to be tried again"
        instead = f"; {', '.join(others)} does its work" if others else ", and no other provider is there"
        why = f" ({each.code})" if each.code else ""
        yield Finding(f"{each.stage}: {each.provider} {tried}{why}{instead}", remedy(each.code), not others)


def _speech(look: Look) -> Iterator[Finding]:
    level = max((gateway.pressure or 0 for gateway in look.gateways), default=0)
    if level:
        left = LEFT_OUT[min(level, len(LEFT_OUT) - 1)]
        yield Finding(f"under pressure, left out: {left}", MORE, wrong=level >= len(LEFT_OUT) - 1)
    refused = sum(each.minute for each in look.errors if each.type == "overloaded")
    if refused:
        yield Finding(
            f"{_many(refused, 'client')} refused within {_span(look)}: no place, or no engine time",
            "More workers or gateways, or WS_MAX_CONNECTIONS; clients come back by themselves.",
        )
    bad = look.segments.get("failed", 0) + look.segments.get("partly", 0)
    every = sum(look.segments.values())
    if bad > FAILED * every:
        told = ", ".join(
            f"{each.stage} {each.type}" for each in look.errors if each.minute and each.stage in STAGES
        )
        yield Finding(
            f"{bad} of {_many(every, 'segment')} failed within {_span(look)}" + (f": {told}" if told else ""),
            "`speechbridge trace SESSION` shows where; the log of that stage's worker says why.",
        )


def _objectives(look: Look) -> Iterator[Finding]:
    words = {
        "segment": ("speech comes late", MORE),
        "barge_in": ("interruptions are obeyed late", "Look for a busy machine: gateway, Redis or tts."),
    }
    for name, late in look.late.items():
        if late.p95 > late.slo and late.beyond >= LATE:
            what, remedy = words[name]
            yield Finding(
                f"{what}: p95 {late.p95:.2f} s where SLO_{name.upper()}_MS says {late.slo:.2f} s "
                f"({late.beyond} of {late.count} beyond)" + (_slowest(look) if name == "segment" else ""),
                remedy,
            )


def _slowest(look: Look) -> str:
    """Which stage takes the most of it, in its queue or at work."""
    stages = {each.name: each.minute.p50 for each in look.timings if each.name.endswith((" queue", " run"))}
    known = {name: p50 for name, p50 in stages.items() if p50 is not None}
    if not known:
        return ""
    name = max(known, key=lambda name: known[name])
    return f", most of it {name}: p50 {known[name]:.2f} s"


def _remarks(look: Look) -> Iterator[Finding]:
    gateways = {gateway.address for gateway in look.gateways}
    unread = [address for address in look.unread if address not in gateways]
    if unread:
        yield Finding(
            f"no metrics of {_many(len(unread), 'worker')}: {unread[0]}, {look.unread[unread[0]]}",
            "METRICS_HOST must be reachable from here; its gateway counts it all the same.",
            wrong=False,
        )
    for gateway in look.gateways:
        if (gateway.lag_p95 or 0) > LAG_SECONDS:
            yield Finding(
                f"gateway {gateway.address} has too much to do: its loop is {gateway.lag_p95:.2f} s late",
                "Start more of them: `speechbridge up --gateways N`.",
                wrong=False,
            )
    for worker in look.workers:
        yield from _worker(worker)
    versions = sorted({gateway.version for gateway in look.gateways if gateway.version})
    if len(versions) > 1:
        yield Finding(
            f"gateways of several releases: {', '.join(versions)}", "Fine for a while.", wrong=False
        )


def _worker(worker: Worker) -> Iterator[Finding]:
    gpu = worker.gpu
    if gpu and gpu.used_bytes and gpu.total_bytes and gpu.used_bytes > GPU_FULL * gpu.total_bytes:
        share = gpu.used_bytes / gpu.total_bytes
        yield Finding(
            f"the memory of {worker.device} is full: {share:.0%} ({worker.name})",
            "A smaller model or compute type, or another card for one of its workers.",
            wrong=False,
        )
    if abs(worker.ahead_ms or 0) > SKEW_MS:
        yield Finding(
            f"the clock of {worker.name} is {(worker.ahead_ms or 0) / 1000:+.1f} s off",
            "timedatectl set-ntp true, on its host; only logs mislead by it.",
            wrong=False,
        )


def _span(look: Look) -> str:
    return f"{look.window_s:.0f} s" if look.window_s >= 1 else f"{look.window_s:.1f} s"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
