"""Order and completeness, with real workers on simulated engines that finish out of order or die."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from bridge.client import Client
from bridge.media import decode
from bridge.protocol import server_messages, wire
from bridge.store.registry import Registry
from tests.stack import SIMULATED, Stack, running, wait_until

pytestmark = pytest.mark.e2e

SPEECH = Path(__file__).parent.parent / "data" / "speech"
Seen = list[tuple[float, server_messages.ServerMessage | wire.AudioFrame]]


def topology(folder: Path, **counts: int) -> str:
    path = folder / "topology.toml"
    entries = []
    for stage in ("stt", "translation", "tts"):
        entries.append(
            f'[[worker]]\nname = "{stage}-cpu0"\nstage = "{stage}"\ndevice = "cpu0"\n'
            f"concurrency = {counts.get(stage, 1)}\nreplicas = 1\n"
        )
    path.write_text("\n".join(entries))
    return str(path)


def pcm(name: str = "go_forward.wav") -> bytes:
    return b"".join(decode(SPEECH / name))


async def session(url: str, speech: bytes, commits: int, *targets: str) -> Seen:
    """Says `speech` so often, each time ended by a commit, and collects what comes with its time."""
    seen: Seen = []
    async with Client(url, "en", targets) as client, asyncio.timeout(60):

        async def speak() -> None:
            for _ in range(commits):
                await client.send_audio(speech)
                await client.commit()
            await client.end()

        speaking = asyncio.create_task(speak())
        async for message in client:
            seen.append((time.monotonic(), message))
        await speaking
    return seen


def running_items(registry: Registry, worker: str) -> list[str]:
    """What the worker says it runs."""
    raw = registry.client.hget("running", worker)
    assert raw is None or isinstance(raw, bytes)
    return list(json.loads(raw or b"[]"))


def frames(seen: Seen) -> list[tuple[str, wire.AudioFrame]]:
    """The audio and its target: whichever is heard first has the first index."""
    names: dict[int, str] = {}
    found = []
    for _, message in seen:
        if isinstance(message, server_messages.AudioStart):
            names[message.index] = message.target
        elif isinstance(message, wire.AudioFrame):
            found.append((names[message.target], message))
    return found


def spoken(seen: Seen, target: str = "es") -> list[int]:
    """The segment numbers of a target in the order in which they were heard, once for each run."""
    heard: list[int] = []
    for name, frame in frames(seen):
        if name == target:
            heard += [frame.segment] if heard[-1:] != [frame.segment] else []
    return heard


def test_a_later_segment_that_is_ready_first_is_heard_after_the_earlier_one(
    stack: Callable[..., Stack], tmp_path: Path
) -> None:
    system = stack(**SIMULATED, TOPOLOGY=topology(tmp_path, stt=4)).up(SIMULATED_STT_MS="1500,50")
    seen = asyncio.run(session(system.url, pcm(), 4, "es", "fr"))

    # Every other call takes 0.6 s: captions come as they are ready, speech in the order it was said.
    captions = [
        message.segment for _, message in seen if isinstance(message, server_messages.TranscriptFinal)
    ]
    assert sorted(captions) == [0, 1, 2, 3] != captions
    assert spoken(seen, "es") == spoken(seen, "fr") == [0, 1, 2, 3]
    done = [message.segment for _, message in seen if isinstance(message, server_messages.SegmentDone)]
    assert done == [0, 1, 2, 3]


def test_every_sample_is_heard_once(simulated: Stack) -> None:
    seen = asyncio.run(session(simulated.url, pcm(), 3, "es", "fr"))
    expected: dict[tuple[int, str], int] = {}
    for target, frame in frames(seen):
        assert frame.offset == expected.get((frame.segment, target), 0)
        expected[frame.segment, target] = frame.offset + len(frame.pcm) // 2
    ends = [message for _, message in seen if isinstance(message, server_messages.AudioEnd)]

    assert len(expected) == len(ends) == 6
    for end in ends:
        samples = expected[end.segment, end.target]
        assert end.duration_ms == pytest.approx(samples * 1000 / end.rate, abs=0.1)


def test_every_message_has_the_next_number(simulated: Stack) -> None:
    seen = asyncio.run(session(simulated.url, pcm(), 2, "es"))

    # The client has taken session.started, number 1, before it lets others listen.
    assert [message.seq for _, message in seen] == list(range(2, len(seen) + 2))


@pytest.mark.slow
def test_a_slow_engine_computes_each_segment_once_however_soon_silence_would_be_too_long(
    stack: Callable[..., Stack], tmp_path: Path
) -> None:
    slow = {f"SIMULATED_{stage}_MS": "6000" for stage in ("STT", "TRANSLATION", "TTS")}
    slow |= {"SEGMENT_RUN_MS": "1000", "SHED": "false"}  # one that is never too late
    system = stack(**SIMULATED, TOPOLOGY=topology(tmp_path), **slow).up()
    watcher = redis.Redis.from_url(system.redis.url)
    with watcher.monitor() as monitor:  # type: ignore[no-untyped-call]
        seen = asyncio.run(session(system.url, pcm(), 2, "es"))
        claims = set()
        watcher.set("end", "1")
        for command in monitor.listen():
            if command["command"] == "SET end 1":
                break
            claims |= set(re.findall(r"claim:[\w/.-]+", command["command"]))
    watcher.close()

    assert spoken(seen) == [0, 1]
    # The last part of a claim is the attempt.
    assert sorted(claim.split("/", 1)[1] for claim in claims) == [
        *("0.0/stt//0", "0.0/translation/es/0", "0.0/tts/es/0"),
        *("1.0/stt//0", "1.0/translation/es/0", "1.0/tts/es/0"),
    ]
    assert "sent again" not in system.output()


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system that sends work again after 1.5 s, with a second worker of stt, which takes 1 s."""
    folder = tmp_path_factory.mktemp("hasty")
    given = {"TOPOLOGY": topology(folder), "SIMULATED_STT_MS": "1000", "SEGMENT_RUN_MS": "1500"}
    with running(folder, **SIMULATED, **given) as stack:
        stack.start("worker", "stt-cpu0", "--replica", "1")
        yield stack


def test_a_segment_whose_worker_is_killed_is_heard_all_the_same(hasty: Stack) -> None:
    system, store = hasty, Registry(hasty.redis.url)
    wait_until(lambda: len(store.workers()) == 4, 20, "all workers are there")

    def kill_the_busy_one() -> None:
        stt = [worker for worker in store.workers() if worker.stage == "stt"]
        wait_until(lambda: any(running_items(store, w.name) for w in stt), 10, "one works")
        busy = next(w for w in stt if running_items(store, w.name))
        os.kill(busy.pid, signal.SIGKILL)

    async def both() -> Seen:
        heard, _ = await asyncio.gather(
            session(system.url, pcm(), 1, "es"), asyncio.to_thread(kill_the_busy_one)
        )
        return heard

    seen = asyncio.run(both())
    store.close()
    assert spoken(seen) == [0]
    assert not [message for _, message in seen if isinstance(message, server_messages.SegmentFailed)]


def test_segments_wait_for_a_redis_that_comes_back(hasty: Stack) -> None:
    system = hasty

    async def through_an_outage() -> Seen:
        seen: Seen = []
        async with Client(system.url, "en", ["es"]) as client, asyncio.timeout(60):
            system.redis.kill()
            await client.send_audio(pcm())
            await client.commit()
            await client.end()
            await asyncio.sleep(1)
            await asyncio.to_thread(system.redis.start)
            async for message in client:
                seen.append((time.monotonic(), message))
        return seen

    seen = asyncio.run(through_an_outage())
    assert spoken(seen) == [0]
    assert not [message for _, message in seen if isinstance(message, server_messages.SegmentFailed)]


@pytest.fixture(scope="module")
def mute(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A system whose tts worker is stopped: on the list, its connection stands, and it takes nothing."""
    with running(tmp_path_factory.mktemp("mute"), **SIMULATED, WORKER_TTL_MS="60000") as stack:
        os.kill(stack.started[2].pid, signal.SIGSTOP)
        yield stack


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"SEGMENT_ATTEMPTS": "10", "SEGMENT_DEADLINE_MS": "1500"}, "it would come too late"),
        ({"SEGMENT_QUEUE_MS": "400", "SEGMENT_ATTEMPTS": "1"}, "no worker took it, once"),
        ({"SEGMENT_QUEUE_MS": "400", "SEGMENT_ATTEMPTS": "2"}, "no worker took it, 2 times"),
    ],
)
def test_a_segment_that_no_worker_takes_is_announced_as_failed(
    mute: Stack, with_gateway: Callable[..., Stack], environment: dict[str, str], why: str
) -> None:
    seen = asyncio.run(session(with_gateway(mute, **environment).url, pcm(), 2, "es"))
    failed = [message for _, message in seen if isinstance(message, server_messages.SegmentFailed)]

    assert sorted((message.segment, message.stage, message.code) for message in failed) == [
        (0, "tts", "timed_out"),
        (1, "tts", "timed_out"),
    ]
    assert all(why in message.message for message in failed)
    assert len([message for _, message in seen if isinstance(message, server_messages.SegmentDone)]) == 2
    assert isinstance(seen[-1][1], server_messages.SessionEnded)
