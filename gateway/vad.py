"""Tells how likely 32 ms of audio hold speech: Silero VAD 6.2 on onnxruntime, without torch.

One session serves every stream of the process; what a stream adds is 1 kB of state. See
docs/adr/0002-silero-vad-vendored.md for why the model lies in this package.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from bridge.errors import AudioError, ProviderMissing
from bridge.types import SAMPLE_BYTES

WINDOW = 512
"""Samples of one window: the only size the 16 kHz model was trained on."""

_CONTEXT = 64  # samples of the window before that the model sees again
_MODEL = Path(__file__).parent / "models" / "silero_vad_16k_op15.onnx"


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
        return Stream(self._session)


class Stream:
    """What the model remembers of one speaker: 64 samples of context and its state [2, 1, 128]."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self._input = np.zeros((1, _CONTEXT + WINDOW), np.float32)
        self._feed = {
            "input": self._input,
            "state": np.zeros((2, 1, 128), np.float32),
            "sr": np.array(16_000, np.int64),
        }

    def feed(self, window: bytes) -> float:
        """The probability, 0 to 1, that the next 512 samples (s16le, 16 kHz, mono) hold speech.

        Windows are given in order and without gaps. Raises AudioError for another size.
        """
        if len(window) != WINDOW * SAMPLE_BYTES:
            raise AudioError(
                f"A VAD window of {len(window)} bytes was given.",
                f"Give exactly {WINDOW * SAMPLE_BYTES}: {WINDOW} samples of s16le.",
            )
        row = self._input[0]
        row[:_CONTEXT] = row[-_CONTEXT:]
        np.multiply(np.frombuffer(window, "<i2"), np.float32(1 / 32_768), out=row[_CONTEXT:])
        probability, self._feed["state"] = self._session.run(None, self._feed)
        return float(probability[0, 0])
