"""The copy of a film has all that was in it, and the translation at its place."""

from __future__ import annotations

import errno
import resource
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from bridge.dubbing import Line, Track, dubbed
from bridge.dubbing.film import Dub, add
from bridge.errors import AudioError
from bridge.types import Audio
from tests.bridge.media import sounds

RATE = 24_000


def tone(seconds: float, rate: int = RATE) -> bytes:
    return (
        (12_000 * np.sin(2 * np.pi * 1_000 * np.arange(round(seconds * rate)) / rate)).astype("<i2").tobytes()
    )


def track(*starts_ms: float) -> Track:
    made = dubbed([Line(start, Audio(tone(0.2), RATE)) for start in starts_ms])
    assert made is not None
    return made


def film(
    path: Path, *, languages: tuple[str, ...] = ("eng",), late: float = 0.0, picture: bool = True
) -> Path:
    """Two seconds of picture, and of sound from `late` on, in as many tracks as `languages`."""
    sound = np.frombuffer(tone(2 - late, 48_000), "<i2")
    return sounds.film(path, [(sound, late)] * len(languages), languages=languages, picture=picture)


def with_text(path: Path, copy: Path) -> Path:
    """A film as it is, with a line of subtitles in the format of its container."""
    lines = path.with_suffix(".srt")
    lines.write_text("1\n00:00:00,500 --> 00:00:01,500\nhello\n\n")
    with av.open(str(path)) as source, av.open(str(lines)) as said, av.open(str(copy), "w") as output:
        made: dict[int, Any] = {each.index: output.add_stream_from_template(each) for each in source.streams}
        if copy.suffix == ".mp4":
            text: Any = output.add_stream("mov_text")
            text.codec_context.subtitle_header = b"[Script Info]\n[Events]\nFormat: Layer, Start, End, Text\n"
        else:
            text = output.add_stream_from_template(said.streams[0])
        for packet in (*said.demux(), *source.demux()):
            if packet.dts is not None:
                packet.stream = text if packet.stream.container is said else made[packet.stream.index]
                output.mux(packet)
    return copy


def packets(path: Path) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    with av.open(str(path)) as source:
        for packet in source.demux():
            if packet.size:
                found.setdefault(packet.stream.index, []).append(bytes(packet))
    return found


def onsets(path: Path, number: int) -> list[float]:
    """When tones begin in a sound track, in seconds."""
    with av.open(str(path)) as source:
        stream = source.streams.audio[number]
        frames = list(source.decode(stream))
        begin = frames[0].time or 0.0
        samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
        loud = [begin + int(at) / stream.rate for at in np.flatnonzero(np.abs(samples) > 0.1)]
    return [at for n, at in enumerate(loud) if n == 0 or at - loud[n - 1] > 0.1]


@pytest.mark.parametrize("name", ["film.mkv", "film.mp4", "film.ts", "film.avi"])
def test_the_copy_has_every_packet_of_the_film_and_the_dub_at_its_time(name: str, tmp_path: Path) -> None:
    source, copy = film(tmp_path / name), tmp_path / "film.es.mkv"
    assert add(source, Dub(track(500, 1_200), "spa", "Spanish"), copy) == []
    before, after = packets(source), packets(copy)
    for index, content in before.items():  # AAC of a broadcast loses the header of each packet, as it has to
        assert len(content) == len(after[index])
        assert all(one.endswith(two) for one, two in zip(content, after[index], strict=True))
    assert np.allclose(onsets(copy, 1), [0.5, 1.2], atol=0.03)
    assert np.allclose(onsets(copy, 0), onsets(source, 0), atol=0.03)


def test_languages_titles_and_defaults_are_set(tmp_path: Path) -> None:
    source, copy = film(tmp_path / "film.mp4", languages=("eng", "fra")), tmp_path / "film.es.mkv"
    add(source, Dub(track(0), "spa", "Spanish (translated)", "eng"), copy)
    with av.open(str(copy)) as made:
        heard = made.streams.audio
        assert [sound.metadata.get("language") for sound in heard] == ["eng", "fra", "spa"]
        assert heard[2].metadata["title"] == "Spanish (translated)"
        assert [bool(sound.disposition & sound.disposition.default) for sound in heard] == [
            False,
            False,
            True,
        ]


def test_a_sound_track_without_a_language_gets_the_one_that_was_heard(tmp_path: Path) -> None:
    source, copy = film(tmp_path / "film.mkv", languages=("und",)), tmp_path / "film.es.mkv"
    add(source, Dub(track(0), "spa", "Spanish", "eng"), copy)
    with av.open(str(copy)) as made:
        assert [sound.metadata.get("language") for sound in made.streams.audio] == ["eng", "spa"]


def test_sound_that_begins_after_the_picture_stays_where_it_was(tmp_path: Path) -> None:
    source, copy = film(tmp_path / "film.mkv", late=1.0), tmp_path / "film.es.mkv"
    add(source, Dub(track(1_500), "spa", "Spanish"), copy)
    assert np.allclose(onsets(copy, 0), [1.0], atol=0.03)
    assert np.allclose(onsets(copy, 1), [1.5], atol=0.03)


def test_subtitles_are_copied_or_named_where_matroska_cannot_hold_them(tmp_path: Path) -> None:
    source = with_text(film(tmp_path / "plain.mkv"), tmp_path / "film.mkv")
    assert add(source, Dub(track(0), "spa", "Spanish"), tmp_path / "film.es.mkv") == []
    assert packets(tmp_path / "film.es.mkv")[2] == [b"hello"]
    source = with_text(film(tmp_path / "plain.mp4"), tmp_path / "film.mp4")
    assert add(source, Dub(track(0), "spa", "Spanish"), tmp_path / "film.es.mkv") == [
        "subtitle track 3 (mov_text), which Matroska cannot hold"
    ]


def test_a_recording_without_picture_is_copied_as_well(tmp_path: Path) -> None:
    source, copy = film(tmp_path / "talk.m4a", picture=False), tmp_path / "talk.es.mka"
    add(source, Dub(track(400), "spa", "Spanish"), copy)
    assert len(packets(copy)) == 2


def test_a_film_that_breaks_off_is_copied_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = film(tmp_path / "film.mkv")
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    add(broken, Dub(track(500), "spa", "Spanish"), tmp_path / "broken.es.mkv")
    assert np.allclose(onsets(tmp_path / "broken.es.mkv", 1), [0.5], atol=0.03)


def test_what_is_no_film_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.mkv").write_text("not a film")
    with pytest.raises(AudioError, match=r"notes\.mkv cannot be copied"):
        add(tmp_path / "notes.mkv", Dub(track(0), "spa", "Spanish"), tmp_path / "out.mkv")


def test_a_disk_that_is_full_is_told_as_what_it_is(tmp_path: Path) -> None:
    source = film(tmp_path / "film.mkv")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError) as failed:
            add(source, Dub(track(0), "spa", "Spanish"), tmp_path / "film.es.mkv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert failed.value.errno == errno.EFBIG


def test_a_name_with_a_colon_is_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = film(tmp_path / "film.mkv").rename("rec:part1.mkv")
    add(source, Dub(track(0), "spa", "Spanish"), Path("rec:part1.es.mkv"))
    assert len(packets(tmp_path / "rec:part1.es.mkv")) == 3
