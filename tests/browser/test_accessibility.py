"""Usable by everybody: read aloud, by keyboard alone, by finger, enlarged, on a small screen, and at rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.between import Between
from tests.browser.chromium import SPEECH, Visit, Visitor
from tests.stack import REPOSITORY, Stack, wait_until

pytestmark = pytest.mark.browser

AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 3,
}
NARROW = {"viewport": {"width": 320, "height": 640}}

# On a gradient axe finds no contrast and says nothing, so each of its two ends is laid under all.
CHECK = """async (ground) => {
  const book = document.querySelector(".book");
  if (book) book.style.background = ground;
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  book?.style.removeProperty("background");
  return violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html.slice(0, 120))]);
}"""

# What is in sight and can be used, with the area that a finger meets: of a box to tick it is its label.
CONTROLS = """() => [...document.querySelectorAll("button, select, a[href], input, audio, [tabindex='0']")]
  .filter((each) => each.checkVisibility() && !each.disabled && !each.matches(".skip:not(:focus)"))
  .filter((each) => !document.querySelector("dialog[open]") || each.closest("dialog"))
  .map((each) => {
    const area = each.type === "checkbox" ? each.closest("label") : each;
    const { width, height } = area.getBoundingClientRect();
    return { name: each.id || each.textContent, width, height };
  })"""

SIDEWAYS = """() => [document.documentElement, document.body, ...document.querySelectorAll("body *")]
  .filter((each) => each.checkVisibility() && !each.closest(".skip, .unseen"))
  .filter((each) => {
    const { left, right } = each.getBoundingClientRect();
    const scrolls = /auto|scroll/.test(getComputedStyle(each).overflowX);
    return (scrolls && each.scrollWidth > each.clientWidth) || left < -1 || right > innerWidth + 1;
  })
  .map((each) => `${each.tagName} ${each.id} ${each.className} ${each.textContent.trim().slice(0, 20)}`)"""

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft and so on"


def commands(visitor: Visitor, kind: str) -> int:
    """How many of this kind the page has sent."""
    return sum(message["type"] == kind for message in visitor.sent)


def wait_for_command(visitor: Visitor, kind: str, count: int) -> None:
    def sent() -> bool:
        visitor.page.wait_for_timeout(20)  # lets Playwright take in what was sent
        return commands(visitor, kind) >= count

    wait_until(sent, 10, f"{kind} is sent {count} times")
    assert commands(visitor, kind) == count


def fill(between: Between, page: Page) -> None:
    """Sentences in every state that one can be in."""
    between.sentence(0, LONG, "y así sucesivamente")
    between.failure(1, "this one is late")
    between.source(2, "understood")
    between.translation(2, "entendido a medi", "partial", stable=9)
    between.say("warning", code="captions_only", message="Busy.")
    between.source(3, "not yet", "partial", stable=3)
    page.wait_for_selector("#now .source >> text=not yet")


@pytest.mark.parametrize(
    ("theme", "screen"),
    [
        pytest.param("light", {}, id="desktop-light"),
        pytest.param("dark", PHONE, id="phone-dark"),
        pytest.param("dark", {}, id="desktop-dark", marks=pytest.mark.slow),
        pytest.param("light", PHONE, id="phone-light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_to_complain_of(
    simulated: Stack, visit: Visit, quiet_room: Path, theme: str, screen: dict[str, Any]
) -> None:
    # Within a transition a colour has a contrast that it does not keep.
    still = {"reduced_motion": "reduce"}
    visitor = visit(simulated.url, microphone=quiet_room, choices={"theme": theme}, **still, **screen)
    between = Between(visitor.page)
    page = visitor.page
    complaints: dict[str, Any] = {}

    def check(state: str, where: Page = page) -> None:
        if where.evaluate("!window.axe"):
            where.evaluate(AXE.read_text())
        for ground in ("var(--page)", "var(--page-far)") if "live" in state else ("",):
            if found := where.evaluate(CHECK, ground):
                complaints[state] = found

    visitor.open()
    check("welcome")
    visitor.start()
    fill(between, page)
    check("live, with a line that failed")
    page.click("#open-settings")
    check("settings")
    page.keyboard.press("Escape")
    page.click("#open-export")
    check("export")
    page.keyboard.press("Escape")
    between.cut()
    visitor.trouble("connection_lost")
    check("trouble")
    page.click("#talk")
    page.click("#talk")
    between.mend()
    page.set_input_files("#file", SPEECH / "go_forward.wav")
    page.wait_for_selector("#job-download:visible", timeout=30_000)
    check("recording")
    beside = visitor.beside("/captions")
    beside.wait_for_selector("#lines .translation")
    check("captions", beside)

    assert complaints == {}, json.dumps(complaints, indent=2, ensure_ascii=False)


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_the_key_that_started_does_not_stop_and_space_translates_now(
    simulated: Stack, visit: Visit, quiet_room: Path, key: str
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room)
    page = visitor.page
    visitor.open()
    page.focus("#talk")
    page.keyboard.press(key)
    page.wait_for_selector("#status[data-live]")
    page.keyboard.press("Space")
    wait_for_command(visitor, "segment.commit", 1)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    wait_for_command(visitor, "segment.commit", 2)

    assert page.inner_text("#talk") == "Stop"


def test_space_belongs_to_fields_and_dialogs_and_escape_only_closes_them(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room)
    page = visitor.page
    visitor.open()
    visitor.start()
    for field in ("#volume", "#target"):
        page.focus(field)
        page.keyboard.press("Space")
    page.focus("#mute")
    page.click("#open-settings")
    page.focus("#headphones")
    page.keyboard.press("Space")
    expect(page.locator("#headphones")).not_to_be_checked()
    page.keyboard.press("Escape")
    page.wait_for_selector("#settings", state="hidden")
    page.click("#open-settings")
    page.focus("#settings .button")
    page.keyboard.press("Space")
    page.wait_for_selector("#settings", state="hidden")
    assert commands(visitor, "segment.commit") == commands(visitor, "playback.stop") == 0
    page.keyboard.press("Escape")
    wait_for_command(visitor, "playback.stop", 1)

    assert commands(visitor, "segment.commit") == 0


def test_the_tab_key_reaches_all_that_can_be_used(simulated: Stack, visit: Visit, quiet_room: Path) -> None:
    visitor = visit(simulated.url, microphone=quiet_room)
    between = Between(visitor.page)
    page = visitor.page
    visitor.open()
    visitor.start()
    fill(between, page)
    between.cut()
    visitor.trouble("connection_lost")

    def walk() -> set[str]:
        reached = set()
        for _ in range(30):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        return reached

    def usable() -> set[str]:
        return {control["name"] for control in page.evaluate(CONTROLS)}

    assert {"source", "talk", "commit", "trouble-action", "Dismiss", "scroll"} <= usable()
    assert usable() <= walk()
    page.click("#open-settings")
    assert {"microphone", "theme", "Done"} <= usable() <= walk()


def test_what_still_changes_is_shown_and_only_what_is_final_is_read_aloud(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room)
    between = Between(visitor.page)
    page = visitor.page
    visitor.open()
    visitor.start()
    page.evaluate("""() => {
      window.read = [];
      const note = () => {
        const copy = document.querySelector("#log").cloneNode(true);
        copy.querySelectorAll("[aria-hidden='true'], .span").forEach((each) => each.remove());
        const words = copy.textContent.trim();
        if (words && words !== window.read.at(-1)) window.read.push(words);
      };
      const all = { subtree: true, childList: true, characterData: true, attributes: true };
      new MutationObserver(note).observe(document.querySelector("#log"), all);
    }""")
    source, translation = page.locator(".line .source"), page.locator(".line .translation")
    for words in ("go", "go for"):
        between.source(0, words, "partial")
        expect(source).to_have_text(words)
    between.translation(0, "Ve", "partial")
    expect(translation).to_have_text("Ve")
    assert page.locator("#log .line").count() == 0
    assert page.locator("#now").get_attribute("aria-hidden") == "true"
    between.source(0, "go forward")
    expect(source).to_have_text("go forward")
    for words in ("Ve a", "Ve ade"):
        between.translation(0, words, "partial")
        expect(translation).to_have_text(words)
    between.translation(0, "Ve adelante")
    expect(translation).to_have_text("Ve adelante")

    assert page.evaluate("window.read") == ["go forward", "go forwardVe adelante"]
    assert page.locator(".line").count() == 1


def test_a_finger_meets_all_that_can_be_used(simulated: Stack, visit: Visit, quiet_room: Path) -> None:
    visitor = visit(simulated.url, microphone=quiet_room, **PHONE)
    between = Between(visitor.page)
    page = visitor.page
    small: dict[str, Any] = {}

    def check(state: str) -> None:
        for control in page.evaluate(CONTROLS):
            if round(min(control["width"], control["height"])) < 44:
                small[f"{state}: {control['name']}"] = control

    visitor.open()
    check("welcome")
    visitor.start()
    fill(between, page)
    between.cut()
    visitor.trouble("connection_lost")
    check("live")
    for sheet in ("settings", "export"):
        page.click(f"#open-{sheet}")
        check(sheet)
        page.keyboard.press("Escape")
    page.click("#talk")
    page.click("#talk")
    between.mend()
    page.set_input_files("#file", SPEECH / "go_forward.wav")
    page.wait_for_selector("#job-download:visible", timeout=30_000)
    check("recording")

    assert small == {}


@pytest.mark.parametrize("wish", ["reduce", "no-preference"])
def test_nothing_moves_for_who_wants_no_motion(
    simulated: Stack, visit: Visit, go_forward: Path, wish: str
) -> None:
    visitor = visit(simulated.url, microphone=go_forward, reduced_motion=wish)
    visitor.open()
    visitor.start()
    visitor.page.wait_for_selector("#now .line")
    running = visitor.page.evaluate("document.getAnimations().length")
    drawn = visitor.page.evaluate("""() => {
      const river = document.querySelector("#river");
      return river.getContext("2d").getImageData(0, 0, river.width, river.height).data.some(Boolean);
    }""")

    assert (running > 0, drawn) == (wish != "reduce", wish != "reduce")


@pytest.mark.parametrize("size", [100, 220])
def test_a_small_screen_and_large_text_hide_nothing(
    simulated: Stack, visit: Visit, quiet_room: Path, size: int
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room, choices={"size": size}, **NARROW)
    between = Between(visitor.page)
    page = visitor.page
    beyond: dict[str, Any] = {}

    def check(state: str) -> None:
        if found := page.evaluate(SIDEWAYS):
            beyond[state] = found

    visitor.open()
    check("welcome")
    visitor.start()
    fill(between, page)
    check("live")
    for sheet in ("settings", "export"):
        page.click(f"#open-{sheet}")
        check(sheet)
        page.keyboard.press("Escape")
    # The newest line is in sight, and what is pressed while talking can be.
    expect(page.locator("#now .source")).to_be_in_viewport(ratio=0.9)
    for key in ("#mute", "#commit", "#pause", "#silence", "#swap"):
        page.click(key, trial=True, timeout=5_000)
    between.cut()
    visitor.trouble("connection_lost")
    check("trouble")
    page.click("#trouble-action", trial=True, timeout=5_000)
    page.click("#talk", timeout=5_000)

    assert beyond == {}, json.dumps(beyond, indent=2)
