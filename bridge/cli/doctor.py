"""`speechbridge doctor`: finds what would keep the system from working, and the command that mends it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.check import Check

if TYPE_CHECKING:
    from bridge.settings import Settings

LEAST_FREE = 500_000_000
"""Bytes free in the data folder: Redis, the logs and some recordings."""

MOST_SKEW_MS = 1_000


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Check this machine and its settings; exit code 0 if everything required works, else 1."""
    checks = run_checks()
    failed = any(check.required and not check.ok for check in checks)
    if as_json:
        typer.echo(json.dumps({"ok": not failed, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        _print(checks)
    raise typer.Exit(1 if failed else 0)


def run_checks() -> list[Check]:
    """Every check of this setup, the slow ones at the same time, each within 10 s."""
    from concurrent.futures import ThreadPoolExecutor

    from bridge.cli.engines import languages, named, probed, provider
    from bridge.errors import BridgeError
    from bridge.settings import Settings
    from bridge.types import STAGES

    try:
        settings = Settings.read()
    except BridgeError as error:
        return [python(), Check("settings", False, error=error.message, fix=error.hint)]
    with ThreadPoolExecutor(len(STAGES)) as pool:
        asked = [(stage, name) for stage in STAGES for name in named(stage, settings)]
        probing = [(stage, name, pool.submit(probed, stage, name)) for stage, name in asked]
        checks = [python(), *(_guarded(name, check, settings) for name, check in _CHECKS.items())]
        probes = [(stage, name, future.result()) for stage, name, future in probing]
    return [
        *checks,
        *(provider(*found, others=probes) for found in probes),
        languages(probes),
        *gpu(settings),
        *clocks(settings),
        *breakers(settings),
        *variables(settings),
    ]


def _guarded(name: str, check: Callable[[Settings], str], settings: Settings) -> Check:
    from bridge.errors import BridgeError

    try:
        return Check(name, True, check(settings))
    except BridgeError as error:
        return Check(name, False, error=error.message, fix=error.hint)


def python() -> Check:
    found = ".".join(str(part) for part in sys.version_info[:3])
    least = (3, 11)
    if sys.version_info >= least:
        return Check("python", True, found)
    return Check("python", False, found, error="Python 3.11 is the least.", fix="apt-get install python3.11")


def topology(settings: Settings) -> str:
    from bridge import topology
    from bridge.cli.devices import choose

    loaded = topology.load(choose(settings).path)
    return f"{len(loaded.workers)} workers in {loaded.path}"


def redis(settings: Settings) -> str:
    from bridge.address import masked
    from bridge.cli import redis_server

    if not settings.redis_url:
        server = redis_server.executable()
        return f"{server} {redis_server.version(server)}, private"
    found = redis_server.inspect(settings.redis_url)
    kept = "with" if found["aof"] == "1" else "WITHOUT"
    return f"{masked(settings.redis_url)} {found['version']}, {kept} append-only file"


def data_folder(settings: Settings) -> str:
    import tempfile

    from bridge.cli.folder import make_folder
    from bridge.errors import BridgeError

    make_folder(settings.data_dir)
    folder = settings.data_dir.resolve()
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise BridgeError(f"{folder} cannot be written: {error.strerror}.", f"chown $USER {folder}") from None
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise BridgeError(
            f"{folder} has {free / 1e6:.0f} MB free, {LEAST_FREE / 1e6:.0f} MB are the least.",
            "Free some space, or set DATA_DIR to a folder on another disk.",
        )
    return f"{folder}, {free / 1e9:.1f} GB free"


def port(settings: Settings) -> str:
    from bridge.cli.network import fetch, free_port
    from bridge.errors import BridgeError

    try:
        free_port(settings.host, settings.port)
    except BridgeError:
        answer = fetch(settings.host, settings.port, "/readyz")
        if answer is None or '"ready"' not in answer[1]:
            raise
        return f"{settings.port} on {settings.host}, served by speechbridge"
    return f"{settings.port} on {settings.host}, free"


def vad(settings: Settings) -> str:
    from bridge.errors import ProviderMissing
    from bridge.types import SAMPLE_BYTES

    try:
        from gateway.runtime.vad import WINDOW, Model
    except ImportError as error:
        from bridge.extras import install

        raise ProviderMissing(f"{error.name} is not installed.", install("gateway")) from None
    silence = Model().stream().feed(bytes(WINDOW * SAMPLE_BYTES))
    return f"silero, {silence:.2f} on silence, threshold {settings.threshold:g}"


_CHECKS: dict[str, Callable[[Settings], str]] = {
    "topology": topology,
    "redis": redis,
    "data folder": data_folder,
    "port": port,
    "vad": vad,
}


def gpu(settings: Settings) -> Iterator[Check]:
    """A check for each GPU that the topology names, and one where the engines lack theirs."""
    from bridge.cli.devices import choose, gpus
    from bridge.errors import BridgeError
    from bridge.topology import load

    choice = choose(settings)
    if choice.lacking:
        fix = "nvidia-smi -L  # must list it; or choose another preset: speechbridge --preset cpu-only up"
        yield Check("gpu", False, required=False, error=choice.why, fix=fix)
    try:
        named = {entry.device for entry in load(choice.path).workers if entry.device.startswith("gpu")}
    except BridgeError:
        return
    visible = gpus() if named else []
    for device in sorted(named):
        number = int(device.removeprefix("gpu"))
        if number < len(visible):
            yield Check(device, True, visible[number])
        else:
            yield Check(
                device,
                False,
                found=f"{len(visible)} GPUs",
                error=f"The topology names {device}, which nvidia-smi does not list.",
                fix="nvidia-smi -L  # then correct the driver, or the device in config/topology.toml",
            )


def clocks(settings: Settings) -> Iterator[Check]:
    """A check for each host whose clock disagrees with that of REDIS_URL; nothing but logs depends on it."""
    import time
    from socket import gethostname

    from bridge.errors import BridgeError
    from bridge.store.registry import Registry

    if not settings.redis_url:
        return
    registry = Registry(settings.redis_url)
    try:
        ahead = {gethostname(): (time.time() - registry.now()) * 1000}
        ahead |= {record.host: record.ahead_ms for record in registry.workers()}
    except BridgeError:
        return  # another check tells of it
    finally:
        registry.close()
    wrong = {host: ms for host, ms in ahead.items() if abs(ms) > MOST_SKEW_MS}
    if not wrong:
        yield Check("clocks", True, f"{', '.join(ahead)}: within 1 s of Redis'")
    for host, ms in wrong.items():
        way = "ahead of" if ms > 0 else "behind"
        error = f"The clock of {host} is {abs(ms) / 1000:,.1f} s {way} Redis': log lines mislead."
        yield Check(
            "clocks", False, required=False, error=error, fix=f"timedatectl set-ntp true  # on {host}"
        )


def breakers(settings: Settings) -> Iterator[Check]:
    """A check for each provider of a live worker that is not asked for now; others do its work."""
    from bridge.errors import BridgeError
    from bridge.store.registry import Registry

    if not settings.redis_url:
        return
    registry = Registry(settings.redis_url)
    try:
        circuits = registry.circuits(registry.workers())
    except BridgeError:
        return  # another check tells of it
    finally:
        registry.close()
    for each in circuits:
        if each.state != "closed":
            error = f"The breaker of {each.provider} ({each.stage}) is {each.words}."
            yield Check("breakers", False, required=False, error=error, fix=each.hint)


def variables(settings: Settings) -> Iterator[Check]:
    """A check for each variable that is set and has no effect; nothing stops working by one."""
    from bridge.cli.variables import complaints

    for sentence in complaints(settings):
        yield Check("variables", False, required=False, error=sentence, fix="speechbridge config show --all")


def _print(checks: list[Check]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "check", "found", box=None, pad_edge=False)
    for check in checks:
        mark = "[green]✓[/]" if check.ok else "[red]✗[/]" if check.required else "[yellow]![/]"
        table.add_row(mark, check.name, check.found.replace("[", r"\["))
        if not check.ok:
            table.add_row(
                "", "", check.error.replace("[", r"\["), style="red" if check.required else "yellow"
            )
            table.add_row("", "", f"→ {check.fix}".replace("[", r"\["), style="bold")
    Console().print(table)
