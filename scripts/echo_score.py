"""How good the echo guard is: how often our own speech is translated again, how often a person is dropped.

    python scripts/echo_score.py [--trials 200] [--seed 0] [--closely]

Synthetic speech is played, at the rates that clients ask for, and comes back into the microphone: 0 to 1.5 s
late, by made-up rooms, 6 to 30 dB fainter. In the first kind of trial nobody speaks, in the second somebody
(the human clips of the tests, as loud as they were recorded) speaks while it is played, by loudspeaker or by
headphones, and in the third the echo is as loud as the person. Silero and the real core judge all of it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from bridge.audio import Resampler
from bridge.media import decode
from bridge.providers.tts.espeak import Espeak, EspeakOptions
from bridge.settings import Settings
from bridge.types import SPEECH_RATE, Target, Utterance
from gateway.core import inputs
from gateway.core.effects import Append
from gateway.core.guard import Guard
from gateway.core.heard import UNSEEN, Heard
from gateway.core.ledger import Ledger
from gateway.core.speaker import Speaker
from gateway.core.terms import Patience, SegmenterConfig, Terms
from gateway.runtime.vad import WINDOW, Model

CLIPS = Path(__file__).parent.parent / "tests" / "data" / "speech"
SENTENCES = (
    ("es", "Buenos días, ¿cómo está usted hoy? Me gustaría saber dónde está la estación."),
    ("es", "El tren sale a las nueve de la mañana y llega a Barcelona tres horas más tarde."),
    ("ca", "La reunió de demà s'ha traslladat a la sala gran del segon pis."),
    ("fr", "Ne vous inquiétez pas, nous pouvons attendre ici jusqu'à ce qu'il pleuve moins."),
    ("de", "Möchten Sie ein Glas Wasser, oder trinken Sie lieber einen Kaffee mit Milch?"),
    ("en", "My sister works at the hospital, and my brother studies at the university."),
)
VOICES = ((50, ""), (30, "m3"), (70, "f4"))
RATES = (8_000, 16_000, 24_000, 48_000)
PIECE_MS = 200
SENT_AT = 0.5
AGAIN_MS = 250
"""Speech of a person in a segment, from which on it may not be dropped."""

Sound = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Trial:
    """`mic` at 16 kHz while `sent` (PCM s16le at `rate`) leaves at SENT_AT; somebody speaks in `spoken`."""

    mic: Sound
    sent: bytes
    rate: int
    spoken: Sequence[tuple[int, int]] = ()


@dataclass(slots=True)
class Score:
    """`dropped` of `segments` were taken for an echo; the guard took `seconds` for `looks`."""

    segments: int = 0
    dropped: int = 0
    looks: int = 0
    seconds: float = 0.0


class Studio:
    """Makes trials of all kinds from one row of random numbers."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._speech = list(_synthetic())
        self._clips = [_read(path) for path in sorted(CLIPS.glob("*.wav"))]

    def trial(self, kind: str) -> Trial:
        """An `echo`, a `person` beside one or under headphones, or `both` equally loud."""
        draw = self._random
        chosen = draw.permutation(len(self._speech))[:2]
        played = np.concatenate([self._speech[number] for number in chosen])
        rate = int(draw.choice(RATES))
        mic = np.zeros(len(played) + 4 * SPEECH_RATE, np.float32)
        headphones = kind == "person" and draw.random() < 0.3
        if not headphones:
            at = round((SENT_AT + draw.uniform(0, 1.5)) * SPEECH_RATE)
            came = self._room(played)
            came *= _loudness(played) / _loudness(came) * 10 ** (-draw.uniform(6, 30) / 20)
            mic[at : at + len(came)] += came[: len(mic) - at]
        spoken: list[tuple[int, int]] = []
        if kind != "echo":
            clip = self._clips[int(draw.integers(len(self._clips)))]
            at = round(draw.uniform(SENT_AT, SENT_AT + max(0.1, len(played) / SPEECH_RATE - 1)) * SPEECH_RATE)
            clip = clip[: len(mic) - at]
            louder = 1.0 if kind == "person" else _loudness(mic) / _loudness(clip)
            mic[at : at + len(clip)] += clip * louder
            loud = np.flatnonzero(np.abs(clip) > np.abs(clip).max() / 10)
            spoken.append((at + int(loud[0]), at + int(loud[-1])))
        mic += draw.standard_normal(len(mic)).astype(np.float32) * 10 ** (-draw.uniform(60, 75) / 20)
        return Trial(mic, _pcm(soxr.resample(played, SPEECH_RATE, rate)), rate, spoken)

    def _room(self, sound: Sound) -> Sound:
        """As it sounds in a room that rings for 0.15 to 0.5 s, at -2 to 8 dB below what comes directly."""
        draw = self._random
        rings = draw.uniform(0.15, 0.5)
        count = round(rings * SPEECH_RATE)
        way = draw.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
        way *= 10 ** (-draw.uniform(-2, 8) / 20) / np.sqrt((way**2).sum())
        way[0] = 1
        size = 1 << (len(sound) + count).bit_length()
        came = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(way, size), size)
        return np.asarray(came[: len(sound) + count], np.float32)


def judge(trial: Trial, model: Model, terms: Terms, score: Score, closely: bool) -> None:
    """Plays a trial through model, guard and core, and adds what came of it."""
    speaker = Speaker("s", "s", terms, Ledger("s"), Patience(30, 10, 60, 3), 1_000)
    guard, stream = Guard(Resampler), model.stream()
    pcm = _pcm(trial.mic)
    sent, cuts, echoes = False, dict[int, tuple[int, int]](), set[int]()
    for at in range(0, len(pcm) - WINDOW * 2 + 1, WINDOW * 2):
        now = 100 + (at / 2 + WINDOW) / SPEECH_RATE
        if not sent and now >= 100 + SENT_AT:
            sent = True
            size = trial.rate * PIECE_MS // 1000 * 2
            for piece in range(0, len(trial.sent), size):
                guard.played(trial.sent[piece : piece + size], trial.rate, now)
        window = pcm[at : at + WINDOW * 2]
        probabilities = (stream.feed(window),)
        guard.note(window, probabilities, now)
        heard: tuple[Heard, ...] = (UNSEEN,) if guard.active(now) else ()
        if guard.due(now, closely=closely):
            since = time.thread_time()
            heard = guard.look()
            score.seconds += time.thread_time() - since
            score.looks += 1
        for effect in speaker.handle(inputs.Windows(window, probabilities, heard), now):
            decision = effect.decision if isinstance(effect, Append) else None
            if decision is not None and decision.kind == "cut":
                cuts[decision.segment] = (decision.start, decision.speech_end)
            elif decision is not None and decision.code == "echo":
                echoes.add(decision.segment)
    for number, (start, end) in cuts.items():
        told = sum(max(0, min(end, last) - max(start, first)) for first, last in trial.spoken)
        if not trial.spoken or told >= AGAIN_MS * SPEECH_RATE // 1000:
            score.segments += 1
            score.dropped += number in echoes


def _synthetic() -> Iterator[Sound]:
    for pitch, variant in VOICES:
        engine = Espeak(EspeakOptions(espeak_pitch=pitch, espeak_variant=variant))
        for language, text in SENTENCES:
            pieces = list(engine.synthesize(Utterance(text, language, None)))
            sound = np.frombuffer(b"".join(piece.pcm for piece in pieces), "<i2").astype(np.float32) / 32_768
            yield soxr.resample(sound, pieces[0].rate, SPEECH_RATE).astype(np.float32)


def _read(path: Path) -> Sound:
    return np.asarray(np.frombuffer(b"".join(decode(path)), "<i2") / 32_768, np.float32)


def _loudness(sound: Sound) -> float:
    """Of what is not silence."""
    loud = sound[np.abs(sound) > np.abs(sound).max() / 20]
    return float(np.sqrt((loud**2).mean())) if len(loud) else 1e-6


def _pcm(sound: Sound) -> bytes:
    return (np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes()


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=200, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--closely", action="store_true", help="look at each window, as for barge-in")
    given = parser.parse_args()
    model, studio = Model(), Studio(given.seed)
    terms = Terms("en", (Target("es"),), 24_000, SegmenterConfig.of(Settings.read()))
    scores = {kind: Score() for kind in ("echo", "person", "both")}
    for kind, score in scores.items():
        for _ in range(given.trials):
            judge(studio.trial(kind), model, terms, score, given.closely)
    sys.stdout.write("\n".join(_lines(*scores.values())) + "\n")


def _lines(echo: Score, person: Score, both: Score) -> Iterator[str]:
    looks = sum(score.looks for score in (echo, person, both))
    seconds = sum(score.seconds for score in (echo, person, both))
    yield f"self-translations: {echo.segments - echo.dropped} of {echo.segments}"
    yield f"false drops: {person.dropped} of {person.segments}, {_percent(person)}"
    yield f"false drops, echo as loud as the person: {both.dropped} of {both.segments}, {_percent(both)}"
    yield f"{seconds * 1000 / max(1, looks):.2f} ms of CPU for each of {looks} looks"


def _percent(score: Score) -> str:
    return f"{100 * score.dropped / max(1, score.segments):.1f} %"


if __name__ == "__main__":
    main()
