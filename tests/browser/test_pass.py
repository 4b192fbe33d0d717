"""One device between two people: each half reads and hears what the other one says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from bridge.protocol.server_messages import AudioStart
from tests.browser.between import Between
from tests.browser.chromium import Visit, Visitor
from tests.browser.test_accessibility import AXE, CHECK, CONTROLS, NARROW, PHONE, SIDEWAYS
from tests.stack import Stack

pytestmark = pytest.mark.browser

NEAR, FAR = "#near-log .words", "#far-log .words"
ANGLE = "(side) => getComputedStyle(document.getElementById(side)).rotate"


def open_page(visitor: Visitor) -> Page:
    visitor.page.goto(visitor.url + "/pass")
    visitor.page.wait_for_selector("#talk:enabled")
    return visitor.page


def start(page: Page) -> None:
    page.click("#talk")
    page.wait_for_selector("#talk[data-live]")


def without_detection(page: Page) -> None:
    """Lets the server seem unable to find out which language is spoken."""

    def fulfil(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"detects": False})

    page.route("**/v1/languages", fulfil)


def updates(visitor: Visitor) -> list[tuple[str, str]]:
    return [
        (message["source"]["language"], message["targets"][0]["language"])
        for message in visitor.sent
        if message["type"] == "session.update"
    ]


def test_where_nobody_can_tell_who_speaks_it_is_said_before_and_a_button_tells_it(
    embedded: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(embedded.url, microphone=go_forward)
    page = open_page(visitor)

    hint = page.inner_text("#hint")
    assert "cannot hear which of the two is spoken" in hint
    assert "Spanish can be read and heard, but not understood" in hint
    start(page)
    assert page.is_disabled("#far-speak") and page.is_enabled("#near-speak")
    page.click("#near-speak")
    assert page.inner_text("#status") == "Listening to English"
    page.wait_for_selector(f"{FAR}[data-heard]", timeout=20_000)
    assert page.locator(NEAR).first.inner_text() == "go forward ten meters"
    assert page.locator(FAR).first.inner_text() == "Ve adelante diez metros"
    assert page.get_attribute(FAR, "lang") == "es"
    page.click("#near-speak")
    assert page.get_attribute("#near-speak", "aria-pressed") == "false"


LOUDEST = """
window.loudest = 0;
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  if (data instanceof Int16Array) window.loudest = Math.max(window.loudest, ...data.map(Math.abs));
  return send.call(this, data);
};
"""


def test_a_button_that_is_held_or_a_key_says_who_speaks(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(simulated.url, microphone=go_forward, script=LOUDEST)
    page = visitor.page
    without_detection(page)
    open_page(visitor)
    start(page)
    page.wait_for_timeout(1_000)
    assert visitor.uploaded > 0 and page.evaluate("window.loudest") == 0
    page.hover("#near-speak")
    page.mouse.down()
    expect(page.locator("#near-speak")).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(500)
    page.mouse.up()
    expect(page.locator("#near-speak")).to_have_attribute("aria-pressed", "false")
    page.focus("#far-speak")
    page.keyboard.press("Space")
    expect(page.locator("#status")).to_have_text("Listening to Spanish")
    page.keyboard.press("Enter")
    expect(page.locator("#far-speak")).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(300)

    assert page.evaluate("window.loudest") > 0
    assert updates(visitor) == [("en", "es"), ("es", "en")]
    commits = [message for message in visitor.sent if message["type"] == "segment.commit"]
    assert len(commits) >= 3, "what was said is translated when the button is let go"


def test_each_half_reads_its_own_language_whoever_speaks(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room, choices={"target": "ar"})
    between = Between(visitor.page)
    page = open_page(visitor)
    assert not page.is_visible("#near-speak")
    start(page)
    began = next(message for message in visitor.sent if message["type"] == "session.start")
    assert began["source"] == {"language": "auto", "among": ["en", "ar"]}
    assert began["targets"] == [{"language": "en"}, {"language": "ar"}]

    between.sentence(0, "good morning", "صباح الخير", target="ar")
    between.source(1, "شكرا", language="ar")
    expect(page.locator(NEAR)).to_have_text(["good morning", "…"])
    between.translation(1, "thank you", target="en")
    expect(page.locator(NEAR)).to_have_text(["good morning", "thank you"])
    expect(page.locator(FAR)).to_have_text(["صباح الخير", "شكرا"])
    for half, direction, own in ((NEAR, "ltr", 0), (FAR, "rtl", 1)):
        rows = page.locator(half)
        assert [rows.nth(row).get_attribute("dir") for row in (0, 1)] == [direction] * 2
        assert [rows.nth(row).get_attribute("data-own") is not None for row in (0, 1)] == [
            row == own for row in (0, 1)
        ]


@pytest.mark.slow
def test_each_sentence_is_heard_in_the_language_that_was_not_spoken(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(simulated.url, microphone=go_forward)
    page = open_page(visitor)
    start(page)
    for own in (NEAR, FAR):
        page.wait_for_selector(f"{own}[data-own]", timeout=40_000)
    page.click("#talk")
    page.wait_for_selector("#talk:text-is('Start')", timeout=20_000)

    near, far = page.locator(NEAR), page.locator(FAR)
    assert near.count() == far.count() > 1
    for row in range(near.count()):
        here = near.nth(row).get_attribute("data-own") is not None
        said, heard, tag = (near, far, "es") if here else (far, near, "en")
        assert heard.nth(row).inner_text() == f"[{tag}] {said.nth(row).inner_text()}"
        assert heard.nth(row).get_attribute("data-heard") is not None
    spoken = {message.target for message in visitor.of(AudioStart)}
    assert spoken == {"en", "es"}
    assert len(visitor.of(AudioStart)) == near.count()


def test_languages_that_cannot_be_told_apart_are_told_by_the_buttons(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room)
    page = open_page(visitor)
    page.route_web_socket(
        "**/v1/stream",
        lambda socket: socket.send(
            json.dumps({"type": "error", "seq": 0, "t_ms": 0, "code": "cannot_detect", "message": "No."})
        ),
    )
    page.click("#talk")
    page.wait_for_selector("#near-speak:visible")

    assert "hold or tap the button" in page.inner_text("#hint")
    assert page.inner_text("#talk") == "Start" and not page.is_visible("#trouble")


@pytest.mark.parametrize(
    ("screen", "turned"),
    [
        pytest.param(PHONE, True, id="phone"),
        pytest.param({}, False, id="wide", marks=pytest.mark.slow),
    ],
)
def test_everybody_can_use_either_half(
    simulated: Stack, visit: Visit, quiet_room: Path, screen: dict[str, Any], turned: bool
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room, reduced_motion="reduce", **screen)
    between = Between(visitor.page)
    page = visitor.page
    without_detection(page)
    open_page(visitor)
    found: dict[str, Any] = {}

    def check(state: str) -> None:
        if page.evaluate("!window.axe"):
            page.evaluate(AXE.read_text())
        small = [each for each in page.evaluate(CONTROLS) if round(min(each["width"], each["height"])) < 44]
        if complaints := [*page.evaluate(CHECK, ""), *small, *page.evaluate(SIDEWAYS)]:
            found[state] = complaints

    check("before")
    start(page)
    between.sentence(0, "good morning", "buenos días")
    between.failure(1, "this one is late")
    page.click("#near-speak")
    page.wait_for_selector("#near-log .note")
    check("live")
    between.cut()
    visitor.trouble("connection_lost")
    check("trouble")
    reached = set()
    for _ in range(16):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))

    assert found == {}, json.dumps(found, indent=2, ensure_ascii=False)
    assert {"talk", "open-settings", "near-speak", "far-speak", "near-scroll", "trouble-action"} <= reached
    assert (page.evaluate(ANGLE, "far"), page.evaluate(ANGLE, "near")) == (
        "180deg" if turned else "none",
        "none",
    )


@pytest.mark.slow
def test_on_a_small_screen_with_large_letters_nothing_is_out_of_reach(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room, choices={"size": 220}, **NARROW)
    between = Between(visitor.page)
    page = visitor.page
    without_detection(page)
    open_page(visitor)
    assert page.evaluate(SIDEWAYS) == []
    start(page)
    between.sentence(0, "Donaudampfschifffahrtselektrizitätenhauptbetriebswerk", "buenos días a todos")
    expect(page.locator(FAR)).to_be_in_viewport(ratio=0.9)
    for key in ("#talk", "#near-speak", "#far-speak", "#open-settings"):
        page.click(key, trial=True, timeout=5_000)

    assert page.evaluate(SIDEWAYS) == []
