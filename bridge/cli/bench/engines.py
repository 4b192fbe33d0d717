"""How fast the neural engines are, and how much memory each takes, without a model to download.

Time and memory follow from the architecture; what a model has learnt decides only how many tokens it
says, and those are set here: random weights do not end by themselves. Each engine runs in a process
of its own, so that its memory is its own, with the 30 MB of the command line in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bridge.cli.bench.architectures import ready
from bridge.errors import BridgeError
from bridge.models.catalogue import Kind
from bridge.settings import Settings
from bridge.types import SPEECH_RATE, Utterance

Samples = dict[str, list[float]]

SPOKEN = ((1, 5), (3, 12), (5, 20), (10, 35))
"""Seconds of speech and the tokens that Whisper writes for them."""

SENTENCES = ((8, 1), (20, 1), (20, 4))
"""Tokens of a sentence, the same of its translation, and beams."""

SIDE_BY_SIDE = 3
"""Sentences of 20 tokens in one text, which a decoder may make side by side."""

LONG = (
    "Nos vemos mañana por la mañana en la estación, porque el tren de la tarde, que era el último, "
    "llegó con una hora de retraso."
)
"""A sentence of 23 words in several clauses."""

TEXT = "Buenos días, me gustaría una taza de café. ¿Dónde está la estación de tren?"


@dataclass(frozen=True, slots=True)
class Job:
    """What one process measures: the model in `folder`, every case so many times."""

    kind: Kind
    size: str
    folder: str
    iterations: int
    threads: int


def measure(sizes: dict[Kind, list[str]], iterations: int, threads: int) -> Samples:
    """Samples of every engine, `nllb` and `nllb-transformers` of one size also as a ratio.

    Raises what `ready` raises, and BridgeError where an engine fails.
    """
    cache = Settings.read().data_dir.absolute() / "bench"
    found = [(kind, size, ready(kind, size, cache)) for kind, each in sizes.items() for size in each]
    samples: Samples = {}
    for kind, size, folder in found:
        samples |= _alone(Job(kind, size, str(folder), iterations, threads))
    return samples | ratios(samples)


def ratios(samples: Samples) -> Samples:
    """How many times longer the full window and transformers take than their faster other."""
    pairs = {name: name.replace("_short_", "_") for name in samples if "_short_" in name}
    pairs |= {name: name.replace("_ct2_", "_transformers_") for name in samples if "_ct2_" in name}
    return {
        f"{fast.rpartition('_')[0]}_ratio": [
            long / short for short, long in zip(samples[fast], samples[slow], strict=True)
        ]
        for fast, slow in pairs.items()
        if slow in samples and fast.endswith(("s_short_ms", "beam1_ms", "beam4_ms"))
    }


def _alone(job: Job) -> Samples:
    """Runs a job in its own process and gives its samples."""
    environment = os.environ | {"OMP_NUM_THREADS": str(job.threads)}
    done = subprocess.run(
        [sys.executable, "-m", "bridge.cli.bench.engines", json.dumps(asdict(job))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise BridgeError(
            f"{job.kind} {job.size} failed: {lines[-1]}.", f"If its files are broken, delete {job.folder}."
        )
    samples: Samples = json.loads(done.stdout.splitlines()[-1])
    return samples


@contextmanager
def _timed(samples: Samples, name: str) -> Iterator[None]:
    since = time.perf_counter()
    yield
    samples.setdefault(name, []).append((time.perf_counter() - since) * 1000)


def _rounds(iterations: int, once: Callable[[Samples], None]) -> Samples:
    """All cases in turn, so that what else the machine does meets each alike; the first round warms up."""
    once({})
    samples: Samples = {}
    for _ in range(iterations):
        once(samples)
    return samples


def _whisper(job: Job) -> Samples:
    from bridge.providers.stt import whisper

    loaded: Samples = {}
    with _timed(loaded, f"stt_{job.size}_load_ms"):
        full = whisper.load(
            Path(job.folder),
            short_window=False,
            device="cpu",
            compute_type="int8",
            cpu_threads=job.threads,
            num_workers=1,
        )
    windows = {"": full, "_short": whisper.Whisper(full.model, short_window=True)}
    noise = np.random.default_rng(7).normal(0, 0.1, 30 * SPEECH_RATE).astype(np.float32)

    def once(samples: Samples) -> None:
        for seconds, tokens in SPOKEN:
            speech = noise[: seconds * SPEECH_RATE]
            for window, model in windows.items():
                name = f"stt_{job.size}_{seconds}s{window}"
                with _timed(samples, f"{name}_ms"):
                    features = model.features(speech)
                    with _timed(samples, f"{name}_encode_ms"):
                        encoded = model.encode([features])
                    with _timed(samples, f"{name}_decode_ms"):
                        # CTranslate2 gives the text half of the length and leaves the rest to a prompt.
                        search = {"beam_size": 1, "max_length": 2 * tokens}
                        (heard,) = model.decode(encoded, ["en"], search)
                _same(heard.tokens - 1, tokens)
                samples.setdefault(f"{name}_rtf", []).append(samples[f"{name}_ms"][-1] / 1000 / seconds)

    return loaded | _rounds(job.iterations, once)


def _translation(job: Job) -> Samples:
    from bridge.providers.translation import nllb_ctranslate2, nllb_options, nllb_transformers
    from bridge.providers.translation.decoding import Decoder, Search

    engine = "ct2" if job.kind == "nllb" else "transformers"
    loaded: Samples = {}
    decoder: Decoder
    with _timed(loaded, f"translation_{job.size}_{engine}_load_ms"):
        if job.kind == "nllb":
            options = nllb_options.NllbOptions(
                translation_device="cpu", translation_precision="int8", translation_threads=job.threads
            )
            decoder = nllb_ctranslate2.CTranslate2(Path(job.folder), options)
        else:
            plain = nllb_transformers.NllbTransformersOptions(
                translation_device="cpu", translation_precision="float32", translation_threads=job.threads
            )
            decoder = nllb_transformers.Transformers(Path(job.folder), plain)

    def once(samples: Samples) -> None:
        for tokens, beams in SENTENCES:
            sentence = _words(tokens)
            search = Search(beams, tokens, 1.0)
            with _timed(samples, f"translation_{job.size}_{engine}_{tokens}tokens_beam{beams}_ms"):
                (answer,) = decoder.decode([sentence], "eng_Latn", "spa_Latn", search)
            _same(answer.scored, tokens - 1)
        text = [_words(20)] * SIDE_BY_SIDE
        with _timed(samples, f"translation_{job.size}_{engine}_{SIDE_BY_SIDE}x20tokens_ms"):
            decoder.decode(text, "eng_Latn", "spa_Latn", Search(1, 20, 1.0))

    return loaded | _rounds(job.iterations, once)


def _words(tokens: int) -> list[str]:
    return [f"w{number}" for number in range(1000, 1000 + tokens)]


def _piper(job: Job) -> Samples:
    from bridge.providers.tts.piper import Piper, PiperOptions

    (voice,) = Path(job.folder).glob("*.onnx")
    loaded: Samples = {}
    with _timed(loaded, f"tts_{job.size}_load_ms"):
        options = PiperOptions(
            tts_model=str(voice), tts_device="cpu", ort_intra_op_threads=job.threads, ort_inter_op_threads=1
        )
        piper = Piper(options)

    def once(samples: Samples) -> None:
        name = f"tts_{job.size}"
        with _timed(samples, f"{name}_ms"):
            pieces = piper.synthesize(Utterance(TEXT, "es"))
            with _timed(samples, f"{name}_first_ms"):
                spoken = next(pieces).ms
            spoken += sum(piece.ms for piece in pieces)
        for soon in ("whole", "soon"):
            with _timed(samples, f"{name}_long_{soon}_ms"):
                pieces = piper.synthesize(Utterance(LONG, "es", soon=soon == "soon"))
                with _timed(samples, f"{name}_long_{soon}_first_ms"):
                    first = next(pieces).ms
                list(pieces)
            samples.setdefault(f"{name}_long_{soon}_first_speech_ms", []).append(first)
        samples.setdefault(f"{name}_speech_ms", []).append(spoken)
        samples.setdefault(f"{name}_rtf", []).append(samples[f"{name}_ms"][-1] / spoken)

    return loaded | _rounds(job.iterations, once)


def _same(made: int, wanted: int) -> None:
    """Less work than was set would be a figure of something else."""
    if made != wanted:
        raise BridgeError(f"the model wrote {made} tokens and not {wanted}")


def _peak_mb() -> float:
    """The most memory this process has held. Not ru_maxrss, in which that of the parent counts as well."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def _run(job: Job) -> Samples:
    engines = {"whisper": _whisper, "piper": _piper}
    samples = engines.get(job.kind, _translation)(job)
    (load,) = (name for name in samples if name.endswith("_load_ms"))
    return samples | {load.replace("_load_ms", "_memory_mb"): [_peak_mb()]}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_run(Job(**json.loads(sys.argv[1])))) + "\n")
