"""What a stranger is answered: to nonsense, at the bound, out of order, and after a restart behind it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
from websockets.asyncio.client import connect

from bridge.cli.network import fetch
from bridge.client import Client, translate
from bridge.protocol import client_messages, server_messages, wire
from tests.e2e.hostile import BINARY, TEXT, Raw, frame
from tests.e2e.victim import CLIP, GROWTH, START, VAD, Gateway, next_of, speaks
from tests.stack import REPOSITORY, SIMULATED, Stack, free_port, running, wait_until

pytestmark = pytest.mark.e2e

DOCUMENTED = set(
    re.findall(
        r"^\| (\w+) \|", (REPOSITORY / "docs" / "protocol.md").read_text().split("## Error codes")[1], re.M
    )
)


@pytest.fixture(scope="module")
def stack(attacked: Stack) -> Stack:
    return attacked


# --- nonsense ---


def test_an_origin_that_is_none_is_refused_without_a_traceback(gateway: Gateway) -> None:
    peer = Raw(gateway.port, origin="http://[")
    messages, code = peer.read(5)
    peer.close()
    assert (messages[-1]["code"], code) == ("forbidden_origin", 4403)
    assert "Traceback" not in gateway.stack.output()


NONSENSE = {
    '{"type": null}': ("unknown_type", "null"),
    "[" * 16_000: ("bad_json", ""),
    '{"type": "' + "x" * 5_000 + '"}': ("unknown_type", "x"),
    '{"type": "\\ud800"}': ("", ""),
    '{"type": "playback.mark", "segment": ' + "1" * 5_000 + ', "played_ms": 0}': ("", ""),
    '{"type": "session.update", "vad": {"threshold": NaN}}': ("", ""),
    '{"type": "session.update", "targets": [' + ",".join("0" * 5_000) + "]}": ("bad_field", "targets"),
}


@pytest.mark.parametrize("text", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_named_and_the_connection_goes_on(gateway: Gateway, text: str) -> None:
    code, named = NONSENSE[text]
    peer = Raw(gateway.port)
    peer.socket.sendall(frame(TEXT, text.encode()))
    peer.say({"type": "ping"})
    messages, closed = peer.read(5, until="pong")
    peer.close()
    assert closed is None
    assert [message["type"] for message in messages] == ["error", "pong"]
    assert messages[0]["code"] in ({code} if code else DOCUMENTED)
    assert named in messages[0]["message"]


def malformed(chance: random.Random) -> bytes:
    """A frame that may mean anything."""
    kinds = [
        *("session.start", "session.update", "segment.commit", "playback.pause", "playback.stop", "ping"),
        *("playback.mark", "playback.resume", "session.end", "nothing"),
    ]
    names = (
        "type",
        "protocol",
        "source",
        "targets",
        "vad",
        "segment",
        "played_ms",
        "language",
        "resume",
        "output",
    )

    def value(depth: int) -> Any:
        simple = [
            None,
            True,
            -1,
            0,
            1,
            2**63,
            1e308,
            "",
            "en",
            "\u202e",
            "x" * 70,
            kinds[chance.randrange(10)],
        ]
        if depth < 3 and chance.random() < 0.4:
            if chance.random() < 0.5:
                return [value(depth + 1) for _ in range(chance.randrange(4))]
            return {chance.choice(names): value(depth + 1) for _ in range(chance.randrange(4))}
        return chance.choice(simple)

    draw = chance.random()
    if draw < 0.2:
        return frame(BINARY, chance.randbytes(chance.randrange(700)))
    if draw < 0.3:
        return frame(TEXT, bytes(chance.choices(range(32, 127), k=chance.randrange(60))))
    message = {"type": chance.choice(kinds)} | {
        chance.choice(names): value(0) for _ in range(chance.randrange(4))
    }
    text = json.dumps(message)
    return frame(TEXT, (text[: chance.randrange(len(text))] if draw < 0.4 else text).encode())


@pytest.mark.slow
def test_of_ten_thousand_malformed_frames_each_gets_a_documented_answer(gateway: Gateway) -> None:
    """Ten connections, a thousand frames each: below the rate, and again whenever one is closed."""
    closes = set(wire.Close)

    def attack(seed: int) -> tuple[set[str], set[int | None]]:
        chance, codes, ends, sent = random.Random(seed), set(), set(), 0
        while sent < 1_000:
            peer = Raw(gateway.port)
            frames = [malformed(chance) for _ in range(min(100, 1_000 - sent))]
            sent += len(frames)
            with contextlib.suppress(OSError):  # closed for one of them
                peer.socket.sendall(b"".join(frames))
            messages, code = peer.read(0.6)
            peer.close()
            codes |= {message["code"] for message in messages if message["type"] in ("error", "warning")}
            ends.add(code)
        return codes, ends

    before = gateway.bytes
    with ThreadPoolExecutor(10) as attackers:
        found = list(attackers.map(attack, range(10)))
    codes = set().union(*(codes for codes, _ in found))
    ends = set().union(*(ends for _, ends in found))
    assert codes <= DOCUMENTED
    assert {"bad_json", "unknown_type", "bad_field", "no_session", "audio_without_session"} <= codes
    assert ends - {None} <= closes - {wire.Close.INTERNAL}
    assert gateway.bytes - before <= GROWTH
    assert "Traceback" not in gateway.stack.output()
    assert asyncio.run(speaks(gateway, 1)) > 0


def test_a_hundred_sessions_leave_no_descriptors_behind(gateway: Gateway) -> None:
    async def many() -> None:
        async def one() -> None:
            async with Client(gateway.url, "en", ["es"]) as client:
                await client.send_audio(bytes(3_200))

        for _ in range(10):
            await asyncio.gather(*(one() for _ in range(10)))

    before = gateway.descriptors
    asyncio.run(many())
    # The pools keep what the busiest moment needed, on a slow machine up to 30; a leak would be 100 or more.
    wait_until(lambda: gateway.descriptors <= before + 60, 20, "the descriptors are back")


# --- a client at the bound ---


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Engines slower than speech is sent, and a gateway that takes little ahead and soon misses a pong."""
    with running(
        tmp_path_factory.mktemp("slow"),
        **SIMULATED,
        SIMULATED_STT_MS="150",
        SIMULATED_TTS_AUDIO_MS="200",
        SESSION_AHEAD_SECONDS="2",
        SESSION_MAX_SEGMENTS="2",
        WS_PING_INTERVAL="0.3",
        WS_PING_TIMEOUT="0.3",
    ) as made:
        yield made


def test_a_client_at_the_bound_is_neither_dropped_nor_loses_anything(slow: Stack) -> None:
    """Two minutes at once; the gateway holds them back by TCP, and what it has read is 2 s of them."""
    sentences = 24
    audio = (CLIP + bytes(16_000 * 2 * 2)) * sentences
    result = asyncio.run(translate(slow.url, [audio], "en", ["es"], vad={"min_silence_ms": 1_000}))

    assert len(result.segments) == sentences
    assert result.misplaced == 0
    for segment in result.segments.values():
        assert not segment.failures
        assert segment.text and segment.translations["es"].audio_ms == 200


def test_beyond_the_seconds_ahead_the_sender_is_held(slow: Stack, gateway: Gateway) -> None:
    """SESSION_AHEAD_SECONDS: of 45 s sent at once one gateway takes all, the other no more than 2."""

    async def answered(port: int) -> bool:
        url = f"ws://127.0.0.1:{port}/v1/stream"
        async with connect(url, compression=None, ping_timeout=None, close_timeout=0.1) as peer:
            await peer.send(json.dumps(START | {"vad": {"min_silence_ms": 200}}))
            while json.loads(await peer.recv())["type"] != "session.started":
                pass
            # Each cut takes 150 ms of stt: all of them would take longer than is waited here.
            spoken = (CLIP[: 16_000 * 2] + bytes(16_000)) * 30
            sending = asyncio.create_task(_send(peer, spoken))
            await asyncio.sleep(0.4)
            await peer.send(json.dumps({"type": "ping"}))
            try:
                async with asyncio.timeout(1):
                    while True:
                        data = await peer.recv()
                        if isinstance(data, str) and json.loads(data)["type"] == "pong":
                            return sending.done()
            except TimeoutError:
                return False
            finally:
                sending.cancel()

    assert not asyncio.run(answered(slow.port))
    assert asyncio.run(answered(gateway.port))


async def _send(peer: Any, pcm: bytes) -> None:
    for at in range(0, len(pcm), 32_000):
        await peer.send(pcm[at : at + 32_000])


def test_control_is_answered_at_once_while_half_a_minute_of_audio_waits(stack: Stack) -> None:
    async def scenario() -> None:
        async with Client(stack.url, "en", ["es"], vad=VAD) as client, asyncio.timeout(30):
            await client.send_audio((CLIP[: 16_000 * 2] + bytes(16_000)) * 20)
            since = time.monotonic()
            await client.send(client_messages.Ping())
            await next_of(client, server_messages.Pong)
            await client.send(client_messages.PlaybackStop())
            await next_of(client, server_messages.PlaybackStopped)
            assert time.monotonic() - since < 1
            await client.end()
            heard = [message async for message in client]
            # Stopped was all that had come by then, also what waited to be cut.
            assert not any(isinstance(message, wire.AudioFrame) and message.pcm for message in heard)
            assert isinstance(heard[-1], server_messages.SessionEnded)

    asyncio.run(scenario())


# --- the order of control and audio ---


def test_a_pause_after_the_end_is_refused_and_the_session_ends(gateway: Gateway) -> None:
    async def scenario() -> None:
        async with Client(gateway.url, "en", ["es"], vad=VAD) as client, asyncio.timeout(15):
            await client.send_audio(CLIP)
            await client.end()
            await client.send(client_messages.PlaybackPause())
            heard = [message async for message in client]
            refused = [message.code for message in heard if isinstance(message, server_messages.Error)]
            assert refused == ["ending"]
            assert any(isinstance(message, wire.AudioFrame) for message in heard)

    asyncio.run(scenario())


def test_an_update_while_somebody_speaks_leaves_the_running_segment_its_target(gateway: Gateway) -> None:
    async def scenario() -> list[tuple[int, str]]:
        async with Client(gateway.url, "en", ["es"], vad=VAD) as client, asyncio.timeout(20):
            await client.send_audio(CLIP[: 16_000 * 2])
            await next_of(client, server_messages.SpeechStarted)
            update = client_messages.SessionUpdate(targets=(client_messages.TargetChoice(language="fr"),))
            await client.send(update)
            await client.send_audio(bytes(16_000 * 2) + CLIP[: 16_000 * 2] + bytes(16_000 * 2))
            await client.end()
            return [
                (message.segment, message.target)
                async for message in client
                if isinstance(message, server_messages.TranslationFinal)
            ]

    assert asyncio.run(scenario()) == [(0, "es"), (1, "fr")]


def test_an_update_does_not_overtake_audio_that_was_sent_before_it(gateway: Gateway) -> None:
    async def scenario() -> list[str]:
        async with Client(gateway.url, "en", ["es"], vad=VAD) as client, asyncio.timeout(20):
            sentence = CLIP[: 16_000 * 2] + bytes(16_000)
            await client.send_audio(sentence * 4)
            update = client_messages.SessionUpdate(targets=(client_messages.TargetChoice(language="fr"),))
            await client.send(update)
            await client.send_audio(sentence * 2)
            await client.end()
            found = {
                message.segment: message.target
                async for message in client
                if isinstance(message, server_messages.TranslationFinal)
            }
            return [found[segment] for segment in sorted(found)]

    assert asyncio.run(scenario()) == ["es"] * 4 + ["fr"] * 2


# --- what is behind the gateway ---


def test_the_first_session_after_redis_was_restarted_is_accepted(stack: Stack, gateway: Gateway) -> None:
    for _ in range(3):
        stack.redis.kill()
        stack.redis.start()
        wait_until(stack.ready, 20, "the gateway is ready")
        asyncio.run(speaks(gateway, 1))


def scraped(port: int) -> set[tuple[str, int]]:
    """Where the gateways have their metrics, as one of them says."""
    _, body = fetch("127.0.0.1", port, "/metrics/targets") or (0, "[]")
    found = [each["targets"][0] for each in json.loads(body) if each["labels"]["job"] == "gateway"]
    return {(host, int(number)) for host, _, number in (each.rpartition(":") for each in found)}


def test_two_gateways_share_a_port_and_each_has_one_of_its_own_for_its_metrics(stack: Stack) -> None:
    """REUSE_PORT: without it the second one ends."""
    port, named = free_port(), free_port()
    given = {"METRICS_HOST": "127.0.0.2", "METRICS_PORT": str(named)}
    first = stack.start("gateway", "--port", str(port), REUSE_PORT="true", **given)
    second = stack.start("gateway", "--port", str(port), REUSE_PORT="true")
    seen: set[int] = set()

    def own_port(process: subprocess.Popen[bytes]) -> set[tuple[str, int]]:
        there = psutil.Process(process.pid).net_connections()
        return {(each.laddr.ip, each.laddr.port) for each in there} & scraped(port)

    def both() -> bool:
        if answer := fetch("127.0.0.1", port, "/healthz"):
            seen.add(json.loads(answer[1])["pid"])
        return seen >= {first.pid, second.pid}

    wait_until(both, 30, "both answer")
    wait_until(lambda: all(map(own_port, (first, second))), 5, "both tell where their metrics are")
    assert own_port(first) == {("127.0.0.2", named)}
    for process in (first, second):
        ((host, number),) = own_port(process)
        assert "bridge_redis_up 1.0" in (fetch(host, number, "/metrics") or (0, ""))[1]
        assert (fetch(host, number, "/healthz") or (0, ""))[0] == 404
    for process in (first, second):
        process.terminate()
        process.wait(10)
