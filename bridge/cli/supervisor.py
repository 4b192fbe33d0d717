"""Keeps a set of processes alive and ends them all: started in order, restarted alone, stopped in reverse."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.cli.logfile import LogFile
from bridge.errors import BridgeError

LEASH = Path(__file__).with_name("leash.py")
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
DEATHS, WITHIN = 5, 60.0
"""A child that dies so often in so many seconds while the set is starting will not come up at all."""


@dataclass(frozen=True, slots=True)
class Child:
    """One process: `env` is added to ours, `grace` is the seconds between SIGTERM and SIGKILL.

    `noisy` children keep their warnings in the log: Redis warns of kernel settings at every start.
    """

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    grace: float = 10.0
    noisy: bool = False


class Restarts:
    """When to start a dead child again: after 0.2 s, doubling to 10 s, afresh once it lived for a minute."""

    def __init__(self) -> None:
        self._deaths: list[float] = []
        self._wait = FIRST_WAIT

    def died(self, now: float, lived: float) -> float:
        """The seconds to wait before the next start; `now` and `lived` in seconds."""
        if lived >= WITHIN:
            self._wait = FIRST_WAIT
        self._deaths = [*(death for death in self._deaths if now - death < WITHIN), now]
        wait, self._wait = self._wait, min(self._wait * 2, LONGEST_WAIT)
        return wait

    @property
    def hopeless(self) -> bool:
        return len(self._deaths) >= DEATHS


class _Guard:
    """Runs one child again and again until told to stop."""

    def __init__(self, child: Child, owner: Supervisor) -> None:
        self.child = child
        self._owner = owner
        self._restarts = Restarts()
        self._process: asyncio.subprocess.Process | None = None
        self._stop = asyncio.Event()
        passes_on = (lambda line: None) if child.noisy else self._pass_on
        self._log = LogFile(child.log, passes_on)
        self._task = asyncio.create_task(self._keep(), name=child.name)

    def _pass_on(self, line: str) -> None:
        self._owner.say(f"{self.child.name}: {line}")

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def _keep(self) -> None:
        while not self._stop.is_set():
            started = time.monotonic()
            code = await self._run()
            if self._stop.is_set():
                return
            now = time.monotonic()
            wait = self._restarts.died(now, now - started)
            said, hint = self._log.complaint() if code > 0 else ("", "")
            why = f"{self.child.name} ended {_how(code)}{f': {said}' if said else ''}"
            if self._restarts.hopeless and self._owner.starting:
                hint = f"{hint} The log is {self.child.log}.".strip()
                self._owner.fail(BridgeError(f"{why} ({DEATHS} times)", hint, code="child_failed"))
                return
            self._owner.say(f"{why}; starting it again in {wait:g} s ({self.child.log})")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait)

    async def _run(self) -> int:
        """One life of the child; returns its exit code once all of its process group is gone."""
        read, write = os.pipe()
        pump = asyncio.create_task(self._pump(read))
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(LEASH), str(os.getpid()), *self.child.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write,
                stderr=write,
                env={**os.environ, "PYTHONIOENCODING": "utf-8", **self.child.env},  # as the log is read
                start_new_session=True,
            )
        finally:
            os.close(write)
        if self._stop.is_set():
            self._process.terminate()
        code = await self._process.wait()
        _kill_group(self._process.pid)
        # A helper that left the group may hold the pipe open for ever.
        await asyncio.wait([pump], timeout=1)
        pump.cancel()
        return code

    async def _pump(self, read: int) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb", buffering=0)
        )
        try:
            while data := await reader.read(65_536):
                self._log.write(data)
        finally:
            self._log.end()
            transport.close()

    async def stop(self) -> None:
        """SIGTERM to the child alone: its helpers serve it while it ends. After `grace`, SIGKILL to all."""
        self._stop.set()
        if self.pid and self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        _, late = await asyncio.wait([self._task], timeout=self.child.grace)
        if late:
            self.kill()
        await self._task

    def kill(self) -> None:
        if pid := self.pid:
            _kill_group(pid)


class Supervisor:
    """The set of children. `say` prints one line for a person.

    While `starting`, a child that keeps dying fails the whole set; later it is tried for ever,
    since the others still serve.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.starting = True
        self._tiers: list[list[_Guard]] = []
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, *children: Child) -> None:
        """Starts `children` together, as a tier above those started before. Returns before they are ready."""
        self._tiers.append([_Guard(child, self) for child in children])

    def fail(self, error: BridgeError) -> None:
        if not self._failure.done():
            self._failure.set_exception(error)

    async def until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Returns when `ready()`, called in a thread every 0.1 s, is true.

        Raises TimeoutError after `seconds`, BridgeError at once when a child will not start.
        """
        deadline = time.monotonic() + seconds
        while not await asyncio.to_thread(ready):
            if time.monotonic() > deadline:
                raise TimeoutError
            await asyncio.wait([self._failure], timeout=0.1)
            if self._failure.done():
                self._failure.result()

    def settled(self) -> None:
        """The set has started: from now on no child is given up."""
        self.starting = False

    def pids(self) -> dict[str, int]:
        """The running children by name."""
        return {guard.child.name: pid for tier in self._tiers for guard in tier if (pid := guard.pid)}

    def kill(self) -> None:
        """Ends all children at once; `stop` must still be awaited."""
        for tier in self._tiers:
            for guard in tier:
                guard.kill()

    async def stop(self) -> None:
        """Stops tier after tier, the last started first; returns when no process is left."""
        while self._tiers:
            tier = self._tiers.pop()
            await asyncio.gather(*(guard.stop() for guard in tier))
        if self._failure.done():
            self._failure.exception()


def _how(code: int) -> str:
    if code >= 0:
        return f"with code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
