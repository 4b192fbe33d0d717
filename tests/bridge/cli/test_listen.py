"""`speechbridge listen` in a room whose gateway keeps to a script: what is printed and what is written."""

from __future__ import annotations

import signal
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.tape import Tape
from bridge.errors import BridgeError
from bridge.protocol import server_messages, wire
from tests.stack import clean_environment, wait_until
from tests.terminal import Ended, speechbridge

Gateway = Callable[..., str]
FIRST, SECOND = 1 << 20, 2 << 20


def says(peer: Any, segment: int, name: str, text: str, level: int, ms: int = 500) -> None:
    """A sentence of somebody, translated and spoken."""
    peer.say("speech.started", segment=segment, speaker=segment >> 20, name=name)
    peer.say("translation.final", segment=segment, speaker=segment >> 20, name=name, target="es", text=text)
    peer.say("audio.start", segment=segment, speaker=segment >> 20, target="es", index=0, rate=8000)
    peer.play(segment, 0, 0, ms * 8, level, last=True)
    peer.say("audio.end", segment=segment, target="es", rate=8000, duration_ms=ms)
    peer.done(segment)


def room(peer: Any, starts: list[dict[str, Any]] | None = None) -> None:
    """Two people say three sentences; then the room ends."""
    if starts is not None:
        starts.append(peer.start)
    peer.open()
    says(peer, FIRST, "Ana", "buenos días", 1)
    says(peer, FIRST + 1, "Ana", "adelante", 2)
    says(peer, SECOND, "Ben", "gracias", 3)
    peer.say("session.ended", code="room_ended", message="The room was ended.")


def link(url: str) -> str:
    return url.replace("ws://", "http://") + "/r/k7#hear"


def listen(url: str, *options: object) -> Ended:
    return speechbridge("listen", link(url), "--lang", "es", *map(str, options))


def samples(path: Path) -> tuple[int, bytes]:
    with wave.open(str(path), "rb") as file:
        return file.getframerate(), file.readframes(file.getnframes())


def test_captions_are_printed_with_names_until_the_room_ends(gateway: Gateway) -> None:
    starts: list[dict[str, Any]] = []
    done = listen(gateway(lambda peer: room(peer, starts)))
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["Ana: buenos días", "Ana: adelante", "Ben: gracias"]
    assert done.stderr.splitlines()[-1] == "The room was ended."
    assert starts == [
        {
            "type": "session.start",
            "protocol": 1,
            "targets": [{"language": "es"}],
            "output": {"pacing": "burst"},
            "room": "k7",
            "role": "listener",
            "secret": "hear",
        }
    ]


def test_speech_and_subtitles_of_it_are_written(gateway: Gateway, tmp_path: Path) -> None:
    wav, srt = tmp_path / "out.wav", tmp_path / "out.srt"
    done = listen(gateway(room), "-o", wav, "--srt", srt)
    assert done.returncode == 0
    rate, pcm = samples(wav)
    assert rate == 8000
    spoken = pcm.lstrip(b"\0")
    assert b"\1\0" * 4000 + b"\2\0" * 4000 + b"\3\0" * 4000 in b"\1" + spoken[1:]
    words = srt.read_text()
    assert "Ana: buenos días" in words
    assert "Ben: gracias" in words
    assert "Ana: adelante" not in words, "who goes on is not named again"
    assert done.stderr.splitlines()[-2:] == [f"wrote {wav}", f"wrote {srt}"]


def test_lost_connection_leaves_no_gap_in_what_is_written(gateway: Gateway, tmp_path: Path) -> None:
    connections: list[Any] = []

    def torn(peer: Any) -> None:
        connections.append(peer.start.get("resume"))
        again = len(connections) > 1
        peer.open(resume_token="t", resume_window_s=60, resumed=again, samples=0)
        if not again:
            says(peer, FIRST, "Ana", "buenos días", 1)
            peer.say("audio.start", segment=SECOND, speaker=2, target="es", index=0, rate=8000)
            peer.play(SECOND, 0, 0, 2000, 3)
            peer.vanish()
            return
        peer.seq = peer.start["resume"]["last_seq"]
        peer.play(SECOND, 0, 2000, 2000, 4, last=True)
        peer.done(SECOND)
        peer.say("session.ended", code="room_ended", message="The room was ended.")

    wav = tmp_path / "out.wav"
    done = listen(gateway(torn), "-o", wav)
    assert done.returncode == 0
    assert b"\3\0" * 2000 + b"\4\0" * 2000 in samples(wav)[1]
    assert "Connected again" in done.stderr


@pytest.mark.parametrize(
    ("code", "message", "hint", "close"),
    [
        ("wrong_secret", "The secret is wrong.", "Copy the link whole.", 4403),
        ("unknown_room", "There is no such room.", "Ask for a new link.", 4404),
        ("unsupported_language", "Nobody translates into es.", "On offer: ca, de.", None),
    ],
)
def test_refusal_is_told_in_the_words_of_the_server(
    gateway: Gateway, tmp_path: Path, code: str, message: str, hint: str, close: int | None
) -> None:
    def refuse(peer: Any) -> None:
        told = {"close_code": close, "fatal": True} if close else {}
        peer.say("error", code=code, message=message, hint=hint, **told)

    done = listen(gateway(refuse), "-o", tmp_path / "out.wav")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {message}\n→ {hint}\n"
    assert not (tmp_path / "out.wav").exists(), "a file that was there is left alone"


def test_what_is_no_link_is_told_before_anything_is_asked() -> None:
    done = speechbridge("listen", "http://127.0.0.1:1/k7", "--lang", "es")
    assert done.returncode == 1
    assert "is no link of a room" in done.stderr


def test_file_that_cannot_be_written_is_told(gateway: Gateway, tmp_path: Path) -> None:
    done = listen(gateway(room), "-o", tmp_path / "missing" / "out.wav")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_what_others_say_is_no_command_for_the_terminal(gateway: Gateway) -> None:
    def rude(peer: Any) -> None:
        peer.open()
        says(peer, FIRST, "A\033[31mna", "hola\r\n\x9b2J", 1)
        peer.end()

    done = listen(gateway(rude))
    assert done.stdout == "A [31mna: hola 2J\n"


def test_interruption_leaves_whole_files(gateway: Gateway, tmp_path: Path) -> None:
    def endless(peer: Any) -> None:
        peer.open()
        says(peer, FIRST, "Ana", "buenos días", 1)
        peer.connection.recv()

    wav, srt = tmp_path / "out.wav", tmp_path / "out.srt"
    arguments = ["listen", link(gateway(endless)), "--lang", "es", "-o", str(wav), "--srt", str(srt)]
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge.cli", *arguments],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(lambda: srt.exists() and "buenos" in srt.read_text(), 10, "the first sentence is written")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, stdout) == (0, "Ana: buenos días\n")
    assert stderr.splitlines()[-2:] == [f"wrote {wav}", f"wrote {srt}"]
    assert samples(wav)[1].endswith(b"\1\0" * 4000)


def translated(segment: int, text: str) -> server_messages.TranslationFinal:
    return server_messages.TranslationFinal(segment=segment, target="es", text=text)


def done(segment: int) -> server_messages.SegmentDone:
    return server_messages.SegmentDone(segment=segment, timings_ms=server_messages.Timings())


def test_speech_begins_when_it_arrived_or_when_the_one_before_is_over(tmp_path: Path) -> None:
    with Tape("es", 1000, tmp_path / "out.wav") as tape:
        tape.take(wire.AudioFrame(1, 7, 0, 0, b"\1\0" * 500), 2.0)
        tape.take(wire.AudioFrame(2, 7, 0, 500, b"\1\0" * 500), 2.1)
        tape.take(wire.AudioFrame(3, 9, 0, 0, b"\2\0" * 100), 2.2)
        tape.take(wire.AudioFrame(4, 8, 0, 0, b"\3\0" * 100), 4.0)
    silence = bytes(2)
    assert samples(tmp_path / "out.wav")[1] == (
        silence * 2000 + b"\1\0" * 1000 + b"\2\0" * 100 + silence * 900 + b"\3\0" * 100
    )


def test_words_whose_speech_did_not_come_are_shown_when_they_are_done() -> None:
    tape = Tape("es", 1000)
    tape.take(translated(7, "hola"), 1.0)
    tape.take(done(7), 3.0)
    assert [(said.start_ms, said.end_ms, said.text) for said in tape.said()] == [(3000, 5000, "hola")]


def test_file_that_holds_all_it_can_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.cli.tape.LONGEST", 2**18)
    with Tape("es", 1000, tmp_path / "out.wav") as tape, pytest.raises(BridgeError, match="full"):
        tape.take(wire.AudioFrame(1, 7, 0, 0, bytes(2)), 3600.0)
