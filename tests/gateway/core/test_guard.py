"""What was played is found again in the microphone, late, faint and from a room; all else is left alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from bridge.audio import Resampler
from bridge.media import decode
from bridge.types import SAMPLE_BYTES, SPEECH_RATE
from gateway.core.echo import Echoes
from gateway.core.guard import Guard
from gateway.core.heard import UNSEEN, Heard
from gateway.core.quiet import WINDOW
from tests.stack import REPOSITORY

SPEECH = REPOSITORY / "tests" / "data" / "speech"
SECOND = SPEECH_RATE
Sound = NDArray[np.float32]


def clip(name: str) -> Sound:
    samples = np.frombuffer(b"".join(decode(SPEECH / f"{name}.wav")), "<i2")
    return np.asarray(samples / 32_768, np.float32)


PLAYED, PERSON = clip("sense_0870"), clip("sense_0930")


def room(sound: Sound, decibels: float, seed: int = 0) -> Sound:
    """As a microphone hears it in a room that rings for 0.3 s."""
    count = round(0.3 * SPEECH_RATE)
    way = np.random.default_rng(seed).standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    way *= 0.6 / np.sqrt((way**2).sum())
    way[0] = 1
    size = 1 << (len(sound) + count).bit_length()
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(way, size), size)[: len(sound)]
    return np.asarray(heard * 10 ** (decibels / 20), np.float32)


def pcm(sound: Sound) -> bytes:
    return (sound * 32_767).astype("<i2").tobytes()


@dataclass
class Scene:
    """A microphone and what is played beside it; windows louder than a breath hold voice."""

    guard: Guard = field(default_factory=lambda: Guard(Resampler))
    echoes: Echoes = field(default_factory=Echoes)
    windows: int = 0
    looks: int = 0
    told: list[Heard] = field(default_factory=list)

    @property
    def now(self) -> float:
        return 100 + self.windows * WINDOW / SPEECH_RATE

    def play(self, sound: Sound, rate: int = 24_000, lane: str = "") -> None:
        """All of it leaves at once, in pieces."""
        sent = pcm(np.asarray(soxr.resample(sound, SPEECH_RATE, rate), np.float32))
        for at in range(0, len(sent), rate // 5 * SAMPLE_BYTES):
            self.guard.played(sent[at : at + rate // 5 * SAMPLE_BYTES], rate, self.now, lane)

    def hear(self, sound: Sound, *, closely: bool = False) -> None:
        for at in range(0, len(sound) - WINDOW + 1, WINDOW):
            window = sound[at : at + WINDOW]
            probability = 0.9 if np.abs(window).max() > 0.0008 else 0.0
            self.windows += 1
            self.guard.note(pcm(window), (probability,), self.now)
            heard: tuple[Heard, ...] = (UNSEEN,) if self.guard.active(self.now) else ()
            if self.guard.due(self.now, closely=closely):
                self.looks += 1
                heard = self.guard.look()
            self.told = list(heard)
            self.echoes.note((probability,), heard, 0.5)

    def explained(self) -> bool:
        return self.echoes.explain(0, self.windows * WINDOW)


def silence(seconds: float) -> Sound:
    return np.zeros(round(seconds * SPEECH_RATE), np.float32)


@pytest.mark.parametrize(
    ("late", "decibels", "rate"),
    [(0.03, -6, 8_000), (0.4, -12, 22_050), (0.9, -20, 24_000), (1.5, -30, 48_000), (0.2, -30, 16_000)],
)
def test_what_was_played_is_explained_however_late_and_faint_it_comes(
    late: float, decibels: float, rate: int
) -> None:
    it = Scene()
    it.play(PLAYED, rate)
    it.hear(np.concatenate([silence(late), room(PLAYED, decibels), silence(0.2)]))

    assert it.explained()


@pytest.mark.parametrize("decibels", [-12, -24, None])
def test_a_person_who_speaks_while_it_is_played_is_not(decibels: float | None) -> None:
    it = Scene()
    it.play(PLAYED)
    mic = silence(0.3 + len(PLAYED) / SPEECH_RATE)
    if decibels is not None:
        mic[round(0.3 * SECOND) :] += room(PLAYED, decibels)
    mic[2 * SECOND : 2 * SECOND + len(PERSON)] += PERSON
    it.hear(mic)

    assert not it.explained()


def test_nothing_is_computed_where_nothing_is_played_or_nobody_hears_it_any_more() -> None:
    it = Scene()
    it.hear(PERSON)
    assert it.looks == 0

    it.play(PLAYED[:SECOND])
    it.hear(silence(4))
    before = it.looks
    it.hear(PERSON)
    assert it.looks == before


def test_a_microphone_that_hears_nothing_of_it_is_looked_at_seldom() -> None:
    it = Scene()
    it.play(PLAYED)
    it.hear(silence(6))
    assert it.guard._clear
    assert 1 <= it.looks <= 4
    before = it.looks
    it.hear(PERSON)
    assert it.looks - before <= 2


def test_an_echo_that_comes_late_in_a_conversation_is_noticed() -> None:
    it = Scene()
    it.play(np.concatenate([PLAYED, PLAYED]))
    it.hear(silence(len(PLAYED) / SPEECH_RATE))
    assert it.guard._clear
    it.hear(np.concatenate([room(PLAYED[: 3 * SECOND], -10), silence(0.2)]))

    assert not it.guard._clear


def test_somebody_with_headphones_who_leaves_no_silence_is_looked_at_seldom_too() -> None:
    it = Scene()
    played = np.concatenate([PLAYED] * 9)
    it.play(played)
    said = np.concatenate([PERSON, silence(0.2)])
    looks = []
    for _ in range(6):
        before = it.looks
        it.hear(said)
        looks.append(it.looks - before)
    assert it.guard._clear
    assert looks[-1] < looks[0]
    assert not it.explained()

    it.hear(np.concatenate([room(played[it.windows * WINDOW :][: 4 * SECOND], -10), silence(0.2)]))
    assert not it.guard._clear


def test_it_looks_when_voice_falls_silent_and_every_window_only_where_that_is_wanted() -> None:
    seldom, closely = Scene(), Scene()
    for it, each in ((seldom, False), (closely, True)):
        it.play(PLAYED)
        it.hear(np.concatenate([np.full(SECOND // 2, 0.1, np.float32), silence(0.1)]), closely=each)

    assert seldom.looks == 1
    assert closely.looks > 15


def test_speech_that_was_paused_is_expected_later() -> None:
    it = Scene()
    it.play(PLAYED)
    it.hear(silence(0.5))
    it.guard.obey("paused", it.now)
    it.hear(silence(9))  # longer than all that was sent
    it.guard.obey("resumed", it.now)
    it.hear(np.concatenate([silence(0.1), room(PLAYED[SECOND // 2 :], -10), silence(0.2)]))

    assert it.explained()


def test_speech_that_was_stopped_is_expected_no_more() -> None:
    it = Scene()
    it.play(PLAYED)
    it.hear(silence(0.5))
    it.guard.obey("stopped", it.now)
    assert not it.guard.active(it.now + 3)
    it.hear(silence(1.5))
    it.hear(room(PLAYED[SECOND // 2 :], -10))

    assert not it.explained()


def test_what_is_known_comes_with_a_doubt_until_enough_was_heard() -> None:
    it = Scene()
    it.play(PLAYED)
    it.hear(PERSON[8_000 : 8_000 + 4 * WINDOW], closely=True)
    assert it.told and not any(each.sure for each in it.told)
    it.hear(PERSON[8_000 + 4 * WINDOW : 8_000 + 40 * WINDOW], closely=True)

    assert it.told and all(each.sure for each in it.told)


def test_who_heard_nothing_of_what_is_played_is_believed_at_once() -> None:
    it = Scene()
    it.play(PLAYED)
    it.hear(silence(3))
    it.hear(PERSON[8_000 : 8_000 + 3 * WINDOW], closely=True)

    assert it.told and all(each.sure and not each.echo for each in it.told[-3:])


def test_the_memory_of_what_is_played_to_a_microphone_that_sends_nothing_is_bounded() -> None:
    it = Scene()
    for _ in range(3_000):
        it.guard.played(bytes(9_600), 24_000, it.now)

    assert len(it.guard._given) < 1_000


def test_of_two_languages_that_are_sent_at_once_the_one_that_is_played_is_known() -> None:
    it = Scene()
    it.play(PERSON, lane="es")
    it.play(PLAYED, lane="ca")
    it.hear(np.concatenate([silence(0.3), room(PLAYED, -10), silence(0.2)]))

    assert it.explained()
