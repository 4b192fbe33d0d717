"""Piper's own loading and phonemes with networks that hum: a tone per speaker, 10 ms per phoneme id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

from bridge.types import Audio, Utterance

TWO = "Va de frente. Gira a la derecha."


HISS = 4_000
SQUARE = 512


def network(rate: int, speakers: int, *, rising: float = 0.0, effort: int = 0, random: bool = False) -> bytes:
    """The voice's graph: 200 Hz and 100 more for each speaker, and as loud as the noise scale 4 kHz.

    `rising`: so many Hz more for each phoneme id, so that texts are told apart by ear. `effort`: so many
    products of matrices to be made first, of some milliseconds each. `random`: noise of the noise scale
    instead of the 4 kHz, as Piper has it: no two runs sound alike.
    """

    def number(name: str, value: float, kind: int = TensorProto.FLOAT) -> Any:
        return helper.make_tensor(name, kind, [], [value])

    radians = 2 * np.pi / rate
    base = [helper.make_node("Identity", ["two hundred"], ["pitch"])]
    if speakers > 1:
        base = [
            helper.make_node("Cast", ["sid"], ["speaker"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["speaker", "hundred"], ["above"]),
            helper.make_node("Add", ["above", "two hundred"], ["pitch"]),
        ]
    noise = [
        helper.make_node("Mul", ["turns", "hiss"], ["fast"]),
        helper.make_node("Cos", ["fast"], ["high"]),
    ]
    if random:
        noise = [helper.make_node("RandomNormalLike", ["hum"], ["high"])]
    products = [
        helper.make_node("MatMul", [f"product {number}", f"product {number}"], [f"product {number + 1}"])
        for number in range(effort)
    ]
    nodes = [
        *base,
        helper.make_node("Split", ["scales", "ones"], ["noise", "length", "width"], axis=0),
        helper.make_node("Cast", ["input_lengths"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["ids", "length"], ["stretched"]),
        helper.make_node("Mul", ["stretched", "id samples"], ["samples"]),
        helper.make_node("Squeeze", ["samples"], ["end"]),
        helper.make_node("Range", ["zero", "end", "one"], ["time"]),
        helper.make_node("Mul", ["time", "radians"], ["turns"]),
        helper.make_node("Expand", ["ids", "square"], ["all ids"]),
        helper.make_node("Mul", ["all ids", "zero"], ["product 0"]),
        *products,
        helper.make_node("ReduceMax", [f"product {effort}"], ["nothing"], keepdims=0),
        helper.make_node("Mul", ["ids", "rising"], ["more"]),
        helper.make_node("Squeeze", ["more"], ["rise"]),
        helper.make_node("Add", ["pitch", "rise"], ["risen"]),
        helper.make_node("Add", ["risen", "nothing"], ["hertz"]),
        helper.make_node("Mul", ["turns", "hertz"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["hum"]),
        *noise,
        helper.make_node("Mul", ["high", "noise"], ["loud"]),
        helper.make_node("Add", ["hum", "loud"], ["sound"]),
        helper.make_node("Reshape", ["sound", "shape"], ["output"]),
    ]
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, ["batch", "phonemes"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, ["batch"]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    if speakers > 1:
        inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, ["batch"]))
    constants = [
        number("zero", 0.0),
        number("one", 1.0),
        number("two hundred", 200.0),
        number("hundred", 100.0),
        number("hiss", HISS),
        number("rising", rising),
        helper.make_tensor("square", TensorProto.INT64, [2], [SQUARE, SQUARE]),
        number("radians", radians),
        number("id samples", rate // 100),
        helper.make_tensor("ones", TensorProto.INT64, [3], [1, 1, 1]),
        helper.make_tensor("shape", TensorProto.INT64, [3], [1, 1, -1]),
    ]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 1, "time"])
    graph = helper.make_graph(nodes, "hum", inputs, [output], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    serialized: bytes = made.SerializeToString()
    return serialized


def make(
    path: Path,
    *,
    rate: int = 16_000,
    speakers: int = 1,
    graph: Mapping[str, Any] | None = None,
    **description: Any,
) -> Path:
    """Writes a voice and its description, whose language is that of the file's name. `graph` is for
    `network`."""
    code = path.stem.partition("-")[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(network(rate, speakers, **(graph or {})))
    config = {
        "audio": {"sample_rate": rate},
        "espeak": {"voice": code.partition("_")[0]},
        "language": {"code": code},
        "inference": {"noise_scale": 0.0, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": 256,
        "num_speakers": speakers,
        "speaker_id_map": {name: n for n, name in enumerate(("ana", "eva", "leo")[:speakers])},
    }
    Path(f"{path}.json").write_text(json.dumps(config | description))
    return path


class Recorded(onnxruntime.InferenceSession):  # type: ignore[misc]
    """The real session, which notes how it was made and run."""

    made: list[dict[str, Any]]
    ran: list[dict[str, Any]]

    def __init__(self, path: str, **arguments: Any) -> None:
        type(self).made.append({"path": path, **arguments})
        super().__init__(path, **arguments)

    def run(self, outputs: Any, inputs: dict[str, Any], *other: Any) -> Any:
        type(self).ran.append(inputs)
        return super().run(outputs, inputs, *other)


def say(piper: Any, text: str = TWO, language: str = "es", voice: str | None = None) -> list[Audio]:
    return list(piper.synthesize(Utterance(text, language, voice)))


def loudness(pieces: list[Audio], hertz: float) -> float:
    """Of one frequency, against the loudest."""
    samples = np.frombuffer(pieces[0].pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    at = round(hertz * samples.size / pieces[0].rate)
    return float(spectrum[at - 2 : at + 3].max() / spectrum.max())


def pitch(pieces: list[Audio]) -> int:
    return next(hertz for hertz in (200, 300, 400) if loudness(pieces, hertz) > 0.9)
