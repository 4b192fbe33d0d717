"""The command line itself: help, errors, and what `config show` tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.terminal import speechbridge, started

HEAVY = ("celery", "fastapi", "numpy", "redis", "uvicorn", "onnxruntime")


PROGRAM = f"""
import sys
from bridge.cli import main
try:
    main()
finally:
    sys.stderr.write(repr([name for name in {HEAVY!r} if name in sys.modules]))
"""


def shown(*arguments: str, folder: Path | None = None, **variables: str) -> dict[str, dict[str, Any]]:
    ended = speechbridge("config", "show", "--json", *arguments, folder=folder, **variables)
    assert ended.returncode == 0, ended.stderr
    return {entry["variable"]: entry for entry in json.loads(ended.stdout)}


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    ended = started("-c", PROGRAM, "--help")
    assert ended.returncode == 0
    for verb in ("up", "gateway", "worker", "translate", "doctor", "providers", "config"):
        assert f" {verb} " in ended.stdout
    assert ended.stderr == "[]"


@pytest.mark.parametrize(
    "verb", ["up", "gateway", "worker", "translate", "doctor", "providers", "config", "flower"]
)
def test_each_verb_has_a_help_of_its_own(verb: str) -> None:
    ended = speechbridge(verb, "--help")
    assert ended.returncode == 0
    assert f"speechbridge {verb}" in ended.stdout


def test_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    assert speechbridge("--version").stdout.strip() == version("speechbridge")


def test_error_of_ours_is_two_lines_and_exit_code_1() -> None:
    ended = started("-m", "bridge.cli", "worker", "nobody")
    assert ended.returncode == 1
    said, hint = ended.stderr.splitlines()
    assert said.startswith("error: ") and "'nobody'" in said
    assert hint.startswith("→ ") and "stt-cpu0" in hint


@pytest.mark.parametrize(
    "arguments", [["fly"], ["worker"], ["up", "--port", "eighty"], ["up", "--port", "70000"]]
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert speechbridge(*arguments).returncode == 2


def test_values_are_shown_with_their_sources(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VAD_PADDING_MS=111\n")
    values = shown(folder=tmp_path, PORT="9001")
    assert (values["PORT"]["value"], values["PORT"]["source"]) == ("9001", "environment")
    assert (values["VAD_PADDING_MS"]["value"], values["VAD_PADDING_MS"]["source"]) == ("111", ".env")
    assert values["HOST"]["source"] == "default"


def test_preset_option_holds_for_the_verb_that_follows() -> None:
    ended = speechbridge("--preset", "simulated", "config", "show", "--json")
    values = {entry["variable"]: entry for entry in json.loads(ended.stdout)}
    assert values["STT_PROVIDER"]["value"] == "simulated"
    assert values["STT_PROVIDER"]["source"] == "preset simulated"


def test_options_of_the_providers_in_force_are_shown_and_of_the_others_on_request() -> None:
    in_force = shown(PRESET="embedded")
    assert "APERTIUM_TIMEOUT_MS" in in_force
    assert "SIMULATED_STT_MS" not in in_force
    every = shown("--all", PRESET="embedded")
    assert set(in_force) < set(every)
    assert "SIMULATED_STT_MS" in every


def test_secrets_are_never_shown() -> None:
    ended = speechbridge(
        "config", "show", "--all", REDIS_URL="redis://:geheim@localhost/0", FLOWER_PASSWORD="geheim"
    )
    assert "geheim" not in ended.stdout
    assert "redis://:***@localhost/0" in ended.stdout


def test_unknown_variable_is_pointed_out_on_stderr_and_its_value_is_not(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VAD_MIN_SILENCE=geheim\n")
    ended = speechbridge("config", "show", "--json", folder=tmp_path)
    assert ended.returncode == 0
    assert json.loads(ended.stdout)
    assert "warning: VAD_MIN_SILENCE in .env" in ended.stderr
    assert "Did you mean VAD_MIN_SILENCE_MS?" in ended.stderr
    assert "geheim" not in ended.stderr


def test_folder_called_bridge_beside_the_user_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "bridge").mkdir()
    (tmp_path / "bridge" / "__init__.py").write_text("raise RuntimeError('the wrong one')")
    ended = started("-m", "bridge.cli", "--version", folder=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.provider
def test_providers_tell_licence_languages_and_which_is_in_force() -> None:
    ended = speechbridge("providers", "--json", PRESET="simulated")
    entries = {(entry["stage"], entry["provider"]): entry for entry in json.loads(ended.stdout)}
    assert entries["tts", "simulated"]["in_force"]
    assert not entries["tts", "espeak"]["in_force"]
    assert entries["stt", "pocketsphinx"]["licence"] == "BSD-2-Clause"
    assert entries["stt", "pocketsphinx"]["languages"] == ["en"]
    assert "en→es" in entries["translation", "apertium"]["languages"]
    assert entries["tts", "espeak"]["dollars_per_minute"] is None
    assert entries["stt", "openai"]["dollars_per_minute"] == pytest.approx(0.006)


@pytest.mark.slow
@pytest.mark.provider
def test_provider_that_is_not_installed_is_listed_with_the_command_that_installs_it(tmp_path: Path) -> None:
    ended = speechbridge("providers", "--json", APERTIUM_MODES=str(tmp_path))
    [apertium] = [entry for entry in json.loads(ended.stdout) if entry["provider"] == "apertium"]
    assert not apertium["installed"]
    assert "apt-get install apertium" in apertium["install"]
