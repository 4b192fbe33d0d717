"""Every expression of a rule or a panel names series, labels and values that are exported."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from bridge.metrics import TABLE
from tests.monitoring.promql import Selector, ours, parse, recorded, rules
from tests.monitoring.tools import promtool
from tests.stack import REPOSITORY

GRAFANA = REPOSITORY / "config/grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))


def panels() -> Iterator[tuple[str, str]]:
    """Where it is, and the expression."""
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{file.stem}: {panel['title']}", target["expr"]


def expressions() -> list[tuple[str, str]]:
    named = [*rules("record", "rules.yml"), *rules("alert", "alerts.yml"), *panels()]
    return [(where, re.sub(r"\$__(rate_interval|range)", "5m", expression)) for where, expression in named]


@cache
def known() -> dict[str, set[str]]:
    return ours() | recorded()


@cache
def known_values() -> dict[tuple[str, str], Sequence[str]]:
    """Those of the labels whose values are known before anything happens."""
    parts = ("", "_bucket", "_sum", "_count")
    return {
        (series.name + part, label): values
        for series in TABLE
        for part in parts
        for label, values in series.labels.items()
    }


def complaint(selector: Selector) -> str:
    """What is wrong with it; empty if nothing is."""
    if selector.name not in known():
        return f"{selector.name} is exported by nobody"
    if strange := selector.matchers.keys() - known()[selector.name]:
        return f"{selector.name} has no label {strange}"
    for label, pattern in selector.matchers.items():
        values = known_values().get((selector.name, label), ())
        if values and not any(re.fullmatch(pattern, value) for value in values):
            return f"{selector.name} never has {label} {pattern}"
    return ""


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_an_expression_names_what_is_exported(where: str, expression: str) -> None:
    selectors, labels = parse(expression)

    assert selectors
    assert [said for selector in selectors if (said := complaint(selector))] == []
    assert labels <= {label for selector in selectors for label in known()[selector.name]}


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("rate(bridge_segment_total[5m])", "bridge_segment_total is exported by nobody"),
        ('bridge_queue_length{stage="stt"}', "bridge_queue_length has no label {'stage'}"),
        (
            'sum(bridge_segments_total{outcome=~"lost|gone"})',
            "bridge_segments_total never has outcome lost|gone",
        ),
        ('max by (queue) (bridge_queue_length{job="gateway"}) > 2 and on () up', ""),
    ],
)
def test_a_wrong_series_label_or_value_is_found(expression: str, said: str) -> None:
    assert "".join(complaint(selector) for selector in parse(expression)[0]) == said


def check(written: list[str], folder: Path) -> str:
    named = [{"record": f"expression:{number}", "expr": text} for number, text in enumerate(written)]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": named}]}))
    return promtool("check", "rules", "rules.yml", folder=folder)


def test_promtool_takes_every_expression(tmp_path: Path) -> None:
    written = [text for _, text in expressions()]

    assert f"{len(written)} rules found" in check(written, tmp_path)


def test_promtool_refuses_what_is_no_expression(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="could not parse expression"):
        check(["sum by (le) up"], tmp_path)


def test_every_alert_and_panel_goes_by_what_a_rule_records_already() -> None:
    used = {selector.name for _, text in expressions() for selector in parse(text)[0]}
    for_people = {
        *(
            f"bridge:{name}_seconds:{kind}"
            for name in ("first_audio", "segment_latency")
            for kind in ("mean", "p99")
        ),
        *(f"stage:duration_seconds:{kind}" for kind in ("mean", "p95", "p99")),
        *("stage:real_time_factor:p95", "bridge:segments:per_minute", "bridge:cache:hit_ratio"),
        "bridge:audio_seconds:per_second",
    }

    assert recorded().keys() - used <= for_people


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dashboards", REPOSITORY / "scripts/dashboards.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_dashboards_are_those_that_the_script_writes(script: ModuleType) -> None:
    written = {file.stem: file.read_text() for file in DASHBOARDS}
    assert written == {each.name: script.render(each) for each in script.DASHBOARDS}, (
        "run: python scripts/dashboards.py"
    )


def test_every_panel_asks_the_datasource_that_is_provisioned_and_shows_all_its_lines() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/speechbridge.yml").read_text())[
        "providers"
    ]

    assert provider["allowUiUpdates"] is False
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
            assert all(each == {"type": "prometheus", "uid": source["uid"]} for each in asked)
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_the_dashboards_have_the_panels_that_operators_know() -> None:
    titles = [title.split(": ")[0] for title, _ in dict.fromkeys(panels())]
    assert {name: len({where for where, _ in panels() if where.startswith(name)}) for name in titles} == {
        "providers": 4,
        "queues": 8,
        "realtime": 4,
        "resources": 4,
        "sessions": 3,
    }
