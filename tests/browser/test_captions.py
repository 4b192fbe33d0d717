"""Captions as they are read: each in its direction, in order, in place, and on pages of their own."""

from __future__ import annotations

import datetime
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.between import Between
from tests.browser.chromium import PERIOD_S, Visit, Visitor, text
from tests.stack import Stack, wait_until

pytestmark = pytest.mark.browser

BOTTOM = "(e => e.scrollHeight - e.scrollTop - e.clientHeight < 2)(document.querySelector('#scroll'))"
RECORD_WORKLETS = """
window.worklets = [];
window.AudioWorkletNode = class extends AudioWorkletNode {
  constructor(context, name, options) {
    super(context, name, options);
    window.worklets.push(name);
  }
};
"""


@pytest.fixture
def told(simulated: Stack, visit: Visit, quiet_room: Path) -> tuple[Visitor, Between]:
    """A live conversation in which nobody speaks but the test."""
    visitor = visit(simulated.url, microphone=quiet_room)
    between = Between(visitor.page)
    visitor.open()
    visitor.start()
    return visitor, between


def at_end(page: Page) -> bool:
    return bool(page.evaluate(BOTTOM))


def seconds(shown: str) -> int:
    at = datetime.time.fromisoformat(shown)
    return (at.hour * 60 + at.minute) * 60 + at.second


def last(visitor: Visitor, source: str) -> None:
    """Waits until this is the newest line."""
    expect(visitor.page.locator("#log .line").last.locator(".source")).to_have_text(source, timeout=15_000)


@pytest.mark.parametrize("target", ["ar", "he"])
def test_a_translation_is_written_in_the_direction_of_its_language(
    simulated: Stack, visit: Visit, quiet_room: Path, target: str
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room, choices={"target": target})
    between = Between(visitor.page)
    visitor.open()
    visitor.start()
    between.sentence(0, "good morning", "صباح الخير", target=target)
    last(visitor, "good morning")

    row = visitor.page.locator("#log .line")
    for part, language, direction in ((".source", "en", "ltr"), (".translation", target, "rtl")):
        caption = row.locator(part)
        assert caption.get_attribute("lang") == language
        assert caption.get_attribute("dir") == direction
        assert caption.evaluate("element => getComputedStyle(element).direction") == direction


def test_another_language_is_heard_from_the_sentence_in_work_on_and_no_line_is_lost(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(simulated.url, microphone=go_forward)
    visitor.open()
    visitor.start()
    visitor.wait_for_lines(1)
    visitor.page.wait_for_selector("#now .line")
    visitor.page.select_option("#target", "ar")
    visitor.wait_for_lines(3)

    rows = visitor.page.query_selector_all("#log .line")
    targets = [row.query_selector(".translation").get_attribute("lang") for row in rows]  # type: ignore[union-attr]
    assert targets == ["es"] + ["ar"] * (len(rows) - 1)
    assert text(rows[0], ".translation").startswith("[es]")
    assert text(rows[1], ".translation").startswith("[ar]")
    # The recording says its sentence every PERIOD_S: none is missing, and none is there twice.
    times = [seconds(text(row, "time")) for row in rows]
    between = [(later - before) % 86_400 for before, later in pairwise(times)]
    assert all(abs(each - PERIOD_S) <= 1 for each in between), between
    now = datetime.datetime.now()
    assert (now.hour * 60 + now.minute) * 60 + now.second - times[0] < 60
    assert all(re.fullmatch(r"\d+\.\d s", text(row, ".took")) for row in rows)


def begun(visitor: Visitor) -> list[dict[str, Any]]:
    """The sessions that the page asked for."""
    return [message for message in visitor.sent if message["type"] == "session.start"]


def test_the_languages_are_swapped_while_somebody_speaks(told: tuple[Visitor, Between]) -> None:
    visitor, between = told
    between.sentence(0, "before", "antes")
    last(visitor, "before")
    with visitor.page.expect_event("websocket") as opened:
        visitor.page.click("#swap")
    while len(starts := begun(visitor)) < 2:
        opened.value.wait_for_event("framereceived")  # the page still shows that the session before is live
    visitor.page.wait_for_selector("#status[data-live]")
    expect(visitor.page.locator("#source")).to_have_value("es")
    between.sentence(0, "después", "after", target="en")
    last(visitor, "después")

    assert [(each["source"], each["targets"]) for each in starts] == [
        ({"language": "en"}, [{"language": "es"}]),
        ({"language": "es"}, [{"language": "en"}]),
    ]
    assert visitor.lines() == [("before", "antes"), ("después", "after")]


def test_sentences_stand_in_the_order_in_which_they_were_said(told: tuple[Visitor, Between]) -> None:
    visitor, between = told
    for segment in (0, 1):
        between.say("speech.started", segment=segment)
    between.sentence(1, "second", "segunda")
    last(visitor, "second")
    between.sentence(0, "first", "primera")
    visitor.page.wait_for_selector("#log .line >> text=first")

    assert visitor.lines() == [("first", "primera"), ("second", "segunda")]


def test_the_newest_line_is_in_sight_unless_somebody_reads_back(told: tuple[Visitor, Between]) -> None:
    visitor, between = told
    page = visitor.page
    for segment in range(30):
        between.sentence(segment, f"sentence {segment}", f"frase {segment}")
    last(visitor, "sentence 29")
    wait_until(lambda: at_end(page), 15, "the newest line is in sight")
    page.hover("#scroll")
    page.mouse.wheel(0, -600)
    wait_until(lambda: not at_end(page), 15, "somebody reads back")
    page.wait_for_timeout(200)  # the wheel is smooth
    place = page.evaluate("document.querySelector('#scroll').scrollTop")
    between.sentence(30, "sentence 30", "frase 30")
    last(visitor, "sentence 30")

    page.wait_for_selector("#newer:visible")
    assert page.evaluate("document.querySelector('#scroll').scrollTop") == place
    page.click("#newer")
    wait_until(lambda: at_end(page), 15, "the newest line is in sight")
    page.wait_for_selector("#newer", state="hidden")


def test_a_long_conversation_stays_bounded_on_the_page_and_whole_behind_it(
    told: tuple[Visitor, Between],
) -> None:
    visitor, between = told
    page = visitor.page
    for segment in range(210):
        between.source(segment, f"sentence {segment}")
    last(visitor, "sentence 209")
    assert page.locator("#log .line").count() == 200
    page.evaluate("document.querySelector('#scroll').scrollTop = 0")
    wait_until(lambda: not at_end(page), 15, "somebody reads back")
    first = page.locator("#log .line").first
    assert text(first.element_handle(), ".source") == "sentence 10"

    read = page.locator("#log .source", has_text=re.compile("^sentence 11$"))
    above = read.bounding_box()
    between.sentence(210, "sentence 210", "frase 210")
    last(visitor, "sentence 210")
    assert read.bounding_box() == above, "what somebody reads is moved or taken away"

    page.click("#earlier")
    expect(page.locator("#log .line")).to_have_count(211)
    assert text(first.element_handle(), ".source") == "sentence 0"
    page.wait_for_selector("#earlier", state="hidden")
    moved = read.bounding_box()
    assert above and moved and abs(moved["y"] - above["y"]) < 60, "what somebody reads is moved"


def captions(page: Page) -> list[str]:
    return page.locator("#lines .translation").all_inner_texts()


def test_the_captions_page_follows_the_page_where_somebody_speaks(told: tuple[Visitor, Between]) -> None:
    visitor, between = told
    beside = visitor.beside("/captions?show=both&lines=2&size=150&background=transparent")
    for segment, word in enumerate(("one", "two", "three")):
        between.sentence(segment, word, f"[{word}]")
    between.source(3, "and now", "partial")
    beside.wait_for_selector("#now .source >> text=and now")

    assert captions(beside) == ["[two]", "[three]"]
    assert beside.locator("#lines .source").all_inner_texts() == ["two", "three"]
    assert beside.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    large = beside.locator("#lines .translation").last
    size = large.evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
    beside.goto(f"{visitor.url}/captions")
    beside.wait_for_selector("#lines .translation >> text=three")
    assert size / large.evaluate("element => parseFloat(getComputedStyle(element).fontSize)") == 1.5


def test_a_captions_page_that_is_opened_later_shows_what_was_said_last(told: tuple[Visitor, Between]) -> None:
    visitor, between = told
    for segment in range(5):
        between.sentence(segment, f"sentence {segment}", f"frase {segment}")
    last(visitor, "sentence 4")
    beside = visitor.beside("/captions")
    beside.wait_for_selector("#lines .translation >> text=frase 4")

    assert captions(beside) == ["frase 2", "frase 3", "frase 4"]
    assert beside.locator(".source").count() == 0
    assert not beside.is_visible("#wait")


@pytest.mark.parametrize("path", ["/captions?from=en&to=fr", "/captions"])
def test_the_captions_page_listens_itself_and_plays_nothing(
    simulated: Stack, visit: Visit, go_forward: Path, path: str
) -> None:
    visitor = visit(simulated.url, microphone=go_forward, script=RECORD_WORKLETS)
    visitor.open(path)
    if "?" not in path:
        visitor.page.wait_for_selector("#wait-text >> text=somebody speaks in the other window")
        visitor.page.click("#listen")
    visitor.page.wait_for_selector("#lines .translation", timeout=20_000)

    assert captions(visitor.page)[0].startswith("[fr]" if "?" in path else "[es]")
    assert visitor.page.evaluate("window.worklets") == ["capture"]
    assert not visitor.page.is_visible("#wait")
