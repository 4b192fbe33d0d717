"""Where the value of a variable comes from, and what is said of one that cannot be used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices, Field, SecretStr

from bridge.errors import SettingsError
from bridge.options import Options, Origin, origins, unknown, variables
from bridge.providers import option_classes
from bridge.settings import Settings


class KeyOptions(Options):
    """Options with a secret, as a provider of the cloud has them."""

    stt_key: SecretStr | None = Field(None, description="A key.")
    stt_tries: int = Field(3, ge=1, le=9, description="A number.")


class NamedOptions(Options):
    """Options with second names, as the engines have them."""

    stt_device: str = Field(
        "auto", max_length=6, validation_alias=AliasChoices("stt_device", "device"), description="A device."
    )
    stt_token: SecretStr | None = Field(
        None, min_length=4, validation_alias=AliasChoices("stt_token", "token"), description="A key."
    )


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with one preset, and none of our variables set."""
    for name in (
        "PRESET",
        "CONFIG_DIR",
        "REDIS_URL",
        "DATA_DIR",
        "PORT",
        "STT_KEY",
        "STT_TRIES",
        *variables(NamedOptions),
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    presets = tmp_path / "config" / "presets"
    presets.mkdir(parents=True)
    (tmp_path / "config" / "topology.toml").touch()
    (presets / "quick.env").write_text("PORT=7003\nVAD_PADDING_MS=103\nLOG_LEVEL=DEBUG\n")
    return tmp_path


def source_of(variable: str, options: Options) -> tuple[str, str]:
    return next((origin.value, origin.source) for origin in origins(options) if origin.variable == variable)


def test_flag_wins_over_environment_over_dotenv_over_preset_over_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Settings.read().port == 8000
    monkeypatch.setenv("PRESET", "quick")
    assert Settings.read().port == 7003
    (folder / ".env").write_text("PORT=7002\n")
    assert Settings.read().port == 7002
    monkeypatch.setenv("PORT", "7001")
    assert Settings.read().port == 7001
    assert Settings.read(port=7000).port == 7000
    assert Settings.read(port=None).port == 7001


def test_each_value_is_shown_with_its_source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("VAD_PADDING_MS=102\n")
    monkeypatch.setenv("PRESET", "quick")
    monkeypatch.setenv("PORT", "7001")
    settings = Settings.read()
    assert source_of("PORT", settings) == ("7001", "environment")
    assert source_of("VAD_PADDING_MS", settings) == ("102", ".env")
    assert source_of("LOG_LEVEL", settings) == ("DEBUG", "preset quick")
    assert source_of("HOST", settings) == ("127.0.0.1", "default")


def test_preset_may_be_chosen_in_dotenv(folder: Path) -> None:
    (folder / ".env").write_text("PRESET=quick\n")
    assert Settings.read().vad_padding_ms == 103


def test_name_in_lower_case_counts_and_its_source_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("vad_padding_ms", "77")
    assert source_of("VAD_PADDING_MS", Settings.read()) == ("77", "environment")


def test_empty_variable_counts_as_unset(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("PORT=7002\n")
    monkeypatch.setenv("PORT", "")
    assert source_of("PORT", Settings.read()) == ("7002", ".env")


@pytest.mark.parametrize(
    ("environment", "dotenv", "preset", "value", "source", "alias"),
    [
        ({}, "", "", "auto", "default", ""),
        ({"DEVICE": "cpu"}, "", "", "cpu", "environment", "DEVICE"),
        ({"device": "cpu"}, "", "", "cpu", "environment", "DEVICE"),
        ({"STT_DEVICE": "cuda", "DEVICE": "cpu"}, "", "", "cuda", "environment", ""),
        ({"STT_DEVICE": "", "DEVICE": "cpu"}, "", "", "cpu", "environment", "DEVICE"),
        ({"DEVICE": ""}, "", "", "auto", "default", ""),
        ({}, "DEVICE=cpu", "", "cpu", ".env", "DEVICE"),
        ({}, "DEVICE=cpu\nSTT_DEVICE=cuda", "", "cuda", ".env", ""),
        ({}, "", "DEVICE=cpu", "cpu", "preset named", "DEVICE"),
        ({}, "STT_DEVICE=", "DEVICE=cpu\nSTT_DEVICE=cuda", "cuda", "preset named", ""),
        # The stronger source wins, by whichever name.
        ({"DEVICE": "cpu"}, "STT_DEVICE=cuda", "", "cpu", "environment", "DEVICE"),
        ({}, "DEVICE=cpu", "STT_DEVICE=cuda", "cpu", ".env", "DEVICE"),
    ],
)
def test_second_name_counts_in_every_source_and_the_first_wins_within_one(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    dotenv: str,
    preset: str,
    value: str,
    source: str,
    alias: str,
) -> None:
    for name, given in environment.items():
        monkeypatch.setenv(name, given)
    (folder / ".env").write_text(dotenv)
    (folder / "config" / "presets" / "named.env").write_text(preset)
    monkeypatch.setenv("PRESET", "named")
    options = NamedOptions.read()
    assert options.stt_device == value
    assert next(origins(options)) == Origin("STT_DEVICE", value, source, alias)
    assert NamedOptions.read(stt_device="flag").stt_device == "flag"


@pytest.mark.parametrize("name", ["DEVICE", "STT_DEVICE"])
def test_value_that_cannot_be_used_is_told_with_the_name_that_was_written(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "toolong")
    with pytest.raises(SettingsError, match=f"^{name}=toolong is not valid"):
        NamedOptions.read()
    with pytest.raises(SettingsError, match=r"^STT_DEVICE=flagged is not valid"):
        NamedOptions.read(stt_device="flagged")


def test_secret_under_its_second_name_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "abc")
    with pytest.raises(SettingsError, match="TOKEN is not valid") as caught:
        NamedOptions.read()
    assert "abc" not in str(caught.value)


def test_second_names_are_known_and_count_as_nearest_matches(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(variables(NamedOptions)) == ["STT_DEVICE", "DEVICE", "STT_TOKEN", "TOKEN"]
    (folder / ".env").write_text("DEVICE=cpu\nDEVISE=cpu\n")
    [sentence] = unknown(variables(NamedOptions))
    assert sentence.startswith("DEVISE in .env")
    assert sentence.endswith("Did you mean DEVICE?")


@pytest.mark.parametrize("name", ["MODEL_TTL_SECOND", "MODELS_DIRS", "ORT_OPTIMISATION", "CACHE_SIZES"])
def test_misspelt_variable_of_the_models_is_pointed_out_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    [sentence] = [one for one in unknown(variables(Settings)) if one.startswith(name)]
    assert "no effect" in sentence


def test_unknown_preset_is_refused_with_the_ones_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESET", "fast")
    with pytest.raises(SettingsError, match="PRESET=fast") as caught:
        Settings.read()
    assert "quick" in caught.value.hint


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "http"), ("PORT", "70000"), ("VAD_AGGRESSIVENESS", "4"), ("LOG_LEVEL", "LOUD")],
)
def test_value_that_cannot_be_used_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"{variable}={value} is not valid") as caught:
        Settings.read()
    assert "config show" in caught.value.hint


def test_secret_is_masked_in_origins_and_missing_from_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STT_KEY", "geheim")
    options = KeyOptions.read()
    assert options.stt_key is not None and options.stt_key.get_secret_value() == "geheim"
    assert "geheim" not in str(list(origins(options)))
    assert source_of("STT_KEY", options)[1] == "environment"


def test_password_in_a_url_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:geheim@localhost:6379/0")
    assert source_of("REDIS_URL", Settings.read())[0] == "redis://:***@localhost:6379/0"


@pytest.mark.parametrize(
    "url",
    [
        "redis://:geheim/x@host:6379/0",
        "redis://host:6379/0?password=geheim",
        "unix:///run/redis.sock?password=geheim",
        "sentinel://:geheim@host:26379",
        "redis://:geheim@host:port/0",
        "http://me:geheim@host",
        "redis://:geheim@host:6379/first",
        "redis://:geheim@host:6379/0?db=3",
        "redis://:geheim@host:6379,other:6379/0",
        "rediss://:geheim@host/0?ssl_cert_reqs=CERT_NONE",
        "unix://:geheim@run/redis.sock",
        "unix://:geheim@/run/redis.sock?db=one",
        "redis+socket://:geheim@/run/redis.sock",
        "redis://:ge[heim@host:6379/0",
    ],
)
def test_url_that_celery_or_redis_would_not_understand_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(SettingsError, match="REDIS_URL=") as caught:
        Settings.read()
    assert "geheim" not in str(caught.value)
    assert re.search("redis://:password@host:6379/0|unix:///run/redis.sock|required", caught.value.message)


@pytest.mark.parametrize(
    "url",
    [
        *("", "redis://:ge@heim@host/0", "rediss://me:pw@[::1]:1/0?ssl_cert_reqs=none", "redis://host"),
        *("unix:///run/redis.sock", "unix://me:p%2Fw@/run/redis.sock?db=3"),
    ],
)
def test_url_of_a_redis_is_taken(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert Settings.read().redis_url == url


def test_variable_of_no_effect_is_pointed_out_with_its_nearest_match(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("VAD_PADING_MS=1\nSOMETHING=2\n")
    monkeypatch.setenv("WS_MAX_CONECTIONS", "5")
    monkeypatch.setenv("EDITOR_THEME", "dark")
    sentences = unknown(variables(Settings))
    assert sorted(sentences) == [
        "SOMETHING in .env is no variable of speechbridge and has no effect.",
        "VAD_PADING_MS in .env is no variable of speechbridge and has no effect."
        " Did you mean VAD_PADDING_MS?",
        "WS_MAX_CONECTIONS in environment is no variable of speechbridge and has no effect."
        " Did you mean WS_MAX_CONNECTIONS?",
    ]


def test_what_compose_reads_of_the_same_file_is_not_pointed_out(folder: Path) -> None:
    (folder / ".env").write_text("COMPOSE_FILE=docker-compose.yml\nGRAFANA_PASSWORD=secret\n")
    assert unknown(variables(Settings)) == []


def test_every_known_variable_is_accepted_without_a_word(folder: Path) -> None:
    (folder / ".env").write_text("".join(f"{name}=\n" for name in variables(Settings)))
    assert unknown(variables(Settings)) == []


def test_every_setting_says_what_it_does_in_one_sentence() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description and field.description.endswith("."), name


@pytest.mark.parametrize(("level", "threshold"), list(enumerate((0.35, 0.5, 0.65, 0.8))))
def test_aggressiveness_sets_the_threshold_unless_one_is_given(
    monkeypatch: pytest.MonkeyPatch, level: int, threshold: float
) -> None:
    monkeypatch.setenv("VAD_AGGRESSIVENESS", str(level))
    assert Settings.read().threshold == threshold
    assert Settings.read(vad_threshold=0.42).threshold == 0.42


ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    "file", [".env.example", *(f"config/presets/{name}.env" for name in ("embedded", "simulated"))]
)
def test_shipped_file_names_only_variables_that_have_an_effect(
    folder: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    text = re.sub(r"^#(?=[A-Z_]+=)", "", (ROOT / file).read_text(), flags=re.MULTILINE)
    (folder / ".env").write_text(text)
    monkeypatch.setenv("CONFIG_DIR", str(ROOT / "config"))
    classes: list[type[Options]] = [Settings, *option_classes()]
    assert unknown(name for options in classes for name in variables(options)) == []
    assert source_of("STT_PROVIDER", Settings.read())[1] == ".env"


SEED_NAMES = (
    "STT_PROVIDER",
    "TRANSLATION_PROVIDER",
    "TTS_PROVIDER",
    "MODEL_SIZE",
    "DEVICE",
    "COMPUTE_TYPE",
    "NUM_WORKERS",
    "BEAM_SIZE",
    "BEST_OF",
    "TEMPERATURE",
    "VAD_FILTER",
    "VAD_THRESHOLD",
    "BATCH_SIZE",
    "MAX_BATCH_SIZE",
    "AZURE_SPEECH_KEY",
    "DEEPL_API_KEY",
    "ELEVENLABS_API_KEY",
    "TRANSLATION_MODEL",
    "PRECISION",
    "TTS_MODEL",
    "NUM_BEAMS",
    "LENGTH_PENALTY",
    "MAX_LENGTH",
    "USE_ONNX",
    "ONNX_PROVIDERS",
    "SAMPLE_RATE",
    "AUDIO_FORMAT",
    "LOAD_BALANCE_STRATEGY",
    "HEALTH_CHECK_INTERVAL",
    "CIRCUIT_BREAKER_THRESHOLD",
    "WS_MAX_MESSAGE_SIZE",
    "WS_MAX_CONNECTIONS",
    "WS_PING_INTERVAL",
    "WS_PING_TIMEOUT",
    "WS_COMPRESSION",
    "GRPC_MAX_MESSAGE_LENGTH",
    "GRPC_KEEPALIVE_TIME",
    "GRPC_KEEPALIVE_TIMEOUT",
    "GRPC_KEEPALIVE_PERMIT",
    "GRPC_HTTP2_MAX_PINGS",
)
"""The forty names of the tuning guide that operators bring along."""


@pytest.mark.parametrize("name", SEED_NAMES)
def test_each_name_of_the_tuning_guide_acts_or_is_answered_with_the_reason(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    classes: list[type[Options]] = [Settings, *option_classes()]
    known = {variable for options in classes for variable in variables(options)}
    monkeypatch.setenv(name, "1")
    sentences = unknown(known)

    assert (name in known) == (sentences == [])
    assert all(f"{name} in environment has no effect here: " in sentence for sentence in sentences)
