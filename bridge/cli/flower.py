"""`speechbridge flower`: Flower on our queues, started by `up --flower`.

In this process and not by the celery command, whose arguments would show the password of Redis
to everyone who can list processes.
"""

from __future__ import annotations

import os


def flower() -> None:
    """Show the live queues and tasks on FLOWER_HOST and FLOWER_PORT, behind FLOWER_PASSWORD."""
    from bridge import logs, tasks, topology
    from bridge.errors import SettingsError
    from bridge.settings import Settings

    settings = Settings.read()
    check_installed()
    if settings.flower_password is None:
        raise SettingsError(
            "FLOWER_PASSWORD is not set: whoever reaches Flower could stop the workers.",
            "Set it, or use `speechbridge up --flower`, which makes one.",
        )
    logs.setup(settings, process="flower")
    app = tasks.configure(settings, topology.load(settings.topology), "worker")
    # Flower takes credentials from the environment too, where other users cannot read them.
    password = settings.flower_password.get_secret_value()
    os.environ["FLOWER_BASIC_AUTH"] = f"{settings.flower_user}:{password}"
    app.start(["flower", f"--address={settings.flower_host}", f"--port={settings.flower_port}"])


def check_installed() -> None:
    """Raises SettingsError where Flower is not installed."""
    from importlib.util import find_spec

    from bridge.errors import SettingsError
    from bridge.extras import install

    if find_spec("flower") is None:
        raise SettingsError("Flower is not installed.", install("monitoring"))
