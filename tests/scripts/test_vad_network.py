"""The network that the gateway runs is the one that the script writes today."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = Path(__file__).parent.parent.parent


def test_vendored_network_is_what_the_script_makes_of_the_published_one() -> None:
    spec = importlib.util.spec_from_file_location("vad_network", ROOT / "scripts" / "vad_network.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made, vendored = script.network(onnx.load(script.SOURCE)).graph, onnx.load(script.TARGET).graph
    assert list(made.node) == list(vendored.node)
    for one, other in zip(made.initializer, vendored.initializer, strict=True):
        assert one.name == other.name
        assert np.array_equal(numpy_helper.to_array(one), numpy_helper.to_array(other))
