"""The pages of a room: started, spoken in, listened in, shown on a wall; and every way in which they end."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import segno
from playwright.sync_api import Page, expect

from tests.browser import rooms
from tests.browser.chromium import Visit, Visitor
from tests.browser.hall import ANA, ROOM, SELF, SPEAK, Hall
from tests.browser.test_accessibility import AXE, CHECK, CONTROLS, NARROW, PHONE, SIDEWAYS
from tests.stack import Stack

pytestmark = pytest.mark.browser

COUNT_EFFORT = """
window.effort = [];
const draw = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (then) => (window.effort.push("frame"), draw(then));
window.AnalyserNode = class extends AnalyserNode {
  constructor(...given) {
    super(...given);
    window.effort.push("analyser");
  }
};
"""
LOCK_SCREEN = """
window.buttons = {};
const give = navigator.mediaSession.setActionHandler.bind(navigator.mediaSession);
navigator.mediaSession.setActionHandler = (action, act) => {
  window.buttons[action] = act;
  give(action, act);
};
window.Audio = class extends Audio {
  constructor(url) {
    super(url);
    window.silence = this;
  }
};
"""
ENDS: dict[str, tuple[int, str]] = {
    "room_full": (1013, "There is no place in the room"),
    "wrong_secret": (4403, "This link does not fit the room"),
    "unknown_room": (4404, "There is no such room"),
    "room_ended": (4404, "The room is closed"),
    "taken_over": (4409, "in another window or on another device"),
}


DOOR = ("wrong_secret", "unknown_room", "room_ended")


@pytest.fixture
def listener(simulated: Stack, visit: Visit) -> tuple[Visitor, Hall]:
    """Somebody listens in Spanish."""
    visitor = visit(simulated.url, locale="es-MX")
    hall = Hall(visitor.page)
    rooms.listen(visitor, ROOM)
    return visitor, hall


def last(visitor: Visitor, words: str) -> None:
    """Waits until this is the newest caption."""
    expect(visitor.page.locator("#log .said .words").last).to_have_text(words, timeout=10_000)


def rows_of(page: Page) -> list[str]:
    """The modules of the QR code that is shown, without its margin."""
    size = int(page.locator(".qr").get_attribute("viewBox").split()[2])  # type: ignore[union-attr]
    dark = [[False] * size for _ in range(size)]
    drawn = page.locator(".qr .dark").get_attribute("d") or ""
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)", drawn):
        for at in range(int(x), int(x) + int(length)):
            dark[int(y)][at] = True
    return ["".join("01"[module] for module in row[4:-4]) for row in dark[4:-4]]


def test_a_room_is_started_and_its_links_lead_to_its_pages(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url)
    page = visitor.page
    visitor.open()
    page.click("text=Start a room")
    page.fill("#name", "Team meeting")
    page.wait_for_selector("#create:enabled")
    page.keyboard.press("Enter")
    page.wait_for_selector(".qr")
    links = [page.input_value(f"#{which}-link") for which in ("listen", "speak")]

    assert rows_of(page) == [
        "".join(map(str, row)) for row in segno.make(links[0], error="m", micro=False).matrix
    ]
    page.reload()
    page.wait_for_selector(".qr")
    assert [page.input_value(f"#{which}-link") for which in ("listen", "speak")] == links
    page.click("#speak")
    page.click("#open-invite:enabled")
    page.wait_for_selector(".qr")
    assert [page.input_value(f"#{which}-link") for which in ("listen", "speak")] == links
    assert page.url == links[1]
    page.goto(links[0])
    expect(page.locator("#room")).to_have_text("Team meeting")
    page.wait_for_selector("#talk:enabled")


def test_a_listener_is_asked_for_the_language_only_and_reads_who_says_what(
    listener: tuple[Visitor, Hall],
) -> None:
    visitor, hall = listener
    hall.sentence(0, "good morning", "buenos días")
    hall.understood(1, "shall we begin")
    last(visitor, "shall we begin")

    assert [(each["role"], each["targets"]) for each in hall.of("session.start")] == [
        ("listener", [{"language": "es"}])
    ]
    assert rooms.said(visitor) == [("Ana", "buenos días"), ("Ana", "shall we begin")]
    words = visitor.page.locator("#log .words")
    assert [each.get_attribute("lang") for each in words.all()] == ["es", "en"]
    # Words that are not yet in one's own language are not read aloud.
    assert [row.get_attribute("aria-hidden") for row in visitor.page.locator("#log .said").all()] == [
        None,
        "true",
    ]
    assert visitor.page.evaluate(
        "[navigator.mediaSession.metadata.title, navigator.mediaSession.playbackState]"
    ) == [
        "Team meeting",
        "playing",
    ]
    visitor.page.click("#talk")
    assert visitor.page.evaluate("navigator.mediaSession.playbackState") == "none"


def test_another_language_is_heard_at_once_and_remembered(listener: tuple[Visitor, Hall]) -> None:
    visitor, hall = listener
    hall.sentence(0, "good morning", "buenos días")
    last(visitor, "buenos días")
    visitor.page.select_option("#language", "ar")
    expect(visitor.page.locator("#language")).to_have_value("ar")
    hall.sentence(0, "good morning", "صباح الخير", target="ar")
    last(visitor, "صباح الخير")

    assert [each["targets"] for each in hall.of("session.update")] == [[{"language": "ar"}]]
    assert visitor.page.locator("#log .words").last.get_attribute("dir") == "rtl"
    visitor.page.reload()
    visitor.page.wait_for_selector("#talk:enabled")
    expect(visitor.page.locator("#language")).to_have_value("ar")


def test_a_language_that_cannot_be_had_is_told_and_the_one_before_goes_on(
    listener: tuple[Visitor, Hall],
) -> None:
    visitor, hall = listener
    hall.say(
        type="error",
        code="unsupported_language",
        message="Nobody can translate into fr.",
        hint="On offer: es, ar.",
    )

    visitor.page.wait_for_selector("#toasts >> text=Nobody can translate into fr. On offer: es, ar.")
    expect(visitor.page.locator("#language")).to_have_value("es")
    expect(visitor.page.locator("#status")).to_have_text("Listening")


def test_listening_draws_no_frame_and_analyses_no_sound(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url, script=COUNT_EFFORT)
    hall = Hall(visitor.page)
    rooms.listen(visitor, ROOM, "es")
    hall.sentence(0, "good morning", "buenos días")
    last(visitor, "buenos días")

    assert visitor.page.evaluate("window.effort") == []


def test_the_buttons_of_a_lock_screen_hold_the_speech_and_let_it_go_on(
    simulated: Stack, visit: Visit
) -> None:
    visitor = visit(simulated.url, script=LOCK_SCREEN)
    hall = Hall(visitor.page)
    page = visitor.page
    rooms.listen(visitor, ROOM, "es")
    assert page.evaluate("[window.silence.paused, window.silence.loop]") == [False, True]
    page.evaluate("window.buttons.pause()")
    expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("[window.silence.paused, navigator.mediaSession.playbackState]") == [True, "paused"]
    page.evaluate("window.buttons.play()")
    expect(page.locator("#status")).to_have_text("Listening")
    assert page.evaluate("[window.silence.paused, navigator.mediaSession.playbackState]") == [
        False,
        "playing",
    ]
    assert [each["type"] for each in hall.heard if each["type"] != "ping"][1:] == [
        "playback.pause",
        "playback.resume",
    ]
    page.evaluate("window.buttons.stop()")
    expect(page.locator("#talk")).to_have_text("Listen")


def test_each_end_of_listening_has_a_sentence(listener: tuple[Visitor, Hall]) -> None:
    visitor, hall = listener
    for code, (close, sentence) in ENDS.items():
        again = {"retryable": True, "retry_after_ms": 60_000} if code == "room_full" else {}
        hall.fail(code, close, **again)

        assert sentence in visitor.trouble(code)
        # What will be tried again goes on; all else is over, and can be begun anew.
        expect(visitor.page.locator("#talk")).to_have_text("Leave" if again else "Listen")
        visitor.page.click("#trouble-action" if again else "#talk")
        visitor.wait_for_calm()
        visitor.page.wait_for_selector("#status[data-live]")


def test_a_door_that_does_not_open_says_why(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url)
    hall = Hall(visitor.page)
    visitor.page.goto(visitor.url + ROOM)
    refusals = [(404, "", "of an older release")]
    refusals += [(ENDS[code][0] - 4_000, code, ENDS[code][1]) for code in DOOR]
    for status, code, sentence in refusals:
        told = {"code": code, "message": "It is so.", "hint": ""} if code else {"detail": "Not Found"}
        hall.refusal = (status, told)
        visitor.page.reload()

        assert sentence in visitor.trouble(code or "old_server")
        assert visitor.page.is_disabled("#talk")


def test_a_link_that_lost_its_end_is_told_apart(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url)
    visitor.page.goto(visitor.url + "/r/hall")

    assert "from the # on" in visitor.trouble("no_secret")


def test_a_gateway_without_rooms_is_left_before_it_hears_anything(
    simulated: Stack, visit: Visit, go_forward: Path
) -> None:
    visitor = visit(simulated.url, microphone=go_forward)
    hall = Hall(visitor.page)
    hall.knows_rooms = False
    visitor.page.goto(visitor.url + SPEAK)
    visitor.page.click("#talk:enabled")

    assert "older release" in visitor.trouble("old_server")
    assert hall.uploaded == 0


def test_a_listeners_link_cannot_speak_but_leads_to_listening(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url)
    Hall(visitor.page, role="listener")
    visitor.page.goto(visitor.url + "/r/hall/speak#secret")

    assert "for listening only" in visitor.trouble("listen_only")
    visitor.page.click("#trouble-action")
    visitor.page.wait_for_url("**" + ROOM)
    visitor.page.wait_for_selector("#talk:enabled")


def test_a_speaker_reads_others_large_and_themselves_small_and_sees_who_listens(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room)
    hall = Hall(visitor.page)
    page = visitor.page
    page.goto(visitor.url + SPEAK)
    page.fill("#name", "Ben")
    rooms_name = page.locator("#room")
    expect(rooms_name).to_have_text("Team meeting")
    page.select_option("#target", "es")
    page.click("#talk:enabled")
    page.wait_for_selector("#status[data-live]")
    hall.sentence(0, "good morning", "buenos días")
    hall.understood(0, "hello everybody", speaker=SELF, name="Ben")
    last(visitor, "hello everybody")
    hall.people([ANA, {"id": SELF, "name": "Ben", "language": "en", "away": True}], {"es": 4, "fr": 1})

    (start,) = hall.of("session.start")
    assert (start["role"], start["name"], start["targets"]) == ("both", "Ben", [{"language": "es"}])
    assert rooms.said(visitor) == [("Ana", "buenos días")]
    assert rooms.said(visitor, own=True) == [("You:", "hello everybody")]
    expect(page.locator("#people .side").first).to_have_text(re.compile("Ana.*English.*Ben.*away", re.S))
    expect(page.locator("#people .side").last).to_have_text(re.compile("Spanish.*4.*French.*1", re.S))


def test_who_only_speaks_is_played_nothing(simulated: Stack, visit: Visit, quiet_room: Path) -> None:
    script = """
      window.worklets = [];
      window.AudioWorkletNode = class extends AudioWorkletNode {
        constructor(context, name, options) {
          super(context, name, options);
          window.worklets.push(name);
        }
      };
    """
    visitor = visit(simulated.url, microphone=quiet_room, script=script)
    hall = Hall(visitor.page)
    rooms.speak(visitor, SPEAK, heard="")

    (start,) = hall.of("session.start")
    assert start["role"] == "speaker" and "targets" not in start
    assert visitor.page.evaluate("window.worklets") == ["capture"]
    expect(visitor.page.locator("#target")).to_be_disabled()


def test_the_captions_of_a_room_are_shown_by_name_and_nothing_is_played(
    simulated: Stack, visit: Visit
) -> None:
    visitor = visit(simulated.url, script="window.AudioContext = undefined;")
    hall = Hall(visitor.page)
    page = visitor.page
    page.goto(visitor.url + "/captions?room=hall&lang=es&lines=2&show=both&background=transparent#secret")
    page.wait_for_selector("#wait-text >> text=as soon as somebody speaks")
    hall.people([ANA, {"id": 3, "name": "Chloé", "language": "fr"}], {"es": 1})
    for n, word in enumerate(("one", "two", "three")):
        hall.sentence(n, word, f"[{word}]")
    page.wait_for_selector("#lines .translation >> text=[three]")

    assert page.locator("#lines .translation").all_inner_texts() == ["Ana: [two]", "Ana: [three]"]
    assert page.locator("#lines .source").all_inner_texts() == ["two", "three"]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
    hall.say(type="session.ended", code="room_ended")
    page.wait_for_selector("#wait-text >> text=The room is closed")


def shown(hall: Hall, visitor: Visitor) -> None:
    """Sentences in every state that one can be in."""
    hall.sentence(0, "good morning", "buenos días")
    hall.understood(0, "hello", speaker=SELF, name="Ben")
    failed = hall.understood(1, "this one is late")
    why = {"stage": "translation", "code": "timed_out", "message": "No answer."}
    hall.say(type="segment.failed", segment=failed, speaker=1, **why)
    hall.understood(2, "not yet translated")
    last(visitor, "not yet translated")


@pytest.mark.parametrize(
    ("theme", "screen"),
    [
        pytest.param("dark", PHONE, id="phone-dark"),
        pytest.param("light", NARROW, id="narrow-light"),
        pytest.param("light", {}, id="desktop-light", marks=pytest.mark.slow),
    ],
)
def test_the_pages_of_a_room_are_usable_by_everybody(
    simulated: Stack, visit: Visit, quiet_room: Path, theme: str, screen: dict[str, Any]
) -> None:
    # Within a transition a colour has a contrast that it does not keep.
    still = {"reduced_motion": "reduce"}
    visitor = visit(simulated.url, microphone=quiet_room, choices={"theme": theme}, **still, **screen)
    hall = Hall(visitor.page)
    page = visitor.page
    complaints: dict[str, Any] = {}

    def check(state: str) -> None:
        if page.evaluate("!window.axe"):
            page.evaluate(AXE.read_text())
        beyond = page.evaluate(SIDEWAYS) if screen is NARROW else []
        small = [each for each in page.evaluate(CONTROLS) if round(min(each["width"], each["height"])) < 44]
        if found := page.evaluate(CHECK, "var(--page)") + beyond + small:
            complaints[state] = found

    page.goto(visitor.url + "/room")
    check("start")
    page.goto(visitor.url + ROOM)
    page.wait_for_selector("#talk:enabled")
    check("door")
    page.click("#talk")
    page.wait_for_selector("#status[data-live]")
    shown(hall, visitor)
    check("listening")
    page.click("#open-settings")
    check("settings")
    page.goto(visitor.url + SPEAK)
    page.click("#talk:enabled")
    page.wait_for_selector("#status[data-live]")
    shown(hall, visitor)
    check("speaking")
    for sheet in ("invite", "end"):
        page.click(f"#open-{sheet}")
        page.wait_for_selector(f"#{sheet}[open]")
        check(sheet)
        page.keyboard.press("Escape")
    hall.fail("room_ended", 4404)
    visitor.trouble("room_ended")
    check("ended")

    assert complaints == {}, json.dumps(complaints, indent=2, ensure_ascii=False)
