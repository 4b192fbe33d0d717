"""Builds Piper voices of 0.1 to 0.3 MB, so that tests run the real engine; nothing is trained.

    python -m tests.models.build_piper

writes tests/models/piper-tiny-test.tar.xz (our own work, Apache-2.0) with five voices: Spanish, French,
Catalan and English at 16 kHz, and a Spanish one of two speakers at 22 050 Hz. A voice says a tenth of a
second of the nearest Spanish syllable per phoneme: no speech, but its length is exact.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import soxr
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from bridge.types import SPEECH_RATE
from tests.models.archive import pack
from tests.models.speech import Voice, say

NAME = "piper-tiny-test"

PHONEME_SECONDS = 0.1

# ruff: noqa: RUF001 - phonemes look like letters
SYLLABLES = {
    "a": "aæɐɑʌ", "e": "eɛəɜɚøœ", "i": "iɪy", "o": "oɔ", "u": "uʊw",
    "ba": "bβv", "cha": "ʃʒʝj", "da": "dð", "fa": "f", "ga": "gɡɣ", "ja": "xhʁ", "ka": "k",
    "la": "lʎ", "ma": "m", "na": "nŋɲ", "pa": "p", "ra": "rɾɹ", "sa": "sz", "ta": "tθ",
    "": " !,-.:;?",
}  # fmt: skip
"""What stands for which phonemes of espeak."""

LENGTHLESS = "_^$ˈˌʲː\u0303"
"""Padding, begin and end, with which Piper surrounds a sentence; stress and other marks."""

IDS = {phoneme: at for at, phoneme in enumerate(LENGTHLESS + "".join(SYLLABLES.values()))}


@dataclass(frozen=True, slots=True)
class Model:
    """A voice: its file's name, the language espeak reads, its rate, espeak's voice of each speaker."""

    name: str
    language: str
    rate: int
    speakers: dict[str, str]


VOICES = (
    Model("es_ES-tiny-low", "es", 16_000, {"one": "es"}),
    Model("fr_FR-tiny-low", "fr", 16_000, {"one": "es"}),
    Model("ca_ES-tiny-low", "ca", 16_000, {"one": "es"}),
    Model("en_US-tiny-low", "en-us", 16_000, {"one": "es"}),
    Model("es_ES-tiny-high", "es", 22_050, {"low": "es+m3", "bright": "es+f2"}),
)


def sounds(voice: str, rate: int) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """The sound of each phoneme, shape (phonemes, samples), and 1 for each phoneme that has a length."""
    length = round(rate * PHONEME_SECONDS)
    table, kept = np.zeros((len(IDS), length), np.int8), np.zeros(len(IDS), np.int64)
    for syllable, phonemes in SYLLABLES.items():
        ids = [IDS[phoneme] for phoneme in phonemes]
        kept[ids] = 1
        if syllable:
            table[ids] = _sound(syllable, voice, rate, length)
    return table, kept


def _sound(syllable: str, voice: str, rate: int, length: int) -> NDArray[np.int8]:
    spoken = say(syllable, Voice(voice, 150))
    onset = int(np.argmax(np.abs(spoken) > 0.02))
    samples = soxr.resample(spoken[onset:], SPEECH_RATE, rate)[:length]
    samples = np.pad(samples, (0, length - len(samples)))
    fade = np.minimum(1, np.arange(length) / (rate * 0.01))
    samples = samples * fade * fade[::-1]
    scaled: NDArray[np.int8] = np.round(samples / np.abs(samples).max() * 127).astype(np.int8)
    return scaled


def graph(tables: list[NDArray[np.int8]], kept: NDArray[np.int64]) -> onnx.ModelProto:
    """A model with Piper's inputs and output; a length scale repeats or cuts each sound, its pitch kept."""
    several = len(tables) > 1
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, ["batch", "phonemes"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, ["batch"]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    if several:
        inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, [1]))
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 1, "samples"])
    constants = [numpy_helper.from_array(array, name) for name, array in _constants(tables, kept).items()]
    made = helper.make_model(
        helper.make_graph(_nodes(several), NAME, inputs, [output], constants),
        opset_imports=[helper.make_opsetid("", 15)],
        ir_version=8,
    )
    onnx.checker.check_model(made)
    return made


def _constants(tables: list[NDArray[np.int8]], kept: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    length = tables[0].shape[1]
    constants: dict[str, NDArray[Any]] = {
        "kept": kept,
        "table": np.concatenate(tables),
        "length": np.array(length, np.int64),
        "length_float": np.array(length, np.float32),
        "loudest": np.array(127, np.float32),
        "zero": np.array(0, np.int64),
        "one": np.array(1, np.int64),
        "flat_shape": np.array([-1], np.int64),
        "sound_shape": np.array([1, 1, -1], np.int64),
    }
    if len(tables) > 1:
        constants["phonemes"] = np.array(len(IDS), np.int64)
    return constants


def _nodes(several: bool) -> list[onnx.NodeProto]:
    """Looks up the sound of each phoneme, of the speaker `sid` where there are several; joins them."""
    node = helper.make_node
    speaker = [
        node("Mul", ["sid", "phonemes"], ["first"]),
        node("Add", ["ids", "first"], ["rows"]),
    ]
    return [
        node("Reshape", ["input", "flat_shape"], ["flat"]),
        node("Gather", ["kept", "flat"], ["kept_each"]),
        node("Equal", ["kept_each", "one"], ["heard"]),
        node("Compress", ["flat", "heard"], ["ids"], axis=0),
        *(speaker if several else [node("Identity", ["ids"], ["rows"])]),
        node("Gather", ["table", "rows"], ["bytes"], axis=0),
        node("Cast", ["bytes"], ["floats"], to=TensorProto.FLOAT),
        node("Div", ["floats", "loudest"], ["sounds"]),
        node("Gather", ["scales", "one"], ["scale"]),
        node("Mul", ["scale", "length_float"], ["wanted_float"]),
        node("Round", ["wanted_float"], ["rounded"]),
        node("Cast", ["rounded"], ["wanted"], to=TensorProto.INT64),
        node("Range", ["zero", "wanted", "one"], ["steps"]),
        node("Mod", ["steps", "length"], ["at"]),
        node("Gather", ["sounds", "at"], ["stretched"], axis=1),
        node("Reshape", ["stretched", "sound_shape"], ["output"]),
    ]


def description(model: Model) -> dict[str, object]:
    """What Piper reads from the .onnx.json beside a voice."""
    return {
        "audio": {"sample_rate": model.rate, "quality": model.name.rpartition("-")[2]},
        "espeak": {"voice": model.language},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": {phoneme: [at] for phoneme, at in IDS.items()},
        "num_symbols": len(IDS),
        "num_speakers": len(model.speakers),
        "speaker_id_map": (
            {name: at for at, name in enumerate(model.speakers)} if len(model.speakers) > 1 else {}
        ),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        made: dict[tuple[int, str], tuple[NDArray[np.int8], NDArray[np.int64]]] = {}
        for model in VOICES:
            for voice in model.speakers.values():
                # Once only: espeak does not repeat itself to the sample, and equal files pack better.
                if (model.rate, voice) not in made:
                    made[model.rate, voice] = sounds(voice, model.rate)
            spoken = [made[model.rate, voice] for voice in model.speakers.values()]
            onnx.save(graph([table for table, _ in spoken], spoken[0][1]), folder / f"{model.name}.onnx")
            about = json.dumps(description(model), ensure_ascii=False)
            (folder / f"{model.name}.onnx.json").write_text(about)
        print(pack(folder, NAME))


if __name__ == "__main__":
    main()
