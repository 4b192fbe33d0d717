"""Writes a Kokoro of a few kB, so that tests run the real package; nothing is trained.

Its network has the inputs and outputs of kokoro-v1.0.onnx and hums: each phoneme is a tenth of a second at a
pitch of its own, and a voice is as loud as the first number of its style.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RATE = 24_000
PHONEME_SAMPLES = RATE // 10

VOICES = {
    "af_heart": 0.5,
    "am_michael": 0.25,
    "bf_emma": 0.5,
    "ef_dora": 0.5,
    "em_alex": 0.25,
    "ff_siwis": 0.5,
    "jf_alpha": 0.5,
    "zf_xiaobei": 0.5,
}
"""Names as the published voices have them, and how loud each one hums."""

STYLES = (510, 1, 256)
"""One for each number of phonemes."""


def network() -> onnx.ModelProto:
    node = helper.make_node
    constants: dict[str, Any] = {
        "samples": np.array(PHONEME_SAMPLES, np.float32),
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "column": np.array([-1, 1], np.int64),
        "row": np.array([1, -1], np.int64),
        "flat": np.array([-1], np.int64),
        "radians": np.array(2 * np.pi / RATE, np.float32),
        "lowest": np.array(200, np.float32),
        "first": np.array(0, np.int64),
        "begin": np.array([1], np.int64),
        "end": np.array([-1], np.int64),
    }
    nodes = [
        node("Reshape", ["tokens", "flat"], ["padded"]),
        node("Slice", ["padded", "begin", "end"], ["ids"]),
        node("Cast", ["ids"], ["numbers"], to=TensorProto.FLOAT),
        node("Add", ["numbers", "lowest"], ["hertz"]),
        node("Reshape", ["hertz", "column"], ["pitches"]),
        node("Div", ["samples", "speed"], ["lengths"]),
        node("Squeeze", ["lengths"], ["length"]),
        node("Range", ["zero", "length", "one"], ["steps"]),
        node("Mul", ["steps", "radians"], ["turns"]),
        node("Reshape", ["turns", "row"], ["times"]),
        node("Mul", ["pitches", "times"], ["phases"]),
        node("Sin", ["phases"], ["hums"]),
        node("Reshape", ["hums", "flat"], ["hum"]),
        node("Reshape", ["style", "flat"], ["features"]),
        node("Gather", ["features", "first"], ["loud"]),
        node("Mul", ["hum", "loud"], ["audio"]),
    ]
    inputs = [
        helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "phonemes"]),
        helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
        helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
    ]
    output = helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["samples"])
    stored = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "hum", inputs, [output], stored)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def make(folder: Path, voices: dict[str, float] = VOICES, name: str = "kokoro-v1.0") -> Path:
    """Writes the network and its voices, under the names of the published files."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(network(), folder / f"{name}.onnx")
    styles = {voice: np.full(STYLES, loudness, np.float32) for voice, loudness in voices.items()}
    with (folder / "voices-v1.0.bin").open("wb") as file:
        np.savez_compressed(file, **styles)  # type: ignore[arg-type]
    return folder
