"""Loads one provider and has it work on a tiny input, in a process of its own, since an engine may hang."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.types import Audio, Phrase, Speech, Stage, Utterance

CLIP = Path(__file__).parent.parent / "data" / "go_forward.wav"
CLIP_LANGUAGE = "en"
SECONDS = 30.0
"""A large model takes most of it to load."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a provider said: its languages, and its answer or else its error with a remedy."""

    languages: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    detects: bool = False
    answer: str = ""
    error: str = ""
    hint: str = ""


def probe(stage: Stage, name: str, *, work: bool = True, preset: str = "") -> Probe:
    """Asks the provider in a process that lives for 30 s at most; `work` off only loads it. With a `preset`
    it has the variables of that one, whichever is in force."""
    command = (sys.executable, "-P", "-m", "bridge.cli.probe", stage, name, *(["work"] if work else []))
    try:
        environment = os.environ | ({"PRESET": preset} if preset else {})
        ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment)
        values = json.loads(ended.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return Probe(error=f"{name} gave no answer within {SECONDS:g} s.")
    except (IndexError, ValueError):
        said = ended.stderr.strip().splitlines()[-1:] or [f"it ended with code {ended.returncode}"]
        return Probe(error=f"{name} crashed: {said[0]}")
    values["pairs"] = tuple((source, target) for source, target in values["pairs"])
    return Probe(**values | {"languages": tuple(values["languages"])})


def ask(stage: Stage, name: str, *, work: bool) -> dict[str, Any]:
    """The fields of a Probe, from the engine itself. Raises BridgeError."""
    from bridge.providers import load

    provider = load(stage, name)
    try:
        pairs = sorted(provider.pairs()) if stage == "translation" else []
        languages = sorted(provider.languages()) if stage != "translation" else []
        answer = _ANSWER[stage](provider, pairs or languages) if work else ""
        detects = stage == "stt" and provider.detects
        return {"pairs": pairs, "languages": languages, "detects": detects, "answer": answer}
    finally:
        provider.close()


def _hear(provider: Any, languages: list[str]) -> str:
    from bridge.errors import ProviderError

    with wave.open(str(CLIP)) as clip:
        audio = Audio(clip.readframes(clip.getnframes()), clip.getframerate())
    knows = CLIP_LANGUAGE in languages
    text: str = provider.transcribe(Speech(audio, CLIP_LANGUAGE if knows else languages[0])).text
    if knows and not text:
        raise ProviderError(f"It heard no word in {CLIP.name}.")
    return repr(text)


def _translate(provider: Any, pairs: list[tuple[str, str]]) -> str:
    from bridge.errors import ProviderError

    if not pairs:
        raise ProviderError("It offers no language pair.", "Install one, such as apertium-eng-spa.")
    source, target = next((pair for pair in pairs if pair[0] == CLIP_LANGUAGE), pairs[0])
    # A word that most languages spell so: the probe asks whether the engine works, not how well.
    text: str = provider.translate(Phrase("radio", source, target)).text
    if not text:
        raise ProviderError(f"It gave no {target} for {source} 'radio'.")
    return f"{source} 'radio' → {target} {text!r}"


def _speak(provider: Any, languages: list[str]) -> str:
    from bridge.errors import ProviderError

    language = CLIP_LANGUAGE if CLIP_LANGUAGE in languages else languages[0]
    ms = sum(audio.ms for audio in provider.synthesize(Utterance("radio", language)))
    if not ms:
        raise ProviderError("It made no sound of 'radio'.")
    return f"{ms:.0f} ms of speech"


_ANSWER: dict[Stage, Callable[..., str]] = {"stt": _hear, "translation": _translate, "tts": _speak}


def main(stage: Stage, name: str, work: bool) -> None:
    """Prints the fields of a Probe as one line of JSON."""
    from bridge.errors import BridgeError

    try:
        fields = ask(stage, name, work=work)
    except BridgeError as error:
        fields = {"pairs": [], "languages": [], "error": error.message, "hint": error.hint}
    sys.stdout.write(json.dumps(fields) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], work=sys.argv[3:] == ["work"])  # type: ignore[arg-type]
