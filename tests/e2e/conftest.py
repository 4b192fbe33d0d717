"""What several modules of attacks share: the system that is attacked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.e2e.victim import Gateway, speaks
from tests.stack import SIMULATED, Stack, running


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("attacked"), **SIMULATED, HTTP_HEADER_SECONDS="1") as made:
        yield made


@pytest.fixture(scope="session")
def gateway(attacked: Stack) -> Gateway:
    made = Gateway(attacked, attacked.port, attacked.started[-1].pid)
    asyncio.run(speaks(made))  # all that is made once is there
    return made
