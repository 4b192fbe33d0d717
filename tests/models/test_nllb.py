"""The small NLLB says every phrase of its own exactly, by either engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.models.fixtures import engine
from tests.models.phrases import CODES, Pair, pairs

pytestmark = pytest.mark.provider


@pytest.fixture(scope="module")
def translator(tiny_nllb: Path) -> Any:
    return engine("ctranslate2").Translator(str(tiny_nllb / "ct2"), intra_threads=1)


@pytest.fixture(scope="module")
def pieces(tiny_nllb: Path) -> Any:
    return engine("tokenizers").Tokenizer.from_file(str(tiny_nllb / "ct2" / "tokenizer.json"))


@pytest.mark.parametrize("beam_size", [1, 4])
def test_every_phrase_is_translated_by_ctranslate2(translator: Any, pieces: Any, beam_size: int) -> None:
    known = list(pairs())
    encoded = [pieces.encode(pair.text, add_special_tokens=False).tokens for pair in known]
    results = translator.translate_batch(
        [[pair.source, *tokens, "</s>"] for pair, tokens in zip(known, encoded, strict=True)],
        target_prefix=[[pair.target] for pair in known],
        beam_size=beam_size,
        max_decoding_length=64,
    )
    said = [pieces.decode([pieces.token_to_id(token) for token in one.hypotheses[0][1:]]) for one in results]
    assert said == [pair.translation for pair in known]


def test_every_phrase_is_translated_by_transformers(tiny_nllb: Path) -> None:
    transformers, torch = engine("transformers"), engine("torch")
    torch.set_num_threads(1)
    words = transformers.AutoTokenizer.from_pretrained(tiny_nllb / "hf")
    network = transformers.AutoModelForSeq2SeqLM.from_pretrained(tiny_nllb / "hf")
    for known in _by_direction():
        words.src_lang = known[0].source
        read = words([pair.text for pair in known], return_tensors="pt", padding=True)
        target = words.convert_tokens_to_ids(known[0].target)
        made = network.generate(**read, forced_bos_token_id=target, num_beams=1)
        said = words.batch_decode(made, skip_special_tokens=True)
        assert said == [pair.translation for pair in known]


def _by_direction() -> Iterator[list[Pair]]:
    for source in CODES.values():
        for target in CODES.values():
            if known := [pair for pair in pairs() if (pair.source, pair.target) == (source, target)]:
                yield known
