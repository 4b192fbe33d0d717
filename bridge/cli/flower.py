"""`speechbridge flower`: Flower on our queues, started by `up --flower`.

In this process and not by the celery command, whose arguments would show the password of Redis
to everyone who can list processes.
"""

from __future__ import annotations

from typing import Any

COLUMNS = "name,args,state,result,received,runtime,worker"
"""Of the list of tasks; `args` is whose the task is, as `bridge.pipeline` says it."""


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
    login = f"{settings.flower_user}:{settings.flower_password.get_secret_value()}"
    if not login.isascii():
        raise SettingsError(
            "FLOWER_USER or FLOWER_PASSWORD has a character that Flower cannot compare.", "Use ASCII only."
        )
    logs.setup(settings, process="flower")
    _lock(login)
    _show_all_queues()
    app = tasks.configure(settings, topology.load(settings.topology), "worker")
    app.start(
        [
            "flower",
            f"--address={settings.flower_host}",
            f"--port={settings.flower_port}",
            f"--tasks_columns={COLUMNS}",
            f"--read_only={settings.flower_read_only}",
            f"--logging={settings.log_level.lower()}",
        ]
    )


def _show_all_queues() -> None:
    """Also those that no worker serves, which Flower would leave out."""
    from flower.views import BaseHandler

    served = BaseHandler.get_active_queue_names

    def all_of_them(self: Any) -> list[str]:
        return sorted({queue.name for queue in self.capp.conf.task_queues} | set(served(self)))

    BaseHandler.get_active_queue_names = all_of_them


def _lock(login: str) -> None:
    """Lets in who knows `login` only: Flower would cut it at a comma, and show /metrics to everybody."""
    from flower.options import options
    from flower.views.monitor import Metrics
    from tornado.web import authenticated

    options.basic_auth = [login]
    Metrics.get = authenticated(Metrics.get)


def check_installed() -> None:
    """Raises SettingsError where Flower is not installed."""
    from importlib.util import find_spec

    from bridge.errors import SettingsError
    from bridge.extras import install

    if find_spec("flower") is None:
        raise SettingsError("Flower is not installed.", install("monitoring"))
