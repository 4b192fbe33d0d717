"""What grew within the last seconds, at each process and at all of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from bridge.cli.status.numbers import Numbers, increase, total

KEPT_SECONDS = 60.0


@dataclass(frozen=True)
class Window:
    """How much grew within `seconds`, by the address of the process. 0 seconds: nothing is known."""

    seconds: float
    by: Mapping[str, Numbers]

    @cached_property
    def all(self) -> Numbers:
        """Of all processes together."""
        return total(self.by.values())

    def per_minute(self, value: float) -> float | None:
        """`value` as a rate."""
        return value * 60 / self.seconds if self.seconds else None


class History:
    """Takes the pages of each look. A process that was not seen at one counts at the next for both."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._pages: dict[str, tuple[float, Numbers]] = {}
        self._steps: deque[tuple[float, float, dict[str, Numbers]]] = deque()

    def add(self, at: float, pages: Mapping[str, Numbers]) -> None:
        """What was read `at` so many seconds. A process seen for the first time has not grown yet."""
        if self._at is not None:
            known = {address: page for address, page in pages.items() if address in self._pages}
            grown = {address: increase(self._pages[address][1], page) for address, page in known.items()}
            self._steps.append((self._at, at, grown))
        self._at = at
        self._pages |= {address: (at, page) for address, page in pages.items()}
        self._forget(at - KEPT_SECONDS)

    def _forget(self, before: float) -> None:
        self._pages = {address: each for address, each in self._pages.items() if each[0] >= before}
        while self._steps and self._steps[0][1] <= before:
            self._steps.popleft()

    def last(self) -> Window:
        """From the look before to the last one."""
        return self._window(list(self._steps)[-1:])

    def minute(self) -> Window:
        """What is known of the last minute."""
        return self._window(list(self._steps))

    def _window(self, steps: list[tuple[float, float, dict[str, Numbers]]]) -> Window:
        grown: dict[str, list[Numbers]] = {}
        for _, _, step in steps:
            for address, numbers in step.items():
                grown.setdefault(address, []).append(numbers)
        seconds = steps[-1][1] - steps[0][0] if steps else 0.0
        return Window(seconds, {address: total(each) for address, each in grown.items()})
