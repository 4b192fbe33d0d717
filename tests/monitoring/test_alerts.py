"""The alerts of Prometheus, by promtool: each fires when it should, and is silent when it should not."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
import yaml

from tests.monitoring.promql import RULES, rules
from tests.monitoring.tools import promtool
from tests.stack import REPOSITORY

FILES = sorted(path.name for path in (REPOSITORY / "tests/monitoring").glob("*.yml"))
ALERTS = [name for name, _ in rules("alert", "alerts.yml")]
OPERATIONS = REPOSITORY / "docs/operations.md"


@cache
def alerts() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load((RULES / "alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


@cache
def checked(file: str) -> tuple[tuple[str, bool], ...]:
    """The alerts that a file of tests looks at, and whether they should fire there."""
    tests = yaml.safe_load((REPOSITORY / "tests/monitoring" / file).read_text())["tests"]
    return tuple(
        (check["alertname"], bool(check["exp_alerts"]))
        for test in tests
        for check in test.get("alert_rule_test", ())
    )


def test_promtool_takes_the_configuration_and_finds_its_rules() -> None:
    said = promtool("check", "config", "prometheus.yml", folder=RULES)

    assert said.count("SUCCESS") == 4
    assert f"{len(ALERTS)} rules found" in said


@pytest.mark.parametrize("file", FILES)
def test_alerts_fire_when_they_should_and_are_silent_when_they_should_not(file: str) -> None:
    assert "SUCCESS" in promtool("test", "rules", file, folder=REPOSITORY / "tests/monitoring")


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_is_tested_both_ways(alert: str) -> None:
    assert {fires for file in FILES for name, fires in checked(file) if name == alert} == {True, False}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_how_bad_it_is_and_where_it_is_written_what_to_do(alert: str) -> None:
    rule = alerts()[alert]

    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{alert.lower()}"
    assert f"\n### {alert}\n" in OPERATIONS.read_text()


def test_every_runbook_is_of_an_alert_and_says_its_meaning_a_command_causes_and_remedies() -> None:
    _, _, books = OPERATIONS.read_text().partition("\n## Alerts\n")
    sections = re.split(r"\n### ", books.partition("\n## ")[0])[1:]

    assert sorted(section.partition("\n")[0] for section in sections) == sorted(ALERTS)
    for section in sections:
        assert re.findall(r"^- \*\*(.+?)\.\*\*", section, re.M) == ["Means", "First", "Causes", "Remedies"], (
            section
        )


def test_what_follows_from_another_alert_names_alerts_that_exist() -> None:
    written = yaml.safe_load((REPOSITORY / "config/alertmanager/alertmanager.yml").read_text())
    matchers = [
        matcher
        for rule in written["inhibit_rules"]
        for matcher in rule["source_matchers"] + rule["target_matchers"]
    ]
    named = {name for matcher in matchers for name in re.findall(r"[A-Z]\w+", matcher.partition("=")[2])}

    assert named and named <= set(ALERTS)
    assert written["route"]["receiver"] in {receiver["name"] for receiver in written["receivers"]}
