"""What gateways and workers answer over HTTP: where the metrics of all are, and the numbers of each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Literal
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from bridge.cli.status.numbers import Numbers, parsed

SECONDS = 2.0
"""For each answer; a gateway tells of a Redis that is away within 1 s."""
LARGEST = 32_000_000

Trouble = Literal["", "no_gateway", "stranger", "metrics_off", "no_targets"]
"""What a gateway answers instead of addresses: nothing, something else than a gateway of ours does, that
METRICS is false, that its Redis is away."""


@dataclass(frozen=True, slots=True)
class Target:
    """A process that has metrics at `address`. What is known of a worker stands in `labels`."""

    address: str
    job: str
    labels: Mapping[str, str] = field(default_factory=dict)


async def targets(base: str) -> tuple[Trouble, list[Target]]:
    """Whom the gateway at `base` names, itself among them."""
    status, text = await asyncio.to_thread(_get, f"{base}/metrics/targets")
    if status == 0:
        return "no_gateway", []
    if status == 503:
        return "no_targets", []
    try:
        answer = json.loads(text)
        if status == 200:
            return "", [_target(address, group) for group in answer for address in group["targets"]]
        return ("metrics_off" if answer["code"] == "metrics_off" else "stranger"), []
    except (ValueError, KeyError, TypeError, AttributeError):
        return "stranger", []


def _target(address: str, group: Mapping[str, Mapping[str, str]]) -> Target:
    labels = group.get("labels", {})
    return Target(str(address), str(labels.get("job", "")), labels)


async def pages(urls: Mapping[str, str]) -> tuple[dict[str, Numbers], dict[str, str]]:
    """The numbers behind each URL, by its name; and why others have none."""
    found = await asyncio.gather(*(asyncio.to_thread(_page, url) for url in urls.values()))
    named = list(zip(urls, found, strict=True))
    read = {name: page for name, page in named if isinstance(page, Numbers)}
    return read, {name: page for name, page in named if isinstance(page, str)}


def _page(url: str) -> Numbers | str:
    status, text = _get(url)
    if status != 200:
        return f"it answers {status}" if status else text
    try:
        return parsed(text) or "it answers without metrics"
    except ValueError:
        return "it answers what are no metrics"


def _get(url: str) -> tuple[int, str]:
    """Status and body; status 0 and why where nobody answers. No proxy is asked: it would not know these."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=SECONDS) as answer:
            return answer.status, answer.read(LARGEST).decode("utf-8", "replace")
    except HTTPError as error:
        with error:
            return error.code, error.read(LARGEST).decode("utf-8", "replace")
    except (OSError, HTTPException, ValueError) as error:
        return 0, str(getattr(error, "reason", None) or error or type(error).__name__)
