"""One stranger who means harm: the answer he gets, and that a speaker beside him notices nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bridge.audio import decode
from bridge.client import Client, translate
from bridge.protocol import client_messages, server_messages, wire
from tests.e2e.hostile import BINARY, CONT, PING, TEXT, Raw, frame
from tests.pace import patience
from tests.stack import REPOSITORY, SIMULATED, Stack, free_port, running, wait_until

pytestmark = pytest.mark.e2e

CLIP = b"".join(decode(REPOSITORY / "tests" / "data" / "speech" / "go_forward.wav"))
VAD = {"min_silence_ms": 160, "min_speech_ms": 64}
START = {
    "type": "session.start",
    "protocol": 1,
    "source": {"language": "en"},
    "targets": [{"language": "es"}],
}
GROWTH = 20_000_000
"""Bytes by which the gateway may grow under attack."""
FLOOR_MS = 500 * patience()
"""An attack that costs a speaker less than this is lost in the noise of a machine with two busy cores."""
DOCUMENTED = set(
    re.findall(
        r"^\| (\w+) \|", (REPOSITORY / "docs" / "protocol.md").read_text().split("## Error codes")[1], re.M
    )
)


class Gateway:
    """The one that is attacked."""

    def __init__(self, stack: Stack, port: int, pid: int) -> None:
        self.stack = stack
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process = psutil.Process(pid)

    @property
    def bytes(self) -> int:
        return int(self.process.memory_info().rss)

    @property
    def descriptors(self) -> int:
        return int(self.process.num_fds())


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("attacked"), **SIMULATED, HTTP_HEADER_SECONDS="1") as made:
        yield made


@pytest.fixture(scope="module")
def gateway(stack: Stack) -> Gateway:
    made = Gateway(stack, stack.port, stack.started[-1].pid)
    asyncio.run(speaks(made))  # all that is made once is there
    return made


def another(stack: Stack, **environment: str) -> Gateway:
    """A gateway with other bounds, on the same workers; it ends with the stack."""
    port = free_port()
    process = stack.start("gateway", "--port", str(port), **environment)
    made = Gateway(stack, port, process.pid)

    def ready() -> bool:
        try:
            return httpx.get(f"{made.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    wait_until(ready, 30, "the other gateway is ready")
    return made


@pytest.fixture(scope="module")
def unbound(stack: Stack) -> Gateway:
    """One that allows as many messages as come."""
    made = another(stack, WS_RATE="1000000", WS_BURST="10000000")
    asyncio.run(speaks(made))
    return made


async def speaks(gateway: Gateway, sentences: int = 3) -> float:
    """A paced speaker; the longest time to first audio, in milliseconds."""
    audio = (CLIP[: 16_000 * 2] + bytes(16_000)) * sentences
    result = await translate(gateway.url, [audio], "en", ["es"], realtime=True, vad=VAD)
    assert result.segments and not result.misplaced
    assert not any(segment.failures for segment in result.segments.values())
    latencies = [result.first_audio_ms(segment, "es") for segment in result.segments.values()]
    return max(latency for latency in latencies if latency is not None)


@pytest.fixture(scope="module")
def calm(gateway: Gateway) -> float:
    """How long the speaker waits where nobody attacks."""
    return asyncio.run(speaks(gateway))


def beside(gateway: Gateway, calm: float, attack: Callable[[], Any]) -> Any:
    """Attacks while somebody speaks; what the attack found, once nobody was harmed by it."""

    async def both() -> tuple[float, Any]:
        speaking = asyncio.create_task(speaks(gateway))
        await asyncio.sleep(0.5)
        found = await asyncio.to_thread(attack)
        return await speaking, found

    before = gateway.bytes
    waited, found = asyncio.run(both())
    assert gateway.bytes - before <= GROWTH
    assert waited <= max(1.5 * calm, calm + FLOOR_MS)
    return found


# --- what is too large, too much or never read ---


@pytest.mark.parametrize("compression", ["deflate", pytest.param(None, marks=pytest.mark.slow)])
def test_a_start_with_half_a_million_targets_is_too_large(
    gateway: Gateway, calm: float, compression: str | None
) -> None:
    async def start() -> tuple[dict[str, Any], int]:
        async with connect(f"ws://127.0.0.1:{gateway.port}/v1/stream", compression=compression) as peer:
            await peer.send(json.dumps(START | {"targets": [0] * 520_000}, separators=(",", ":")))
            error = json.loads(await peer.recv())
            with pytest.raises(ConnectionClosed) as closed:
                await peer.recv()
            assert closed.value.rcvd is not None
            return error, closed.value.rcvd.code

    error, code = beside(gateway, calm, lambda: asyncio.run(start()))
    assert (error["code"], error["fatal"], error["close_code"], code) == ("too_large", True, 1009, 1009)


def test_a_text_frame_has_its_own_bound(gateway: Gateway) -> None:
    peer = Raw(gateway.port)
    ping = json.dumps({"type": "ping", "x": ""})
    peer.socket.sendall(frame(TEXT, ping.replace('""', f'"{"x" * (16_384 - len(ping))}"').encode()))
    peer.socket.sendall(frame(TEXT, ping.replace('""', f'"{"x" * (16_385 - len(ping))}"').encode()))
    messages, code = peer.read(5)
    peer.close()
    assert [message.get("code", message["type"]) for message in messages] == ["pong", "too_large"]
    assert code == 1009


FLOODS = {
    "frames of one byte": frame(BINARY, b"\0") * 4_000,
    "pings": frame(PING, b"") * 4_000,
    "messages that are no JSON": frame(TEXT, b"{") * 4_000,
    "pings in JSON": frame(TEXT, b'{"type":"ping"}') * 4_000,
    "continuations without content": frame(TEXT, b"", fin=False) + frame(CONT, b"", fin=False) * 8_000,
}

BY_DEFAULT = ("frames of one byte", "messages that are no JSON")


@pytest.mark.parametrize(
    "name",
    [name if name in BY_DEFAULT else pytest.param(name, marks=pytest.mark.slow) for name in FLOODS],
)
def test_who_sends_too_many_messages_is_told_and_closed(gateway: Gateway, calm: float, name: str) -> None:
    def attack() -> tuple[list[dict[str, Any]], int | None]:
        peer = Raw(gateway.port)
        with ThreadPoolExecutor(1) as sender:
            sent = sender.submit(peer.flood, FLOODS[name], 2)
            found = peer.read(5)
            sent.result()
        peer.close()
        return found

    messages, code = beside(gateway, calm, attack)
    assert code == 4429
    error = messages[-1]
    assert (error["code"], error["fatal"], error["close_code"]) == ("rate", True, 4429)
    assert error["retry_after_ms"] > 0


def test_audio_in_frames_of_20_ms_is_never_too_much(gateway: Gateway) -> None:
    peer = Raw(gateway.port)
    peer.say(START)
    peer.flood(frame(BINARY, bytes(640)) * 50, 0.3)
    peer.socket.settimeout(5)
    peer.say({"type": "ping"})
    messages, code = peer.read(2)
    peer.close()
    assert code is None
    assert {message["type"] for message in messages} <= {"session.started", "pong", "warning"}


@pytest.mark.parametrize("message", [b"{", pytest.param(b'{"type":"ping"}', marks=pytest.mark.slow)])
def test_who_asks_and_never_reads_is_left(stack: Stack, unbound: Gateway, message: bytes) -> None:
    before, left = unbound.bytes, stack.output().count("never reads")
    peer = Raw(unbound.port, receive_buffer=4_096)
    since = time.monotonic()
    peer.flood(frame(TEXT, message) * 500, 20)
    assert time.monotonic() - since < 20
    peer.close()
    assert stack.output().count("never reads") == left + 1
    assert unbound.bytes - before <= GROWTH


def test_the_rate_is_what_the_variable_says(gateway: Gateway, unbound: Gateway) -> None:
    """WS_RATE and WS_BURST: what closes one gateway's connection is answered by another's."""

    def pongs(asked: Gateway) -> tuple[int, int | None]:
        peer = Raw(asked.port)
        peer.socket.sendall(frame(TEXT, b'{"type":"ping"}') * 4_000 + frame(TEXT, b"{"))
        messages: list[dict[str, Any]] = []
        code: int | None = None
        while code is None and not any(message.get("code") == "bad_json" for message in messages):
            more, code = peer.read(0.2)
            messages += more
        peer.close()
        return sum(message["type"] == "pong" for message in messages), code

    answered, code = pongs(gateway)
    assert code == 4429 and 1_500 < answered < 3_500
    assert pongs(unbound) == (4_000, None)


# --- HTTP ---


def half_sent(port: int) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", port), timeout=10)
    peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\nX-Slow")
    return peer


def ended(peer: socket.socket) -> float:
    """Waits until the server ends the connection; how long that took."""
    since = time.monotonic()
    peer.settimeout(10)
    try:
        while peer.recv(65_536):
            pass
    except ConnectionResetError:
        pass
    peer.close()
    return time.monotonic() - since


def test_requests_sent_by_half_are_closed_and_their_descriptors_come_back(
    gateway: Gateway, calm: float
) -> None:
    before = gateway.descriptors

    def attack() -> float:
        since = time.monotonic()
        peers = [half_sent(gateway.port) for _ in range(300)]
        for peer in peers:
            ended(peer)
        return time.monotonic() - since

    assert beside(gateway, calm, attack) < 5
    wait_until(lambda: gateway.descriptors <= before + 5, 5, "the descriptors are back")


def test_a_second_request_sent_by_half_is_closed_too(gateway: Gateway) -> None:
    peer = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
    for _ in range(2):
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += peer.recv(65_536)
        assert b"200 OK" in answer
    peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: gate")
    assert 0.5 < ended(peer) < 3


def test_a_head_that_trickles_in_is_closed_all_the_same(gateway: Gateway) -> None:
    peer = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
    since = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - since < 6:
            peer.sendall(b"G" if time.monotonic() - since < 0.1 else b"E")
            time.sleep(0.2)
    peer.close()
    assert time.monotonic() - since < 4


def test_a_session_lives_longer_than_the_head_of_a_request_may_take(gateway: Gateway) -> None:
    async def scenario() -> None:
        async with Client(gateway.url, "en", ["es"]) as client, asyncio.timeout(10):
            for _ in range(4):
                await asyncio.sleep(0.5)
                await client.send(client_messages.Ping())
                await next_of(client, server_messages.Pong)

    asyncio.run(scenario())


async def next_of(client: Client, kind: type) -> Any:
    async for message in client:
        if isinstance(message, kind):
            return message
    raise AssertionError("it ended")


def test_a_flood_of_questions_by_http_delays_no_stop(gateway: Gateway) -> None:
    async def scenario() -> list[float]:
        limits = httpx.Limits(max_connections=40)
        async with (
            asyncio.timeout(30),
            httpx.AsyncClient(limits=limits, timeout=20) as http,
            Client(gateway.url, "en", ["es"]) as client,
        ):
            asking = [asyncio.create_task(_asks(http, gateway.url)) for _ in range(40)]
            acknowledged = []
            for _ in range(8):
                await asyncio.sleep(0.1)
                await client.send(client_messages.PlaybackStop())
                stopped = await next_of(client, server_messages.PlaybackStopped)
                acknowledged.append(stopped.latency_ms)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            return acknowledged

    acknowledged = sorted(asyncio.run(scenario()))
    assert acknowledged[len(acknowledged) // 2] < 100


async def _asks(http: httpx.AsyncClient, url: str) -> None:
    while True:
        await http.get(f"{url}/readyz")


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
    messages, closed = peer.read(1)
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
    wait_until(lambda: gateway.descriptors <= before + 20, 5, "the descriptors are back")


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


def test_two_gateways_share_a_port_where_they_are_told_to(stack: Stack) -> None:
    """REUSE_PORT: without it the second one ends."""
    port = free_port()
    first = stack.start("gateway", "--port", str(port), REUSE_PORT="true")
    second = stack.start("gateway", "--port", str(port), REUSE_PORT="true")
    seen: set[int] = set()

    def both() -> bool:
        with contextlib.suppress(httpx.TransportError):
            seen.add(httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2).json()["pid"])
        return seen >= {first.pid, second.pid}

    wait_until(both, 30, "both answer")
    for process in (first, second):
        process.terminate()
        process.wait(10)
