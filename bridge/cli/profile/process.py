"""Which process of this machine is meant by the name of a worker."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from bridge.errors import BridgeError

PROC = Path("/proc")


def named(command: Sequence[str]) -> str:
    """The worker that a process with this command line is, or `gateway`; empty for any other process."""
    for at, word in enumerate(command[:-1]):
        if word == "bridge.cli" or Path(word).name == "speechbridge":
            rest = command[at + 1 :]
            if rest[0] == "gateway":
                return "gateway"
            return rest[1] if rest[0] == "worker" and len(rest) > 1 else ""
    return ""


def running() -> Iterator[tuple[int, str]]:
    """The pid and name of each of our workers and gateways that runs on this machine and is ours to see."""
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            if (name := named(words)) and int(folder.name) != os.getpid():
                yield int(folder.name), name


def process(name: str, pid: int | None = None) -> int:
    """The pid of the process called `name`, or `pid` itself, where it lives.

    Raises BridgeError where there is none or several.
    """
    if pid is not None:
        if not (PROC / str(pid)).exists() and PROC.exists():
            raise BridgeError(f"There is no process {pid}.", "Look for it: speechbridge doctor")
        return pid
    found = list(running())
    pids = [each for each, called in found if called == name]
    if len(pids) == 1:
        return pids[0]
    if pids:
        raise BridgeError(
            f"{len(pids)} processes are {name}: {', '.join(map(str, pids))}.", "Name one by --pid."
        )
    names = ", ".join(sorted({called for _, called in found})) or "none"
    raise BridgeError(
        f"No process here is {name or 'meant'}; those that run: {names}.",
        "Name one by --worker, or start one: speechbridge up",
    )


def environment(pid: int) -> dict[str, str]:
    """The variables that a process was started with. Raises BridgeError where they are not ours to see."""
    try:
        pairs = (PROC / str(pid) / "environ").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError as error:
        raise BridgeError(f"The variables of process {pid} cannot be read: {error.strerror}.") from None
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
