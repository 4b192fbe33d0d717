"""Recordings that are dropped on the page, and captions that are saved from it."""

from __future__ import annotations

import base64
import io
import json
import re
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page

from bridge.protocol import server_messages
from tests.browser.between import Between
from tests.browser.chromium import SPEECH, Visit, Visitor, recording
from tests.browser.network import Network
from tests.stack import Stack, wait_until

pytestmark = pytest.mark.browser

SAID = ("go forward ten meters", "Ve adelante diez metros")
RATE = 24_000

DROP = """([name, text]) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "audio/wav" }));
  const event = (kind) => new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event("dragover"));
  const shown = document.querySelector("#drop").checkVisibility();
  document.body.dispatchEvent(event("drop"));
  return shown && !document.querySelector("#drop").checkVisibility();
}"""
FOLLOW_PROGRESS = """() => {
  window.states = [];
  const state = document.querySelector("#job-state");
  new MutationObserver(() => window.states.push(state.textContent)).observe(state, { childList: true });
}"""


def wait_until_done(page: Page) -> str:
    """Waits until the recording is translated; what is said of it."""
    page.wait_for_selector("#job-close:text-is('Close')", timeout=60_000)
    return page.inner_text("#job-state")


def saved(page: Page, button: str) -> tuple[str, bytes]:
    """Name and content of the file that this button saves."""
    with page.expect_download() as download:
        page.click(button)
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def speech(content: bytes) -> NDArray[np.int16]:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def on_its_place(visitor: Visitor, segment: int) -> tuple[int, NDArray[np.int16]]:
    """Where the translation of a segment belongs in the file, and all its samples as they were sent."""
    final = next(each for each in visitor.of(server_messages.TranscriptFinal) if each.segment == segment)
    pcm = b"".join(frame.pcm for frame in visitor.audio if frame.segment == segment)
    return int(final.start_ms * RATE / 1000), np.frombuffer(pcm, "<i2")


def test_a_recording_dropped_on_the_page_becomes_captions_and_speech(embedded: Stack, visit: Visit) -> None:
    visitor = visit(embedded.url)
    page = visitor.page
    visitor.open()
    dropped = base64.b64encode((SPEECH / "go_forward.wav").read_bytes()).decode()
    assert page.evaluate(DROP, ["go forward.wav", dropped])

    assert wait_until_done(page) == "1 sentence"
    assert visitor.lines() == [SAID]
    assert page.inner_text("#log h2") == page.inner_text("#job-name") == "go forward.wav"
    assert re.fullmatch("00:00:0[01]", page.inner_text("#log time"))
    player = page.locator("#job-audio")
    wait_until(lambda: player.evaluate("audio => audio.duration") > 1, 15, "the player has the speech")
    name, content = saved(page, "#job-download")
    assert name == "go forward.es.wav"
    begin, sent = on_its_place(visitor, 0)
    heard = speech(content)
    assert np.array_equal(heard[begin:], sent)
    assert sent.any() and not heard[:begin].any()


def test_progress_goes_up_to_the_end(simulated: Stack, visit: Visit, tmp_path: Path) -> None:
    visitor = visit(simulated.url)
    page = visitor.page
    visitor.open()
    page.evaluate(FOLLOW_PROGRESS)
    clips = ("go_forward.wav", "go_somewhere.wav", "cards_005.wav")
    page.set_input_files("#file", recording(tmp_path / "three.wav", *clips, tail_ms=200))
    words = wait_until_done(page)

    first, *shares, last = page.evaluate("window.states")
    percents = [int(share.removesuffix(" %")) for share in shares]
    assert first == "Reading"
    assert percents == sorted(percents)
    assert percents[0] == 0
    assert percents[-1] > 85
    assert last == words == f"{len(visitor.lines())} sentences"
    heard = speech(saved(page, "#job-download")[1])
    done = visitor.of(server_messages.SegmentDone)
    assert len(done) == len(visitor.lines()) >= 3
    assert np.count_nonzero(heard) == np.count_nonzero(
        np.concatenate([on_its_place(visitor, each.segment)[1] for each in done])
    )


def test_an_mp3_whose_second_channel_is_inverted_is_translated(
    embedded: Stack, visit: Visit, tmp_path: Path
) -> None:
    with av.open(str(tmp_path / "go.mp3"), "w") as file, av.open(str(SPEECH / "go_forward.wav")) as clip:
        stream = file.add_stream("mp3", rate=16_000, layout="stereo")
        for frame in clip.decode(audio=0):
            left = frame.to_ndarray()
            both = np.concatenate([left, -np.maximum(left, -32_767)])
            balanced = av.AudioFrame.from_ndarray(both, format="s16p", layout="stereo")
            balanced.rate, balanced.pts, balanced.time_base = frame.rate, frame.pts, frame.time_base
            file.mux(stream.encode(balanced))
        file.mux(stream.encode(None))
    visitor = visit(embedded.url)
    visitor.open()
    visitor.page.set_input_files("#file", tmp_path / "go.mp3")

    assert wait_until_done(visitor.page) == "1 sentence"
    assert visitor.lines() == [SAID]


def test_a_recording_that_is_cancelled_leaves_its_captions_and_one_can_speak(
    simulated: Stack, visit: Visit, go_forward: Path, tmp_path: Path
) -> None:
    visitor = visit(simulated.url, microphone=go_forward)
    page = visitor.page
    visitor.open()
    clips = ["cards_001.wav", "cards_005.wav", "go_somewhere.wav", "sense_0880.wav"] * 8
    page.set_input_files("#file", recording(tmp_path / "long.wav", *clips))
    page.wait_for_selector("#log .line")
    assert page.is_disabled("#talk")
    page.click("#job-close")
    page.wait_for_selector("#job", state="hidden")
    before = page.locator("#log .line").count()
    assert page.locator("#now .line").count() == 0
    visitor.start()
    page.wait_for_selector(f"#log .line:nth-of-type({before + 1})", timeout=20_000)

    assert before < len(clips)
    assert page.locator("#log .line").count() == before + 1


def test_a_file_without_sound_is_told_in_one_sentence(simulated: Stack, visit: Visit) -> None:
    visitor = visit(simulated.url)
    visitor.open()
    text = {"name": "letter.wav", "mimeType": "audio/wav", "buffer": b"Dear reader, this is no sound. " * 20}
    visitor.page.set_input_files("#file", text)  # type: ignore[arg-type]

    assert visitor.trouble("bad_file").startswith("letter.wav holds no sound that this browser can read")
    assert not visitor.page.is_visible("#job")
    visitor.page.click("#trouble-action")
    visitor.wait_for_calm()
    assert visitor.page.is_enabled("#talk")


@pytest.mark.slow
def test_what_was_missed_while_the_network_was_away_is_translated(
    simulated: Stack, visit: Visit, network: Callable[[int], Network], tmp_path: Path
) -> None:
    way = network(simulated.port)
    visitor = visit(way.url)
    page = visitor.page
    visitor.open()
    clips = [f"cards_00{each}.wav" for each in (1, 2, 3)] + ["go_forward.wav", "go_somewhere.wav"]
    file = recording(tmp_path / "many.wav", *clips * 3, lead_ms=900, tail_ms=900)
    page.set_input_files("#file", file)
    page.wait_for_selector("#log .line")
    way.cut()
    assert "The connection is lost" in visitor.trouble("connection_lost")
    page.wait_for_selector("#trouble-countdown:not(:empty)")
    before = visitor.lines()
    assert len(before) < len(clips) * 3
    way.mend()
    page.click("#trouble-action")
    wait_until_done(page)

    visitor.wait_for_calm()
    times = page.locator("#log time").all_inner_texts()
    undisturbed = times, len(visitor.lines())
    heard = speech(saved(page, "#job-download")[1])
    page.click("#job-close")
    page.reload()
    visitor.open()
    page.set_input_files("#file", file)
    wait_until_done(page)
    assert undisturbed == (page.locator("#log time").all_inner_texts(), len(visitor.lines()))
    # A tone of 1 s each, about one in twenty of whose samples may be 0.
    assert np.count_nonzero(heard) > 0.9 * RATE * len(times)


def export(visitor: Visitor, kind: str, which: str) -> tuple[str, str]:
    visitor.page.select_option("#export-which", which)
    name, content = saved(visitor.page, f"#export-{kind}")
    return name, content.decode()


def test_captions_are_saved_and_recordings_chosen_between(
    simulated: Stack, visit: Visit, quiet_room: Path
) -> None:
    visitor = visit(simulated.url, microphone=quiet_room)
    between = Between(visitor.page)
    page = visitor.page
    visitor.open()
    visitor.start()
    assert page.is_disabled("#open-export")
    between.sentence(0, *SAID)
    page.wait_for_selector("#log .line[data-step='3']")
    # A recording is not taken while somebody speaks.
    page.set_input_files("#file", SPEECH / "go_forward.wav")
    page.wait_for_selector(".toast >> text=Stop speaking first")
    assert not page.is_visible("#job")
    page.click("#talk")
    page.wait_for_selector("#talk:text-is('Start')")
    page.set_input_files("#file", SPEECH / "go_forward.wav")
    assert wait_until_done(page) == "1 sentence"
    page.click("#open-export")

    assert page.input_value("#export-part") == "2"
    name, content = export(visitor, "txt", "source")
    assert name == "go_forward.en.txt"
    assert re.fullmatch(r"\[00:00\] simulated [0-9a-f]{8} of \d+ ms\n", content)
    page.select_option("#export-part", "1")
    stamp = r"speechbridge-\d{4}-\d{2}-\d{2}-\d{4}"
    name, content = export(visitor, "srt", "translation")
    assert re.fullmatch(stamp + r"\.es\.srt", name)
    assert content == f"1\n00:00:00,352 --> 00:00:02,368\n{SAID[1]}\n"
    name, content = export(visitor, "vtt", "source")
    assert re.fullmatch(stamp + r"\.en\.vtt", name)
    assert content == f"WEBVTT\n\n00:00:00.352 --> 00:00:02.368\n{SAID[0]}\n"
    name, content = export(visitor, "txt", "both")
    assert re.fullmatch(stamp + r"\.en-es\.txt", name)
    assert content == f"[00:00] {SAID[0]}\n{SAID[1]}\n"
    whole = json.loads(export(visitor, "json", "both")[1])
    assert (whole["source"], whole["target"]) == ("en", "es")
    assert [(each["text"], each["translation"]) for each in whole["segments"]] == [SAID]
    page.click("#export .quiet")
    page.wait_for_selector("#export", state="hidden")
