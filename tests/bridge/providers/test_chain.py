"""A list of providers as one engine: who is asked, for how long, and who takes over."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf

import pytest
from structlog.testing import capture_logs

from bridge.errors import AudioError, LanguageError, ProviderBusy, ProviderError, SettingsError, VendorError
from bridge.providers import chosen
from bridge.providers.breaker import Verdict
from bridge.providers.call import Call, begun
from bridge.providers.chain import STUCK, Chain, Member
from bridge.providers.chained import SynthesizerChain, TranscriberChain, TranslatorChain, build
from bridge.types import Audio, Hypothesis, Phrase, Speech, Transcript, Translation, Utterance

PHRASE = Phrase("good morning", "en", "es")
SPEECH = Speech(Audio(bytes(320), 16_000), "en")
SAID = Utterance("buenos días", "es")
PIECE = Audio(bytes(320), 16_000)


def down() -> VendorError:
    return VendorError("It is out of order.", "Try again later.", code="unavailable", retryable=True)


@dataclass
class Engine:
    """Does what it is told, in whichever stage; `held` keeps a call until it is set."""

    name: str
    error: Exception | None = None
    tags: frozenset[str] = frozenset({"en", "es"})
    detects: bool = True
    held: threading.Event | None = None
    pieces: int = 3
    breaks_at: int | None = None
    calls: int = 0
    voices: list[str | None] = field(default_factory=list)
    closed: int = 0
    stopped: int = 0

    def languages(self) -> frozenset[str]:
        return self.tags

    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset((a, b) for a in self.tags for b in self.tags if a != b)

    def resident(self) -> tuple[str, ...]:
        return (f"model of {self.name}",)

    def close(self) -> None:
        self.closed += 1

    def transcribe(self, speech: Speech) -> Transcript:
        self._do()
        return Transcript(self.name, speech.language or "en")

    def hear(self, speech: Speech) -> Hypothesis:
        self._do()
        return Hypothesis(self.name, "en")

    def translate(self, phrase: Phrase) -> Translation:
        self._do()
        return Translation(self.name)

    def synthesize(self, utterance: Utterance) -> Iterator[Audio]:
        self.voices.append(utterance.voice)
        self._do()
        try:
            for number in range(self.pieces):
                if number == self.breaks_at:
                    raise down()
                yield Audio(self.name.encode() * 2, 16_000)
        finally:
            self.stopped += 1

    def _do(self) -> None:
        self.calls += 1
        if self.held is not None:
            assert self.held.wait(20)
        if self.error is not None:
            raise self.error


@dataclass
class Fuses:
    """A breaker of one process that opens for whom a test says, and keeps what it is told."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)

    def admit(self, provider: str) -> Verdict:
        return self.verdicts.get(provider, "closed")

    def succeeded(self, provider: str) -> None:
        self.told.append((provider, "succeeded"))

    def failed(self, provider: str, error: Exception) -> None:
        self.told.append((provider, "failed"))

    def spared(self, provider: str) -> None:
        self.told.append((provider, "spared"))


def members(*engines: Engine) -> list[Member]:
    return [Member(engine.name, engine) for engine in engines]


def translator(*engines: Engine, fuses: Fuses | None = None, seconds: float = inf) -> TranslatorChain:
    return TranslatorChain("translation", members(*engines), fuses or Fuses(), seconds)


def speaker(*engines: Engine, fuses: Fuses | None = None, seconds: float = inf) -> SynthesizerChain:
    return SynthesizerChain("tts", members(*engines), fuses or Fuses(), seconds)


def outcomes(call: Call) -> list[tuple[str, str, str]]:
    return [(each.provider, each.outcome, each.code) for each in call.attempts]


# --- who is asked ---


def test_the_first_that_works_does_all_the_work() -> None:
    first, second = Engine("a"), Engine("b")
    with begun(Call()) as call:
        assert translator(first, second).translate(PHRASE).text == "a"
    assert (call.provider, outcomes(call), second.calls) == ("a", [("a", "ok", "")], 0)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (down(), "unavailable"),
        (VendorError("No key.", code="auth"), "auth"),
        (ProviderBusy("Busy."), "provider_busy"),
        (ProviderError("Coughs."), "provider_failed"),
        (RuntimeError("?"), "internal"),
        (TimeoutError(), "internal"),
    ],
)
@pytest.mark.parametrize("seconds", [5, inf])
def test_the_next_takes_over_where_one_fails(error: Exception, code: str, seconds: float) -> None:
    fuses = Fuses()
    with begun(Call()) as call:
        chain = translator(Engine("a", error), Engine("b"), fuses=fuses, seconds=seconds)
        assert chain.translate(PHRASE).text == "b"
    assert call.provider == "b"
    assert outcomes(call) == [("a", "failed", code), ("b", "ok", "")]
    assert fuses.told == [("a", "failed"), ("b", "succeeded")]


def test_the_error_of_the_last_one_is_told_where_all_fail() -> None:
    with pytest.raises(ProviderError, match="Coughs"):
        translator(Engine("a", down()), Engine("b", ProviderError("Coughs."))).translate(PHRASE)


def test_a_language_that_only_one_has_goes_there() -> None:
    first, second = Engine("a", tags=frozenset({"en", "fr"})), Engine("b")
    with begun(Call()) as call:
        assert translator(first, second).translate(PHRASE).text == "b"
    assert (first.calls, outcomes(call)) == (0, [("b", "ok", "")])
    assert translator(first, second).pairs() == first.pairs() | second.pairs()


def test_who_detects_no_language_is_not_asked_to() -> None:
    first, second = Engine("a", detects=False), Engine("b")
    chain = TranscriberChain("stt", members(first, second), Fuses(), inf)
    assert chain.detects
    assert chain.transcribe(Speech(PIECE)).text == "b"
    assert chain.transcribe(SPEECH).text == "a"


def test_input_that_is_at_fault_counts_against_nobody() -> None:
    fuses, second = Fuses(), Engine("b")
    assert (
        translator(Engine("a", LanguageError("Not that.")), second, fuses=fuses).translate(PHRASE).text == "b"
    )
    assert fuses.told == [("a", "spared"), ("b", "succeeded")]

    chain = TranscriberChain("stt", members(Engine("a", AudioError("Gone.")), second), Fuses(), inf)
    assert chain.transcribe(SPEECH).text == "b"
    assert second.calls == 2


def test_who_broke_off_before_is_asked_last() -> None:
    first, second = Engine("a"), Engine("b")
    with begun(Call(avoid="a")):
        assert translator(first, second).translate(PHRASE).text == "b"
    with begun(Call(avoid="a")):
        assert translator(first, Engine("b", down())).translate(PHRASE).text == "a"


# --- breakers ---


def test_nobody_whose_breaker_is_open_is_asked() -> None:
    first, fuses = Engine("a"), Fuses({"a": "open"})
    with begun(Call()) as call:
        assert translator(first, Engine("b"), fuses=fuses).translate(PHRASE).text == "b"
    assert (first.calls, outcomes(call)) == (0, [("a", "open", "open"), ("b", "ok", "")])


def test_where_all_breakers_are_open_the_work_fails_at_once_and_may_be_tried_again() -> None:
    first, fuses = Engine("a"), Fuses({"a": "open"})
    with pytest.raises(ProviderBusy, match="breaker of a is open") as caught:
        translator(first, fuses=fuses).translate(PHRASE)
    assert caught.value.retryable and "TRANSLATION_PROVIDER" in caught.value.hint
    assert first.calls == 0


def test_a_look_at_speech_that_goes_on_is_no_probe() -> None:
    first, second, fuses = Engine("a"), Engine("b"), Fuses({"a": "probe"})
    chain = TranscriberChain("stt", members(first, second), fuses, 0.1)
    assert chain.hear(SPEECH).text == "b"
    assert (first.calls, fuses.told) == (0, [("a", "spared"), ("b", "succeeded")])


def test_a_look_that_fails_is_not_looked_at_by_the_next() -> None:
    first, second = Engine("a", down()), Engine("b")
    with pytest.raises(VendorError):
        TranscriberChain("stt", members(first, second), Fuses(), 0.1).hear(SPEECH)
    with pytest.raises(VendorError):
        translator(first, second).uncached(PHRASE)
    assert second.calls == 0


def test_nobody_is_paid_for_a_look_at_speech_that_goes_on() -> None:
    first, second = Engine("a"), Engine("b")
    paid = TranscriberChain("stt", [Member("a", first, costly=True), Member("b", second)], Fuses(), inf)
    assert (paid.hear(SPEECH).text, paid.transcribe(SPEECH).text) == ("b", "a")
    alone = TranslatorChain("translation", [Member("a", first, costly=True)], Fuses(), inf)
    with pytest.raises(ProviderBusy, match="words that will change"):
        alone.uncached(PHRASE)
    assert first.calls == 1
    assert [member.costly for member in build("tts", "openai,espeak", Fuses(), 1, Engine).members] == [
        True,
        False,
    ]


# --- lateness ---


@pytest.fixture
def held() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def within(seconds: float, call: Callable[[], object]) -> None:
    since = time.monotonic()
    call()
    assert time.monotonic() - since < seconds


def test_the_next_takes_over_where_one_is_late(held: threading.Event) -> None:
    fuses = Fuses()
    chain = translator(Engine("a", held=held), Engine("b"), fuses=fuses, seconds=0.05)
    with begun(Call()) as call:
        assert chain.translate(PHRASE).text == "b"
    assert outcomes(call) == [("a", "late", "timeout"), ("b", "ok", "")]
    assert 0.05 <= call.attempts[0].seconds < 1
    held.set()
    assert fuses.told == [("a", "failed"), ("b", "succeeded")], "what comes too late is told to nobody"


def test_the_last_has_all_the_time_it_wants() -> None:
    held = threading.Event()
    threading.Timer(0.2, held.set).start()
    assert translator(Engine("a", down()), Engine("b", held=held), seconds=0.05).translate(PHRASE).text == "b"


@pytest.mark.parametrize("other", ["open", "fails"])
def test_one_that_was_late_is_waited_for_where_nobody_else_makes_anything(other: str) -> None:
    held, fuses = threading.Event(), Fuses({"b": "open"} if other == "open" else {})
    threading.Timer(0.2, held.set).start()
    chain = translator(Engine("a", held=held), Engine("b", down()), fuses=fuses, seconds=0.05)
    with begun(Call()) as call:
        assert chain.translate(PHRASE).text == "a"
    assert call.provider == "a"
    assert [each[:2] for each in outcomes(call)] == [
        ("a", "late"),
        ("b", "open" if other == "open" else "failed"),
        ("a", "ok"),
    ]
    assert fuses.told[-1] == ("a", "succeeded")


def test_one_that_was_late_is_waited_for_until_the_work_is_not_wanted_any_more(held: threading.Event) -> None:
    chain = translator(Engine("a", held=held), Engine("b", down()), seconds=0.05)
    with begun(Call(until=time.monotonic() + 0.2)), pytest.raises(VendorError, match="out of order"):
        within(5, lambda: chain.translate(PHRASE))


def test_who_had_only_what_was_left_of_the_time_is_not_blamed(held: threading.Event) -> None:
    fuses = Fuses()
    chain = translator(Engine("a", held=held), Engine("b"), fuses=fuses, seconds=30)
    with begun(Call(until=time.monotonic() + 0.1)):
        assert chain.translate(PHRASE).text == "b"
    assert fuses.told == [("a", "spared"), ("b", "succeeded")]


def test_one_takes_half_of_the_time_that_is_left_at_most(held: threading.Event) -> None:
    chain = translator(Engine("a", held=held), Engine("b"), seconds=30)
    with begun(Call(until=time.monotonic() + 0.2)) as call:
        within(5, lambda: chain.translate(PHRASE))
    assert outcomes(call)[0] == ("a", "late", "timeout")
    with begun(Call(until=time.monotonic() - 1)):
        within(5, lambda: chain.translate(PHRASE))


def test_an_engine_that_hangs_is_busy_once_many_calls_hang(held: threading.Event) -> None:
    stuck = Engine("a", held=held)
    chain = translator(stuck, Engine("b"), seconds=0.01)
    with begun(Call()) as call:
        for _ in range(STUCK + 2):
            assert chain.translate(PHRASE).text == "b"
    codes = Counter(each.code for each in call.attempts if each.provider == "a")
    assert codes == {"timeout": STUCK, "provider_busy": 2}
    assert stuck.calls == STUCK


# --- speech ---


def test_the_text_that_engines_were_given_is_counted_for_who_has_to_pay_for_it() -> None:
    with begun(Call()) as call:
        TranslatorChain("translation", members(Engine("a")), Fuses(), inf).translate(PHRASE)
        list(SynthesizerChain("tts", members(Engine("a")), Fuses(), inf).synthesize(SAID))
    assert call.characters == len(PHRASE.text) + len(SAID.text)


def test_speech_is_that_of_the_first_whose_first_piece_comes() -> None:
    fuses = Fuses()
    with begun(Call()) as call:
        spoken = list(speaker(Engine("a", breaks_at=0), Engine("b"), fuses=fuses, seconds=5).synthesize(SAID))
    assert [piece.pcm for piece in spoken] == [b"bb"] * 3
    assert (call.provider, fuses.told) == ("b", [("a", "failed"), ("b", "succeeded")])


def test_speech_that_comes_too_late_is_stopped_in_its_engine(held: threading.Event) -> None:
    late = Engine("a", held=held)
    spoken = list(speaker(late, Engine("b"), seconds=0.05).synthesize(SAID))
    assert len(spoken) == 3
    held.set()
    end = time.monotonic() + 10
    while not late.stopped:
        assert time.monotonic() < end
        time.sleep(0.005)


def test_speech_that_breaks_off_is_not_spliced_and_may_be_tried_again() -> None:
    fuses = Fuses()
    heard: list[Audio] = []
    with begun(Call()) as call, pytest.raises(VendorError, match="a broke off in mid-speech") as caught:
        heard.extend(speaker(Engine("a", breaks_at=2), Engine("b"), fuses=fuses).synthesize(SAID))
    assert caught.value.retryable
    assert (call.provider, fuses.told) == ("a", [("a", "failed")])


def test_speech_that_was_begun_in_time_is_spoken_to_its_end_however_late_that_is() -> None:
    with begun(Call(until=time.monotonic() + 60)) as call:
        assert list(speaker(Engine("a"), Engine("b"), seconds=5).synthesize(SAID))
    assert call.until == inf


@pytest.mark.parametrize("code", ["provider_failed", "quota"])
def test_a_voice_that_a_client_names_and_a_vendor_refuses_is_not_the_vendors_fault(code: str) -> None:
    fuses, refusal = Fuses(), VendorError("There is no such voice.", code=code)
    first, second = Engine("a", refusal), Engine("b")
    assert list(speaker(first, second, fuses=fuses).synthesize(Utterance("hola", "es", "nobody")))
    assert (first.voices, second.voices) == (["nobody"], [None]), "the voice is one of the first"
    assert list(speaker(first, second, fuses=fuses).synthesize(SAID))
    assert fuses.told == [("a", "spared"), ("b", "succeeded"), ("a", "failed"), ("b", "succeeded")]


def test_a_voice_is_one_of_the_first_that_has_the_language() -> None:
    first, second = Engine("a", tags=frozenset({"fr"})), Engine("b")
    assert list(speaker(first, second).synthesize(Utterance("hola", "es", "mine")))
    assert second.voices == ["mine"]


def test_speech_without_a_sound_is_speech() -> None:
    fuses = Fuses()
    assert list(speaker(Engine("a", pieces=0), Engine("b"), fuses=fuses).synthesize(SAID)) == []
    assert fuses.told == [("a", "succeeded")]


def test_an_engine_is_stopped_with_whoever_listens_and_is_not_blamed() -> None:
    fuses, first = Fuses(), Engine("a")
    spoken = speaker(first, Engine("b"), fuses=fuses, seconds=5).synthesize(SAID)
    next(spoken)
    spoken.close()  # type: ignore[attr-defined]
    assert (first.stopped, fuses.told) == (1, [("a", "spared")])


# --- lists ---


def test_a_list_is_asked_in_its_order_and_spelled_as_people_do() -> None:
    rows = chosen("stt", " faster-whisper, pocketsphinx ,")
    assert [row.name for row in rows] == ["faster_whisper", "pocketsphinx"]
    assert [row.name for row in chosen("translation", "nllb_transformers")] == ["nllb-transformers"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("pocketsphinx,nobody", "STT_PROVIDER=nobody is unknown"),
        (" , ", "names no provider"),
        ("pocketsphinx,pocketsphinx", "names pocketsphinx twice"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(names: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        chosen("stt", names)


def test_a_lone_engine_of_this_process_has_nobody_before_it() -> None:
    assert isinstance(build("tts", "espeak", Fuses(), 1, Engine), Engine)
    assert isinstance(build("tts", "openai", Fuses(), 1, Engine), Chain)


def test_an_engine_that_cannot_be_had_is_left_out_and_said() -> None:
    def made(name: str) -> Engine:
        if name == "openai":
            raise SettingsError("OPENAI_API_KEY is not set.", "Put the key there.")
        return Engine(name)

    with capture_logs() as lines:
        chain = build("tts", "openai,espeak", Fuses(), 1, made)
    assert [member.name for member in chain.members] == ["espeak"]
    assert [(line["log_level"], line["provider"]) for line in lines] == [("error", "openai")]
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        build("tts", "openai", Fuses(), 1, made)


def test_all_engines_of_a_chain_are_told_of_and_closed() -> None:
    first, second = Engine("a"), Engine("b")
    chain = translator(first, second)
    assert chain.resident() == ("model of a", "model of b")
    assert chain.slots == 1
    chain.close()
    assert (first.closed, second.closed) == (1, 1)
