"""Words while they are spoken: what is certain stands still, and only what comes behind it changes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from bridge.protocol.server_messages import TranscriptPartial
from tests.browser.between import Between
from tests.browser.chromium import Visit
from tests.browser.hall import BLOCK, ROOM, Hall
from tests.browser.test_pass import open_page, start
from tests.stack import Stack

pytestmark = pytest.mark.browser

SPOKEN = (("👋 go for", 0), ("👋 go forward", 4), ("👋 go forward ten feet", 12), ("👋 go forward ten", 12))
"""How many characters are certain, counted as the server does: the hand is one of them."""

STATE = """(selector) => {
  const element = [...document.querySelectorAll(selector)].at(-1);
  const look = (of) => { const { color, font } = getComputedStyle(of); return [color, font]; };
  const firm = element.firstChild;
  window.firm ??= firm;
  const range = document.createRange();
  range.setStart(firm, 0);
  range.setEnd(firm, Math.min(firm.length, 5));
  const { x, y, width } = range.getBoundingClientRect();
  const tail = element.querySelector(".tentative");
  return {
    firm: firm.data, tail: tail?.textContent ?? "", same: window.firm === firm, place: [x, y, width],
    look: look(element), tail_look: tail && look(tail), height: element.getBoundingClientRect().height,
    read: element.closest("[aria-hidden='true']") === null,
  };
}"""


def watch(page: Page, selector: str, say: Callable[[str, int], None]) -> list[dict[str, Any]]:
    """What is seen after each of the partials."""
    seen = []
    for text, stable in SPOKEN:
        say(text, stable)
        expect(page.locator(selector).last).to_have_text(text)
        seen.append(page.evaluate(STATE, selector))
    return seen


def check_steady(seen: list[dict[str, Any]]) -> None:
    for state, (text, stable) in zip(seen, SPOKEN, strict=True):
        assert (state["firm"], state["tail"]) == (text[:stable], text[stable:])
        assert state["same"], "what is certain was put there anew"
        assert not state["read"], "what may change is read aloud"
        assert state["tail_look"][0] != state["look"][0], "nobody sees what may change"
        assert state["tail_look"][1] == state["look"][1], "words move when they become certain"
    for state in seen[2:]:
        assert (state["place"], state["look"]) == (seen[1]["place"], seen[1]["look"])


def check_final(page: Page, selector: str, text: str, before: dict[str, Any]) -> None:
    """The final text takes the place of the last partial, and looks as what was certain of it."""
    expect(page.locator(selector).last).to_have_text(text)
    expect(page.locator(".tentative")).to_have_count(0)
    state = page.evaluate(STATE, selector)
    assert (state["firm"], state["tail"], state["read"]) == (text, "", True)
    assert (state["look"], state["place"][0]) == (before["look"], before["place"][0])


def test_what_is_certain_stands_still_on_the_page_and_on_the_captions_beside_it(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room)
    between = Between(visitor.page)
    visitor.open()
    beside = visitor.beside("/captions?show=both")
    visitor.start()

    def said(text: str, stable: int) -> None:
        between.source(0, text, "partial", stable=stable)

    def translated(text: str, stable: int) -> None:
        between.translation(0, text, "partial", stable=stable)

    def understood(text: str, stable: int) -> None:
        between.translation(1, text, "partial", stable=stable)

    here = watch(visitor.page, ".line .source", said)
    check_steady(here)
    between.source(0, "👋 go forward ten meters")
    check_final(visitor.page, ".line .source", "👋 go forward ten meters", here[-1])
    visitor.page.evaluate("() => delete window.firm")
    here = watch(visitor.page, ".line .translation", translated)
    check_steady(here)
    between.translation(0, "adelante")
    check_final(visitor.page, ".line .translation", "adelante", here[-1])
    there = watch(beside, ".caption .translation", understood)
    check_steady(there)
    between.translation(1, "adelante diez")
    check_final(beside, ".caption .translation", "adelante diez", there[-1])


def test_what_is_certain_stands_still_for_who_listens_in_a_room(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url)
    hall = Hall(visitor.page, role="listener")
    visitor.page.goto(simulated.url + ROOM)
    visitor.page.click("#talk")
    visitor.page.wait_for_selector("#status[data-live]")
    about = {"segment": BLOCK, "speaker": 1, "name": "Ana", "target": "es"}
    assert hall.of("session.start")[0]["features"] == ["partials"]

    def say(text: str, stable: int) -> None:
        hall.say(type="translation.partial", text=text, stable=stable, **about)

    seen = watch(visitor.page, ".said .words", say)
    check_steady(seen)
    hall.say(type="translation.final", text="adelante", **about)
    check_final(visitor.page, ".said .words", "adelante", seen[-1])


def test_what_is_certain_stands_still_on_either_half_of_a_shared_device(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room)
    between = Between(visitor.page)
    page = open_page(visitor)
    start(page)

    def said(text: str, stable: int) -> None:
        between.source(0, text, "partial", stable=stable)

    def translated(text: str, stable: int) -> None:
        between.translation(0, text, "partial", stable=stable)

    near = watch(page, "#near-log .words p", said)
    check_steady(near)
    page.evaluate("() => delete window.firm")
    far = watch(page, "#far-log .words p", translated)
    check_steady(far)
    between.sentence(0, "👋 go forward ten meters", "adelante")
    check_final(page, "#near-log .words p", "👋 go forward ten meters", near[-1])
    check_final(page, "#far-log .words p", "adelante", far[-1])
    # Another language is found in what is not final yet: it changes sides, and stands there once.
    between.source(1, "sí", "partial", language="en")
    between.source(1, "sí señor", "partial", language="es")
    expect(page.locator("#far-log .words")).to_have_text(["adelante", "sí señor"])
    expect(page.locator("#near-log .words")).to_have_count(1)


def test_the_box_of_a_sentence_never_becomes_lower_while_it_is_spoken(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room, viewport={"width": 390, "height": 844})
    between = Between(visitor.page)
    visitor.open()
    visitor.start()
    row, words = visitor.page.locator("#now .line"), visitor.page.locator("#now .source")

    def height(text: str) -> float:
        between.source(0, text, "partial", stable=4)
        expect(words).to_have_text(text)
        box = row.bounding_box()
        assert box
        return box["height"]

    short, long = "one two", "one two " + "three four five six seven " * 4 + "eight"
    before = height(short)
    grown = height(long)
    assert grown > 1.5 * before
    assert [height(short), height(long), height(short)] == [grown] * 3
    between.source(0, short)
    expect(visitor.page.locator("#log .source")).to_have_text(short)
    box = visitor.page.locator("#log .line").bounding_box()
    assert box and box["height"] < grown, "the box of what was said stays as high as what was not"


RECORD = """() => {
  window.seen = [];
  let firm;
  const note = () => {
    const words = document.querySelector("#now .source");
    const tail = words?.querySelector(".tentative");
    if (!tail) return;
    const same = firm === words.firstChild;
    window.seen.push({ firm: words.firstChild.data, tail: tail.textContent, same });
    firm = words.firstChild;
  };
  new MutationObserver(note).observe(document.querySelector("#now"), {
    subtree: true, childList: true, characterData: true,
  });
}"""


@pytest.mark.slow
def test_of_somebody_who_speaks_what_is_certain_only_grows(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    """The whole way, with the partials of the server itself."""
    visitor = visit(simulated.url, microphone=go_forward)
    visitor.open()
    visitor.start()
    visitor.page.evaluate(RECORD)
    visitor.wait_for_lines(1)
    first = [told for told in visitor.of(TranscriptPartial) if told.segment == 0]
    seen = visitor.page.evaluate("window.seen")
    seen = seen[: next((at for at, state in enumerate(seen) if at and not state["same"]), len(seen))]

    assert len(first) >= 3 and first[-1].stable > 0
    assert (seen[-1]["firm"], seen[-1]["tail"]) == (
        first[-1].text[: first[-1].stable],
        first[-1].text[first[-1].stable :],
    )
    for before, after in pairwise(seen):
        assert after["firm"].startswith(before["firm"]), "what was certain has changed"
