"""The chain of each stage, and how the providers of a list such as `azure,faster_whisper` become one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import Any

import structlog

from bridge.errors import BridgeError, ProviderError, VendorError
from bridge.providers import Advice, advice, hear, share
from bridge.providers.breaker import Breaker
from bridge.providers.call import current
from bridge.providers.chain import Begun, Chain, Member, close
from bridge.providers.table import chosen
from bridge.types import Audio, Hypothesis, Phrase, Speech, Stage, Transcript, Translation, Utterance

log = structlog.get_logger(__name__)


class TranscriberChain(Chain):
    """Speech to text by several engines."""

    @property
    def detects(self) -> bool:
        """Whether any engine does."""
        return any(member.engine.detects for member in self.members)

    def languages(self) -> frozenset[str]:
        """Those of all engines."""
        return frozenset().union(*(member.engine.languages() for member in self.members))

    def transcribe(self, speech: Speech) -> Transcript:
        """The words, by the first engine that has them in time. Raises what the last one raised."""
        made: Transcript = self._made(_hears(speech), lambda engine: engine.transcribe(speech))[1]
        return made

    def hear(self, speech: Speech) -> Hypothesis:
        """The words so far. Raises as the engine does, and ProviderBusy."""
        return self._look(_hears(speech), lambda engine: hear(engine, speech))


class TranslatorChain(Chain):
    """Text to text by several engines."""

    @property
    def advice(self) -> frozenset[Advice]:
        """What any engine makes use of."""
        return frozenset[Advice]().union(*(advice(member.engine) for member in self.members))

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Those of all engines."""
        return frozenset().union(*(member.engine.pairs() for member in self.members))

    def translate(self, phrase: Phrase) -> Translation:
        """The text, by the first engine that has it in time. Raises what the last one raised."""
        current().characters += len(phrase.text)
        made: Translation = self._made(_translates(phrase), lambda engine: engine.translate(phrase))[1]
        return made

    def uncached(self, phrase: Phrase) -> Translation:
        """A translation of words that will change. Raises as the engine does, and ProviderBusy."""

        def ask(engine: Any) -> Translation:
            made: Translation = getattr(engine, "uncached", engine.translate)(phrase)
            return made

        return self._look(_translates(phrase), ask)

    def share(self, lengths: Sequence[int]) -> float:
        """That of the first engine."""
        return share(self.members[0].engine, lengths)


class SynthesizerChain(Chain):
    """Text to speech by several engines."""

    def languages(self) -> frozenset[str]:
        """Those of all engines."""
        return frozenset().union(*(member.engine.languages() for member in self.members))

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        """The pieces of the first engine whose first piece comes in time. A voice that is asked for is one
        of the first that has the language; the others speak in their own.

        Raises what the last one raised where none has any, and VendorError, retryable, where speech breaks
        off that another engine could begin again.
        """
        current().characters += len(utterance.text)

        def able(engine: Any) -> bool:
            return utterance.language in engine.languages()

        named = next((each.engine for each in self.members if able(each.engine)), None)
        member, begun = self._made(able, _begins(utterance, named), _blamed(utterance))
        try:
            if begun.first is not None:
                current().until = inf  # speech that was begun is spoken to its end
                yield begun.first
                yield from begun.rest
        except GeneratorExit:
            self._breaker.spared(member.name)
            raise
        except Exception as error:
            self._failed(current(), member, error, 0.0)
            raise self._again(member, error) from error
        else:
            self._breaker.succeeded(member.name)
        finally:
            close(begun.rest)

    def _again(self, member: Member, error: Exception) -> Exception:
        """As another attempt may go better, since another engine is asked first then."""
        if len(self.members) == 1:
            return error
        code = error.code if isinstance(error, BridgeError) else "unavailable"
        hint = error.hint if isinstance(error, BridgeError) else ""
        return VendorError(f"{member.name} broke off in mid-speech.", hint, code=code, retryable=True)


CHAINS: dict[Stage, type[Chain]] = {
    "stt": TranscriberChain,
    "translation": TranslatorChain,
    "tts": SynthesizerChain,
}


def build(
    stage: Stage,
    names: str,
    breaker: Breaker,
    seconds: float,
    made: Callable[[str], Any],
) -> Any:
    """The engine, or the chain of engines, behind a list of providers; each is `made` from its name.

    A lone engine of this process needs no chain. One of a list that cannot be had is left out, with an error
    in the log. Raises SettingsError for a list that makes no sense, and what the last engine raises where
    none can be had.
    """
    rows = chosen(stage, names)
    if len(rows) == 1 and rows[0].kind == "local":
        return made(rows[0].name)
    members: list[Member] = []
    missing: BridgeError | None = None
    for row in rows:
        try:
            members.append(Member(row.name, made(row.name), row.kind == "cloud"))
        except BridgeError as error:
            missing = error
            if len(rows) > 1:
                log.error("provider left out", provider=row.name, error=error.message, hint=error.hint)
    if not members:
        raise missing or ProviderError(f"No provider of {stage} can be had.")
    return CHAINS[stage](stage, members, breaker, seconds)


def members(provider: Any) -> tuple[Any, ...]:
    """The engines of a chain; the engine itself where it is none."""
    return tuple(member.engine for member in provider.members) if isinstance(provider, Chain) else (provider,)


def _hears(speech: Speech) -> Callable[[Any], bool]:
    def able(engine: Any) -> bool:
        if speech.language is None:
            return bool(engine.detects) and set(speech.among) <= engine.languages()
        return speech.language in engine.languages()

    return able


def _translates(phrase: Phrase) -> Callable[[Any], bool]:
    return lambda engine: (phrase.source, phrase.target) in engine.pairs()


def _blamed(utterance: Utterance) -> Callable[[Exception], bool]:
    """Whether an error is the engine's fault: any client may ask for a voice that a vendor does not have, or
    does not sell to this account."""
    refused = ("provider_failed", "quota")
    return lambda error: not (utterance.voice and isinstance(error, ProviderError) and error.code in refused)


def _begins(utterance: Utterance, named: Any) -> Callable[[Any], Begun]:
    """The voice of the utterance is one of the engine `named`."""
    own = replace(utterance, voice=None)

    def begin(engine: Any) -> Begun:
        sound: Iterator[Audio] = engine.synthesize(utterance if engine is named else own)
        return Begun(next(sound, None), sound)

    return begin
