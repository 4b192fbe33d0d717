"""Exports the NLLB of the tests to ONNX, in the files and names that Hugging Face's optimum gives.

    OMP_NUM_THREADS=1 python -m tests.models.build_nllb_onnx

writes tests/models/nllb-onnx-tiny-test.tar.xz (our own work, Apache-2.0) in some seconds: the three graphs
alone. Their weights stay where they are, in `hf/model.safetensors` of nllb-tiny-test, to which the graphs
refer as external data; so a model that is trained again is to be exported again.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor
from transformers import M2M100ForConditionalGeneration
from transformers.cache_utils import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from tests.models.archive import pack, unpack

NAME = "nllb-onnx-tiny-test"

WEIGHTS = "model.safetensors"

SMALL = 1_024
"""Bytes up to which a constant stays in the graph."""

LAYERS = range(2)

PARTS = ("decoder.key", "decoder.value", "encoder.key", "encoder.value")


class Encoder(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.encoder = model.model.encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states: Tensor = self.encoder(input_ids, attention_mask).last_hidden_state
        return states


class First(torch.nn.Module):
    """The decoder for the first tokens: it also gives what the later steps need to know of them."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, encoder_attention_mask: Tensor, input_ids: Tensor, states: Tensor
    ) -> tuple[Tensor, ...]:
        found = self.model(
            attention_mask=encoder_attention_mask,
            decoder_input_ids=input_ids,
            encoder_outputs=BaseModelOutput(states),
            past_key_values=EncoderDecoderCache(DynamicCache(), DynamicCache()),
        )
        return (found.logits, *_layers(found.past_key_values, own_only=False))


class Later(torch.nn.Module):
    """The decoder for one more token."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, encoder_attention_mask: Tensor, input_ids: Tensor, *past: Tensor) -> tuple[Tensor, ...]:
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        for layer in LAYERS:
            own_key, own_value, key, value = past[4 * layer : 4 * layer + 4]
            cache.self_attention_cache.update(own_key, own_value, layer)
            cache.cross_attention_cache.update(key, value, layer)
            cache.is_updated[layer] = True
        states = torch.zeros(input_ids.shape[0], encoder_attention_mask.shape[1], 64)
        found = self.model(
            attention_mask=encoder_attention_mask,
            decoder_input_ids=input_ids,
            encoder_outputs=BaseModelOutput(states),
            past_key_values=cache,
        )
        return (found.logits, *_layers(found.past_key_values, own_only=True))


def _layers(cache: Any, *, own_only: bool) -> list[Tensor]:
    found = []
    for own, other in zip(cache.self_attention_cache.layers, cache.cross_attention_cache.layers, strict=True):
        found += [own.keys, own.values] if own_only else [own.keys, own.values, other.keys, other.values]
    return found


def export(model: M2M100ForConditionalGeneration, folder: Path) -> None:
    """The three graphs, weights included."""
    mask, tokens, states = (
        torch.ones(2, 7, dtype=torch.long),
        torch.full((2, 2), 5),
        torch.zeros(2, 7, 64),
    )
    with torch.no_grad():
        _, *past = First(model)(mask, tokens, states)
    whole = [f"{layer}.{part}" for layer in LAYERS for part in PARTS]
    own = [name for name in whole if ".decoder." in name]
    decoder = ["encoder_attention_mask", "input_ids"]
    kept = [f"past_key_values.{name}" for name in whole]
    _export(
        Encoder(model),
        (tokens.repeat(1, 4)[:, :7], mask),
        folder / "encoder_model.onnx",
        ["input_ids", "attention_mask"],
        ["last_hidden_state"],
    )
    _export(
        First(model),
        (mask, tokens, states),
        folder / "decoder_model.onnx",
        [*decoder, "encoder_hidden_states"],
        ["logits", *(f"present.{name}" for name in whole)],
    )
    _export(
        Later(model),
        (mask, tokens[:, :1], *past),
        folder / "decoder_with_past_model.onnx",
        [*decoder, *kept],
        ["logits", *(f"present.{name}" for name in own)],
    )


def _export(
    module: torch.nn.Module, given: tuple[Tensor, ...], path: Path, inputs: list[str], outputs: list[str]
) -> None:
    # ONNX Runtime shares buffers between lengths of one name, so each tensor's has its own.
    axes = {
        name: {0: "batch", 2 if name.startswith(("past", "present")) else 1: f"length of {name}"}
        for name in (*inputs, *outputs)
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the old exporter warns of itself and of each shape it follows
        torch.onnx.export(
            module.train(False),
            given,
            str(path),
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
            do_constant_folding=False,  # it would transpose the weights, which are not in the file so
            opset_version=17,
            dynamo=False,
        )


def relocate(path: Path, weights: Path) -> None:
    """Replaces each weight in the graph by its place in `weights`."""
    whole = weights.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    graph = onnx.load(path)
    for constant in graph.graph.initializer:
        if len(constant.raw_data) <= SMALL:
            continue
        place = whole.find(constant.raw_data, start)
        if place < 0:
            print(f"{path.name}: {constant.name} stays in the graph, {len(constant.raw_data)} bytes")
            continue
        length = len(constant.raw_data)
        constant.ClearField("raw_data")
        constant.data_location = onnx.TensorProto.EXTERNAL
        for key, value in {"location": WEIGHTS, "offset": place, "length": length}.items():
            constant.external_data.add(key=key, value=str(value))
    path.write_bytes(graph.SerializeToString())


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        source, made = unpack("nllb-tiny-test", Path(scratch)) / "hf", Path(scratch, "new")
        made.mkdir()
        model = M2M100ForConditionalGeneration.from_pretrained(source, attn_implementation="eager")
        export(model, made)
        for path in made.glob("*.onnx"):
            relocate(path, source / WEIGHTS)
        layers = json.loads((source / "config.json").read_text())["decoder_layers"]
        assert layers == len(LAYERS)
        print(pack(made, NAME))


if __name__ == "__main__":
    main()
