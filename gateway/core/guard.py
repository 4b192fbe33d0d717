"""The echo guard: how much of what a microphone hears is explained by what is played beside it.

For each window that holds voice the last second is compared with what was sent to be played in that second
and up to 1.6 s earlier. Where the phases of both agree at one delay, and at no other, the way from the
loudspeaker to the microphone is estimated as one filter, and what it leaves over has another source.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import inf
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridge.types import SAMPLE_BYTES, SPEECH_RATE
from gateway.core.heard import Heard
from gateway.core.playout import RATE, Playout, Samples
from gateway.core.streams import Resample

HOP = 256
"""Samples of a window at 8 kHz."""
BLOCK = 32
"""Windows that are looked at, 1 s: of less, delays are found that are none."""
FRAME = 4 * HOP
"""128 ms, longer than most of what a room adds."""
LATEST, EARLIEST = round(1.6 * RATE), round(0.1 * RATE)
"""Samples by which an echo may come late; and early, since clocks are read when messages come."""
LOCK, HOLD = 10.0, 6.0
"""Times the mean by which the right delay stands out: 25 for an echo, 4 to 7 for anything else. Where it was
found before, less will do."""
NEAR = 160
"""Samples, 20 ms, by which a delay may move and be the same."""
VOICED = 0.3
"""Probability of speech from which a window is looked at."""
LEAST = 8
"""Windows with voice, 0.25 s, before which a new delay is not believed: anything fits a syllable."""
TELLING = 12
"""Windows with voice, 0.4 s, in which an echo is found for certain."""
LOOK = 22
"""Windows, 0.7 s, from one look at the last second to the next."""
SELDOM = 4 * LOOK
"""The same where the microphone is known not to hear what is played."""
ALONE = 4
"""Looks in a row at somebody's own voice that found nothing of what was played beside it, after which that is
known: who wears headphones and speaks all the time leaves no silence to tell it by."""
FELL = 2
"""Windows without voice after which it has fallen silent: before a draft is begun."""

Spectra = NDArray[Any]
Sent = tuple[str, bytes, int, float]
Command = Literal["paused", "resumed", "stopped"]

_SIZE = 24_576  # of the fastest transforms that hold what is compared
_TAPS = (np.hamming(23) * np.sinc((np.arange(23) - 11) / 2) / 2).astype(np.float32)
_WINDOW = np.hanning(FRAME).astype(np.float32)
_EMPHASIS = 0.9
_WHITENED = 0.8
_KEPT = 2 * BLOCK * HOP + len(_TAPS) - 2  # samples at 16 kHz, of which BLOCK * HOP remain at 8
_WAITING = 512  # pieces, 100 s, for a microphone that sends nothing
_SOUNDING = 0.3  # share of a second with sound: who speaks pauses too
_SLACK_SECONDS = 0.5  # by which the client's clock may be behind before it counts as a gap in its audio


class Guard:
    """Of one session that speaks and listens. `played` and `obey` may be called while `look` runs."""

    def __init__(self, resample: Resample) -> None:
        self._resample = resample
        self._lanes: dict[str, Playout] = {}
        self._given: deque[Sent | tuple[Command, float]] = deque(maxlen=_WAITING)
        self._until = -inf
        self._left: float | None = None
        self._mic = bytearray(_KEPT * SAMPLE_BYTES)
        self._at = -inf
        self._voiced: deque[bool] = deque(maxlen=BLOCK)
        self._lags: dict[str, int] = {}
        self._clear = self._talking = self._own = False
        self._silent = self._since = self._alone = 0

    def played(self, pcm: bytes, rate: int, now: float, lane: str = "") -> None:
        """PCM s16le at `rate` Hz leaves for the client at `now`, in seconds. What is of one `lane` is heard
        one after the other."""
        self._given.append((lane, pcm, rate, now))
        self._until = max(self._until, now) + len(pcm) / SAMPLE_BYTES / rate

    def obey(self, kind: Command, now: float) -> None:
        """The client pauses, goes on, or drops what it has."""
        self._given.append((kind, now))
        if kind == "paused" and self._left is None:
            self._left = max(0.0, self._until - now)
        elif kind == "resumed" and self._left is not None:
            self._until, self._left = max(self._until, now + self._left), None
        elif kind == "stopped":
            self._until, self._left = min(self._until, now), None if self._left is None else 0.0

    def active(self, now: float) -> bool:
        """Whether something that was played may be heard at `now`."""
        return now < self._until + (LATEST + BLOCK * HOP) / RATE

    def note(self, pcm: bytes, probabilities: Sequence[float], now: float) -> None:
        """Takes the next windows, s16le 16 kHz, and how likely each holds speech."""
        self._mic += pcm
        del self._mic[: -_KEPT * SAMPLE_BYTES]
        self._at += len(pcm) / SAMPLE_BYTES / SPEECH_RATE
        if not now - _SLACK_SECONDS < self._at <= now:
            self._at = now
        for probability in probabilities:
            voiced = probability >= VOICED
            self._silent = 0 if voiced else self._silent + 1
            if voiced and not self._talking:
                self._since, self._talking, self._own = -1, True, False
            self._since += 1
            self._voiced.append(voiced)

    def due(self, now: float, *, closely: bool) -> bool:
        """Whether it is time to look: when voice has fallen silent, and now and then before; `closely`, at
        each window with voice."""
        if not self.active(now):
            self._talking = False
            return False
        if closely and self._talking and not self._silent:
            return True
        if not self._talking:
            # Silence only tells that the microphone hears nothing, and sooner it does not tell that.
            return not self._clear and self._since >= LOOK and self._silent >= BLOCK
        # Where no echo is known to come it is enough to see that none does.
        if self._clear:
            return self._since >= (LOOK if self._silent >= FELL else SELDOM)
        if self._own and not self._silent:
            return False  # until it falls silent: an echo that comes later does not make a person's words one
        return self._since >= LOOK or self._silent >= FELL

    def look(self) -> tuple[Heard, ...]:
        """What is known by now of the last windows, the newest last; nothing in silence. Takes 1 to 2 ms."""
        while self._given:
            self._take(self._given.popleft())
        self._since = 0
        if not self._talking:
            self._clear |= any(_sounds(each) for each in self._references().values())
            return ()
        self._talking = self._silent < FELL
        return self._compare()

    def _take(self, given: Sent | tuple[Command, float]) -> None:
        if len(given) == 2:
            for playout in self._lanes.values():
                playout.obey(*given)
            return
        lane, pcm, rate, now = given
        if lane not in self._lanes:
            self._lanes[lane] = Playout(self._resample)
        self._lanes[lane].add(pcm, rate, now)

    def _references(self) -> dict[str, Samples]:
        """What each lane played in the second that is compared, and up to LATEST before."""
        found = {}
        for lane, playout in self._lanes.items():
            end = playout.place(self._at)
            played = playout.between(end - BLOCK * HOP - LATEST, end + EARLIEST)
            if played.any():
                found[lane] = played
        return found

    def _compare(self) -> tuple[Heard, ...]:
        mic = _emphasised(_halved(np.frombuffer(bytes(self._mic), "<i2").astype(np.float32)))
        references = self._references()
        for lane, played in references.items():
            reference = _emphasised(played)
            if (lag := self._delay(lane, mic, reference)) is not None:
                self._clear, self._alone = False, 0
                return _told(*_left(mic, reference[lag : lag + len(mic)]), True)
        self._own = sum(self._voiced) >= TELLING
        self._alone += self._own and any(_sounds(each) for each in references.values())
        self._clear |= self._alone >= ALONE
        energies = _energies(np.fft.rfft(_frames(mic), axis=1))
        return _told(energies, energies, self._clear or self._own or not references)

    def _delay(self, lane: str, mic: Samples, reference: Samples) -> int | None:
        """Where in `reference` the microphone's second lies, None where it is not there."""
        size = _SIZE  # the delays that are looked for do not wrap around
        cross = np.fft.rfft(reference, size) * np.fft.rfft(mic, size).conj()
        weight = np.abs(cross) ** _WHITENED
        cross /= weight + 1e-9 * weight.max() + 1e-20
        found = np.fft.irfft(cross, size)[: len(reference) - len(mic) + 1]
        mean = float(np.sqrt((found**2).mean())) + 1e-20
        lag = int(np.argmax(found))
        known = lane in self._lags and abs(lag - self._lags[lane]) <= NEAR
        if found[lag] < (HOLD if known else LOCK) * mean or (not known and sum(self._voiced) < LEAST):
            return None
        self._lags[lane] = lag
        return lag


def _halved(samples: Samples) -> Samples:
    """At half the rate. Every other tap of the filter is 0, save the one in the middle, and it is the same
    from both ends: a fifth of the time of a convolution."""
    even, middle = np.ascontiguousarray(samples[::2]), len(_TAPS) // 2
    count = len(even) - middle
    found: Samples = _TAPS[middle] * samples[1::2][middle // 2 :][:count]
    for first in range(0, middle, 2):
        early, late = first // 2, middle - first // 2
        found += _TAPS[first] * (even[early : early + count] + even[late : late + count])
    return found


def _sounds(reference: Samples) -> bool:
    """Whether something was played in each second that may be heard now, however late."""
    windows = reference[: len(reference) // HOP * HOP].reshape(-1, HOP)
    loud = (windows**2).mean(axis=1)
    each_second = np.convolve(loud > loud.max() / 100, np.ones(BLOCK), "valid")
    return bool(each_second.min() >= _SOUNDING * BLOCK)


def _emphasised(samples: Samples) -> Samples:
    """With the treble as loud as the bass, so that consonants count."""
    found = samples.copy()
    found[1:] -= _EMPHASIS * samples[:-1]
    return found


def _frames(samples: Samples) -> Samples:
    """Frames of 128 ms, one for each window of 32 ms: [frames, FRAME]."""
    found: Samples = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP] * _WINDOW
    return found


def _energies(spectra: Spectra) -> Spectra:
    found: Spectra = (spectra.real**2 + spectra.imag**2).sum(axis=1)
    return found


def _left(mic: Samples, reference: Samples) -> tuple[Spectra, Spectra]:
    """The energy of each frame, and what the best filter from `reference` to `mic` leaves of it."""
    played, heard = np.fft.rfft(_frames(reference), axis=1), np.fft.rfft(_frames(mic), axis=1)
    power = (np.abs(played) ** 2).sum(axis=0)
    way = (played.conj() * heard).sum(axis=0) / (power + 1e-3 * power.mean() + 1e-9)
    return _energies(heard), _energies(heard - way * played)


def _told(energies: Spectra, own: Spectra, sure: bool) -> tuple[Heard, ...]:
    """Of each window but the first two, by the frame around it; the last one has that of the one before."""
    told = [Heard(float(energy), float(left), sure) for energy, left in zip(energies, own, strict=True)]
    return (*told, told[-1])
