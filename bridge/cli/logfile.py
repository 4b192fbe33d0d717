"""The log of one child: bounded on disk, its last lines at hand, its warnings passed on."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from pathlib import Path

MAX_BYTES = 5_000_000
KEPT_LINES = 30
LONGEST_LINE = 64_000

_IMPORTANT = re.compile(
    r"""\[(warning|error|critical)\s*\]            # console format of bridge.logs
      | "level":\s*"(warning|error|critical)"      # JSON format of bridge.logs
    """,
    re.VERBOSE,
)


def important(line: str) -> bool:
    """Whether a person at the console should see this line of a child's log."""
    return _IMPORTANT.search(line) is not None


class LogFile:
    """Appends what a child writes to `path`; the part before MAX_BYTES moves to `path`.1, what is older goes.

    `passes_on` is given each important line. The earlier run's log is kept as `path`.1.
    """

    def __init__(self, path: Path, passes_on: Callable[[str], None]) -> None:
        self.path = path
        self.last: deque[str] = deque(maxlen=KEPT_LINES)
        self._passes_on = passes_on
        self._pending = b""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._rotate()

    def _rotate(self) -> None:
        if self.path.exists():
            self.path.replace(self.path.with_name(self.path.name + ".1"))
        self._size = 0

    def write(self, data: bytes) -> None:
        """Takes the next bytes of the child's output, cut anywhere."""
        if self._size + len(data) > MAX_BYTES:
            self._rotate()
        with self.path.open("ab") as file:
            file.write(data)
        self._size += len(data)
        *lines, self._pending = (self._pending + data).split(b"\n")
        if len(self._pending) > LONGEST_LINE:
            lines, self._pending = [*lines, self._pending], b""
        for line in lines:
            self._line(line)

    def end(self) -> None:
        """The child has ended: its last line may lack a newline."""
        if self._pending:
            self._line(self._pending)
            self._pending = b""

    def _line(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        if not text:
            return
        self.last.append(text)
        if important(text):
            self._passes_on(text)

    def complaint(self) -> tuple[str, str]:
        """What the child said last that explains its end, and the remedy it named; ("", "") if nothing."""
        for number, line in reversed(list(enumerate(self.last))):
            if line.startswith("error: "):
                after = list(self.last)[number + 1 : number + 2]
                hint = after[0].removeprefix("→ ") if after and after[0].startswith("→ ") else ""
                return line.removeprefix("error: "), hint
        return (self.last[-1], "") if self.last else ("", "")
