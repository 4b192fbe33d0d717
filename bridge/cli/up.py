"""`speechbridge up`: starts everything, proves with real speech that it works, and serves until Ctrl-C."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from bridge.cli.stack import Stack
    from bridge.settings import Settings


def up(
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Values of config/presets/NAME.env, below `.env`.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, else HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port, else PORT; 0 takes a free one.")
    ] = None,
    gateways: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that serve clients behind the one port.")
    ] = 1,
    flower: Annotated[
        bool, typer.Option("--flower", help="Also start Flower, which shows the queues.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Translate a clip of speech before serving.")
    ] = True,
) -> None:
    """Start Redis, the workers and the gateway, and serve until Ctrl-C."""
    import asyncio

    from rich.console import Console

    from bridge.cli.flower import check_installed
    from bridge.cli.folder import locked
    from bridge.cli.stack import Stack
    from bridge.cli.variables import warn
    from bridge.settings import Settings

    if preset:
        os.environ["PRESET"] = preset
    settings = Settings.read(host=host, port=port)
    warn(settings)
    console = Console(highlight=False, soft_wrap=True)
    with locked(settings.data_dir):
        if flower:
            check_installed()
        stack = Stack(
            settings,
            settings.data_dir,
            lambda line: console.print(line, markup=False),
            flower=flower,
            gateways=gateways,
        )
        asyncio.run(_run(stack, settings, console, check))


async def _run(stack: Stack, settings: Settings, console: Console, check: bool) -> None:
    """Serves until SIGINT, SIGTERM or SIGHUP; a second one ends all processes at once."""
    import asyncio

    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    def ask() -> None:
        if asked.is_set():
            stack.kill()
        asked.set()

    for number in stop_signals():
        loop.add_signal_handler(number, ask)
    serving = asyncio.create_task(_serve(stack, settings, console, check))
    stopping = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        if not serving.cancelled() and (error := serving.exception()):
            raise error
        console.print("stopping …")
    finally:
        await stack.stop()


def stop_signals() -> list[signal.Signals]:
    """What ends `up`; a closed terminal does not where `nohup` has it ignored."""
    hangup = [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGINT, signal.SIGTERM, *hangup]


async def _serve(stack: Stack, settings: Settings, console: Console, check: bool) -> None:
    import asyncio

    from bridge.address import masked
    from bridge.cli.selfcheck import selfcheck

    workers = ", ".join(
        f"{entry.name}{f' x{entry.replicas}' if entry.replicas > 1 else ''}" for entry in stack.workers
    )
    private = "" if settings.redis_url else ", private"
    console.print(f"redis    {masked(stack.redis_url)}{private}", markup=False)
    console.print(f"workers  {workers}, by {stack.topology.path}", markup=False)
    if stack.topology.why:
        console.print(f"         {stack.topology.why}", markup=False)
    with console.status("loading the engines"):
        await stack.start()
    if stack.flower_port is not None:
        console.print(f"flower   http://{stack.flower_host}:{stack.flower_port}", markup=False)
        console.print(f"         user {settings.flower_user}, password {stack.flower_password}", markup=False)
    if check:
        await selfcheck(stack.url, console)
    console.print(f"[bold]serving {stack.url.replace('127.0.0.1', 'localhost')}[/]")
    console.print(f"Ctrl-C stops it; the logs are in {stack.logs}", markup=False)
    await asyncio.Event().wait()
