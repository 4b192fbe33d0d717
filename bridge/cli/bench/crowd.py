"""The benchmark's hold on a process of `load`: starts it, reads what it prints, ends it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from bridge.cli.bench.ear import Account, Tally, tally
from bridge.cli.bench.load import UTTERANCE_MS
from bridge.cli.bench.rhythm import Rhythm
from bridge.errors import BridgeError

DONE = 1000


class Crowd:
    """Sessions that speak, while the block runs; without `utterances` until `finish`.

    `on_mark` is called in a thread of its own with each `speaking`, `cycle` and `quiet`. The rest is told
    as it comes: `sessions` by number, `accounts` of segments, `heard_at` when the last of these was done;
    `closes`, `spoken` utterances and `rhythms` once all is over. Times are seconds of time.monotonic().
    """

    def __init__(
        self,
        url: str,
        sessions: int,
        utterances: int = 0,
        *,
        speed: int = 1,
        frame_ms: int = 0,
        on_mark: Callable[[str], None] = lambda mark: None,
    ) -> None:
        self.count = sessions
        self.sessions: dict[int, str] = {}
        self.accounts: list[Account] = []
        self.closes: dict[int, int | None] = {}
        self.rhythms: list[Rhythm] = []
        self.spoken: dict[str, int] = {}
        self.marks: list[tuple[str, float]] = []
        self.heard_at = 0.0
        self.frame_us = 0.0
        self.refusal = ""
        self.speaking = threading.Event()
        self._on_mark = on_mark
        self._command = [sys.executable, "-P", "-m", "bridge.cli.bench.load", url]
        self._command += ["--sessions", str(sessions), "--utterances", str(utterances), "--speed", str(speed)]
        self._command += ["--frame-ms", str(frame_ms)]

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        self._thread = threading.Thread(target=self._read, name="crowd", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        if kind is not None:
            self._process.kill()
        self._process.stdin.close()
        self._process.wait()
        self._thread.join()
        self._process.stdout.close()
        self._errors.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def finish(self) -> None:
        """Lets each session end its utterance and then itself; `wait` is still due."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def wait(self) -> None:
        """Returns when all is said and heard. Raises BridgeError where the load itself failed."""
        self._thread.join()
        if self._process.wait():
            self._errors.seek(0)
            said = self._errors.read().strip().splitlines() or ["it said nothing"]
            raise BridgeError(f"The load ended with code {self._process.returncode}: {said[-1]}.")

    def between(self, first: str, last: str) -> list[Account]:
        """The segments whose speech ended after the first mark of one kind and before the last of another.

        None of a session's first utterance, which opens connections.
        """
        since = next((at for mark, at in self.marks if mark == first), float("inf"))
        until = next((at for mark, at in reversed(self.marks) if mark == last), float("-inf"))
        return [
            each for each in self.accounts if since <= each.said_at <= until and each.end_ms > UTTERANCE_MS
        ]

    def tally(self, spoken_ms: float | None) -> Tally:
        """What was lost, doubled or out of order of all that was said."""
        return tally(self.accounts, self.spoken, UTTERANCE_MS, spoken_ms)

    def closes_by_code(self) -> dict[str, int]:
        """How many sessions each close code ended; `none` for those that had to be hung up on."""
        counts = Counter("none" if code is None else str(code) for code in self.closes.values())
        return dict(sorted(counts.items()))

    @property
    def dropped(self) -> int:
        """Sessions that did not start, or did not end as they should."""
        return self.count - sum(code == DONE for code in self.closes.values())

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._take(json.loads(line))

    def _take(self, told: dict[str, Any]) -> None:
        kind = told["kind"]
        if kind == "segment":
            self.accounts.append(Account.of(told))
            self.heard_at = told["at"]
        elif kind == "session":
            self.sessions[told["number"]] = told["session"] or ""
            self.refusal = self.refusal or told["refusal"]
        elif kind == "closed":
            self.closes[told["number"]] = told["code"]
            self.spoken[self.sessions[told["number"]]] = told["utterances"]
            self.refusal = self.refusal or told["refusal"]
        elif kind == "rhythm":
            self.rhythms.append(Rhythm.of(told))
        elif kind == "cost":
            self.frame_us = told["cpu_seconds"] * 1e6 / max(1, told["frames"])
        else:
            self.marks.append((kind, told["at"]))
            self._on_mark(kind)
            if kind == "speaking":
                self.speaking.set()
