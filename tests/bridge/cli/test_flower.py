"""Flower on its own address, behind its password."""

from __future__ import annotations

import httpx
import pytest

from bridge.cli.network import fetch
from tests.stack import Processes, free_port, wait_until
from tests.terminal import speechbridge

pytestmark = [pytest.mark.redis, pytest.mark.e2e]


def status(host: str, port: int, user: str = "", password: str = "") -> int | None:
    try:
        return httpx.get(f"http://{host}:{port}/api/workers", auth=(user, password), timeout=5).status_code
    except httpx.TransportError:
        return None


def test_flower_listens_where_it_is_told_and_knows_its_user(processes: Processes) -> None:
    port = free_port()
    given = {"FLOWER_HOST": "127.0.0.2", "FLOWER_USER": "ann", "FLOWER_PASSWORD": "a long password"}
    processes.start("flower", **given, FLOWER_PORT=str(port))
    wait_until(lambda: fetch("127.0.0.2", port, "/api/workers") is not None, 20, "Flower listens")
    assert status("127.0.0.2", port) == 401

    assert status("127.0.0.1", port) is None
    assert status("127.0.0.2", port, "flower", "a long password") == 401
    assert status("127.0.0.2", port, "ann", "a long password") == 200


def test_flower_without_a_password_does_not_start() -> None:
    ended = speechbridge("flower")

    assert ended.returncode == 1
    assert "FLOWER_PASSWORD is not set" in ended.stderr
