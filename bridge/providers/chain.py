"""Several engines of one stage as one: the next is asked where the one before fails or is late.

An engine that others stand behind has `seconds` for its first result, a whole text or the first piece of
speech, and at most half of the time that its work has left. One that is late is left behind in a thread of
its own, since no engine can be stopped from outside, and what it makes there is thrown away, unless nobody
else makes anything. The last one has all the time that its own deadlines give it. Speech that broke off is
not spliced: whoever wants it asks again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass, field
from math import inf
from threading import BoundedSemaphore, Thread
from typing import Any, TypeVar

from bridge.errors import AudioError, BridgeError, LanguageError, ProviderBusy, ProviderError
from bridge.options import Options
from bridge.providers import Preloader, slots
from bridge.providers.breaker import Breaker
from bridge.providers.call import Attempt, Call, Outcome, current
from bridge.types import Audio, Stage

Made = TypeVar("Made")

STUCK = 16
"""Calls of one engine that may be under way beside each other; beyond, it counts as busy."""

LEAST = 0.25
"""Seconds that an engine has also for work whose time is over: a caption may still be wanted."""

INPUT = (LanguageError, AudioError)
"""Errors of what was given, for which no engine is at fault."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Speech whose `first` piece is there, None where there is none at all."""

    first: Audio | None
    rest: Iterator[Audio]


class Late(ProviderError):
    """`fair` where the engine had all the time that it is given, and not what the work had left."""

    code = "timeout"
    retryable = True

    def __init__(self, message: str, *, fair: bool) -> None:
        super().__init__(message)
        self.fair = fair


Waiting = list[tuple["Member", Future[Any]]]
"""Engines that were late, and what they may make yet."""


@dataclass(frozen=True, slots=True)
class Member:
    """One engine, by the name of its provider; each call of a `costly` one is paid."""

    name: str
    engine: Any
    costly: bool = False
    running: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(STUCK))


class Chain:
    """What the three stages have in common."""

    Options: type[Options] = Options
    """None of its own."""

    def __init__(self, stage: Stage, members: Sequence[Member], breaker: Breaker, seconds: float) -> None:
        """`seconds` is the time of an engine that others stand behind; inf for all that it wants."""
        self.stage = stage
        self.members = tuple(members)
        self._breaker = breaker
        self._seconds = seconds

    def resident(self) -> tuple[str, ...]:
        """Those of all engines."""
        return tuple(model for member in self.members for model in member.engine.resident())

    @property
    def slots(self) -> int:
        """As many as the engine has that can make use of most."""
        return max(slots(member.engine) for member in self.members)

    def preload(self, models: Sequence[str]) -> None:
        """Loads each model in the engines that have it. Raises ProviderError for one that none has."""
        for model in models:
            missing: ProviderError | None = None
            for member in self.members:
                try:
                    if isinstance(member.engine, Preloader):
                        member.engine.preload([model])
                        break
                except ProviderError as error:
                    missing = error
            else:
                raise missing or ProviderError(
                    f"No engine of {self.stage} loads {model} before it is needed."
                )

    def close(self) -> None:
        """Closes all engines."""
        for member in self.members:
            member.engine.close()

    def _made(
        self,
        able: Callable[[Any], bool],
        ask: Callable[[Any], Made],
        blamed: Callable[[Exception], bool] = lambda error: True,
    ) -> tuple[Member, Made]:
        """The first engine that gives a result, and that; `blamed` says of an error whether the engine is at
        fault. Raises the error of the last that was asked."""
        call, failed, late = current(), None, Waiting()
        asked = self._able(call, able)
        for member in self._admitted(call, asked):
            since = time.monotonic()
            try:
                made = self._ask(member, ask, call, late, last=member is asked[-1])
            except Exception as error:
                failed = error
                self._failed(call, member, error, time.monotonic() - since, blamed(error))
            else:
                for _, future in late:
                    future.add_done_callback(thrown_away)
                return self._did(call, member, made, since)
        if failed and late:
            return self._awaited(call, late, failed)
        raise failed or self._nobody(asked)

    def _awaited(self, call: Call, late: Waiting, failed: Exception) -> tuple[Member, Any]:
        """What the first of those that were late makes after all, since nobody else made anything."""
        (member, future), *others = late
        for _, other in others:
            other.add_done_callback(thrown_away)
        call.provider, since = member.name, time.monotonic()
        left = call.until - since
        try:
            return self._did(call, member, future.result(None if left == inf else max(LEAST, left)), since)
        except TimeoutError:
            future.add_done_callback(thrown_away)
            raise failed from None

    def _did(self, call: Call, member: Member, made: Made, since: float) -> tuple[Member, Made]:
        if not isinstance(made, Begun):
            self._breaker.succeeded(member.name)
        call.attempts.append(Attempt(member.name, "ok", "", time.monotonic() - since))
        return member, made

    def _able(self, call: Call, able: Callable[[Any], bool]) -> list[Member]:
        """The engines that have the language, in order; all of them where none has, to hear their error."""
        found = [member for member in self.members if able(member.engine)] or list(self.members)
        return sorted(found, key=lambda member: member.name == call.avoid)

    def _admitted(self, call: Call, asked: Sequence[Member]) -> Iterator[Member]:
        for member in asked:
            if self._breaker.admit(member.name) == "open":
                call.attempts.append(Attempt(member.name, "open", "open"))
            else:
                call.provider = member.name
                yield member

    def _ask(
        self, member: Member, ask: Callable[[Any], Made], call: Call, late: Waiting, *, last: bool
    ) -> Made:
        left = (call.until - time.monotonic()) / 2
        seconds = min(self._seconds, max(LEAST, left))
        if last or seconds == inf:
            return ask(member.engine)
        future = _aside(member, ask)
        try:
            return future.result(seconds)
        except TimeoutError:
            if future.done():
                return future.result()  # in this moment, or the engine's own TimeoutError
            late.append((member, future))
            fair = seconds >= self._seconds
            raise Late(f"{member.name} gave nothing within {seconds:.1f} s.", fair=fair) from None

    def _failed(
        self, call: Call, member: Member, error: Exception, seconds: float, blamed: bool = True
    ) -> None:
        if not blamed or isinstance(error, INPUT) or (isinstance(error, Late) and not error.fair):
            self._breaker.spared(member.name)
        else:
            self._breaker.failed(member.name, error)
        code = error.code if isinstance(error, BridgeError) else "internal"
        outcome: Outcome = "late" if isinstance(error, Late) else "failed"
        call.attempts.append(Attempt(member.name, outcome, code, seconds))

    def _nobody(self, asked: Sequence[Member]) -> ProviderBusy:
        names = " and ".join(member.name for member in asked)
        return ProviderBusy(
            f"No provider of {self.stage} may be asked now: the breaker of {names} is open.",
            f"It is tried again by itself; put another one behind it in {self.stage.upper()}_PROVIDER.",
        )

    def _look(self, able: Callable[[Any], bool], ask: Callable[[Any], Made]) -> Made:
        """What the first engine makes whose breaker is closed; nothing waits for it, and the next look is the
        next try. None is paid for: a sentence is looked at again and again while it is spoken."""
        call = current()
        asked = [member for member in self._able(call, able) if not member.costly]
        if not asked:
            raise ProviderBusy(f"No provider of {self.stage} is asked for words that will change.")
        for member in asked:
            verdict = self._breaker.admit(member.name)
            if verdict == "probe":
                self._breaker.spared(member.name)
            if verdict != "closed":
                continue
            since = time.monotonic()
            call.provider = member.name
            try:
                made = ask(member.engine)
            except Exception as error:
                self._failed(call, member, error, time.monotonic() - since)
                raise
            self._breaker.succeeded(member.name)
            return made
        raise self._nobody(asked)


def _aside(member: Member, ask: Callable[[Any], Made]) -> Future[Made]:
    """What `ask` makes in a thread of its own. Raises ProviderBusy where too many are under way."""
    if not member.running.acquire(blocking=False):
        raise ProviderBusy(f"{STUCK} calls of {member.name} are under way and do not end.")
    future: Future[Made] = Future()
    context = copy_context()

    def work() -> None:
        try:
            future.set_result(context.run(ask, member.engine))
        except BaseException as error:
            future.set_exception(error)
        finally:
            member.running.release()

    # A thread each, and a daemon: those of a pool are waited for when the process ends, however stuck.
    Thread(target=work, name=f"aside {member.name}", daemon=True).start()
    return future


def thrown_away(future: Future[Any]) -> None:
    """Stops the engine behind speech that came too late."""
    if future.exception() is None and isinstance(made := future.result(), Begun):
        close(made.rest)


def close(sound: Iterator[Audio]) -> None:
    """Stops the engine behind it; an iterator that is no generator has nothing to stop."""
    if isinstance(sound, Generator):
        sound.close()
