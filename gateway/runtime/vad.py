"""Tells how likely 32 ms of audio hold speech: Silero VAD 6.2 on onnxruntime, without torch.

One thread judges the windows of all sessions, one of each in a run, off the event loop. A few sessions are
judged at once; many wait some milliseconds for each other, since sixteen windows in one run cost a sixth of
sixteen runs. What a stream adds is 1 kB of state. See docs/adr/0002-silero-vad-vendored.md for why the
model lies in this package.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

import numpy as np
import onnxruntime
import structlog

from bridge.errors import AudioError, ProviderMissing
from bridge.types import SAMPLE_BYTES

log = structlog.get_logger(__name__)

WINDOW = 512
"""Samples of one window: the only size the 16 kHz model was trained on."""
WINDOW_BYTES = WINDOW * SAMPLE_BYTES
BATCH = 128
"""Windows of one run at most: 64 take 0.8 ms, one takes 0.1 ms. 256 sessions have 128 in 16 ms."""
FEW = 4
"""Sessions that are judged as soon as a window is there."""
GATHER_SECONDS = 0.0003
"""For each session more, the time from one run to the next, so that windows meet: 16 ms at 57 sessions."""
LONGEST_GATHER_SECONDS = 0.016

_CONTEXT = 64  # samples of the window before that the model sees again
_MODEL = Path(__file__).parent / "models" / "silero_vad_16k.onnx"


class Stream:
    """What the model remembers of one speaker: 64 samples of context and its state [2, 128]."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.context = np.zeros(_CONTEXT, np.float32)
        self.state = np.zeros((2, 128), np.float32)

    def memory(self) -> bytes:
        """What it remembers, 1 280 bytes: with it, another process judges what follows alike."""
        return self.context.tobytes() + self.state.tobytes()

    def recall(self, memory: bytes) -> None:
        """Goes on from what another stream remembered. Raises ValueError where that is none."""
        found = np.frombuffer(memory, np.float32)
        self.context = found[:_CONTEXT].copy()
        self.state = found[_CONTEXT:].reshape(2, 128).copy()

    def feed(self, window: bytes) -> float:
        """The probability, 0 to 1, that the next 512 samples (s16le, 16 kHz, mono) hold speech.

        Windows are given in order and without gaps. Raises AudioError for another size.
        """
        if len(window) != WINDOW_BYTES:
            raise AudioError(
                f"A VAD window of {len(window)} bytes was given.",
                f"Give exactly {WINDOW_BYTES}: {WINDOW} samples of s16le.",
            )
        return self._model.judge([self], [window])[0]


class Model:
    """The network, loaded once (about 20 ms) and shared by all streams and threads."""

    def __init__(self, path: Path = _MODEL) -> None:
        """Loads the network from `path`. Raises ProviderMissing where it is missing or damaged."""
        if not path.is_file():
            raise ProviderMissing(
                f"The VAD model {path} is missing.",
                "It is part of the speechbridge package: install that again.",
            )
        options = onnxruntime.SessionOptions()
        # A window takes 0.1 ms: a thread pool per process would cost more than it saves.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own exceptions share no base but this
            raise ProviderMissing(
                f"The VAD model {path} cannot be loaded: {error}",
                "It is part of the speechbridge package: install that again.",
            ) from error

    def stream(self) -> Stream:
        """A new listener that has heard nothing yet."""
        return Stream(self)

    def judge(self, streams: Sequence[Stream], windows: Sequence[bytes]) -> list[float]:
        """The probability of the next window (512 samples, s16le) of each stream, in one run."""
        given = np.empty((len(streams), _CONTEXT + WINDOW), np.float32)
        samples = np.frombuffer(b"".join(windows), "<i2").reshape(-1, WINDOW)
        np.multiply(samples, np.float32(1 / 32_768), out=given[:, _CONTEXT:])
        state = np.empty((2, len(streams), 128), np.float32)
        for row, stream in enumerate(streams):
            given[row, :_CONTEXT] = stream.context
            state[:, row] = stream.state
        probabilities, state = self._session.run(None, {"input": given, "state": state})
        for row, stream in enumerate(streams):
            stream.context = given[row, -_CONTEXT:]
            stream.state = state[:, row]
        return [float(probability) for probability in probabilities[:, 0]]


@dataclass(slots=True)
class _Request:
    stream: Stream
    pcm: bytes
    done: Callable[[tuple[float, ...]], None]
    found: list[float] = field(default_factory=list)

    def window(self) -> bytes:
        at = len(self.found) * WINDOW_BYTES
        return self.pcm[at : at + WINDOW_BYTES]

    @property
    def ready(self) -> bool:
        return len(self.found) * WINDOW_BYTES >= len(self.pcm)


class Judge:
    """The thread that judges for all sessions of one event loop."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Request | None] = SimpleQueue()
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()
        self._thread = threading.Thread(target=self._serve, name="vad", daemon=True)
        self._thread.start()

    def stream(self) -> Stream:
        """A new listener that has heard nothing yet."""
        stream = self._model.stream()
        self._streams.add(stream)
        return stream

    def submit(self, stream: Stream, pcm: bytes, done: Callable[[tuple[float, ...]], None]) -> None:
        """Judges whole windows of a stream; `done` is called on the loop with a probability for each.

        One request of a stream at a time.
        """
        self._queue.put(_Request(stream, pcm, done))

    def close(self) -> None:
        """Ends the thread."""
        self._queue.put(None)
        self._thread.join(timeout=2)

    def _serve(self) -> None:
        waiting: list[_Request] = []
        ran = 0.0
        while self._take(waiting):
            if len(waiting) < BATCH and (pause := ran + self._gather() - time.monotonic()) > 0:
                time.sleep(pause)
                if not self._take(waiting):
                    return
            ran = time.monotonic()
            batch, rest = waiting[:BATCH], waiting[BATCH:]
            try:
                found = self._model.judge(
                    [request.stream for request in batch], [request.window() for request in batch]
                )
            except Exception:
                # Silence for all of them rather than a thread that is dead for everybody.
                log.exception("speech not judged; it counts as silence")
                found = [0.0] * len(batch)
            for request, probability in zip(batch, found, strict=True):
                request.found.append(probability)
            ready = [request for request in batch if request.ready]
            if ready:
                self._loop.call_soon_threadsafe(_answer, ready)
            # Whoever has many windows goes behind the others after each of them.
            waiting = rest + [request for request in batch if not request.ready]

    def _gather(self) -> float:
        """Seconds from one run to the next."""
        return min(LONGEST_GATHER_SECONDS, max(0, len(self._streams) - FEW) * GATHER_SECONDS)

    def _take(self, waiting: list[_Request]) -> bool:
        """Adds all that was submitted, and waits where nothing was; False at the end."""
        try:
            while True:
                request = self._queue.get(block=not waiting)
                if request is None:
                    return False
                waiting.append(request)
        except Empty:
            return True


def _answer(ready: Sequence[_Request]) -> None:
    for request in ready:
        request.done(tuple(request.found))
