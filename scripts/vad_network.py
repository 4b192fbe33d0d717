"""Writes gateway/runtime/models/silero_vad_16k.onnx: Silero's network and weights in fewer, larger steps.

As published it convolves four frames of each window one window after the other, and asks in branches what is
always so. Here each convolution is one matrix product for all windows of a run, and the LSTM of one step is
one more: a window in a run of twenty takes 15 µs instead of 46.

Run `python scripts/vad_network.py` after tests/data/silero_vad_16k_op15.onnx, as published, was replaced.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "tests" / "data" / "silero_vad_16k_op15.onnx"
TARGET = ROOT / "gateway" / "runtime" / "models" / "silero_vad_16k.onnx"

HOP, FRAME, BINS = 128, 256, 129
FRAMES = 4
"""Frames of the spectrum of a window: 64 samples of context, 512 of its own, 64 mirrored at the end."""
STRIDES = (1, 2, 2, 1)
RUNS = 200

Array = npt.NDArray[Any]


def product(weight: Array, bias: Array, frames: int, stride: int) -> tuple[Array, Array]:
    """A convolution of kernel 3 with a frame of padding as a matrix for all `frames`, and its bias."""
    outputs, inputs, kernel = weight.shape
    positions = (frames + 2 - kernel) // stride + 1
    matrix = np.zeros((frames, inputs, positions, outputs), np.float32)
    for position in range(positions):
        for tap in range(kernel):
            if 0 <= (frame := position * stride + tap - 1) < frames:
                matrix[frame, :, position] = weight[:, :, tap].T
    return matrix.reshape(frames * inputs, positions * outputs), np.tile(bias, positions)


def constants(published: onnx.ModelProto) -> dict[str, Array]:
    """The weights, as the products need them."""
    given = {each.name: numpy_helper.to_array(each) for each in published.graph.initializer}
    found: dict[str, Array] = {"basis": given["model.stft.forward_basis_buffer"][:, 0].T}
    frames = FRAMES
    for layer, stride in enumerate(STRIDES):
        name = f"model.encoder.{layer}.reparam_conv"
        weight, bias = product(given[f"{name}.weight"], given[f"{name}.bias"], frames, stride)
        found |= {f"weight{layer}": weight, f"bias{layer}": bias}
        frames = len(bias) // len(given[f"{name}.bias"])
    rnn = {
        name: given[f"model.decoder.rnn.{name}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }
    found["gates"] = np.concatenate((rnn["weight_ih"], rnn["weight_hh"]), axis=1).T
    found["gates_bias"] = rnn["bias_ih"] + rnn["bias_hh"]
    found["out"] = given["model.decoder.decoder.2.weight"][0]
    found["out_bias"] = given["model.decoder.decoder.2.bias"]
    integers = {
        "mirrored": [0, 0, 0, 64],
        "frame": [-1, FRAME],
        "window": [-1, FRAMES * BINS],
        "zeroth": 0,
        "first": 1,
        "axis0": [0],
        "axis1": [1],
    } | {f"at{at}": [at] for at in range(0, (FRAMES - 1) * HOP + FRAME + 1, HOP)}
    return found | {name: np.array(value, np.int64) for name, value in integers.items()}


def steps() -> list[onnx.NodeProto]:
    """What is computed, in order: spectrum, four convolutions, LSTM, probability."""
    nodes: list[onnx.NodeProto] = []

    def step(kind: str, inputs: str, outputs: str, **attributes: Any) -> None:
        nodes.append(helper.make_node(kind, inputs.split(), outputs.split(), **attributes))

    step("Pad", "input mirrored", "padded", mode="reflect")
    for at in range(FRAMES):
        step("Slice", f"padded at{at * HOP} at{at * HOP + FRAME} axis1", f"frame{at}")
    step("Concat", " ".join(f"frame{at}" for at in range(FRAMES)), "side_by_side", axis=1)
    step("Reshape", "side_by_side frame", "frames")
    step("MatMul", "frames basis", "spectrum")
    step("Mul", "spectrum spectrum", "squares")
    step("Split", "squares", "real imaginary", axis=1)
    step("Add", "real imaginary", "power")
    step("Sqrt", "power", "magnitude")
    step("Reshape", "magnitude window", "layer0")
    for layer in range(len(STRIDES)):
        step("Gemm", f"layer{layer} weight{layer} bias{layer}", f"convolved{layer}")
        step("Relu", f"convolved{layer}", f"layer{layer + 1}")
    step("Gather", "state zeroth", "hidden", axis=0)
    step("Gather", "state first", "cell", axis=0)
    step("Concat", f"layer{len(STRIDES)} hidden", "seen", axis=1)
    step("Gemm", "seen gates gates_bias", "gated")
    step("Split", "gated", "in_ forget_ new_ out_", axis=1)
    for gate in ("in", "forget", "out"):
        step("Sigmoid", f"{gate}_", f"{gate}_gate")
    step("Tanh", "new_", "new")
    step("Mul", "forget_gate cell", "kept")
    step("Mul", "in_gate new", "added")
    step("Add", "kept added", "cell_after")
    step("Tanh", "cell_after", "bounded")
    step("Mul", "out_gate bounded", "hidden_after")
    step("Unsqueeze", "hidden_after axis0", "hidden_row")
    step("Unsqueeze", "cell_after axis0", "cell_row")
    step("Concat", "hidden_row cell_row", "state_after", axis=0)
    step("Relu", "hidden_after", "voiced")
    step("Gemm", "voiced out out_bias", "logit")
    step("Sigmoid", "logit", "probability")
    return nodes


def network(published: onnx.ModelProto) -> onnx.ModelProto:
    """The network that is to be written."""
    shapes: dict[str, tuple[int | str, ...]] = {
        "input": ("windows", 576),
        "state": (2, "windows", 128),
        "probability": ("windows", 1),
        "state_after": (2, "windows", 128),
    }
    rows = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    weights = [numpy_helper.from_array(value.copy("C"), name) for name, value in constants(published).items()]
    graph = helper.make_graph(steps(), "silero_vad", rows[:2], rows[2:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def cost(path: Path, windows: int) -> float:
    """CPU time of a window in a run of so many, in µs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given: dict[str, Array] = {
        "input": np.random.default_rng(0).normal(0, 0.1, (windows, 576)).astype(np.float32),
        "state": np.zeros((2, windows, 128), np.float32),
        "sr": np.array(16_000),
    }
    given = {each.name: given[each.name] for each in session.get_inputs()}
    best = float("inf")
    for _ in range(5):
        since = time.process_time()
        for _ in range(RUNS):
            session.run(None, given)
        best = min(best, time.process_time() - since)
    return best / RUNS / windows * 1e6


def main() -> None:
    """Writes the network and prints what a window costs."""
    onnx.save(network(onnx.load(SOURCE)), TARGET)
    for windows in (1, 20, 64):
        before, after = (cost(path, windows) for path in (SOURCE, TARGET))
        print(f"{windows:2} windows a run: {before:5.1f} µs each as published, {after:5.1f} as written")  # noqa: T201


if __name__ == "__main__":
    main()
