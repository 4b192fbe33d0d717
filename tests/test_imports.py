"""Each import contract catches a violation, so that a green `make check` means something; and each module is
short, and says why it exists."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter import configuration
from importlinter.application.use_cases import _register_built_in_contract_types, read_user_options
from importlinter.domain.contract import registry

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for package in ("bridge", "gateway") for path in (ROOT / package).rglob("*.py"))
MOST_LINES = 300
ORDER = "The command line stands above the gateway"
GATEWAY = "Within the gateway"
PROTECTED = "Of the bridge, the command line alone"
NOUNS = "The nouns import the standard library only"
MESSAGES = "The messages import the nouns"
PROVIDERS = "Providers know neither queue"
SERIES = "The series import"
CORE = "What decides in the gateway"
SERIES = "The series import the nouns"
WORKERS = "The gateway exports no series of a worker"
ENGINES = "The gateway imports no engine"
VIOLATIONS = [
    ("bridge.store.keys", "gateway.runtime.relay", ORDER),
    ("bridge.client.connection", "gateway.runtime.relay", ORDER),
    ("bridge.client.connection", "bridge.pipeline", ORDER),
    ("bridge.pipeline", "bridge.client.connection", ORDER),
    ("bridge.tasks.run", "bridge.pipeline", ORDER),
    ("bridge.tasks.run", "bridge.client", ORDER),
    ("bridge.store.work", "bridge.tasks.run", ORDER),
    ("bridge.store.work", "bridge.providers", ORDER),
    ("bridge.types", "bridge.store.keys", ORDER),
    ("gateway.runtime.relay", "bridge.cli.up", ORDER),
    ("gateway.app", "gateway.server", GATEWAY),
    ("gateway.protocols.native.connection", "gateway.app", GATEWAY),
    ("gateway.runtime.runner", "gateway.protocols.native.frames", GATEWAY),
    ("gateway.core.room", "gateway.runtime.relay", GATEWAY),
    ("bridge.settings", "gateway.app", PROTECTED),
    ("bridge.placement", "gateway.runtime.fleet", PROTECTED),
    ("bridge.types", "pydantic", NOUNS),
    ("bridge.protocol.wire", "bridge.settings", MESSAGES),
    ("bridge.protocol.wire", "gateway.core.terms", MESSAGES),
    ("bridge.protocol.server_messages", "redis", MESSAGES),
    ("bridge.providers.tts.espeak", "celery", PROVIDERS),
    ("bridge.providers.simulated", "bridge.store.cache", PROVIDERS),
    ("bridge.providers.simulated", "gateway.core.terms", PROVIDERS),
    ("gateway.core.segmenter", "asyncio", CORE),
    ("gateway.core.flight", "bridge.metrics", CORE),
    ("bridge.metrics.gateway", "bridge.settings", SERIES),
    ("gateway.core.deadlines", "time", CORE),
    ("gateway.core.room", "threading", CORE),
    ("gateway.core.speaker", "structlog", CORE),
    ("gateway.core.inwork", "bridge.tracing", CORE),
    ("gateway.core.listener", "bridge.protocol.wire", CORE),
    ("gateway.core.ledger", "bridge.store.journal", CORE),
    ("bridge.metrics.worker", "bridge.settings", SERIES),
    ("bridge.tasks.run", "bridge.metrics.worker", WORKERS),
    ("gateway.runtime.vad", "pocketsphinx", ENGINES),
    ("gateway.runtime.vad", "bridge.providers.stt.pocketsphinx", ENGINES),
]


@pytest.fixture(scope="module")
def contracts() -> dict[str, Any]:
    """Every contract of pyproject.toml, by its name."""
    configuration.configure()
    _register_built_in_contract_types()
    options = read_user_options(str(ROOT / "pyproject.toml"))
    made = {}
    for each in options.contracts_options:
        kind = registry.get_contract_class(each["type"])
        made[each["name"]] = kind(
            name=each["name"], session_options=options.session_options, contract_options=each
        )
    return made


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    """What imports what, as it is."""
    return grimp.build_graph("bridge", "gateway", include_external_packages=True, cache_dir=None)


def test_every_contract_is_kept(contracts: dict[str, Any], imports: grimp.ImportGraph) -> None:
    kept = {
        name: contract.check(deepcopy(imports), verbose=False).kept for name, contract in contracts.items()
    }

    assert kept == dict.fromkeys(contracts, True)


def test_every_contract_is_broken_by_a_planted_import(contracts: dict[str, Any]) -> None:
    assert all(any(name.startswith(contract) for *_, contract in VIOLATIONS) for name in contracts)


@pytest.mark.parametrize(("importer", "imported", "contract"), VIOLATIONS)
def test_planted_import_is_caught(
    contracts: dict[str, Any], imports: grimp.ImportGraph, importer: str, imported: str, contract: str
) -> None:
    assert importer in imports.modules, "a contract that names a module of yesterday catches nothing"
    assert imported in imports.modules or imported.partition(".")[0] not in ("bridge", "gateway")
    (check,) = [made for name, made in contracts.items() if name.startswith(contract)]
    spoiled = deepcopy(imports)
    spoiled.add_import(importer=importer, imported=imported)

    assert not check.check(spoiled, verbose=False).kept


def test_the_command_that_checks_them_reads_the_sources(tmp_path: Path) -> None:
    for package in ("bridge", "gateway"):
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "data", "web")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "gateway/core/segmenter.py").open("a") as source:
        source.write("\nimport asyncio\n")
    ended = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 1
    broken = [said for said in ended.stdout.splitlines() if said.endswith("BROKEN")]
    assert len(broken) == 1 and broken[0].startswith(CORE), ended.stdout


def test_no_module_is_too_long_to_be_read_at_once() -> None:
    lengths = {str(path.relative_to(ROOT)): path.read_text("utf-8").count("\n") for path in MODULES}

    assert "gateway/core/supervision.py" in lengths
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_every_module_says_why_it_exists() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]

    assert silent == []
