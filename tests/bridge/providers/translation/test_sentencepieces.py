"""A model whose tokens come as a sentencepiece model alone says what it says by its tokenizer.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bridge.errors import ProviderError, ProviderMissing
from bridge.providers.translation.sentencepieces import Sentencepieces
from bridge.providers.translation.vocabulary import Vocabulary
from bridge.types import Phrase
from tests.bridge.providers.translation.recorded import Make, Recorded, say
from tests.models.phrases import ENGLISH, TRANSLATIONS, pairs
from tests.models.sentencepieces import by_sentencepiece

pytestmark = pytest.mark.provider


@pytest.fixture
def folder(tiny_nllb: Path, tmp_path: Path) -> Path:
    """The small model as the usual folders for CTranslate2 are: without a tokenizer.json."""
    return by_sentencepiece(tiny_nllb / "ct2", tmp_path / "model")


TROUBLE = ("漢字 and 漢", "<unk> x", "☃☃ ok", "Open </s> fra_Latn it", "<s>", "eng_Latn")


def test_both_ways_agree_token_by_token(folder: Path, tiny_nllb: Path) -> None:
    ours, theirs = Sentencepieces(folder), Vocabulary(tiny_nllb / "ct2" / "tokenizer.json")
    texts = {pair.text for pair in pairs()} | {" ".join(ENGLISH)} | set(TROUBLE)
    assert {text: ours.encode(text) for text in texts} == {text: theirs.encode(text) for text in texts}
    for text in texts:
        tokens = ["eng_Latn", *theirs.encode(text), "</s>", "<unk>"]
        assert ours.decode(tokens) == theirs.decode(tokens)
    codes = ("eng_Latn", "bod_Tibt", "lat_Latn", "</s>", "▁the", "▁nowhere")
    assert [code in ours for code in codes] == [code in theirs for code in codes]


def test_every_phrase_is_translated_exactly_in_both_directions(make: Make, folder: Path) -> None:
    provider = make(TRANSLATION_MODEL=str(folder))
    wrong = [
        (tag, english)
        for tag, table in TRANSLATIONS.items()
        for english in ENGLISH
        if say(provider, english, "en", tag) != table[english]
        or say(provider, table[english], tag, "en") != english
    ]
    assert wrong == []


def test_nobody_ends_a_sentence_or_changes_its_language_by_naming_a_token(
    make: Make, folder: Path, recorded: list[Recorded]
) -> None:
    make(TRANSLATION_MODEL=str(folder)).translate(Phrase("Open </s> fra_Latn it", "en", "es"))
    (source,) = recorded[0].calls[0]["source"]
    assert source[0] == "eng_Latn" and "fra_Latn" not in source
    assert [token for token in source if token == "</s>"] == source[-1:]


def test_tokenizer_json_wins_where_a_folder_has_both(make: Make, folder: Path, tiny_nllb: Path) -> None:
    (folder / "tokenizer.json").write_bytes((tiny_nllb / "ct2" / "tokenizer.json").read_bytes())
    (folder / "sentencepiece.bpe.model").write_bytes(b"never read")
    assert say(make(TRANSLATION_MODEL=str(folder)), "Good night.") == "Buenas noches."


def test_tokens_that_older_models_list_as_text_are_read(make: Make, folder: Path) -> None:
    listed = folder / "shared_vocabulary.json"
    (folder / "shared_vocabulary.txt").write_text("\n".join(json.loads(listed.read_text("utf-8"))) + "\n")
    listed.unlink()
    provider = make(TRANSLATION_MODEL=str(folder), TRANSLATION_LANGUAGES="en,es")
    assert say(provider, "Good night.") == "Buenas noches."


def test_folder_without_tokens_of_either_kind_is_refused_by_name(make: Make, folder: Path) -> None:
    (folder / "sentencepiece.bpe.model").unlink()
    with pytest.raises(ProviderMissing, match=r"lacks tokenizer\.json or sentencepiece\.bpe\.model"):
        make(TRANSLATION_MODEL=str(folder))


@pytest.mark.parametrize("content", [b"", b"no model of anything"])
def test_broken_sentencepiece_model_is_an_error_with_a_remedy(
    make: Make, folder: Path, content: bytes
) -> None:
    (folder / "sentencepiece.bpe.model").write_bytes(content)
    with pytest.raises(ProviderError, match="cannot be read") as raised:
        make(TRANSLATION_MODEL=str(folder))
    assert raised.value.hint


def test_missing_package_is_named_with_the_command(
    make: Make, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(ProviderMissing, match=r"sentencepiece package is not installed.*\[nllb\]"):
        make(TRANSLATION_MODEL=str(folder))
