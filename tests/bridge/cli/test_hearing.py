"""What `translate` makes of pipes, odd names, films of several tracks, faults and lost connections."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from typer.testing import Result as Run

from bridge.cli import app, hearing
from bridge.errors import AudioError, BridgeError
from tests.bridge.media.sounds import film, plain_wav, tone

Gateway = Callable[..., str]
SPEECH = Path(__file__).parents[2] / "data" / "speech" / "go_forward.wav"


def run(*arguments: object) -> Run:
    return CliRunner().invoke(app, ["translate", *map(str, arguments)])


class Ear:
    """A gateway that notes what it hears, and tells one segment of it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def __call__(self, peer: Any) -> None:
        peer.open()
        self.heard.append(peer.hear())
        peer.transcribe(0, "good morning", 100, 600)
        peer.speak(0, 0, "es", "buenos días", 200, 1)
        peer.done(0)
        peer.end()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def two(tmp_path: Path) -> Path:
    sounds = [(tone(440, 48_000), 0.0), (tone(1_000, 48_000), 0.0)]
    return film(tmp_path / "film.mkv", sounds, languages=["spa", "eng"], default=1)


def test_fifo_is_read_once_and_its_results_are_named_after_it(
    gateway: Gateway, ear: Ear, tmp_path: Path
) -> None:
    fifo = tmp_path / "live.wav"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(SPEECH.read_bytes()))
    writer.start()
    done = run(fifo, "--url", gateway(ear), "-o", tmp_path / "out")
    writer.join()
    assert (done.exit_code, done.stderr) == (0, "")
    assert ear.heard == [SPEECH.read_bytes()[44:]]
    assert (tmp_path / "out/live.es.wav").exists()


def test_standard_input_is_a_recording_named_stdin(
    gateway: Gateway, ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.pipe()
    kept = os.dup(0)

    def write() -> None:
        with os.fdopen(theirs, "wb") as pipe:
            pipe.write(SPEECH.read_bytes())

    writer = threading.Thread(target=write)
    os.dup2(ours, 0)
    try:
        writer.start()
        done = run("-", "--url", gateway(ear), "-o", tmp_path)
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(ours)
        writer.join()
    assert (done.exit_code, done.stderr) == (0, "")
    assert ear.heard == [SPEECH.read_bytes()[44:]]
    assert done.stdout.startswith("stdin (ear, brain, mouth)")
    assert (tmp_path / "stdin.es.wav").exists()


@pytest.mark.parametrize("name", ["rec:part1.wav", "2026-11-26T10:30:00.wav"])
def test_name_with_colons_is_a_name(
    name: str, gateway: Gateway, ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(SPEECH.read_bytes())
    done = run(name, "--url", gateway(ear))
    assert done.exit_code == 0
    assert done.stdout.startswith(name)


def test_track_in_the_language_spoken_is_heard_and_the_others_are_named(
    gateway: Gateway, ear: Ear, two: Path
) -> None:
    done = run(two, "--from", "en", "--url", gateway(ear))
    assert (
        "  sound track 2 (en, opus, default); there are also 1 (es, opus); --track takes another"
        in done.stdout
    )


def test_track_asked_for_is_heard(gateway: Gateway, ear: Ear, two: Path) -> None:
    told = json.loads(run(two, "--track", 1, "--url", gateway(ear), "--json").stdout)
    assert told["track"] == 1
    assert told["tracks"] == [
        {"track": 1, "language": "es", "title": ""},
        {"track": 2, "language": "en", "title": ""},
    ]


def test_track_that_is_not_there_names_those_that_are(two: Path) -> None:
    done = run(two, "--track", 3, "--url", "ws://127.0.0.1:1")
    assert done.exit_code == 1
    assert "film.mkv has no sound track 3." in done.stderr
    assert "→ Give --track one of: 1 (es, opus); 2 (en, opus, default)" in done.stderr


def test_odd_files_do_not_keep_a_good_one_from_its_turn(gateway: Gateway, ear: Ear, tmp_path: Path) -> None:
    many = [
        plain_wav(tmp_path / f"{count}.wav", tone(440, 16_000, 0.1).repeat(count).reshape(-1, count))
        for count in (9, 18, 32)
    ]
    done = run(*many, SPEECH, "--url", gateway(ear))
    assert (done.exit_code, done.stderr) == (0, "")
    assert [len(heard) for heard in ear.heard] == [3_200, 3_200, 3_200, SPEECH.stat().st_size - 44]


def test_fault_that_nobody_foresaw_is_told_of_its_file_alone() -> None:
    with pytest.raises(BridgeError) as caught, hearing.no_fault_ends_the_run():
        raise ZeroDivisionError("nobody foresaw this")
    assert caught.value.code == "internal"
    assert "ZeroDivisionError: nobody foresaw this" in caught.value.message
    with pytest.raises(AudioError), hearing.no_fault_ends_the_run():
        raise AudioError("torn")


def test_lost_connection_is_told_and_the_recording_finished(gateway: Gateway, tmp_path: Path) -> None:
    turns = iter([True, False])

    def breaks_once(peer: Any) -> None:
        peer.open()
        peer.hear()
        peer.transcribe(0, "good morning", 100, 600)
        peer.speak(0, 0, "es", "buenos días", 200, 1)
        peer.done(0)
        peer.connection.close(1011) if next(turns) else peer.end()

    done = run(SPEECH, "--url", gateway(breaks_once), "-o", tmp_path, "--json")
    assert done.exit_code == 0
    assert "warning: go_forward.wav: The gateway ended the connection" in done.stderr
    assert re.search(r"1011.*It goes on from 0:00 in a new session\.", done.stderr)
    segments = json.loads(done.stdout)["segments"]
    assert [(segment["seq"], segment["start_ms"]) for segment in segments] == [(0, 100), (1, 700)]
    assert (tmp_path / "go_forward.es.wav").exists()


def test_what_is_finished_is_written_where_the_rest_cannot_be_had(gateway: Gateway, tmp_path: Path) -> None:
    turns = iter([True, False])

    def refuses_later(peer: Any) -> None:
        if not next(turns):
            peer.say("error", code="no_worker", message="Nobody works.", hint="Start one.", fatal=True)
            peer.connection.close(4503)
            return
        peer.open()
        peer.hear()
        peer.transcribe(0, "good morning", 100, 600)
        peer.speak(0, 0, "es", "buenos días", 200, 1)
        peer.done(0)
        peer.connection.close(1011)

    done = run(SPEECH, "--url", gateway(refuses_later), "-o", tmp_path)
    assert done.exit_code == 1
    assert "good morning" in done.stdout
    assert (tmp_path / "go_forward.es.wav").exists()
    assert "error: go_forward.wav: Nobody works.\n→ Start one." in done.stderr


class Drawn:
    """What a progress bar is told, and no terminal."""

    def __init__(self) -> None:
        self.told: list[dict[str, float | None]] = []

    def add_task(self, _: str, total: float | None) -> int:
        self.told.append({"total": total})
        return 0

    def update(self, _: int, **told: float | None) -> None:
        self.told.append(told)


@pytest.mark.parametrize("length", [None, 1_000.0, 9_000.0])
def test_bar_ends_full_whatever_the_header_says(length: float | None) -> None:
    drawn: Any = Drawn()
    heard = hearing.Heard(SPEECH, "en", duration_ms=length)
    bar = hearing.Bar(drawn, heard)
    for ms in (500, 2_000, 5_000):
        bar.reach(ms)
        assert drawn.told[-1]["completed"] == ms
        assert (drawn.told[-1]["total"] is None) == (length is None)
        assert length is None or drawn.told[-1]["total"] == max(length, ms)
    bar.end()
    assert drawn.told[-1]["completed"] == drawn.told[-1]["total"]
