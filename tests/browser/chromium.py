"""Real Chromium at the web client: a person with a microphone that plays a recording."""

from __future__ import annotations

import json
import os
import shutil
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, WebSocket, sync_playwright

from bridge.media import decode
from bridge.protocol import server_messages, wire
from bridge.types import SPEECH_RATE

SPEECH = Path(__file__).parent.parent / "data" / "speech"

FAKE_DEVICE = "--use-fake-device-for-media-stream"
ALLOW = "--use-fake-ui-for-media-stream"
DENY = "--use-fake-ui-for-media-stream=deny"

UNTREATED = {"cleanup": False, "headphones": True}
"""The recording reaches the gateway as it is; the browser's noise suppression would change its words."""


def binary() -> str:
    """The Chromium of this machine. Skips the test on a laptop without one, fails it in CI."""
    named = [os.environ.get("CHROMIUM", ""), "chromium", "google-chrome", "chromium-browser"]
    found = next((path for name in named if name and (path := shutil.which(name))), None)
    if found is None:
        report = pytest.fail if os.environ.get("CI") else pytest.skip
        report("no Chromium: apt-get install chromium, or set CHROMIUM=/path/to/chrome")
    assert found is not None
    return found


PERIOD_S = 4
"""From the begin of "go forward ten meters" to its next begin in the microphone of most tests."""
CLIP_MS = 2_786


def repeating(path: Path) -> Path:
    """A microphone that hears "go forward ten meters" every PERIOD_S; 1.1 s of each are silence."""
    return recording(path, "go_forward.wav", lead_ms=0, tail_ms=PERIOD_S * 1_000 - CLIP_MS)


def recording(path: Path, *clips: str, lead_ms: int = 400, tail_ms: int = 800) -> Path:
    """A WAV of clips of tests/data/speech, silence before each and behind the last; a microphone loops it."""
    pcm = b""
    for clip in clips:
        pcm += bytes(lead_ms * SPEECH_RATE // 1_000 * 2) + b"".join(decode(SPEECH / clip))
    pcm += bytes(tail_ms * SPEECH_RATE // 1_000 * 2)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SPEECH_RATE)
        file.writeframes(pcm)
    return path


class Visitor:
    """One person at the page, and all that the gateway told it."""

    def __init__(self, browser: Browser, page: Page, url: str) -> None:
        self.browser = browser
        self.page = page
        self.url = url
        self.errors: list[str] = []
        self.told: list[server_messages.ServerMessage] = []
        self.audio: list[wire.AudioFrame] = []
        self.sent: list[dict[str, Any]] = []
        self.uploaded = 0
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.on("websocket", self._watch)

    def _watch(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._received)
        socket.on("framesent", self._sent)

    def _received(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self.audio.append(wire.unpack_audio(data))
        elif message := wire.decode_server(data):
            self.told.append(message)

    def _sent(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self.uploaded += len(data)
        else:
            self.sent.append(json.loads(data))

    def open(self, path: str = "/") -> None:
        """Opens the page, and waits until the languages are there."""
        self.page.goto(self.url + path)
        self.page.wait_for_selector("#talk:enabled, #lines", state="attached")

    def beside(self, path: str) -> Page:
        """Another page of the same person, such as the captions on a second screen."""
        page = self.page.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.goto(self.url + path)
        return page

    def start(self) -> None:
        self.page.click("#talk")
        self.page.wait_for_selector("#status[data-live]")

    def lines(self) -> list[tuple[str, str]]:
        """The final captions: what was said and its translation."""
        rows = self.page.query_selector_all("#log .line")
        return [(text(row, ".source"), text(row, ".translation")) for row in rows]

    def wait_for_lines(self, count: int, seconds: float = 30) -> list[tuple[str, str]]:
        """Waits until so many sentences are translated and heard."""
        # Not wait_for_function: given a string it evaluates one, which the policy of the page forbids.
        self.page.locator("#log .line[data-step='3']").nth(count - 1).wait_for(timeout=seconds * 1_000)
        return self.lines()

    def trouble(self, code: str, seconds: float = 15) -> str:
        """Waits for this trouble; what is said of it."""
        self.page.wait_for_selector(f"#trouble[data-code='{code}']:visible", timeout=seconds * 1_000)
        return self.page.inner_text("#trouble-text")

    def wait_for_calm(self, seconds: float = 20) -> None:
        """Waits until no trouble is shown."""
        self.page.wait_for_selector("#trouble", state="hidden", timeout=seconds * 1_000)

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.told if isinstance(message, kind)]


def text(row: Any, selector: str) -> str:
    element = row.query_selector(selector)
    return element.inner_text().strip() if element else ""


Visit = Callable[..., Visitor]


class Browsers:
    """Chromium, once for each set of flags: a start takes 0.5 s, a context of its own for a visit 0.02 s."""

    def __init__(self) -> None:
        self._binary = binary()
        self._driver: Playwright | None = None
        self._running: dict[tuple[str, ...], Browser] = {}

    def with_flags(self, *flags: str) -> Browser:
        if self._driver is None:
            self._driver = sync_playwright().start()
        if flags not in self._running or not self._running[flags].is_connected():
            launch = self._driver.chromium.launch
            self._running[flags] = launch(executable_path=self._binary, args=list(flags))
        return self._running[flags]

    def close(self) -> None:
        """Ends them all; the next use starts new ones."""
        for browser in self._running.values():
            browser.close()
        self._running.clear()
        if self._driver is not None:
            self._driver.stop()
        self._driver = None


class Visits:
    """Opens pages for one test, each for a person who was never there before."""

    def __init__(self, browsers: Browsers) -> None:
        self._browsers = browsers
        self._contexts: list[BrowserContext] = []
        self.visitors: list[Visitor] = []

    def visit(
        self,
        url: str,
        *,
        microphone: Path | None = None,
        flags: Sequence[str] = (FAKE_DEVICE, ALLOW),
        choices: dict[str, Any] | None = None,
        script: str = "",
        **context: Any,
    ) -> Visitor:
        """A blank page in a context of its own. `microphone` is played in a loop, `choices` are what was
        chosen in an earlier visit, `script` runs before the page's own, `context` goes to Playwright."""
        given = list(flags)
        if microphone is not None:
            assert microphone.is_file()  # Chromium would record silence and say nothing
            given.append(f"--use-file-for-fake-audio-capture={microphone}")
        browser = self._browsers.with_flags(*given)
        own = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | context)
        self._contexts.append(own)
        page = own.new_page()
        kept = json.dumps(json.dumps(UNTREATED | (choices or {})))
        page.add_init_script(
            f"if (!localStorage.getItem('speechbridge')) localStorage.setItem('speechbridge', {kept})"
        )
        if script:
            page.add_init_script(script)
        visitor = Visitor(browser, page, url)
        self.visitors.append(visitor)
        return visitor

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        self._contexts.clear()
