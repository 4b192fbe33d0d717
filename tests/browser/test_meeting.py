"""People who meet in a room: each reads and hears the others in one's own language, and never oneself."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import expect

from bridge.media import decode
from bridge.protocol import server_messages
from tests.browser import rooms, tap
from tests.browser.chromium import SPEECH, Visit, Visitor, recording
from tests.browser.network import Network
from tests.stack import Stack, wait_until

pytestmark = pytest.mark.browser

RATE = 24_000
TAIL_MS = 40_000
"""Longer than a test: a microphone says its sentence once."""


def enter(visit: Visit, stack: Stack, microphone: Path, name: str) -> Visitor:
    return visit(stack.url, microphone=microphone, choices={"name": name}, **tap.OPTIONS)


def wait_for_heard(visitor: Visitor, count: int) -> None:
    """Waits until so many sentences of others are played to their end, as the page tells the gateway."""

    def played() -> bool:
        visitor.page.wait_for_timeout(20)  # lets Playwright take in what was sent
        ends = {end.segment: end.duration_ms for end in visitor.of(server_messages.AudioEnd)}
        marks = [message for message in visitor.sent if message["type"] == "playback.mark"]
        over = {mark["segment"] for mark in marks if mark["played_ms"] >= ends.get(mark["segment"], 1e9) - 1}
        return len(over) >= count

    wait_until(played, 40, f"{count} sentences are heard")
    visitor.page.wait_for_timeout(200)  # what was played last is tapped a block later


def voices(visitor: Visitor) -> list[tuple[int | None, str, bool]]:
    """Whose speech was sent to somebody, in which language, and whether it was the speaker's own voice."""
    return [(each.speaker, each.target, bool(each.floor)) for each in visitor.of(server_messages.AudioStart)]


def number(visitor: Visitor) -> int:
    (started,) = visitor.of(server_messages.SessionStarted)
    assert started.participant is not None
    return int(started.participant)


def likeness(clip: str, sent: NDArray[np.int16]) -> float:
    """How much of a voice is that of a recording: 1 where one is the other, but for its loudness."""
    original = np.frombuffer(b"".join(decode(SPEECH / clip)), "<i2").astype(float)
    at = np.arange(len(original) * RATE // 16_000) * 16_000 / RATE
    wanted = np.interp(at, np.arange(len(original)), original)
    size = len(wanted) + len(sent)
    spectrum = np.fft.rfft(sent.astype(float), size) * np.conj(np.fft.rfft(wanted, size))
    peak = np.abs(np.fft.irfft(spectrum, size)).max()
    return float(peak / (np.linalg.norm(wanted) * np.linalg.norm(sent.astype(float))))


def test_two_who_meet_hear_each_other_and_never_themselves(
    simulated: Stack, visit: Visit, tmp_path: Path
) -> None:
    """Ana speaks English, Bruno French, and both listen in French: she hears his own voice."""
    links = rooms.open_room(simulated.url)
    clips = {"Ana": "cards_001.wav", "Bruno": "cards_003.wav"}
    people = []
    for (name, clip), lead_ms in zip(clips.items(), (3_000, 1_000), strict=True):
        microphone = recording(tmp_path / f"{name}.wav", clip, lead_ms=lead_ms, tail_ms=TAIL_MS)
        people.append(enter(visit, simulated, microphone, name))
    for visitor, spoken in zip(people, ("en", "fr"), strict=True):
        rooms.speak(visitor, links.speak, spoken=spoken, heard="fr")
    ana, bruno = people
    for visitor in people:
        wait_for_heard(visitor, 1)

    (_, she), (_, he) = rooms.said(ana, own=True) + rooms.said(bruno, own=True)
    assert rooms.said(ana) == [("Bruno", he)]
    assert rooms.said(bruno) == [("Ana", f"[fr] {she}")]
    assert voices(ana) == [(number(bruno), "fr", True)]
    assert voices(bruno) == [(number(ana), "fr", False)]
    for visitor in people:
        assert tap.share_rendered(visitor) > 0.95
    (late,) = bruno.page.locator("#log .said:not([data-own]) .took").all_inner_texts()
    (served,) = [d for d in bruno.of(server_messages.SegmentDone) if d.speaker == number(ana)]
    assert served.timings_ms.first_audio is not None
    assert 0 <= float(late.removesuffix(" s")) - served.timings_ms.first_audio / 1000 + 0.05 < 1
    ((_, his_voice),) = tap.pcm_of(ana).items()
    assert likeness(clips["Bruno"], his_voice) > 0.9 > likeness(clips["Ana"], his_voice)


@pytest.mark.slow
def test_who_listens_misses_nothing_that_was_said_while_the_network_was_gone(
    simulated: Stack, visit: Visit, network: Callable[[int], Network], go_forward: Path
) -> None:
    links = rooms.open_room(simulated.url)
    way = network(simulated.port)
    listener = visit(way.url, locale="es", **tap.OPTIONS)
    rooms.listen(listener, links.listen)
    speaker = enter(visit, simulated, go_forward, "Ana")
    rooms.speak(speaker, links.speak, spoken="en", heard="")
    wait_for_heard(listener, 1)
    way.cut()
    listener.trouble("connection_lost")
    speaker.page.locator("#log .said[data-own]").nth(1).wait_for()
    way.mend()
    listener.wait_for_calm()
    wait_for_heard(listener, 2)

    own = rooms.said(speaker, own=True)
    assert len(own) >= 2
    assert rooms.said(listener)[:2] == [("Ana", f"[es] {words}") for _, words in own[:2]]
    assert [each.resumed for each in listener.of(server_messages.SessionStarted)] == [False, True]
    tap.check_rendered(listener)


@pytest.mark.slow
def test_no_word_is_lost_when_the_network_of_a_speaker_goes_away(
    embedded: Stack, visit: Visit, network: Callable[[int], Network], go_forward: Path
) -> None:
    links = rooms.open_room(embedded.url)
    way = network(embedded.port)
    listener = visit(embedded.url, locale="es", **tap.OPTIONS)
    rooms.listen(listener, links.listen)
    speaker = visit(way.url, microphone=go_forward)
    rooms.speak(speaker, links.speak, spoken="en", heard="")
    for sentences in (1, 3):
        wait_for_heard(listener, sentences)
        speaker.page.locator("#now .said").wait_for()
        way.cut()
        listener.page.wait_for_timeout(1_500)
        way.mend()
        speaker.wait_for_calm()
    wait_for_heard(listener, 5)

    assert {words for _, words in rooms.said(listener)[:5]} == {"Ve adelante diez metros"}
    assert [each.resumed for each in speaker.of(server_messages.SessionStarted)] == [False, True, True]


def test_who_runs_the_room_ends_it_for_everybody(simulated: Stack, visit: Visit, quiet_room: Path) -> None:
    links = rooms.open_room(simulated.url, "Short")
    listener = visit(simulated.url, locale="es")
    rooms.listen(listener, links.listen)
    secret = links.listen.partition("#")[2]
    captions = listener.beside(f"/captions?room={links.room}&lang=es#{secret}")
    captions.wait_for_selector("#wait-text >> text=as soon as somebody speaks")
    odd = listener.beside(f"/captions?room={links.room}&lang=zu#{secret}")
    odd.wait_for_selector("#wait-text >> text=Offered: ar, ca")
    speaker = enter(visit, simulated, quiet_room, "Ana")
    rooms.speak(speaker, links.speak, spoken="en", heard="")
    expect(speaker.page.locator("#people .side").last).to_have_text(re.compile("Spanish.*2", re.S))
    speaker.page.click("#open-end")
    speaker.page.click("#end .quiet")
    assert not speaker.page.is_visible("#trouble")
    speaker.page.click("#open-end")
    speaker.page.click("#end-room")

    for visitor in (speaker, listener):
        assert "The room is closed" in visitor.trouble("room_ended")
    captions.wait_for_selector("#wait-text >> text=The room is closed")
    listener.page.reload()
    assert "The room is closed" in listener.trouble("room_ended")


MEETING: dict[str, Any] = {
    "Ana": ("go_forward.wav", "es"),
    "Ben": ("go_somewhere.wav", "ca"),
    "Chloé": ("cards_001.wav", "en"),
}
WORDS = {
    "Ana": {"en": "go forward ten meters", "es": "Ve adelante diez metros", "ca": "Avança deu metres"},
    "Ben": {"en": "go somewhere and do something", "es": "Va a algún lugar y algo"},
    "Chloé": {"en": "ten of clubs", "es": "Diez de clubes", "ca": "deu de clubs"},
}


@pytest.mark.slow
def test_three_people_meet_in_three_languages(embedded: Stack, visit: Visit, tmp_path: Path) -> None:
    links = rooms.open_room(embedded.url, "Three")
    people: dict[str, Visitor] = {}
    # One after the other, or what waits would be spoken faster than it was sent.
    for at, (name, (clip, heard)) in enumerate(MEETING.items()):
        microphone = recording(tmp_path / f"{at}.wav", clip, lead_ms=8_000 + 4_000 * at, tail_ms=TAIL_MS)
        people[name] = enter(visit, embedded, microphone, name)
        rooms.speak(people[name], links.speak, spoken="en", heard=heard)
    numbers = {name: number(visitor) for name, visitor in people.items()}
    for visitor in people.values():
        wait_for_heard(visitor, 2)

    for name, (_, language) in MEETING.items():
        visitor = people[name]
        others = [other for other in MEETING if other != name]
        assert rooms.said(visitor) == [(other, WORDS[other][language]) for other in others]
        assert rooms.said(visitor, own=True) == [("You:", WORDS[name]["en"])]
        assert voices(visitor) == [(numbers[other], language, language == "en") for other in others]
        assert tap.share_rendered(visitor) > 0.95
    floor = dict(zip(("Ana", "Ben"), tap.pcm_of(people["Chloé"]).values(), strict=True))
    for name, voice in floor.items():
        assert likeness(MEETING[name][0], voice) > 0.9
