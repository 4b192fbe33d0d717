"""Piper's own loading and phonemes with networks that hum: a tone per speaker, 10 ms per phoneme id."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

from bridge import languages, library
from bridge.errors import BridgeError, LanguageError, ProviderError, ProviderMissing, SettingsError
from bridge.providers import load
from bridge.providers.tts import voices
from bridge.providers.tts.piper import CPU, CUDA, LONGEST, PiperOptions, execution
from bridge.types import Audio, Utterance

pytestmark = pytest.mark.provider

TWO = "Va de frente. Gira a la derecha."
HISS = 4_000


def network(rate: int, speakers: int) -> bytes:
    """The voice's graph: 200 Hz and 100 more for each speaker, and as loud as the noise scale 4 kHz."""

    def number(name: str, value: float, kind: int = TensorProto.FLOAT) -> Any:
        return helper.make_tensor(name, kind, [], [value])

    radians = 2 * np.pi / rate
    base = [helper.make_node("Identity", ["two hundred"], ["pitch"])]
    if speakers > 1:
        base = [
            helper.make_node("Cast", ["sid"], ["speaker"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["speaker", "hundred"], ["above"]),
            helper.make_node("Add", ["above", "two hundred"], ["pitch"]),
        ]
    nodes = [
        *base,
        helper.make_node("Split", ["scales", "ones"], ["noise", "length", "width"], axis=0),
        helper.make_node("Cast", ["input_lengths"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["ids", "length"], ["stretched"]),
        helper.make_node("Mul", ["stretched", "id samples"], ["samples"]),
        helper.make_node("Squeeze", ["samples"], ["end"]),
        helper.make_node("Range", ["zero", "end", "one"], ["time"]),
        helper.make_node("Mul", ["time", "radians"], ["turns"]),
        helper.make_node("Mul", ["turns", "pitch"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["hum"]),
        helper.make_node("Mul", ["turns", "hiss"], ["fast"]),
        helper.make_node("Cos", ["fast"], ["high"]),
        helper.make_node("Mul", ["high", "noise"], ["loud"]),
        helper.make_node("Add", ["hum", "loud"], ["sound"]),
        helper.make_node("Reshape", ["sound", "shape"], ["output"]),
    ]
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, ["batch", "phonemes"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, ["batch"]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    if speakers > 1:
        inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, ["batch"]))
    constants = [
        number("zero", 0.0),
        number("one", 1.0),
        number("two hundred", 200.0),
        number("hundred", 100.0),
        number("hiss", HISS),
        number("radians", radians),
        number("id samples", rate // 100),
        helper.make_tensor("ones", TensorProto.INT64, [3], [1, 1, 1]),
        helper.make_tensor("shape", TensorProto.INT64, [3], [1, 1, -1]),
    ]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 1, "time"])
    graph = helper.make_graph(nodes, "hum", inputs, [output], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    serialized: bytes = made.SerializeToString()
    return serialized


def make(path: Path, *, rate: int = 16_000, speakers: int = 1, **description: Any) -> Path:
    """Writes a voice and its description, whose language is that of the file's name."""
    code = path.stem.partition("-")[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(network(rate, speakers))
    config = {
        "audio": {"sample_rate": rate},
        "espeak": {"voice": code.partition("_")[0]},
        "language": {"code": code},
        "inference": {"noise_scale": 0.0, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": 256,
        "num_speakers": speakers,
        "speaker_id_map": {name: n for n, name in enumerate(("ana", "eva", "leo")[:speakers])},
    }
    Path(f"{path}.json").write_text(json.dumps(config | description))
    return path


@pytest.fixture
def pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts a voice where `speechbridge models pull` puts it."""
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))

    def put(name: str, **features: Any) -> Path:
        return make(tmp_path / "models" / "piper" / name / f"{name}.onnx", **features)

    return put


@pytest.fixture
def piper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Builds the provider with variables set, and closes it."""
    built: list[Any] = []

    def build(**variables: object) -> Any:
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        built.append(load("tts", "piper"))
        return built[-1]

    yield build
    for provider in built:
        provider.close()


class Recorded(onnxruntime.InferenceSession):  # type: ignore[misc]
    """The real session, which notes how it was made and run."""

    made: list[dict[str, Any]]
    ran: list[dict[str, Any]]

    def __init__(self, path: str, **arguments: Any) -> None:
        type(self).made.append({"path": path, **arguments})
        super().__init__(path, **arguments)

    def run(self, outputs: Any, inputs: dict[str, Any], *other: Any) -> Any:
        type(self).ran.append(inputs)
        return super().run(outputs, inputs, *other)


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> type[Recorded]:
    monkeypatch.setattr(onnxruntime, "InferenceSession", Recorded)
    Recorded.made, Recorded.ran = [], []
    return Recorded


def say(piper: Any, text: str = TWO, language: str = "es", voice: str | None = None) -> list[Audio]:
    return list(piper.synthesize(Utterance(text, language, voice)))


def loudness(pieces: list[Audio], hertz: float) -> float:
    """Of one frequency, against the loudest."""
    samples = np.frombuffer(pieces[0].pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    at = round(hertz * samples.size / pieces[0].rate)
    return float(spectrum[at - 2 : at + 3].max() / spectrum.max())


def pitch(pieces: list[Audio]) -> int:
    return next(hertz for hertz in (200, 300, 400) if loudness(pieces, hertz) > 0.9)


# --- which voice


def test_each_voice_of_the_table_is_published_for_the_language_of_its_row() -> None:
    for tag, variants in voices.TABLE.items():
        for quality, name in variants.items():
            assert library.VOICE.fullmatch(name), name
            assert languages.find(name.partition("-")[0]).tag == tag
            assert name.endswith(f"-{quality}") or (quality, name[-6:]) == ("low", "-x_low") or tag == "en-GB"
    assert len(voices.TABLE) >= 30


@pytest.mark.parametrize(
    ("tag", "quality", "name"),
    [
        ("de", "high", "de_DE-thorsten-high"),
        ("es", "high", "es_ES-davefx-medium"),
        ("da", "low", "da_DK-talesyntese-medium"),
        ("kk", "medium", "kk_KZ-raya-x_low"),
    ],
)
def test_missing_quality_is_replaced_by_the_nearest(tag: str, quality: voices.Quality, name: str) -> None:
    assert voices.published(tag, quality) == name


def test_only_languages_with_a_voice_on_disk_are_offered(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    pulled("fr_FR-siwis-medium")
    assert piper().languages() == {"es", "es-419", "fr", "fr-BE", "fr-CH"}


def test_region_lends_its_voice_to_a_language_that_has_none(pulled: Any, piper: Any) -> None:
    pulled("pt_BR-faber-medium", rate=22_050)
    assert piper().languages() == {"pt", "pt-BR"}
    pulled("pt_PT-tugão-medium", rate=16_000)
    both = piper()
    assert [say(both, "Sim.", tag)[0].rate for tag in ("pt", "pt-BR")] == [16_000, 22_050]


def test_no_voice_at_all_is_told_with_the_command_that_gets_one(pulled: Any, piper: Any) -> None:
    with pytest.raises(ProviderMissing, match=r"speechbridge models pull piper es_ES-davefx-medium"):
        piper()


def test_quality_chooses_among_the_voices_on_disk(pulled: Any, piper: Any) -> None:
    pulled("fr_FR-siwis-low", rate=16_000)
    pulled("fr_FR-siwis-medium", rate=22_050)
    rates = [say(piper(TTS_QUALITY=quality), "Oui.", "fr")[0].rate for quality in ("low", "medium", "high")]
    assert rates == [16_000, 22_050, 22_050]


def test_named_voices_and_paths_stand_for_their_languages(pulled: Any, piper: Any, tmp_path: Path) -> None:
    pulled("es_ES-davefx-medium", rate=22_050)
    pulled("en_US-ryan-low", rate=16_000)
    own = make(tmp_path / "mine.onnx", language={}, espeak={"voice": "es"}, rate=24_000)
    engine = piper(TTS_MODEL=f"{own}, en_US-ryan-low")
    assert (say(engine)[0].rate, say(engine, "Yes.", "en")[0].rate) == (24_000, 16_000)
    assert say(engine, voice="es_ES-davefx-medium")[0].rate == 22_050


def test_named_voice_that_was_not_pulled_is_told_with_the_command(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    with pytest.raises(ProviderMissing, match=r"models pull piper en_US-lessac-low"):
        piper(TTS_MODEL="en_US-lessac-low")


def test_voice_without_its_description_is_refused_by_the_missing_file(piper: Any, tmp_path: Path) -> None:
    voice = make(tmp_path / "es_ES-mine-low.onnx")
    Path(f"{voice}.json").unlink()
    with pytest.raises(ProviderMissing, match=r"lacks .*es_ES-mine-low\.onnx\.json"):
        piper(TTS_MODEL=voice)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "AttributeError"),
        ('{"num_speakers": 1, "espeak": {"voice": "xx"}}', "no language that is known, of xx, zz_ZZ"),
    ],
)
def test_description_that_cannot_be_used_is_refused(
    piper: Any, tmp_path: Path, content: str, said: str
) -> None:
    voice = make(tmp_path / "zz_ZZ-mine-low.onnx")
    Path(f"{voice}.json").write_text(content)
    with pytest.raises(ProviderError, match=said):
        piper(TTS_MODEL=voice)


def test_voice_that_would_fetch_its_phonemizer_is_refused(piper: Any, tmp_path: Path) -> None:
    voice = make(tmp_path / "zh_CN-mine-medium.onnx", phoneme_type="pinyin")
    with pytest.raises(ProviderError, match=r"phonemizer 'pinyin'"):
        piper(TTS_MODEL=voice)


def test_damaged_voice_in_the_library_leaves_the_others_usable(pulled: Any, piper: Any) -> None:
    pulled("fr_FR-siwis-medium")
    Path(f"{pulled('es_ES-davefx-medium')}.json").unlink()
    assert "es" not in piper().languages()


def test_damaged_network_is_refused_at_construction_by_its_path(piper: Any, tmp_path: Path) -> None:
    voice = make(tmp_path / "es_ES-mine-low.onnx")
    voice.write_bytes(b"not a network")
    with pytest.raises(ProviderError, match=r"cannot load .*es_ES-mine-low\.onnx"):
        piper(TTS_MODEL=voice)


# --- how it is spoken


def test_sound_is_at_the_voices_own_rate(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium", rate=22_050)
    pieces = say(piper())
    assert {piece.rate for piece in pieces} == {22_050}
    assert pitch(pieces) == 200


def test_double_speed_halves_the_length_of_every_sentence(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    normal, fast = (say(piper(TTS_SPEED=speed)) for speed in (1, 2))
    for slow, quick in zip(normal, fast, strict=True):
        assert quick.samples == pytest.approx(slow.samples / 2, abs=1)


def test_speed_is_relative_to_the_voices_own(pulled: Any, piper: Any, sessions: type[Recorded]) -> None:
    pulled("es_ES-davefx-medium", inference={"length_scale": 1.5})
    say(piper(TTS_SPEED=2))
    assert sessions.ran[0]["scales"][1] == pytest.approx(0.75)


def test_noise_scale_is_heard_and_else_is_the_voices_own(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    assert loudness(say(piper()), HISS) < 0.05
    assert loudness(say(piper(TTS_NOISE_SCALE=0.5)), HISS) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("speaker", "hertz"), [("", 200), ("eva", 300), ("2", 400)])
def test_speaker_is_chosen_by_name_or_number(pulled: Any, piper: Any, speaker: str, hertz: int) -> None:
    pulled("es_ES-davefx-medium", speakers=3)
    assert pitch(say(piper(TTS_SPEAKER=speaker))) == hertz


def test_speakers_without_names_are_chosen_by_number(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium", speakers=3, speaker_id_map={})
    assert pitch(say(piper(TTS_SPEAKER="1"))) == 300


def test_unknown_speaker_is_refused_at_construction_with_the_known_ones(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium", speakers=3)
    with pytest.raises(SettingsError, match=r"TTS_SPEAKER=max .*: ana, eva, leo\."):
        piper(TTS_SPEAKER="max")


def test_speaker_for_voices_of_one_speaker_is_refused(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    with pytest.raises(SettingsError, match=r"TTS_SPEAKER=0 .*Leave it empty"):
        piper(TTS_SPEAKER="0")


@pytest.mark.parametrize(
    ("voice", "rate", "hertz"),
    [
        ("es_ES-davefx-medium", 16_000, 200),
        ("es_AR-daniela-high", 22_050, 200),
        ("es_AR-daniela-high:leo", 22_050, 400),
        ("es_AR-daniela-high:1", 22_050, 300),
    ],
)
def test_listener_may_ask_for_another_voice_of_the_language(
    pulled: Any, piper: Any, voice: str, rate: int, hertz: int
) -> None:
    pulled("es_ES-davefx-medium")
    pulled("es_AR-daniela-high", rate=22_050, speakers=3)
    pieces = say(piper(), voice=voice)
    assert (pieces[0].rate, pitch(pieces)) == (rate, hertz)


def test_speaker_alone_is_one_of_the_languages_voice(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium", speakers=3)
    assert pitch(say(piper(TTS_SPEAKER="leo"), voice=":eva")) == 300


@pytest.mark.parametrize("voice", ["fr_FR-siwis-medium", "nobody", "../es_ES-davefx-medium", "es_ES-davefx-"])
def test_voice_that_is_not_of_the_language_is_refused_with_those_that_are(
    pulled: Any, piper: Any, voice: str
) -> None:
    pulled("es_ES-davefx-medium")
    pulled("es_AR-daniela-high")
    pulled("fr_FR-siwis-medium")
    with pytest.raises(ProviderError, match=r"Use one of: es_AR-daniela-high, es_ES-davefx-medium\."):
        say(piper(), voice=voice)


def test_path_of_another_file_is_no_voice(pulled: Any, piper: Any, tmp_path: Path) -> None:
    pulled("es_ES-davefx-medium")
    with pytest.raises(ProviderError, match="has no voice"):
        say(piper(), voice=str(make(tmp_path / "es_ES-other-low.onnx")))


def test_unknown_speaker_of_a_listener_is_refused_with_the_known_ones(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium", speakers=3)
    pulled("es_AR-daniela-high")
    engine = piper()
    with pytest.raises(ProviderError, match=r"no speaker 'max'.*ana, eva, leo"):
        say(engine, voice="es_ES-davefx-medium:max")
    with pytest.raises(ProviderError, match=r"has one speaker"):
        say(engine, voice="es_AR-daniela-high:ana")


def test_language_without_a_voice_is_refused_with_those_that_have_one(pulled: Any, piper: Any) -> None:
    pulled("fr_FR-siwis-medium")
    with pytest.raises(LanguageError, match=r"no voice for es .*fr, fr-BE, fr-CH"):
        say(piper())


# --- sentence by sentence


def test_first_sentence_leaves_before_the_second_is_computed(
    pulled: Any, piper: Any, sessions: type[Recorded]
) -> None:
    pulled("es_ES-davefx-medium")
    speaking = piper().synthesize(Utterance(TWO, "es"))
    first = next(speaking)
    assert (len(sessions.ran), first.samples) == (1, sessions.ran[0]["input_lengths"][0] * 160)
    assert len(list(speaking)) == 1
    assert len(sessions.ran) == 2


def test_closing_stops_before_the_next_sentence_and_gives_the_voice_back(
    pulled: Any, piper: Any, sessions: type[Recorded]
) -> None:
    pulled("es_ES-davefx-medium")
    engine = piper()
    speaking = engine.synthesize(Utterance(TWO * 10, "es"))
    next(speaking)
    engine.close()
    assert engine.resident() == ("es_ES-davefx-medium",), "a voice that speaks is not freed"
    speaking.close()
    engine.close()
    assert (len(sessions.ran), engine.resident()) == (1, ())


@pytest.mark.parametrize(
    "text",
    [
        ("La puerta está abierta, la ventana no. " * 300)[:10_000],
        ("uno dos tres, " * 800)[:10_000],
        ("palabra " * 1_300)[:10_000],
        "a" * 10_000,
    ],
    ids=["sentences", "clauses", "words", "letters"],
)
def test_ten_thousand_characters_stream_in_bounded_pieces(
    pulled: Any, piper: Any, sessions: type[Recorded], text: str
) -> None:
    pulled("es_ES-davefx-medium")
    speaking = piper().synthesize(Utterance(text, "es"))
    next(speaking)
    assert len(sessions.ran) == 1
    rest = sum(1 for _ in speaking)
    assert rest + 1 >= 10_000 / LONGEST
    # Espeak speaks a letter with two phonemes at most here, and each comes with a pad.
    assert max(int(run["input_lengths"][0]) for run in sessions.ran) < 4 * LONGEST


def letters(run: dict[str, Any]) -> str:
    """What a voice that takes letters for phonemes was given."""
    letter = {ids[0]: phoneme for phoneme, ids in DEFAULT_PHONEME_ID_MAP.items()}
    return "".join(letter[number] for number in run["input"][0].tolist() if letter[number] not in "_^$")


def test_long_sentence_is_cut_behind_clauses_and_loses_no_letter(
    pulled: Any, piper: Any, sessions: type[Recorded]
) -> None:
    pulled("es_ES-davefx-medium", phoneme_type="text")
    text = ("en la casa de mi abuela, que vive lejos, " * 50).strip()
    say(piper(), text)
    spoken = [letters(run) for run in sessions.ran]
    assert " ".join(spoken) == text
    assert len(spoken) > 5 and all(part.endswith(",") for part in spoken)


@pytest.mark.parametrize(
    ("text", "between"), [("no, " + "palabra " * 100, " "), ("a" * 1_000, "")], ids=["words", "letters"]
)
def test_sentence_without_clauses_is_cut_between_words_or_letters_and_not_into_crumbs(
    pulled: Any, piper: Any, sessions: type[Recorded], text: str, between: str
) -> None:
    pulled("es_ES-davefx-medium", phoneme_type="text")
    say(piper(), text)
    spoken = [letters(run) for run in sessions.ran]
    assert between.join(spoken) == text.strip()
    assert all(LONGEST / 2 <= len(part) <= LONGEST for part in spoken[:-1])


def test_double_brackets_do_not_let_a_text_spell_phonemes(
    pulled: Any, piper: Any, sessions: type[Recorded]
) -> None:
    pulled("es_ES-davefx-medium")
    engine = piper()
    for text in ("[[sss]] hola", "[sss] hola", "[[[sss]]] hola"):
        say(engine, text)
    first, second, third = (run["input"].tolist() for run in sessions.ran)
    assert first == second == third


def test_marks_alone_do_no_harm(pulled: Any, piper: Any) -> None:
    pulled("es_ES-davefx-medium")
    engine = piper()
    for text in ("...", "¿?", "😀", "\ud800", "\u200b"):
        assert all(piece.ms < 1_000 for piece in say(engine, text))
    assert say(engine, "Hola.")


# --- the engine


def test_onnx_runtime_gets_its_options(pulled: Any, piper: Any, sessions: type[Recorded]) -> None:
    def made(**variables: object) -> dict[str, Any]:
        piper(**variables)
        options = sessions.made[-1]["sess_options"]
        return {
            "optimization": options.graph_optimization_level.name,
            "mode": options.execution_mode.name,
            "arena": options.enable_cpu_mem_arena,
            "threads": (options.intra_op_num_threads, options.inter_op_num_threads),
            "providers": sessions.made[-1]["providers"],
        }

    pulled("es_ES-davefx-medium")
    usual = {"optimization": "ORT_ENABLE_ALL", "mode": "ORT_SEQUENTIAL", "arena": False, "threads": (1, 0)}
    assert made() == usual | {"providers": [CPU]}
    changed = {"ORT_OPTIMIZATION": "basic", "ORT_EXECUTION_MODE": "parallel", "ORT_CPU_MEM_ARENA": "true"}
    assert made(**changed, ORT_INTRA_OP_THREADS=2, ORT_INTER_OP_THREADS=3) == {
        "optimization": "ORT_ENABLE_BASIC",
        "mode": "ORT_PARALLEL",
        "arena": True,
        "threads": (2, 3),
        "providers": [CPU],
    }


def gpu(**options: Any) -> Any:
    return execution(PiperOptions.read(**options), ["TensorrtExecutionProvider", CUDA, CPU])


def test_gpu_gets_its_options_and_the_processor_stays_behind_it() -> None:
    usual = {
        "device_id": 0,
        "arena_extend_strategy": "kNextPowerOfTwo",
        "gpu_mem_limit": 2 * 1024**3,
        "cudnn_conv_algo_search": "HEURISTIC",
    }
    assert gpu() == [(CUDA, usual), CPU]
    other = {
        "ort_arena_strategy": "kSameAsRequested",
        "ort_gpu_mem_limit": 10**9,
        "ort_cudnn_search": "EXHAUSTIVE",
    }
    assert gpu(tts_device="cuda:1", **other)[0][1] == {
        "device_id": 1,
        "arena_extend_strategy": "kSameAsRequested",
        "gpu_mem_limit": 10**9,
        "cudnn_conv_algo_search": "EXHAUSTIVE",
    }
    assert gpu(tts_device="cuda:1", ort_device_id=2)[0][1]["device_id"] == 2
    assert gpu(tts_device="cpu") == [CPU]


@pytest.mark.skipif(CUDA in onnxruntime.get_available_providers(), reason="ONNX Runtime has CUDA here")
@pytest.mark.parametrize("variable", ["TTS_DEVICE", "DEVICE"])
def test_gpu_that_is_not_there_is_refused_with_what_is(pulled: Any, piper: Any, variable: str) -> None:
    pulled("es_ES-davefx-medium")
    with pytest.raises(SettingsError, match=rf"TTS_DEVICE=cuda:1 .*{CPU}"):
        piper(**{variable: "cuda:1"})


@pytest.mark.skipif(CUDA in onnxruntime.get_available_providers(), reason="ONNX Runtime has CUDA here")
@pytest.mark.filterwarnings("ignore:Specified provider 'CUDAExecutionProvider':UserWarning")
def test_gpu_that_fails_when_the_voice_loads_is_refused(
    pulled: Any, piper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled("es_ES-davefx-medium")
    before = set(threading.enumerate())
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    with pytest.raises(SettingsError, match=rf"TTS_DEVICE=cuda cannot be used: .*{CPU} only"):
        piper(TTS_DEVICE="cuda")
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "evictor"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TTS_QUALITY", "best"),
        ("TTS_SPEED", "0"),
        ("TTS_NOISE_SCALE", "-1"),
        ("TTS_DEVICE", "gpu"),
        ("DEVICE", "gpu"),
        ("ORT_OPTIMIZATION", "max"),
        ("ORT_CUDNN_SEARCH", "fast"),
        ("ORT_GPU_MEM_LIMIT", "2GB"),
    ],
)
def test_wrong_value_is_refused_by_its_variable(piper: Any, variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{variable}={value} is not valid"):
        piper(**{variable: value})


def test_many_speakers_at_once_load_each_voice_once(
    pulled: Any, piper: Any, sessions: type[Recorded]
) -> None:
    pulled("es_ES-davefx-medium")
    pulled("es_AR-daniela-high", rate=22_050)
    pulled("fr_FR-siwis-medium")
    engine = piper(PRELOAD_MODELS="tts:none-of-these-yet")
    assert len(engine.resident()) == 1
    asked = [("es", None), ("es", "es_AR-daniela-high"), ("fr", None)] * 8
    alone = [say(piper(), language=language, voice=voice) for language, voice in asked[:3]]
    before = len(sessions.made)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda each: say(engine, language=each[0], voice=each[1]), asked))
    assert together == alone * 8
    assert len(sessions.made) == before + 2
    assert len(engine.resident()) == 3


def test_as_many_voices_as_stay_are_warm_at_the_start(pulled: Any, piper: Any) -> None:
    for name in ("de_DE-thorsten-medium", "es_ES-davefx-medium", "fr_FR-siwis-medium"):
        pulled(name)
    assert piper(MODEL_RESIDENT_CAP=2).resident() == ("de_DE-thorsten-medium", "es_ES-davefx-medium")
    assert piper(TTS_MODEL="fr_FR-siwis-medium", MODEL_RESIDENT_CAP=1).resident() == ("fr_FR-siwis-medium",)


def test_voice_that_finds_no_memory_is_tried_once_more(
    pulled: Any, piper: Any, sessions: type[Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled("es_ES-davefx-medium")
    made, tries = Recorded.__init__, []

    def scarce(self: Recorded, path: str, **arguments: Any) -> None:
        tries.append(path)
        if len(tries) == 1:
            raise RuntimeError("Failed to allocate memory for requested buffer of size 63201294")
        made(self, path, **arguments)

    monkeypatch.setattr(Recorded, "__init__", scarce)
    assert say(piper())
    assert len(tries) == 2


def test_preloaded_voice_is_resident_and_an_unknown_one_is_refused(pulled: Any, piper: Any) -> None:
    pulled("de_DE-thorsten-medium")
    pulled("fr_FR-siwis-medium")
    engine = piper(PRELOAD_MODELS="tts:fr_FR-siwis-medium")
    engine.preload(["fr_FR-siwis-medium"])
    assert "fr_FR-siwis-medium" in engine.resident()
    with pytest.raises(ProviderMissing, match="models pull piper it_IT-paola-medium"):
        engine.preload(["it_IT-paola-medium"])


def test_failing_sentence_is_an_error_without_its_text_and_the_next_is_spoken(
    pulled: Any, piper: Any, sessions: type[Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled("es_ES-davefx-medium", speakers=3, speaker_id_map={})
    engine = piper()

    def refuse(self: Recorded, *arguments: Any) -> Any:
        raise RuntimeError("bad_alloc")

    with monkeypatch.context() as patch:
        patch.setattr(Recorded, "run", refuse)
        with pytest.raises(BridgeError, match="sentence of 13 characters") as raised:
            say(engine)
    assert raised.value.code == "out_of_memory"
    assert "frente" not in str(raised.value)
    assert say(engine)
