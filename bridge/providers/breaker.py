"""Who may be asked: the circuit breaker of each provider, as those who ask see it."""

from __future__ import annotations

from typing import Literal, Protocol

Verdict = Literal["closed", "probe", "open"]
"""`closed`: ask. `probe`: ask, as the only one of the fleet, to find out whether it is well again. `open`: do
not ask."""


class Breaker(Protocol):
    """The breakers of one stage, by the name of the provider; kept where the whole fleet sees them.

    Called from several threads, once or twice for each piece of work. None of its methods raises: where the
    state cannot be had, a breaker is closed.
    """

    def admit(self, provider: str) -> Verdict:
        """Whether it may be asked now."""

    def succeeded(self, provider: str) -> None:
        """It did what was asked; the breaker closes."""

    def failed(self, provider: str, error: Exception) -> None:
        """It failed or was late, for no fault of the input. The breaker opens after CIRCUIT_BREAKER_THRESHOLD
        of these in a row, and at once where the error will not pass by itself (quota, key) or says when."""

    def spared(self, provider: str) -> None:
        """It was admitted and not asked to the end, or the input was at fault: the next may probe."""


class Unbroken:
    """A breaker that never opens, for engines that nobody guards."""

    def admit(self, provider: str) -> Verdict:
        """Always closed."""
        return "closed"

    def succeeded(self, provider: str) -> None:
        """Nothing changes."""

    def failed(self, provider: str, error: Exception) -> None:
        """Nothing changes."""

    def spared(self, provider: str) -> None:
        """Nothing changes."""
