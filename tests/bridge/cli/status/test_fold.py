"""What one look shows of what was answered."""

from __future__ import annotations

from dataclasses import replace

from bridge.cli.status.asking import Target
from bridge.cli.status.kept import Kept
from bridge.cli.status.look import Breaker, Gateway, Gpu, Late, Look, Queue, RedisState, Timing, Worker
from bridge.store.backlog import Backlog, Queued
from bridge.store.circuits import Circuit
from bridge.store.registry import Sighting, WorkerRecord
from tests.bridge.cli.status.pages import Process, look, serving, sight

EAR = WorkerRecord(
    "ear", "stt", "gpu0", "stt.gpu0", 2, "whisper", models=("base",), ahead_ms=4.0, metrics="ear:9101"
)
MOUTH = WorkerRecord("mouth", "tts", "cpu0", "tts.cpu0", 1, "piper", draining=True)


def kept(*workers: WorkerRecord, **waiting: int) -> Kept:
    running: dict[str, tuple[str, ...]] = {worker.name: ("1/2/stt",) for worker in workers}
    sighting = Sighting(workers, running, waiting, {worker.name: worker is EAR for worker in workers}, 0.0)
    queues = {worker.queue: Queued(3, 1.5) for worker in workers}
    return Kept(sighting, Backlog(queues, 900, 0, 7), ("gw:8000",), 4)


def timing(shown: Look, name: str) -> Timing:
    return next(each for each in shown.timings if each.name == name)


def test_sessions_and_sockets_are_those_of_each_gateway() -> None:
    one = serving().tell("sessions_active", 2, role="alone").tell("sessions_active", 5, role="listener")
    one.tell("connections", 8).tell("waiting_segments", 3).tell("output_queue_bytes", 640)
    other = serving().tell("sessions_active", 1, role="speaker").tell("pressure_level", 2)
    shown = look(sight(pages={"gw1": one.page(), "gw2": other.page()}))

    assert shown.sessions == 8
    first, second = shown.gateways
    assert first == Gateway("gw1", True, "0.1.0", {"alone": 2, "listener": 5}, 8, 3, 640, None, 0)
    assert (second.roles, second.pressure) == ({"speaker": 1}, 2)


def test_the_lag_of_each_gateway_is_that_of_the_last_minute() -> None:
    one, other = serving().tell("event_loop_lag_seconds", 0.9), serving()
    before = sight(0, {"gw1": one.page(), "gw2": other.page()})
    one.tell("event_loop_lag_seconds", 0.15)
    first, second = look(before, sight(1, {"gw1": one.page(), "gw2": other.page()})).gateways

    assert 0.1 < (first.lag_p95 or 0) < 0.2
    assert second.lag_p95 is None


def test_queues_are_told_once_as_the_first_gateway_that_sees_redis_has_them() -> None:
    blind = Process().tell("redis_up", 0)
    one, other = serving(tts=2), serving(tts=3)
    one.tell("queue_length", 4, queue="tts.cpu0").tell("queue_oldest_seconds", 2.5, queue="tts.cpu0")
    shown = look(sight(pages={"gw0": blind.page(), "gw1": one.page(), "gw2": other.page()}))

    assert [queue.name for queue in shown.queues] == ["stt.cpu0", "translation.cpu0", "tts.cpu0"]
    assert shown.queues[-1] == Queue("tts.cpu0", 2, 2, 0, 4, 2.5)
    assert shown.redis.up


def test_redis_is_away_where_no_gateway_sees_it() -> None:
    assert look(sight(pages={"gw1": Process().tell("redis_up", 0).page()})).redis.up is False


def test_memory_of_redis_is_told_with_its_limit_where_it_has_one() -> None:
    one = serving().tell("redis_memory_bytes", 2e6, kind="used").tell("redis_connections", 12)
    assert look(sight(pages={"gw1": one.page()})).redis == RedisState(True, 2_000_000, None, 12)
    one.tell("redis_memory_bytes", 8e6, kind="limit")
    assert look(sight(pages={"gw1": one.page()})).redis.limit_bytes == 8_000_000


def test_a_worker_is_what_its_metrics_and_redis_say_of_it_together() -> None:
    labels = {"worker": "ear", "stage": "stt", "device": "gpu0", "provider": "whisper"}
    one = serving().tell("worker_info", 1, **labels)
    page = Process().tell("worker_threads", 2, state="busy").tell("worker_threads", 1, state="idle")
    page.tell("gpu_utilization_ratio", 0.5, device="gpu0").tell(
        "gpu_memory_bytes", 3e9, device="gpu0", kind="used"
    )
    asked = [Target("ear:9101", "worker", labels)]
    pages = {"gw1": one.page(), "ear:9101": page.tell("models_resident", 2, stage="stt").page()}

    alone = look(sight(pages=pages, workers=asked))
    assert alone.workers == (Worker("ear", "stt", "gpu0", "whisper", 2, 2, 3, gpu=Gpu(0.5, 3_000_000_000)),)
    both = look(sight(pages=pages, workers=asked, kept=kept(MOUTH, EAR)))
    assert both.workers == (
        Worker("ear", "stt", "gpu0", "whisper", ("base",), 2, 3, 4.0, False, True, Gpu(0.5, 3_000_000_000)),
        Worker("mouth", "tts", "cpu0", "piper", None, 1, 1, 0.0, True, False),
    )
    assert both.rooms == 4


def test_where_no_gateway_answers_redis_tells_of_queues_and_workers() -> None:
    shown = look(sight(silent={"gw1": "refused"}, kept=kept(EAR, MOUTH), trouble="no_gateway"))

    assert shown.gateways == (Gateway("gw1", up=False),)
    assert shown.queues == (Queue("stt.gpu0", 1, 2, 1, 3, 1.5), Queue("tts.cpu0", 0, 0, 0, 3, 1.5))
    assert shown.redis == RedisState(True, 900, None, 7)
    assert shown.unread == {"gw1": "refused"}


def test_latencies_are_those_since_the_look_before_of_the_last_minute_and_of_all_time() -> None:
    one = serving().tell("first_audio_seconds", 0.9, target="es")
    sights = [sight(0, {"gw1": one.page()})]
    one.tell("first_audio_seconds", 0.15, target="es").tell("first_audio_seconds", 0.15, target="ca")
    sights.append(sight(1, {"gw1": one.page()}))
    one.tell("first_audio_seconds", 0.05, target="es")
    shown = timing(look(*sights, sight(2, {"gw1": one.page()})), "first audio")

    assert [spread.count for spread in (shown.last, shown.minute, shown.start)] == [1, 3, 4]
    assert (shown.last.p50, shown.minute.p50, shown.start.p50) == (0.05, 0.125, 0.15)
    assert shown.start.p95 == 0.88


def test_waits_and_work_of_each_stage_are_those_of_all_its_workers() -> None:
    one, other = Process(), Process()
    for process in (one, other):
        process.tell("stage_queue_seconds", 0.05, stage="stt")
        process.tell("stage_duration_seconds", 0.3, stage="stt", provider="whisper")
    workers = [Target("a:1", "worker"), Target("b:1", "worker")]
    shown = look(sight(pages={"a:1": one.page(), "b:1": other.page()}, workers=workers))

    assert timing(shown, "stt queue").start.count == 2
    assert timing(shown, "stt run").start.p50 == 0.3
    assert timing(shown, "tts run").start.count == 0


def test_segments_drafts_and_errors_are_those_of_the_last_minute() -> None:
    one = serving().tell("segments_total", 9, outcome="heard").tell("segments_total", 0, outcome="failed")
    one.tell("errors_total", 8, stage="", type="bad_message").tell(
        "errors_total", 4, stage="tts", type="broken"
    )
    before = sight(0, {"gw1": one.page()})
    one.tell("segments_total", 2, outcome="heard").tell("drafts_total", 3, outcome="dropped")
    one.tell("errors_total", 2, stage="tts", type="broken").tell("shed_total", 1, what="speech")
    shown = look(before, sight(30, {"gw1": one.page()}))

    assert (shown.window_s, shown.seconds) == (30, 30)
    assert shown.segments == {"heard": 2, "failed": 0}
    assert (shown.drafts, shown.left_out, shown.again) == ({"dropped": 3}, {"speech": 1}, {})
    told = [(each.stage, each.type, each.minute, each.total) for each in shown.errors]
    assert told == [("tts", "broken", 2, 6), ("", "bad_message", 0, 8)]


def test_objectives_are_held_against_the_last_minute_the_laxest_where_gateways_differ() -> None:
    one = serving().tell("slo_seconds", 0.2, slo="segment")
    other = serving().tell("slo_seconds", 0.4, slo="segment")
    before = sight(0, {"gw1": one.page(), "gw2": other.page()})
    for seconds in (0.3, 0.5, 0.5):
        one.tell("segment_latency_seconds", seconds, target="es")
    shown = look(before, sight(1, {"gw1": one.page(), "gw2": other.page()}))

    assert shown.late == {"segment": Late(0.4, 0.955, 2, 3)}
    assert look(before).late == {}


def test_a_gateway_of_another_release_shows_what_it_has() -> None:
    shown = look(sight(pages={"gw1": Process().tell("connections", 3).page()}))

    (only,) = shown.gateways
    assert (only.connections, only.version, only.waiting, only.pressure) == (3, None, None, None)
    assert (shown.sessions, shown.queues, shown.redis) == (0, (), RedisState())


def test_breakers_are_told_by_redis_which_knows_why_and_else_by_a_gateway() -> None:
    known = kept(replace(EAR, provider="azure,whisper"))
    circuits = (Circuit("stt", "azure", "open", 1, "quota", 100.0, 240.0), Circuit("stt", "whisper"))
    known = replace(known, sighting=replace(known.sighting, circuits=circuits))
    page = serving().tell("breaker_state", 2, stage="stt", provider="azure")
    page.tell("breaker_state", 1, stage="tts", provider="azure")

    assert look(sight(pages={"gw1": page.page()}, kept=known)).breakers == (
        Breaker("stt", "azure", "open", "quota", 240.0),
        Breaker("stt", "whisper", "closed", "", 0.0),
    )
    assert look(sight(pages={"gw1": page.page()})).breakers == (
        Breaker("stt", "azure", "open"),
        Breaker("tts", "azure", "half-open"),
    )
