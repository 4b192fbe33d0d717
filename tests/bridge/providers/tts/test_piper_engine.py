"""ONNX Runtime under Piper: its options, its devices, its memory, its failures."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import onnxruntime
import pytest

from bridge.errors import BridgeError, ProviderMissing, SettingsError
from bridge.providers.onnx import CPU, CUDA
from bridge.providers.tts.ort import chosen
from bridge.providers.tts.piper import PiperOptions
from tests.bridge.providers.tts.humming import Recorded, say

pytestmark = pytest.mark.provider


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
    return chosen(PiperOptions.read(**options), ["TensorrtExecutionProvider", CUDA, CPU])


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
