"""What people meet when it does not work: one sentence, one button that helps, and the way back."""

from __future__ import annotations

import json
import signal
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from bridge.types import SPEECH_RATE
from tests.browser import device, tap
from tests.browser.between import Between
from tests.browser.chromium import ALLOW, DENY, FAKE_DEVICE, Visit, Visitor
from tests.stack import SIMULATED, WORKERS, Stack, status, wait_until

pytestmark = pytest.mark.browser

BUTTON = "#trouble-action"
VECTORS = Path(__file__).parent.parent / "data" / "wire_vectors.json"


def button(page: Page) -> str:
    return page.inner_text(BUTTON)


def silence(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SPEECH_RATE, 0, "NONE", ""))
        file.writeframes(bytes(2 * 4 * SPEECH_RATE))
    return path


def wait_until_live(visitor: Visitor) -> None:
    visitor.page.wait_for_selector("#status[data-live]", timeout=30_000)
    visitor.wait_for_calm()


def refused(visitor: Visitor, code: str) -> str:
    """Presses Start, in vain; what is said of it."""
    visitor.open()
    visitor.page.click("#talk")
    said = visitor.trouble(code)
    assert visitor.page.inner_text("#talk") == "Start"
    return said


@pytest.mark.parametrize("flags", [(FAKE_DEVICE, DENY), (FAKE_DEVICE,)], ids=["denied", "not granted"])
def test_a_blocked_microphone_can_be_allowed_and_tried_again(
    simulated: Stack, visit: Visit, flags: tuple[str, ...]
) -> None:
    visitor = visit(simulated.url, flags=flags)

    assert "allow it with the symbol beside the address" in refused(visitor, "denied")
    assert button(visitor.page) == "Try again"
    if DENY not in flags:
        visitor.page.context.grant_permissions(["microphone"])
        visitor.page.click(BUTTON)
        wait_until_live(visitor)


@pytest.mark.parametrize(
    ("message", "name", "code", "said", "label"),
    [
        ("Permission dismissed", "NotAllowedError", "dismissed", "choose Allow", "Ask again"),
        ("Permission denied by system", "NotAllowedError", "system_denied", "privacy settings", "Try again"),
        ("Could not start audio source", "NotReadableError", "in_use", "Another program", "Try again"),
    ],
)
def test_what_the_browser_refuses_once_is_given_when_it_is_asked_again(
    simulated: Stack, visit: Visit, message: str, name: str, code: str, said: str, label: str
) -> None:
    visitor = visit(simulated.url, script=device.refuse(message, name))

    assert said in refused(visitor, code)
    assert button(visitor.page) == label
    visitor.page.click(BUTTON)
    wait_until_live(visitor)


def test_what_a_busy_server_leaves_out_is_said_beside_the_state_and_its_captions_stay(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room)
    between = Between(visitor.page)
    visitor.open()
    visitor.start()
    remark, row = visitor.page.locator("#remark"), visitor.page.locator("#log .line")
    between.say("warning", code="captions_only", message="Busy.", hint="More workers.")
    between.source(0, "good morning")
    between.translation(0, "buenos días")
    late = {"stage": "tts", "code": "too_late", "message": "It would come too late."}
    between.say("segment.failed", segment=0, target="es", **late)
    between.say("segment.done", segment=0, timings_ms={})
    expect(row).to_have_attribute("data-step", "3")

    expect(remark).to_contain_text("Captions only for now")
    assert visitor.lines() == [("good morning", "buenos días")]
    assert row.locator(".failure").inner_text() == "Its speech came too late and was left out."
    assert row.locator("button").count() == visitor.page.locator(".toast").count() == 0
    between.say("speech.started", segment=1)
    visitor.page.wait_for_selector("#now .line")
    between.say("segment.failed", segment=1, stage="stt", code="echo", message="Own speech.")
    expect(visitor.page.locator("#now .line")).to_have_count(0)
    expect(remark).to_contain_text("Captions only for now")
    expect(remark).to_contain_text("The loudspeaker was heard")
    between.say("warning", code="captions_only", message="All is spoken again.", over=True)
    expect(remark).to_have_text("The loudspeaker was heard, and is left out.")
    assert row.count() == 1 and not visitor.page.is_visible("#trouble")


def test_without_a_microphone_it_says_so(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url, flags=(ALLOW,))

    assert "No microphone was found" in refused(visitor, "no_microphone")
    assert button(visitor.page) == "Try again"
    # Pressed while there is still none it says the same again.
    visitor.page.click(BUTTON)
    visitor.trouble("no_microphone")


def test_a_microphone_that_cannot_be_changed_is_tried_again(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url, script=device.SCRIPT)
    visitor.open()
    visitor.start()
    visitor.page.evaluate("window.refusals.push(['Could not start audio source', 'NotReadableError'])")
    visitor.page.click("#open-settings")
    visitor.page.select_option("#microphone", label="Fake Audio Input 2")
    visitor.trouble("in_use")
    visitor.page.click("#settings button[value=close]")
    visitor.page.click(BUTTON)

    visitor.wait_for_calm()
    assert device.label(visitor.page) == "Fake Audio Input 2"


def test_an_insecure_page_shows_what_to_do(simulated: Stack, visit: Visit) -> None:
    name = "talk.test"
    visitor = visit(
        f"http://{name}:{simulated.port}",
        flags=(FAKE_DEVICE, ALLOW, f"--host-resolver-rules=MAP {name} 127.0.0.1"),
    )

    assert "secure pages only" in refused(visitor, "insecure")
    assert not visitor.page.is_visible("#trouble-steps")
    assert button(visitor.page) == "Show how"
    visitor.page.click(BUTTON)
    steps = visitor.page.inner_text("#trouble-steps")
    assert "http://localhost" in steps and "ssh -L" in steps and "certificate" in steps


def test_a_browser_that_cannot_process_sound_is_told_which_can(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url, script="delete window.AudioWorkletNode;")

    assert "current Chrome, Edge, Firefox or Safari" in refused(visitor, "old_browser")
    visitor.page.click(BUTTON)
    visitor.wait_for_calm()


def test_a_microphone_that_is_switched_off_is_noticed(simulated: Stack, visit: Visit, tmp_path: Path) -> None:
    visitor = visit(simulated.url, microphone=silence(tmp_path / "off.wav"))
    visitor.open()
    visitor.start()

    assert "may be switched off" in visitor.trouble("no_sound")
    assert button(visitor.page) == "Choose another"
    visitor.page.click(BUTTON)
    visitor.page.wait_for_selector("dialog#settings[open] #microphone:visible")


def test_who_finds_the_server_full_gets_in_when_another_leaves(
    simulated: Stack, with_gateway: Callable[..., Stack], visit: Visit
) -> None:
    full = with_gateway(simulated, WS_MAX_CONNECTIONS="1")
    first, second = visit(full.url), visit(full.url)
    for visitor in (first, second):
        visitor.open()
    first.start()
    second.page.click("#talk")

    assert "server is full" in second.trouble("server_full")
    assert button(second.page) == "Try now"
    second.page.wait_for_function(
        "/again in [1-9]/.test(document.querySelector('#trouble-countdown').innerText)"
    )
    first.page.click("#talk")
    wait_until_live(second)


@pytest.mark.slow
def test_a_page_without_workers_waits_for_them(stack: Callable[..., Stack], visit: Visit) -> None:
    bare = stack(**SIMULATED)
    bare.gateway()
    wait_until(lambda: status(bare.port, "/") == 200, 30, "the gateway gives the page")
    visitor = visit(bare.url)
    visitor.page.goto(bare.url)

    assert "workers are not running" in visitor.trouble("no_languages")
    assert button(visitor.page) == "Try again"
    assert visitor.page.is_disabled("#talk")
    workers = {name: bare.start("worker", name) for name in WORKERS}
    visitor.wait_for_calm(30)
    assert visitor.page.input_value("#target") == "es"

    _stop(workers["tts-cpu0"])
    visitor.page.click("#talk")
    assert "no worker is running for tts" in visitor.trouble("no_worker")
    assert button(visitor.page) == "Try now"
    bare.start("worker", "tts-cpu0")
    wait_until_live(visitor)


def test_a_server_that_does_not_answer_is_asked_again(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url)
    visitor.page.route("**/v1/languages", lambda route: route.abort("connectionrefused"))
    visitor.page.goto(simulated.url)

    assert "does not answer" in visitor.trouble("no_server")
    assert button(visitor.page) == "Try now"
    visitor.page.wait_for_selector("#trouble-countdown:text-matches('again in [3-9]')")
    visitor.page.unroute("**/v1/languages")
    visitor.page.click(BUTTON)
    visitor.page.wait_for_selector("#trouble", state="hidden", timeout=2_500)
    visitor.start()


def offer(page: Page, *pairs: tuple[str, str]) -> None:
    """Lets the server seem to offer these pairs only."""
    answer = {
        "detects": False,
        "pairs": [{"source": source, "target": target} for source, target in pairs],
        "languages": [
            {"tag": tag, "name": name, "rtl": False}
            for tag, name in (("en", "English"), ("es", "Spanish"), ("ca", "Catalan"), ("ja", "Japanese"))
        ],
    }

    def fulfil(route: Route) -> None:
        route.fulfill(json=answer)

    page.route("**/v1/languages", fulfil)


def test_a_pair_that_cannot_be_had_cannot_be_chosen(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url)
    offer(visitor.page, ("en", "es"), ("es", "ca"), ("es", "en"))
    visitor.open()
    page = visitor.page

    assert page.locator("#source option").all_inner_texts() == ["English", "Spanish"]
    assert page.locator("#target option:disabled").all_inner_texts() == ["Catalan", "English"]
    assert page.is_enabled("#swap")
    page.select_option("#source", "es")
    assert page.locator("#target option:disabled").all_inner_texts() == ["Spanish"]
    page.select_option("#target", "ca")
    assert page.is_disabled("#swap")
    page.select_option("#source", "en")
    assert page.input_value("#target") == "es"


def test_a_pair_that_the_server_has_lost_leads_to_the_languages(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url, choices={"target": "ja"})
    offer(visitor.page, ("en", "ja"), ("en", "es"))

    said = refused(visitor, "unsupported_language")
    assert "en → ja is not offered" in said and "es" in said
    assert button(visitor.page) == "Choose languages"
    visitor.page.click(BUTTON)
    assert visitor.page.evaluate("document.activeElement.id") == "target"
    visitor.page.select_option("#target", "es")
    visitor.page.click("#talk")
    wait_until_live(visitor)


TONE_MS = 400
FAILS = {"SIMULATED_TRANSLATION_MS": "4000,60,4000,60,60,60,60,60,60,60,60,60", "WARMUP": "false"}
"""The first translation is given up, and so is the second try of it."""


@pytest.mark.slow
def test_a_sentence_that_failed_is_tried_again_and_heard_while_the_others_go_on(
    stack: Callable[..., Stack], visit: Visit, go_forward: Path
) -> None:
    slow = stack(**SIMULATED, **FAILS, SIMULATED_TTS_AUDIO_MS=str(TONE_MS), SEGMENT_DEADLINE_MS="1500").up()
    visitor = visit(slow.url, microphone=go_forward, **tap.OPTIONS)
    visitor.open()
    visitor.start()
    page = visitor.page
    page.wait_for_selector("#log .line .failure", timeout=15_000)
    assert page.inner_text(".failure span") == "This could not be translated: it took too long."
    assert page.inner_text(".failure button") == "Try again"

    # The next sentence is heard, although the one before it is missing.
    page.wait_for_selector("#log .line:nth-child(2)[data-heard]", timeout=15_000)
    assert page.locator("#log .line").first.get_attribute("data-state") == "failed"
    page.click(".failure button")
    page.wait_for_selector(".failure button:enabled", timeout=15_000)
    page.click(".failure button")
    page.wait_for_selector("#log .line:first-child[data-state=done]", timeout=15_000)
    assert page.locator(".failure").count() == 0
    source, translation = visitor.lines()[0]
    assert translation == f"[es] {source}"
    wait_until(lambda: tap.times_heard(page, translation, TONE_MS) == 1, 10, "the sentence is heard")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=15)


def test_sound_of_a_newer_release_asks_for_the_newer_page(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(simulated.url, microphone=go_forward)
    between = Between(visitor.page)
    visitor.open()
    visitor.start()
    vectors = json.loads(VECTORS.read_text())
    newer = next(refused["hex"] for refused in vectors["refused"] if refused["name"] == "another version")
    between.frame(bytes.fromhex(newer))

    assert visitor.trouble("protocol_version") == "This page is older than the server."
    visitor.page.click("#trouble-action")
    visitor.page.wait_for_selector("#talk:text-is('Start'):enabled")
    visitor.page.wait_for_selector("#trouble", state="hidden")


def test_a_server_without_redis_says_so_and_recovers(stack: Callable[..., Stack], visit: Visit) -> None:
    served = stack(**SIMULATED).up()
    served.redis.kill()
    visitor = visit(served.url)
    visitor.page.goto(visitor.url)

    assert "Redis does not answer" in visitor.trouble("server_incomplete", 30)
    served.redis.start()
    visitor.page.wait_for_selector("#talk:enabled", timeout=45_000)
    visitor.wait_for_calm()
