"""What becomes of a conversation when the network, or the gateway itself, goes away in the middle of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from bridge.protocol.server_messages import SessionStarted
from tests.browser import device, tap
from tests.browser.chromium import PERIOD_S, Visit, Visitor
from tests.browser.network import Network
from tests.stack import SIMULATED, Stack, running

pytestmark = pytest.mark.browser

BUTTON = "#trouble-action"
TONE_MS = 400
"""So short that two at once are not a backlog, which would be played faster."""


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("brief")
    with running(folder, **SIMULATED, SIMULATED_TTS_AUDIO_MS=str(TONE_MS)) as stack:
        yield stack


def live(visitor: Visitor) -> None:
    visitor.open()
    visitor.start()
    visitor.wait_for_lines(1)


def wait_for_speech(page: Page) -> None:
    """Waits until a sentence is being spoken."""
    page.wait_for_selector("#now .line[data-state=listening]", timeout=15_000)


def end(visitor: Visitor) -> None:
    """Presses Stop, and waits until all is translated and heard."""
    visitor.page.click("#talk")
    visitor.page.wait_for_selector("#talk:text-is('Start')", timeout=20_000)


def check_nothing_is_missing_or_double(visitor: Visitor) -> None:
    """The microphone says one sentence each PERIOD_S; their times tell whether each is there, and once."""
    times = visitor.page.locator("#log .line time").all_inner_texts()
    seconds = [
        int(hour) * 3600 + int(minute) * 60 + int(second)
        for hour, minute, second in (shown.split(":") for shown in times)
    ]
    gaps = np.diff(seconds) % 86_400
    # What Stop cut off may be a line of its own, so the last gap is not looked at.
    assert all(abs(gap - PERIOD_S) <= 1 for gap in gaps[:-1]), times
    assert visitor.page.locator("#log .line[data-state=failed]").count() == 0
    assert all(translation == f"[es] {source}" for source, translation in visitor.lines())
    assert visitor.page.locator("#now .line").count() == 0


def check_each_is_heard_once(visitor: Visitor) -> None:
    """The tone of a sentence depends on its text."""
    heard = [tap.times_heard(visitor.page, translation, TONE_MS) for _, translation in visitor.lines()]
    assert heard == [1] * len(heard)


def check_the_session_went_on(visitor: Visitor) -> None:
    """One session over all connections, of which each frame came once."""
    began = visitor.of(SessionStarted)
    assert [started.resumed for started in began] == [False] + [True] * (len(began) - 1)
    assert len(began) > 1 and len({started.session_id for started in began}) == 1
    kept = [told for told in visitor.told if hasattr(told, "segment") and not told.type.endswith(".partial")]
    numbers = [message.seq for message in kept]
    numbers += [frame.seq for frame in visitor.audio]
    assert len(numbers) == len(set(numbers))


def test_a_sentence_spoken_while_the_connection_breaks_is_translated_once(
    brief: Stack, visit: Visit, network: Callable[[int], Network], go_forward: Path
) -> None:
    way = network(brief.port)
    script = device.SCRIPT + tap.SCRIPT
    visitor = visit(way.url, microphone=go_forward, script=script, bypass_csp=True)
    live(visitor)
    before = visitor.lines()
    wait_for_speech(visitor.page)
    way.cut()

    assert "what you say is kept" in visitor.trouble("connection_lost")
    assert visitor.page.inner_text(BUTTON) == "Try now"
    assert "listening all the same" in visitor.page.inner_text("#status")
    visitor.page.wait_for_selector("#trouble-countdown:text-matches('again in [1-9] s')")
    way.mend()
    visitor.wait_for_calm()
    visitor.wait_for_lines(len(before) + 1)
    end(visitor)

    assert visitor.lines()[: len(before)] == before
    check_the_session_went_on(visitor)
    check_nothing_is_missing_or_double(visitor)
    check_each_is_heard_once(visitor)
    assert len(device.asked(visitor.page)) == 1


@pytest.mark.slow
def test_connections_that_are_reset_again_and_again_are_made_good_before_anybody_reads_of_it(
    brief: Stack, visit: Visit, network: Callable[[int], Network], go_forward: Path
) -> None:
    way = network(brief.port)
    visitor = visit(way.url, microphone=go_forward, **tap.OPTIONS)
    live(visitor)
    visitor.page.evaluate("""() => {
      window.troubles = [];
      const banner = document.querySelector("#trouble");
      const note = () => banner.hidden || window.troubles.push(banner.dataset.code);
      new MutationObserver(note).observe(banner, { attributes: true });
    }""")
    for _ in range(4):
        visitor.page.wait_for_timeout(2_700)  # not in step with the sentences
        way.reset()
    visitor.wait_for_lines(4)
    end(visitor)

    assert visitor.page.evaluate("window.troubles") == []
    check_the_session_went_on(visitor)
    check_nothing_is_missing_or_double(visitor)
    check_each_is_heard_once(visitor)


@pytest.mark.slow
@pytest.mark.parametrize("window", ["1", "0"])
def test_after_the_window_nothing_that_is_still_here_is_lost(
    window: str,
    brief: Stack,
    with_gateway: Callable[..., Stack],
    visit: Visit,
    network: Callable[[int], Network],
    go_forward: Path,
) -> None:
    short = with_gateway(brief, RESUME_WINDOW_S=window)
    way = network(short.port)
    visitor = visit(way.url, microphone=go_forward, **tap.OPTIONS)
    live(visitor)
    before = visitor.lines()
    wait_for_speech(visitor.page)
    way.cut()
    visitor.trouble("connection_lost")
    visitor.page.wait_for_timeout(4_000)
    way.mend()
    visitor.wait_for_calm()
    visitor.wait_for_lines(len(before) + 2)
    end(visitor)

    assert [started.resumed for started in visitor.of(SessionStarted)] == [False, False]
    assert visitor.lines()[: len(before)] == before
    check_nothing_is_missing_or_double(visitor)
    check_each_is_heard_once(visitor)


TAKE = """({ resume_token: token, session_id }) => {
  const socket = new WebSocket(new URL("v1/stream", document.baseURI.replace("http", "ws")), "bridge.v1");
  const source = { language: "en" };
  const resume = { session_id, token, last_seq: 1 };
  const start = { type: "session.start", protocol: 1, source, targets: [{ language: "es" }], resume };
  socket.onopen = () => socket.send(JSON.stringify(start));
}"""


def test_a_session_that_somebody_else_takes_over_ends_here_and_says_so(
    brief: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(brief.url, microphone=quiet_room)
    visitor.open()
    visitor.start()
    visitor.page.evaluate(TAKE, visitor.of(SessionStarted)[-1].model_dump(mode="json"))

    assert "another window" in visitor.trouble("taken_over")
    visitor.page.wait_for_timeout(1_000)
    starts = [message for message in visitor.sent if message["type"] == "session.start"]
    assert len(starts) == 2, "the page's own and that of the other"
    assert visitor.page.inner_text("#talk") == "Start"
    visitor.page.click(BUTTON)
    visitor.page.wait_for_selector("#status[data-live]")


def test_try_now_connects_at_once(
    brief: Stack, visit: Visit, network: Callable[[int], Network], go_forward: Path
) -> None:
    way = network(brief.port)
    visitor = visit(way.url, microphone=go_forward)
    visitor.open()
    visitor.start()
    way.cut()
    visitor.page.wait_for_selector("#trouble-countdown:text-matches('again in 2 s')", timeout=20_000)
    way.mend()
    visitor.page.click(BUTTON)

    # Before it would have come by itself, in more than a second.
    visitor.page.wait_for_selector("#status[data-live]", timeout=1_000)
    assert not visitor.page.is_visible("#trouble")


@pytest.mark.slow
@pytest.mark.parametrize("way_to_end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_gateway_that_is_started_again_goes_on_where_it_was(
    brief: Stack, visit: Visit, go_forward: Path, way_to_end: signal.Signals
) -> None:
    visitor = visit(brief.url, microphone=go_forward, **tap.OPTIONS)
    live(visitor)
    before = visitor.lines()
    wait_for_speech(visitor.page)
    gateway = brief.started[-1]
    gateway.send_signal(way_to_end)
    assert "what you say is kept" in visitor.trouble("connection_lost")
    gateway.wait(timeout=15)
    brief.gateway()
    visitor.wait_for_calm(30)
    visitor.wait_for_lines(len(before) + 2)
    end(visitor)

    assert visitor.lines()[: len(before)] == before
    check_the_session_went_on(visitor)
    check_nothing_is_missing_or_double(visitor)
    check_each_is_heard_once(visitor)


@pytest.mark.slow
def test_a_network_that_carries_nothing_is_noticed_and_left(
    brief: Stack, visit: Visit, network: Callable[[int], Network], go_forward: Path
) -> None:
    way = network(brief.port)
    visitor = visit(way.url, microphone=go_forward)
    live(visitor)
    wait_for_speech(visitor.page)
    way.stall()
    since = time.monotonic()
    visitor.trouble("connection_lost", 25)
    assert 13 < time.monotonic() - since < 20
    way.mend()
    visitor.wait_for_calm()
    # Five or six sentences were kept.
    visitor.wait_for_lines(6)
    end(visitor)
    check_nothing_is_missing_or_double(visitor)


@pytest.mark.slow
def test_a_page_that_slept_asks_before_it_leaves_a_connection_that_stands(
    brief: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(brief.url, microphone=go_forward)
    visitor.page.clock.install()
    sockets: list[object] = []
    visitor.page.on("websocket", lambda socket: sockets.append(socket))
    live(visitor)
    for _ in range(3):
        # What timers were due runs once, as in a hidden page once a minute or after a lid was closed.
        visitor.page.clock.fast_forward("01:00")
        visitor.wait_for_lines(len(visitor.lines()) + 1)

    assert len(sockets) == 1
    assert not visitor.page.is_visible("#trouble")


def test_what_was_said_before_stop_is_translated_when_the_network_is_back(
    brief: Stack, visit: Visit, network: Callable[[int], Network], go_forward: Path
) -> None:
    way = network(brief.port)
    visitor = visit(way.url, microphone=go_forward)
    live(visitor)
    wait_for_speech(visitor.page)
    way.cut()
    visitor.trouble("connection_lost")
    visitor.page.click("#talk")
    assert visitor.page.inner_text("#talk") == "End now"
    way.mend()
    visitor.page.wait_for_selector("#talk:text-is('Start')", timeout=20_000)

    assert not visitor.page.is_visible("#trouble")
    assert len(visitor.lines()) == 2
    assert all(translation == f"[es] {source}" for source, translation in visitor.lines())


@pytest.mark.slow
def test_a_connection_that_breaks_after_stop_keeps_nobody_from_hearing_the_end(
    brief: Stack, visit: Visit, network: Callable[[int], Network], go_forward: Path
) -> None:
    way = network(brief.port)
    visitor = visit(way.url, microphone=go_forward, **tap.OPTIONS)
    live(visitor)
    wait_for_speech(visitor.page)
    visitor.page.wait_for_timeout(500)
    visitor.page.click("#talk")
    visitor.page.wait_for_timeout(50)
    way.reset()
    visitor.page.wait_for_selector("#talk:text-is('Start')", timeout=20_000)

    assert not visitor.page.is_visible("#trouble") and not visitor.page.is_visible(".toast")
    assert len(visitor.lines()) == 2
    check_the_session_went_on(visitor)
    check_each_is_heard_once(visitor)


def test_stop_pressed_twice_ends_at_once(
    brief: Stack, visit: Visit, network: Callable[[int], Network]
) -> None:
    way = network(brief.port)
    visitor = visit(way.url)
    visitor.open()
    visitor.start()
    way.cut()
    visitor.trouble("connection_lost")
    visitor.page.click("#talk")
    visitor.page.click("#talk")

    assert visitor.page.inner_text("#talk") == "Start"
    assert visitor.page.inner_text("#status") == "Ready"
    assert not visitor.page.is_visible("#trouble")
    way.mend()
    visitor.start()
