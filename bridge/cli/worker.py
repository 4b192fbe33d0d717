"""`speechbridge worker NAME`: one process of a worker that the topology names."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.errors import RedisUnavailable

if TYPE_CHECKING:
    from bridge.settings import Settings


def worker(
    name: Annotated[str, typer.Argument(help="A worker of config/topology.toml, such as stt-cpu0.")],
    replica: Annotated[
        int, typer.Option(min=0, help="Which of its replicas this process is, counted from 0.")
    ] = 0,
) -> None:
    """Work on one stage, on the device that the topology gives it.

    Without REDIS_URL it joins the stack that `speechbridge up` runs in DATA_DIR.
    """
    from bridge import topology
    from bridge.cli.variables import warn
    from bridge.settings import Settings

    settings = Settings.read()
    warn(settings)
    loaded = topology.load(settings.topology)
    entry = loaded.worker(name)
    # CUDA reads them once, when the first engine is imported.
    # Without an order, CUDA calls its fastest card 0, which need not be the one that nvidia-smi calls 0.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    os.environ["CUDA_VISIBLE_DEVICES"] = topology.cuda_visible_devices(entry.device)

    os.environ.update(entry.env)
    join(settings)

    from bridge.tasks import boot

    boot.main(entry, replica, Settings.read(), loaded)


def join(settings: Settings) -> None:
    """Sets REDIS_URL to the private Redis of the stack that runs, if one does."""
    from bridge.cli.redis_server import url_of

    if not settings.redis_url:
        with contextlib.suppress(RedisUnavailable):
            os.environ["REDIS_URL"] = url_of(settings)
