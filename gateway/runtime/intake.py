"""What a client says that keeps its place in the audio: it waits here, ahead of the segmenter, in a budget.

Audio is judged in slices, several sessions' at once; commit, update and end follow the audio before them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from bridge.settings import Settings
from bridge.types import SAMPLE_BYTES, SPEECH_RATE
from gateway.core import inputs
from gateway.runtime.traffic import TRAFFIC
from gateway.runtime.vad import WINDOW, WINDOW_BYTES, Judge
from gateway.runtime.ward import Ward

SLICE = 16 * WINDOW_BYTES
"""Audio judged at a time: half a second, so that a recording gives way to everybody else."""

ORDERED_BYTES = 320
"""What anything but audio counts for in the budget: as much as 10 ms, so that it has a bound too."""

Ordered = inputs.Commit | inputs.Update | inputs.End


class Intake:
    """Of one session. `give` passes on what is judged, in order; `hungry` says whether more is wanted.

    `judged` is the place in the audio up to which windows were judged.
    """

    def __init__(
        self,
        judge: Judge,
        settings: Settings,
        give: Callable[[inputs.Input], None],
        hungry: Callable[[], bool],
        hold: Callable[[bool], None],
        ward: Ward | None = None,
    ) -> None:
        """`hold` is told when the budget of audio is used up, and when there is room again; `ward` tells what
        may be an echo."""
        self._ward = ward
        self._judge_of_all = judge
        self._stream = judge.stream()
        self._give = give
        self._hungry = hungry
        self._hold = hold
        self._budget = int(settings.session_ahead_seconds * SPEECH_RATE) * SAMPLE_BYTES
        self._ahead: deque[bytes | Ordered] = deque()
        self._bytes = 0
        self._tail = b""
        self.judged = 0
        self._judging = False
        self._pumping = False
        self.holding = False

    def begin(self, at: int, memory: bytes) -> None:
        """The first audio that comes is that of sample `at`; `memory` is the judge's of what was before."""
        self.judged = at
        if memory:
            self._stream.recall(memory)

    def memory(self) -> bytes:
        """What the judge remembers at `judged`."""
        return self._stream.memory()

    @property
    def update(self) -> inputs.Update | None:
        """The newest update that waits."""
        return next((item for item in reversed(self._ahead) if isinstance(item, inputs.Update)), None)

    def add(self, given: bytes | Ordered) -> None:
        """The next audio, PCM s16le mono 16 kHz, whole samples, or what counts from this place on."""
        self._ahead.append(given)
        if isinstance(given, bytes):
            self._bytes += len(given)
            TRAFFIC.heard += len(given)
        else:
            self._bytes += ORDERED_BYTES
        self.pump()

    def clear(self) -> None:
        """Drops what waits."""
        self._ahead.clear()
        self._bytes = 0

    def pump(self) -> None:
        """Judges what waits, as far as more is wanted."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._ahead and not self._judging and self._hungry():
                given = self._ahead[0]
                if isinstance(given, bytes):
                    self._judge(self._slice())
                else:
                    self._ahead.popleft()
                    self._bytes -= ORDERED_BYTES
                    self._in_turn(given)
        finally:
            self._pumping = False
        self._bound()

    def _slice(self) -> bytes:
        """The audio that comes next, up to SLICE bytes in one piece."""
        parts, size = [], 0
        while self._ahead and size < SLICE:
            part = self._ahead[0]
            if not isinstance(part, bytes):
                break
            self._ahead.popleft()
            if size + len(part) > SLICE:
                self._ahead.appendleft(part[SLICE - size :])
                part = part[: SLICE - size]
            parts.append(part)
            size += len(part)
        self._bytes -= size
        return b"".join(parts)

    def _judge(self, pcm: bytes) -> None:
        whole = self._tail + pcm
        size = len(whole) // WINDOW_BYTES * WINDOW_BYTES
        self._tail = whole[size:]
        if not size:
            self._give(inputs.Windows(pcm))
            return
        self._judging = True
        self._judge_of_all.submit(self._stream, whole[:size], lambda found: self._ward_off(pcm, whole, found))

    def _ward_off(self, pcm: bytes, whole: bytes, found: tuple[float, ...]) -> None:
        """Finds out what of the windows at the beginning of `whole` is an echo."""
        if self._ward is None:
            self._judged(inputs.Windows(pcm, found))
            return
        windows = whole[: len(found) * WINDOW_BYTES]
        self._ward.listen(windows, found, lambda heard: self._judged(inputs.Windows(pcm, found, heard)))

    def _judged(self, given: inputs.Windows | inputs.End) -> None:
        self._judging = False
        if isinstance(given, inputs.Windows):
            self.judged += len(given.probabilities) * WINDOW
        self._give(given)

    def _in_turn(self, given: Ordered) -> None:
        if isinstance(given, inputs.End) and self._tail:
            self._judging = True
            padded = self._tail.ljust(WINDOW_BYTES, b"\0")
            self._judge_of_all.submit(self._stream, padded, lambda found: self._judged(inputs.End(found[0])))
        else:
            self._give(given)

    def _bound(self) -> None:
        full = self._bytes > self._budget
        if full != self.holding and (full or self._bytes < self._budget // 2):
            self.holding = full
            self._hold(full)
