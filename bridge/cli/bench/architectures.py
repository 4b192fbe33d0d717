"""Models of the true architectures with random weights: their speed and memory need no download.

    python -m bridge.cli.bench.architectures whisper tiny FOLDER

A process of its own builds each: torch and the weights in it are no memory of the benchmark.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import BridgeError, ProviderMissing, SettingsError
from bridge.extras import install
from bridge.models.catalogue import Kind

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WHISPER: dict[str, tuple[int, int, int]] = {"tiny": (384, 4, 6), "base": (512, 6, 8), "small": (768, 12, 12)}
"""Width, layers of encoder and decoder each, heads: Radford et al., "Robust Speech Recognition via
Large-Scale Weak Supervision", 2022, table 1."""

WHISPER_TOKENS, BYTE_PAIRS, LANGUAGES = 51_865, 50_257, 99
"""Of the multilingual vocabulary: all, those that are text, languages."""

NLLB: dict[str, tuple[int, int, int]] = {"600M": (1024, 12, 16)}
"""Width, layers, heads: NLLB Team, "No Language Left Behind", 2022, the distilled model."""

NLLB_TOKENS = 256_206

PIPER = ("medium",)

NEEDED: dict[Kind, dict[str, str]] = {
    "whisper": {"torch": "nllb-transformers", "transformers": "nllb-transformers", "ctranslate2": "nllb"},
    "nllb": {"torch": "nllb-transformers", "transformers": "nllb-transformers", "ctranslate2": "nllb"},
    "nllb-transformers": {"torch": "nllb-transformers", "transformers": "nllb-transformers"},
    "piper": {"torch": "nllb-transformers", "piper": "piper", "onnx": "dev"},
}
"""The packages that building takes, and the extra that installs each."""


def sizes(kind: Kind) -> tuple[str, ...]:
    """The sizes that can be built."""
    known: dict[Kind, tuple[str, ...]] = {"whisper": tuple(WHISPER), "piper": PIPER}
    return known.get(kind, tuple(NLLB))


def ready(kind: Kind, size: str, cache: Path) -> Path:
    """The folder of a model in `cache`, built there on first use.

    Raises SettingsError for an unknown size, ProviderMissing where a package for building lacks,
    BridgeError where building fails.
    """
    if size not in sizes(kind):
        raise SettingsError(f"{size} is no size of {kind} here.", f"Use one of: {', '.join(sizes(kind))}.")
    place = cache / f"{kind}-{size}"
    if place.is_dir():
        return place
    for package, extra in NEEDED[kind].items():
        if find_spec(package) is None:
            raise ProviderMissing(f"To build {kind} {size}, {package} is not installed.", install(extra))
    if kind == "nllb":
        ready("nllb-transformers", size, cache)
    part = cache / f"{place.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    sys.stderr.write(f"building {kind} {size} with random weights in {place}\n")
    command = [sys.executable, "-m", "bridge.cli.bench.architectures", kind, size, str(part)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise BridgeError(f"{kind} {size} cannot be built: {lines[-1]}.", f"Room in {cache} and in memory?")
    return part.rename(place)


def _whisper(size: str, folder: Path) -> None:
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    width, layers, heads = WHISPER[size]
    torch.manual_seed(7)
    config = WhisperConfig(
        vocab_size=WHISPER_TOKENS,
        d_model=width,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
    )
    tokenizer = _whisper_tokenizer()
    first = BYTE_PAIRS + 2
    generation = {
        "lang_to_id": {tokenizer.id_to_token(at): at for at in range(first, first + LANGUAGES)},
        "is_multilingual": True,
        "no_timestamps_token_id": tokenizer.token_to_id("<|notimestamps|>"),
        "suppress_tokens": [],
        "begin_suppress_tokens": [220, BYTE_PAIRS],
        "alignment_heads": [[1, 0]],
        "decoder_start_token_id": BYTE_PAIRS + 1,
        "eos_token_id": BYTE_PAIRS,
        "bos_token_id": BYTE_PAIRS,
        "pad_token_id": BYTE_PAIRS,
    }
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        source = Path(scratch)
        WhisperForConditionalGeneration(config).save_pretrained(source)
        (source / "generation_config.json").write_text(json.dumps(generation))
        tokenizer.save(str(source / "tokenizer.json"))
        _converted(source, folder)


def _whisper_tokenizer() -> Tokenizer:
    """Every special token at its number; the texts behind the others are made up."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = letters + [f"w{number}" for number in range(BYTE_PAIRS - len(letters))]
    tokenizer = Tokenizer(models.BPE(vocab={word: at for at, word in enumerate(words)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tasks = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
    languages = ["en", *(f"language{number}" for number in range(1, LANGUAGES))]
    names = ["endoftext", "startoftranscript", *languages, *tasks]
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", special=False) for name in names])
    times = WHISPER_TOKENS - BYTE_PAIRS - len(names)
    tokenizer.add_tokens([AddedToken(f"<|{step * 0.02:.2f}|>", special=False) for step in range(times)])
    return tokenizer


def _nllb_transformers(size: str, folder: Path) -> None:
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizer

    width, layers, heads = NLLB[size]
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    languages = len(NllbTokenizer(vocab=vocabulary, merges=[])) - len(vocabulary)
    for number in range(4, NLLB_TOKENS - languages):
        vocabulary[f"w{number}"] = number
    tokenizer = NllbTokenizer(vocab=vocabulary, merges=[], src_lang="eng_Latn", tgt_lang="spa_Latn")
    ends: dict[str, Any] = {
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
        "decoder_start_token_id": 2,
    }
    torch.manual_seed(7)
    config = M2M100Config(
        vocab_size=len(tokenizer),
        d_model=width,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
        max_position_embeddings=1024,
        **ends,
    )
    M2M100ForConditionalGeneration(config).save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps({**ends, "max_length": 200}))
    tokenizer.save_pretrained(folder)


def _nllb(size: str, folder: Path) -> None:
    _converted(folder.parent / f"nllb-transformers-{size}", folder)


def _converted(source: Path, folder: Path) -> None:
    """Puts `source` into `folder` as CTranslate2 runs it, in 8 bits."""
    from ctranslate2.converters import TransformersConverter

    converter = TransformersConverter(str(source), copy_files=["tokenizer.json"])
    converter.convert(str(folder), quantization="int8", force=True)


def _piper(size: str, folder: Path) -> None:
    """Piper's own network with the settings of its medium voices, exported as Piper exports them."""
    import torch
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP
    from piper.train.vits.models import SynthesizerTrn

    torch.manual_seed(7)
    network: Any = SynthesizerTrn(
        n_vocab=256,
        spec_channels=513,
        segment_size=32,
        inter_channels=192,
        hidden_channels=192,
        filter_channels=768,
        n_heads=2,
        n_layers=6,
        kernel_size=3,
        p_dropout=0.1,
        resblock="2",
        resblock_kernel_sizes=(3, 5, 7),
        resblock_dilation_sizes=((1, 2), (2, 6), (3, 12)),
        upsample_rates=(8, 8, 4),
        upsample_initial_channel=256,
        upsample_kernel_sizes=(16, 16, 8),
    )
    network.train(False)
    network.dec.remove_weight_norm()

    def infer(text: Any, lengths: Any, scales: Any) -> Any:
        spoken = network.infer(
            text, lengths, noise_scale=scales[0], length_scale=scales[1], noise_scale_w=scales[2]
        )
        return spoken[0].unsqueeze(1)

    network.forward = infer
    ids, scales = torch.randint(0, 256, (1, 50)), torch.tensor([0.667, 1.0, 0.8])
    path = folder / f"es_ES-random-{size}.onnx"
    with torch.no_grad():
        torch.onnx.export(
            network,
            (ids, torch.tensor([50]), scales),
            str(path),
            dynamo=False,
            opset_version=15,
            input_names=["input", "input_lengths", "scales"],
            output_names=["output"],
            dynamic_axes={
                "input": {0: "batch", 1: "phonemes"},
                "input_lengths": {0: "batch"},
                "output": {0: "batch", 2: "time"},
            },
        )
    path.with_name(f"{path.name}.json").write_text(json.dumps(_voice(DEFAULT_PHONEME_ID_MAP)))


def _voice(ids: Mapping[str, list[int]]) -> dict[str, object]:
    return {
        "audio": {"sample_rate": 22_050, "quality": "medium"},
        "espeak": {"voice": "es"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": dict(ids),
        "num_symbols": 256,
        "num_speakers": 1,
        "speaker_id_map": {},
    }


BUILDERS: dict[str, Callable[[str, Path], None]] = {
    "whisper": _whisper,
    "nllb": _nllb,
    "nllb-transformers": _nllb_transformers,
    "piper": _piper,
}


if __name__ == "__main__":
    BUILDERS[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
