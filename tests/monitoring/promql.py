"""Which series, labels and values a PromQL expression names. That it is well formed, promtool says."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml

from bridge.metrics import TABLE, gateway, process, worker
from tests.stack import REPOSITORY

RULES = REPOSITORY / "config/prometheus"
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[A-Za-z_:][\w:]*|[{}(),]|[=!~<>]+|\S')
GROUPING = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = GROUPING | {"and", "or", "unless", "bool", "offset", "sum", "max", "min", "avg", "count"}
OF_TARGETS = {"job", "instance", "host"}
OF_WORKERS = {"worker", "stage", "device", "provider"}
"""Labels that `/metrics/targets` gives to all series of a worker."""
OTHERS: dict[str, set[str]] = {
    "up": OF_WORKERS,
    "process_cpu_seconds_total": OF_WORKERS,  # prometheus_client's
    "process_resident_memory_bytes": OF_WORKERS,
    "redis_aof_last_write_status": set(),  # redis_exporter's
}


@dataclass(frozen=True, slots=True)
class Selector:
    """A series by its name, with the pattern that each label must match in full."""

    name: str
    matchers: dict[str, str]


def parse(expression: str) -> tuple[list[Selector], set[str]]:
    """The selectors of an expression, and the labels that it groups or joins by."""
    tokens = [token for token in TOKEN.findall(expression) if not token.startswith("[")]
    selectors: list[Selector] = []
    labels: set[str] = set()
    at = 0
    while at < len(tokens):
        token, after = tokens[at], tokens[at + 1] if at + 1 < len(tokens) else ""
        at += 1
        if token in GROUPING and after == "(":
            end = tokens.index(")", at)
            labels |= {word for word in tokens[at + 1 : end] if word != ","}
            at = end + 1
        elif re.match(r"[A-Za-z_:]", token) and after != "(" and token not in WORDS:
            matchers = {}
            if after == "{":
                end = tokens.index("}", at)
                matchers = _matchers(tokens[at + 1 : end])
                at = end + 1
            selectors.append(Selector(token, matchers))
    return selectors, labels


def _matchers(tokens: list[str]) -> dict[str, str]:
    found = {}
    for label, operator, value in zip(tokens[::4], tokens[1::4], tokens[2::4], strict=True):
        text = value.strip('"')
        found[label] = text if "~" in operator else re.escape(text)
    return found


def ours() -> dict[str, set[str]]:
    """All series that a scrape of our processes and of the exporters holds, with their labels."""
    assert gateway and worker and process
    found = {name: labels | OF_TARGETS for name, labels in OTHERS.items()}
    for series in TABLE:
        labels = {*series.labels, *OF_TARGETS, *(() if series.at == "gateway" else OF_WORKERS)}
        if series.kind == "histogram":
            found |= {f"{series.name}_{part}": labels for part in ("sum", "count")}
            found[f"{series.name}_bucket"] = labels | {"le"}
        else:
            found[series.name] = labels
    return found


def recorded() -> dict[str, set[str]]:
    """The recording rules, with the labels that they keep."""
    kept = {}
    for name, expression in rules("record", "rules.yml"):
        _, labels = parse(expression)
        kept[name] = labels - {"le", "kind"}
    return kept


def rules(kind: str, file: str) -> list[tuple[str, str]]:
    """Name and expression of each rule of that kind, `record` or `alert`."""
    groups = yaml.safe_load((RULES / file).read_text())["groups"]
    return [(rule[kind], rule["expr"]) for group in groups for rule in group["rules"] if kind in rule]
