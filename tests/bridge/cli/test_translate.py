"""`speechbridge translate` against a peer that keeps to a script: what is printed, written and returned."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner
from typer.testing import Result as Run

from bridge.cli import app
from bridge.errors import BridgeError

Gateway = Callable[..., str]


def told(peer: Any) -> None:
    peer.open()
    peer.hear()
    peer.two_segments()
    peer.end()


def silent(peer: Any) -> None:
    peer.open()
    peer.hear()
    peer.say("warning", code="no_speech", message="No speech was found in the audio.")
    peer.end()


def run(*arguments: object) -> Run:
    return CliRunner().invoke(app, ["translate", *map(str, arguments)])


def samples(path: Path) -> tuple[int, bytes]:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return file.getframerate(), file.readframes(file.getnframes())


def test_json_has_texts_segments_audio_and_providers(gateway: Gateway, talk: Path, tmp_path: Path) -> None:
    done = run(talk, "--to", "es, ca", "--url", gateway(told), "--json", "-o", tmp_path / "out")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "file": str(talk),
        "text": "good morning come in",
        "translations": {
            "es": {
                "text": "buenos días adelante",
                "audio": str(tmp_path / "out/talk.es.wav"),
                "audio_ms": 2700,
                "greatest_lag_ms": 700,
                "greatest_speed": 1,
            },
            "ca": {
                "text": "bon dia endavant",
                "audio": str(tmp_path / "out/talk.ca.wav"),
                "audio_ms": 1750,
                "greatest_lag_ms": 0,
                "greatest_speed": 1,
            },
        },
        "segments": [
            {
                "seq": 0,
                "start_ms": 200,
                "end_ms": 1000,
                "language": "en",
                "text": "good morning",
                "translations": {
                    "es": {"text": "buenos días", "audio_ms": 2000},
                    "ca": {"text": "bon dia", "audio_ms": 300},
                },
                "timings_ms": {"endpoint": 500.5, "stt": 80, "total": 640},
                "failures": [],
            },
            {
                "seq": 1,
                "start_ms": 1500,
                "end_ms": 2000,
                "language": "en",
                "text": "come in",
                "translations": {
                    "ca": {"text": "endavant", "audio_ms": 250},
                    "es": {"text": "adelante", "audio_ms": 500},
                },
                "timings_ms": {"endpoint": 500.5, "stt": 80, "total": 640},
                "failures": [],
            },
        ],
        "providers": {"stt": "ear", "translation": "brain", "tts": "mouth"},
        "written": [str(tmp_path / "out/talk.es.wav"), str(tmp_path / "out/talk.ca.wav")],
    }


def test_without_a_folder_no_file_is_written(gateway: Gateway, talk: Path, tmp_path: Path) -> None:
    done = run(talk, "--to", "es,ca", "--url", gateway(told), "--json")
    translations = json.loads(done.stdout)["translations"]
    assert translations["es"]["audio"] is None
    assert translations["es"]["audio_ms"] == 2700
    assert list(tmp_path.iterdir()) == [talk]


def test_audio_has_each_segment_at_its_time_or_after_the_one_before(
    gateway: Gateway, talk: Path, tmp_path: Path
) -> None:
    assert run(talk, "--to", "es,ca", "--url", gateway(told), "-o", tmp_path).exit_code == 0
    pause, one, two, three, four = (level.to_bytes(2, "little") for level in range(5))
    assert samples(tmp_path / "talk.es.wav") == (8000, pause * 1600 + one * 16_000 + three * 4000)
    assert samples(tmp_path / "talk.ca.wav") == (
        8000,
        pause * 1600 + two * 2400 + pause * 8000 + four * 2000,
    )


def test_subtitles_are_written_in_every_language(gateway: Gateway, talk: Path, tmp_path: Path) -> None:
    done = run(talk, "--to", "es,ca", "--url", gateway(told), "-o", tmp_path, "--srt")
    assert done.exit_code == 0
    assert (tmp_path / "talk.en.srt").read_text("utf-8") == (
        "1\n00:00:00,200 --> 00:00:01,200\ngood morning\n\n2\n00:00:01,500 --> 00:00:02,500\ncome in\n"
    )
    assert "buenos días" in (tmp_path / "talk.es.srt").read_text("utf-8")
    assert "endavant" in (tmp_path / "talk.ca.srt").read_text("utf-8")
    for name in ("en.srt", "es.srt", "ca.srt", "es.wav", "ca.wav"):
        assert f"wrote {tmp_path / 'talk'}.{name}" in done.stdout


def test_people_read_words_translations_and_latencies(gateway: Gateway, talk: Path) -> None:
    done = run(talk, "--to", "es,ca", "--url", gateway(told))
    assert done.stdout.splitlines() == [
        "talk.wav (ear, brain, mouth)",
        "  0:00.2 to 0:01.0  good morning",
        "      es  buenos días",
        "      ca  bon dia",
        "      ms  endpoint 500, stt 80, total 640",
        "  0:01.5 to 0:02.0  come in",
        "      ca  endavant",
        "      es  adelante",
        "      ms  endpoint 500, stt 80, total 640",
        "  The file was sent faster than speech; --realtime shows the latency of a live speaker.",
    ]


def test_one_bad_file_is_told_and_the_others_go_on(gateway: Gateway, talk: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.wav"
    notes.write_text("not a sound")
    other = talk.rename(tmp_path / "other.wav")
    done = run(notes, tmp_path / "gone.wav", other, "--to", "es,ca", "--url", gateway(told), "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 1
    assert [(Path(line["file"]).name, line.get("error", {}).get("code")) for line in lines] == [
        ("notes.wav", "bad_audio"),
        ("gone.wav", "bad_audio"),
        ("other.wav", None),
    ]
    assert lines[2]["text"] == "good morning come in"
    assert "error: gone.wav: There is no file" in done.stderr
    assert "→ Check the path." in done.stderr


def test_no_speech_is_no_error_and_comes_with_a_remedy(gateway: Gateway, talk: Path, tmp_path: Path) -> None:
    done = run(talk, "--url", gateway(silent), "-o", tmp_path / "out", "--srt")
    assert done.exit_code == 0
    assert "No speech was found." in done.stdout
    assert "VAD_AGGRESSIVENESS=0" in done.stdout
    assert done.stderr == ""
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".speechbridge.jsonl"]


def test_no_speech_has_empty_segments_in_json(gateway: Gateway, talk: Path) -> None:
    done = run(talk, "--url", gateway(silent), "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["segments"], found["text"]) == (0, [], "")
    silence = {"text": "", "audio": None, "audio_ms": 0, "greatest_lag_ms": 0, "greatest_speed": 1}
    assert found["translations"] == {"es": silence}
    assert "warning: talk.wav: No speech was found. Check the recording" in done.stderr


def test_segment_without_words_is_left_out(gateway: Gateway, talk: Path) -> None:
    def cough(peer: Any) -> None:
        peer.open()
        peer.hear()
        peer.transcribe(0, "", 0, 100)
        peer.done(0)
        peer.end()

    assert json.loads(run(talk, "--url", gateway(cough), "--json").stdout)["segments"] == []


def test_failed_segment_is_told_and_the_exit_code_is_1(gateway: Gateway, talk: Path) -> None:
    def half(peer: Any) -> None:
        peer.open()
        peer.hear()
        peer.transcribe(0, "good morning", 200, 1000)
        late = {"stage": "tts", "code": "timed_out", "message": "Too late.", "retryable": True}
        peer.say("segment.failed", segment=0, target="es", **late)
        peer.speak(0, 1, "ca", "bon dia", 300, 2)
        peer.done(0)
        peer.end()

    url = gateway(half)
    done = run(talk, "--to", "es,ca", "--url", url)
    assert done.exit_code == 1
    assert "      es  failed at tts: Too late." in done.stdout
    done = run(talk, "--to", "es,ca", "--url", url, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["segments"][0]["failures"] == [
        {"target": "es", "stage": "tts", "code": "timed_out", "message": "Too late.", "retryable": True}
    ]


def test_warning_of_the_server_is_passed_on(gateway: Gateway, talk: Path) -> None:
    def warn(peer: Any) -> None:
        peer.open()
        peer.say("warning", code="not_available", message="No rooms yet.", hint="Go on.")
        peer.hear()
        peer.end()

    assert "warning: talk.wav: No rooms yet. Go on.\n" in run(talk, "--url", gateway(warn)).stderr


def test_gateway_that_is_not_there_is_an_error_with_a_remedy(talk: Path) -> None:
    done = run(talk, "--url", "ws://127.0.0.1:1")
    assert done.exit_code == 1
    assert "No gateway answers at ws://127.0.0.1:1" in done.stderr
    assert "speechbridge up" in done.stderr


def test_bad_language_is_an_error_that_names_it(gateway: Gateway, talk: Path) -> None:
    done = run(talk, "--to", "es,klingon", "--url", gateway(told))
    assert done.exit_code == 1
    assert '"klingon"' in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["a.wav", "--resume"], "needs files to be written"),
        (["-", "--srt"], "-o DIR"),
        (["-", "--dub", "-o", "out"], "needs a file"),
        (["a.wav", "a.es.wav", "-o", "."], "written over"),
        (["a.wav", "--to", " , "], "names no language"),
        (["a.wav", "b/a.mp3", "-o", "out"], "write over each other"),
        ([], "FILE"),
    ],
)
def test_wrong_command_line_is_refused_before_anything_runs(arguments: list[str], reason: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert reason in " ".join(done.stderr.replace("│", "").split())


def test_folder_that_cannot_be_made_is_told_before_anything_runs(talk: Path) -> None:
    done = run(talk, "-o", talk / "out")
    assert isinstance(done.exception, BridgeError)
    assert done.exception.code == "bad_output"


def test_nothing_is_started_where_no_file_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    assert run(tmp_path / "gone.wav").exit_code == 1
    assert not (tmp_path / "data").exists()


def test_progress_is_drawn_for_a_terminal_and_leaves_stdout_alone(gateway: Gateway, talk: Path) -> None:
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "bridge.cli",
        "translate",
        str(talk),
        "--to",
        "es,ca",
        "--url",
        gateway(told),
    ]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, env=environment, text=True)
    os.close(theirs)
    drawn = os.read(ours, 65_536).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "talk.wav" in drawn
    assert "━" in drawn
    assert "good morning" not in drawn
    assert "\x1b" not in done.stdout
