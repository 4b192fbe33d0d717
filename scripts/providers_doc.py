"""Writes docs/providers.md from the table of providers, so that neither can say what the other does not.

Run `python scripts/providers_doc.py` after a change of the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bridge.options import variables
from bridge.prices import CHARACTERS_A_MINUTE, Price, listed
from bridge.providers import TABLE, Row
from bridge.types import STAGES, Stage

PAGE = Path(__file__).parent.parent / "docs" / "providers.md"

TITLES: dict[Stage, str] = {"stt": "Speech to text", "translation": "Translation", "tts": "Text to speech"}
RUNS = {"local": "in the worker", "server": "on a server of yours", "cloud": "at the vendor"}

SMALL = "the engine, with a small model of the tests"
FAKE = "its API, against a fake on loopback"
SEEN = {
    "pocketsphinx": "the engine",
    "apertium": "the engine",
    "espeak": "the engine",
    "simulated": "itself",
    "pyttsx3": "the package, on espeak-ng",
    "faster_whisper": SMALL,
    "nllb": SMALL,
    "nllb-transformers": SMALL,
    "piper": SMALL,
    "kokoro": SMALL,
    "coqui": "its calls, against a stand-in for the package; the package itself, where it is installed",
}
"""What the tests run of each; of all others a fake of their API, which we wrote from its documents."""

INTRODUCTION = """\
# Providers

This page is written by `scripts/providers_doc.py` from the table in `bridge/providers/table/`.

Each stage has its own variable: `STT_PROVIDER`, `TRANSLATION_PROVIDER`, `TTS_PROVIDER`. `speechbridge
providers` says which providers are installed here, `speechbridge presets` which combinations can start,
`speechbridge doctor` whether those in force do their work. The options of each stand in
[configuration.md](configuration.md). To change a provider while people speak, see
[operations.md](operations.md).

## Several for one stage

`STT_PROVIDER=azure,faster_whisper,pocketsphinx` names several. They are asked in this order: the next one
takes a segment when the one before fails, is late, or lacks the language. An engine with another one behind
it has `FALLBACK_MS` for its first result, a text or the first piece of speech, and at most half of the time
that is left for the segment; the deadlines of a vendor (`*_CONNECT_MS`, `*_FIRST_BYTE_MS`, `*_TOTAL_MS`)
hold besides. Speech that breaks off is begun again, with the sentence that was cut off, by the next
provider. A voice that a client asks for is one of the first provider that has the language; the others
speak in their own. Which one did the work stands in `provider` of the final captions, in `speechbridge
trace` and in the metrics; how often one was left, and why, in `bridge_fallbacks_total`. A provider of a
list that cannot be had, since its package or key is missing, is left out with an error in the worker's log;
where all of them are, the worker does not start.

A provider that fails again and again is not asked for a while, by any worker: see
`CIRCUIT_BREAKER_THRESHOLD` and `CIRCUIT_BREAKER_SECONDS`.
"""

PRICES = f"""\
## What vendors charge

About so much for a minute of speech, of text and speech for one language into which it is translated,
where a minute has {CHARACTERS_A_MINUTE} characters: 150 words of six, blanks included. It is reckoned from
the price lists in `bridge/data/prices.toml`, for those who pay as they go: a figure to compare by, no
promise. What is not here costs nothing, or nobody can say what beforehand: `openai` translates by the token.
What workers have reckoned up is `bridge_provider_cost_dollars_total`.

| stage | provider | model | price | a minute | looked up | source |
|---|---|---|---|---|---|---|
"""

NOTES = """
## Voices that want more than a name

- `pyttsx3` is the package itself, in a process of its own, for those who know its speech: on Linux that is
  espeak-ng, a sentence at a time. `espeak` says the same sooner, with pitch and variants.
- `kokoro`: `speechbridge models pull kokoro v1.0` fetches about 350 MB. `kokoro-v1.0.onnx`, or its `fp16`
  or `int8` form, and `voices-v1.0.bin` from the releases of kokoro-onnx do as well: give their folder, or the
  `.onnx`, to `KOKORO_MODEL`. Japanese and Mandarin are not spoken: espeak, which reads the texts, cannot read
  them.
- `coqui` needs a Python of its own, since coqui-tts 0.28.0 does not stream with the transformers that
  `nllb-transformers` takes: `pip install 'speechbridge[coqui]'` there, and start the worker of tts from it.
  Its models are not for commercial use. `models pull coqui xtts_v2` and the worker want `COQUI_TOS_AGREED=1`.
- `cosyvoice` asks the FastAPI server of the CosyVoice repository. `COSYVOICE_MODE` names the voice:
  `cross_lingual` by a recording (`COSYVOICE_PROMPT_WAV`), `zero_shot` by a recording and its words,
  `instruct2` by a recording and an instruction, `sft` by a speaker of the model. It cannot be asked to speak
  faster, as the others are where a listener is behind.

## What is sent to vendors, and when

A provider at a vendor gets what is said: the sound of a segment, its text, or its translation. Keys are
read from the environment or `.env`, are sent to their vendor alone, and stand in no log and no error.
Proxies are those of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`; `SSL_CERT_FILE` names an authority of one's
own. Engines behind HTTP need the extra `cloud`: `pip install 'speechbridge[cloud]'`.

A vendor is asked once for each segment, and once when a worker starts (`WARMUP=false` spares that). For the
words of speech that still goes on none is asked, since each look would be paid: they come from the first
provider of the list that is no vendor's, or not at all.
"""


def render() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for stage in STAGES:
        parts += [f"## {TITLES[stage]}\n", *_table(stage), ""]
    return "\n".join(parts) + "\n" + PRICES + "".join(map(_charge, listed())) + NOTES


def _charge(price: Price) -> str:
    unit = price.unit.replace("_", " ")
    cells = (
        price.stage,
        f"`{price.provider}`",
        f"`{price.model}`" if price.model else "any",
        f"${price.amount:g} for an {unit}" if unit.startswith("audio") else f"${price.amount:g} for a {unit}",
        f"${price.cost(60, CHARACTERS_A_MINUTE):.4f}",
        str(price.read),
        price.source,
    )
    return f"| {' | '.join(cells)} |\n"


def _table(stage: Stage) -> Iterator[str]:
    yield "| provider | what it is | runs | key | extra | licence | options | what the tests run |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in TABLE:
        if row.stage == stage:
            yield "| " + " | ".join(_cells(row)) + " |"


def _cells(row: Row) -> Iterator[str]:
    yield f"`{row.name}`"
    yield row.about
    yield RUNS[row.kind]
    yield f"`{row.key}`" if row.key else "-"
    yield f"`{row.extra}`" if row.extra else "-"
    yield row.licence
    yield str(len(set(variables(row.cls().Options))))
    yield SEEN.get(row.name, FAKE)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
