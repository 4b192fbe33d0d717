"""Two configurations: how they are read, what is asked of each, and what their ratio says."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import typer

from bridge.cli.bench import plot
from bridge.cli.bench.commands.latency import Wish, measured
from bridge.cli.bench.outcome import engines, percentiles
from bridge.cli.bench.ratio import ratio
from bridge.cli.bench.report import Report
from bridge.cli.bench.variant import KEYS, variables
from bridge.errors import BridgeError, GatewayError

# Ratios


def rounds(median: float, spread: float = 5, count: int = 6, seed: int = 1) -> list[list[float]]:
    random = np.random.default_rng(seed)
    return [list(random.normal(median, spread, 8)) for _ in range(count)]


def test_what_takes_half_as_long_is_told_with_its_interval() -> None:
    found = ratio("first_audio_ms", rounds(800), rounds(400, seed=2))
    assert found.ratio == pytest.approx(0.5, abs=0.02)
    assert found.low < found.ratio < found.high < 0.55
    assert found.verdict == "b is less"
    assert ratio("first_audio_ms", rounds(400, seed=2), rounds(800)).verdict == "a is less"


def test_the_same_twice_shows_no_difference() -> None:
    assert ratio("x", rounds(800, 40), rounds(800, 40, seed=2)).verdict == "no difference shown"


def test_what_the_machine_did_in_one_round_widens_the_interval() -> None:
    quiet = ratio("x", rounds(800), rounds(780, seed=2))
    disturbed = [*rounds(800)[:3], *rounds(1600)[3:]]
    noisy = ratio("x", disturbed, rounds(780, seed=2))
    assert noisy.high - noisy.low > 3 * (quiet.high - quiet.low)


def test_the_same_samples_give_the_same_interval() -> None:
    assert ratio("x", rounds(3), rounds(4)) == ratio("x", rounds(3), rounds(4))


def test_rounds_that_are_not_as_many_are_refused() -> None:
    with pytest.raises(ValueError, match="samples of both"):
        ratio("x", rounds(3, count=2), rounds(3, count=3))


def test_ratios_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("ab", {})
    report.ratios.append(ratio("first_audio_ms", [[100.0]], [[50.0]]))
    report.show()
    assert "first_audio_ms  100  50  0.500  0.500 to 0.500  b is less" in " ".join(
        capsys.readouterr().out.split()
    ).replace(" ", "  ").replace("0.500  to  0.500", "0.500 to 0.500").replace("b  is  less", "b is less")
    report.write(tmp_path / "ab.json")
    assert '"verdict": "b is less"' in (tmp_path / "ab.json").read_text()


# Configurations


def config(folder: Path, text: str, name: str = "b.yml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_lines_of_variables_are_read(tmp_path: Path) -> None:
    path = config(tmp_path, "# fast\nVAD_MIN_SILENCE_MS=200\nMODEL_SIZE=tiny\n", "b.env")
    assert variables(path) == {"VAD_MIN_SILENCE_MS": "200", "MODEL_SIZE": "tiny"}


def test_nested_keys_stand_for_variables(tmp_path: Path) -> None:
    text = """
stt: {model: tiny.en, optimization: {device: cpu, compute_type: int8}}
tts: {engine: pyttsx3}
model_manager: {ttl_ms: 600000, preload_model_ids: [tts:a, tts:b]}
response_generation: {cache: {enabled: true}}
SessionOptions: {graph_optimization_level: ORT_ENABLE_ALL, execution_mode: ORT_SEQUENTIAL}
VAD_PADDING_MS: 200
"""
    assert variables(config(tmp_path, text)) == {
        "STT_MODEL_SIZE": "tiny.en",
        "STT_DEVICE": "cpu",
        "STT_COMPUTE_TYPE": "int8",
        "TTS_PROVIDER": "pyttsx3",
        "MODEL_TTL_SECONDS": "600",
        "PRELOAD_MODELS": "tts:a,tts:b",
        "CACHE_ENABLED": "true",
        "ORT_OPTIMIZATION": "all",
        "ORT_EXECUTION_MODE": "sequential",
        "VAD_PADDING_MS": "200",
    }


def test_the_environment_of_compose_services_belongs_to_their_stages(tmp_path: Path) -> None:
    text = """
services:
  stt-service: {environment: [DEVICE=cpu, BEAM_SIZE=1], image: any}
  translation-service: {environment: {DEVICE: cpu, NUM_BEAMS: 1}}
  tts-service:
"""
    assert variables(config(tmp_path, text)) == {
        "STT_DEVICE": "cpu",
        "STT_BEAM_SIZE": "1",
        "TRANSLATION_DEVICE": "cpu",
        "TRANSLATION_NUM_BEAMS": "1",
    }


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("b.yml", "stt: {model: tiny, magic: 3}", r"stt\.magic stands for no variable"),
        ("b.env", "VAD_MIN_SILENCE=200", "Did you mean VAD_MIN_SILENCE_MS"),
        ("b.yml", "services: {gateway: {environment: [GRPC_KEEPALIVE_TIME=10]}}", "over Redis, not gRPC"),
        ("b.yml", "a: [", "is no YAML"),
        ("b.yml", "- a", "holds no keys"),
    ],
)
def test_what_has_no_effect_is_refused_and_not_measured(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(BridgeError, match=said):
        variables(config(tmp_path, text, name))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match=r"none\.env cannot be read"):
        variables(tmp_path / "none.env")


def test_yaml_without_its_reader_names_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(BridgeError, match="PyYAML is not installed") as error:
        variables(config(tmp_path, "a: 1"))
    assert "[bench]" in error.value.hint


def test_every_key_stands_for_a_variable_that_there_is(tmp_path: Path) -> None:
    for key, (variable, _) in KEYS.items():
        *above, last = key.split(".")
        text = "".join(f"{'  ' * at}{name}:\n" for at, name in enumerate(above))
        path = config(tmp_path, f"{text}{'  ' * len(above)}{last}: 1\n")
        assert set(variables(path)) == {variable}


# What bench latency asks for


def test_both_drafts_are_two_stacks_that_differ_in_nothing_else() -> None:
    wish = Wish(3, endpoint=200, endpoint_mode="adaptive", drafts="both")
    common = {"VAD_MIN_SILENCE_MS": "200", "ENDPOINT": "adaptive"}
    assert wish.variants == {"off": common | {"DRAFTS": "false"}, "on": common | {"DRAFTS": "true"}}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("grpc://localhost:7001", "grpc://localhost:7001 is no address of a gateway"),
        ("https://talk.example.org", "behind TLS"),
        ("http://127.0.0.1:1", "Nobody answers at http://127.0.0.1:1: Connection refused"),
    ],
)
def test_where_no_gateway_answers_nobody_begins_to_speak(url: str, said: str) -> None:
    with pytest.raises(GatewayError, match=said):
        measured(Wish(3, url=url))


def test_what_is_not_asked_for_stays_as_it_is() -> None:
    assert Wish(3).variants == {"": {}}
    assert Wish(3, drafts="on").variants == {"": {"DRAFTS": "true"}}


def test_percentiles_and_engines_are_lists_of_numbers() -> None:
    assert percentiles("99,50") == (50, 99)
    assert engines("120,60,0") == {"stt": 120, "translation": 60, "tts": 0}
    for wrong in ("", "0", "100", "a"):
        with pytest.raises(typer.BadParameter, match="percentiles"):
            percentiles(wrong)
    for wrong in ("120,60", "1,2,x", "1,2,99999"):
        with pytest.raises(typer.BadParameter, match="milliseconds of stt, translation, tts"):
            engines(wrong)


def test_percentiles_asked_for_come_besides_the_usual_ones(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("test", {}, percentiles=(50, 99.9))
    report.add({"queue_ms": [float(value) for value in range(1001)]})
    assert report.figures["queue_ms"] == {
        "p50": 500, "p95": 950, "p99": 990, "p99.9": 999, "n": 1001, "unit": "ms"
    }  # fmt: skip
    report.show()
    assert capsys.readouterr().out.split()[:3] == ["figure", "p50", "p99.9"]


# Pictures


def levels() -> Report:
    report = Report("latency", {})
    for level, ms in ((16, 800.0), (1, 780.0)):
        report.add({f"on/first_audio_ms_{level}": [ms], f"on/after_endpoint_ms_{level}": [ms - 500]})
        report.add({f"on/queue_ms_{level}": [ms]})
    return report


def test_lines_go_from_few_sessions_to_many() -> None:
    assert plot.lines(levels().figures)["on", "first_audio_ms", "p95"] == [(1, 780), (16, 800)]
    assert {name for _, name, _ in plot.lines(levels().figures)} == {"first_audio_ms", "after_endpoint_ms"}


@pytest.mark.slow  # the first picture on a machine looks for its fonts
def test_a_picture_is_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot.prepare(tmp_path / "x" / "latency.png")
    plot.draw(levels(), tmp_path / "x" / "latency.png")
    assert (tmp_path / "x" / "latency.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_without_matplotlib_the_remedy_comes_before_the_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(BridgeError, match="matplotlib is not installed") as error:
        plot.prepare(tmp_path / "latency.png")
    assert "[bench]" in error.value.hint
