"""`speechbridge translate` of many files, side by side, interrupted and gone on with, and of a film."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from typer.testing import CliRunner
from typer.testing import Result as Run

from bridge.cli import app
from tests.bridge.media.sounds import film, tone, written

Gateway = Callable[..., str]


class Server:
    """A gateway that translates everything, and counts what it is sent. `before` is run in each session."""

    def __init__(self, before: Callable[[Any], object] = lambda _: None) -> None:
        self.sessions = 0
        self._before = before

    def __call__(self, peer: Any) -> None:
        self.sessions += 1
        peer.open()
        self._before(peer)
        peer.hear()
        peer.two_segments()
        peer.end()


def run(*arguments: object) -> Run:
    return CliRunner().invoke(app, ["translate", "--to", "es,ca", *map(str, arguments)])


@pytest.fixture
def talks(tmp_path: Path) -> list[Path]:
    return [written(tmp_path / f"{name}.wav", 8_000, 1) for name in ("one", "two", "three")]


def test_files_run_side_by_side_as_many_as_asked_for(gateway: Gateway, talks: list[Path]) -> None:
    all_here = threading.Barrier(3, timeout=5)
    done = run(*talks, "--jobs", 3, "--url", gateway(Server(lambda _: all_here.wait())), "--json")
    assert done.exit_code == 0
    assert {Path(json.loads(line)["file"]).name for line in done.stdout.splitlines()} == {
        "one.wav",
        "two.wav",
        "three.wav",
    }


def test_without_a_word_of_the_server_files_run_one_after_the_other(
    gateway: Gateway, talks: list[Path]
) -> None:
    here = threading.Lock()

    def alone(peer: Any) -> None:
        assert here.acquire(blocking=False)
        here.release()

    done = run(*talks, "--url", gateway(Server(alone)))
    assert done.exit_code == 0
    heads = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert heads == [f"{path.name} (ear, brain, mouth)" for path in talks]


def test_a_file_that_the_server_has_no_place_for_waits_for_another_to_end(
    gateway: Gateway, talks: list[Path]
) -> None:
    place = threading.Semaphore(1)
    server = Server()

    def crowded(peer: Any) -> None:
        if not place.acquire(blocking=False):
            full = {"message": "All 1 places of this server are taken.", "hint": "", "retryable": True}
            peer.say("error", code="overloaded", fatal=True, close_code=1013, retry_after_ms=2000, **full)
            return
        try:
            server(peer)
        finally:
            place.release()

    done = run(*talks, "--jobs", 3, "--url", gateway(crowded), "--json")
    assert (done.exit_code, done.stderr, server.sessions) == (0, "", 3)
    assert len(done.stdout.splitlines()) == 3


def test_resume_does_what_was_not_done_and_tells_all_of_it(
    gateway: Gateway, talks: list[Path], tmp_path: Path
) -> None:
    def fail_once(peer: Any) -> None:
        if server.sessions == 2:
            late = {"stage": "stt", "code": "timed_out", "message": "Too late.", "retryable": True}
            peer.say("segment.failed", segment=7, **late)

    server = Server(fail_once)
    order = (*talks, "-o", tmp_path / "out", "--srt", "--url", gateway(server))
    assert run(*order).exit_code == 1
    assert server.sessions == 3
    done = run(*order, "--resume")
    assert (done.exit_code, server.sessions) == (0, 4)
    assert done.stdout.startswith("one.wav was done before\nthree.wav was done before\ntwo.wav (ear")
    done = run(*order, "--resume", "--json")
    assert (done.exit_code, server.sessions) == (0, 4)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(each["file"]).name for each in told] == ["one.wav", "two.wav", "three.wav"]
    assert all(each["text"] == "good morning come in" for each in told)


def test_resume_does_again_what_changed_is_gone_or_was_ordered_otherwise(
    gateway: Gateway, talks: list[Path], tmp_path: Path
) -> None:
    server = Server()
    order = (talks[0], "-o", tmp_path / "out", "--url", gateway(server), "--resume")
    for change in ("nothing", "result", "file"):
        if change == "result":
            (tmp_path / "out/one.es.wav").unlink()
        if change == "file":
            os.utime(talks[0], (1, 1))
        before = server.sessions
        assert run(*order).exit_code == 0
        assert server.sessions == before + 1
        assert run(*order).exit_code == 0
        assert server.sessions == before + 1
    assert run(*order, "--vtt").exit_code == 0
    assert server.sessions == 4
    ledger = tmp_path / "out/.speechbridge.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-40] + b"\xff")
    assert run(*order, "--vtt").exit_code == 0
    assert server.sessions == 5
    assert run(*order, "--vtt").exit_code == 0
    assert server.sessions == 5


def test_an_interrupted_run_says_how_it_goes_on_and_keeps_what_is_done(
    gateway: Gateway, talks: list[Path], tmp_path: Path
) -> None:
    def interrupt(peer: Any) -> None:
        if server.sessions == 2:
            os.kill(os.getpid(), signal.SIGINT)

    server = Server(interrupt)
    order = (*talks, "-o", tmp_path / "out", "--url", gateway(server))
    done = run(*order)
    assert done.exit_code == 130
    assert "interrupted: 1 of 3 files are done." in done.stderr
    assert "--resume goes on" in done.stderr
    done = run(*order, "--resume")
    assert (done.exit_code, server.sessions) == (0, 4)
    assert done.stdout.startswith("one.wav was done before\ntwo.wav (ear")
    assert not list((tmp_path / "out").glob("*.part"))


def test_a_film_gets_subtitles_beside_it_and_a_copy_that_speaks(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    film(Path("film.mkv"), [(tone(440, 48_000, 2), 0.0)], languages=["eng"])
    done = run("film.mkv", "--srt", "--vtt", "--dub", "--url", gateway(Server()))
    assert done.exit_code == 0
    names = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    subtitles = {f"film.{tag}.{kind}" for tag in ("en", "es", "ca") for kind in ("srt", "vtt")}
    assert names == {"film.mkv", "film.es.mkv", "film.ca.mkv"} | subtitles
    assert (tmp_path / "film.es.vtt").read_text("utf-8").startswith("WEBVTT\n\n00:00:00.200 --> ")
    with av.open("film.es.mkv") as copy:
        assert [stream.type for stream in copy.streams] == ["video", "audio", "audio"]
        assert copy.streams.audio[1].metadata["language"] == "spa"
        assert copy.streams.audio[1].metadata["title"] == "Spanish (translated)"
    assert "  es  each sentence begins at most 0.7 s after the original\n" in done.stdout
    assert "  ca  each sentence begins on time\n" in done.stdout
    assert "  wrote film.es.mkv\n" in done.stdout


def test_subtitles_of_others_beside_a_film_are_not_written_over(
    gateway: Gateway, talks: list[Path], tmp_path: Path
) -> None:
    mine = tmp_path / "one.en.srt"
    mine.write_text("by hand")
    server = Server()
    order = (*talks[:2], "--srt", "--url", gateway(server))
    done = run(*order)
    assert (done.exit_code, server.sessions, mine.read_text()) == (1, 1, "by hand")
    assert "one.en.srt would be written over" in done.stderr
    assert (tmp_path / "two.en.srt").exists()
    mine.unlink()
    for _ in range(2):  # what it wrote itself it may write again
        assert run(*order).exit_code == 0


def test_subtitles_of_others_are_spared_in_a_language_that_is_heard_only_then(
    gateway: Gateway, talks: list[Path], tmp_path: Path
) -> None:
    mine = tmp_path / "one.en.vtt"
    mine.write_text("by hand")
    done = run(talks[0], "--vtt", "--from", "auto", "--url", gateway(Server()))
    assert (done.exit_code, mine.read_text()) == (1, "by hand")
    assert "one.en.vtt would be written over" in done.stderr


def test_a_recording_without_pictures_gets_a_copy_of_sound_alone(
    gateway: Gateway, talks: list[Path], tmp_path: Path
) -> None:
    done = run(talks[0], "--dub", "-o", tmp_path / "out", "--url", gateway(Server()))
    assert done.exit_code == 0
    assert {path.suffix for path in (tmp_path / "out").glob("one.*")} == {".wav", ".mka"}


def test_a_film_that_cannot_be_copied_is_told_and_the_next_one_is_made(
    gateway: Gateway, talks: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "out/.one.es.mka.part").mkdir(parents=True)
    done = run(*talks[:2], "--dub", "-o", tmp_path / "out", "--url", gateway(Server()))
    assert done.exit_code == 1
    assert "error: one.wav: " in done.stderr
    assert "cannot be written" in done.stderr
    assert "  wrote " + str(tmp_path / "out/one.es.wav") in done.stdout  # what can be had is kept and told
    assert (tmp_path / "out/two.es.mka").exists()
