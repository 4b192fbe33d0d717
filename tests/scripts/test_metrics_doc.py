"""The page of all metrics is the one that their table would write today."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from bridge.metrics import TABLE

ROOT = Path(__file__).parent.parent.parent
BASE_UNITS = ("_seconds", "_bytes", "_ratio", "_total", "_info", "_cores", "_db")
COUNTS = {
    *("bridge_sessions_active", "bridge_connections", "bridge_waiting_segments", "bridge_pressure_level"),
    "bridge_breaker_state",
    *("bridge_queue_workers", "bridge_queue_slots", "bridge_queue_running", "bridge_queue_length"),
    *(
        "bridge_redis_up",
        "bridge_redis_connections",
        "bridge_worker_sessions_active",
        "bridge_worker_threads",
    ),
    *("bridge_models_resident", "bridge_real_time_factor"),
}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "scripts" / "metrics_doc.py"
    spec = importlib.util.spec_from_file_location("metrics_doc", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_is_current(script: ModuleType) -> None:
    written = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert written == script.render(), "run: python scripts/metrics_doc.py"


def test_every_series_has_one_row_with_a_sentence_and_a_duration_its_instants(script: ModuleType) -> None:
    rows = [line.strip("| ").split(" | ") for line in script.render().splitlines() if line.startswith("| `")]
    assert sorted(row[0] for row in rows) == sorted(f"`{series.name}`" for series in TABLE)
    assert all(row[3].endswith(".") for row in rows)
    for series in TABLE:
        timed = series.kind == "histogram" and series.name.endswith("_seconds")
        assert timed == bool(series.begins and series.ends), series.name


def test_names_have_our_prefix_and_base_units_and_labels_name_no_session() -> None:
    for series in TABLE:
        assert series.name.startswith("bridge_")
        assert series.name.endswith(BASE_UNITS) or series.name in COUNTS, series.name
        assert not {"session", "room", "segment"} & set(series.labels)
