"""What somebody gets who came in, or came back: a session, its token, and what was said before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.metrics import gateway as series
from gateway.runtime.mouth import Mouth
from gateway.runtime.replay import Frame
from gateway.runtime.runner import Runner


@dataclass(slots=True)
class Entered:
    """A session that is there, or there again: `begin` tells its client what it missed, and all that comes.
    `pauses`: for which reasons its client has speech held back.

    Nothing may be awaited between the return of `enter` or `resume` and `begin`.
    """

    runner: Runner
    token: str
    frames: list[Frame] = field(default_factory=list)
    resumed: bool = False
    pauses: frozenset[str] = frozenset()
    done: Callable[[], None] = lambda: None

    def begin(self, mouth: Mouth) -> None:
        """Says first what was said before."""
        self.runner.attach(mouth)
        if self.resumed:
            series.RESUMED.inc()
        for frame in self.frames:
            self.runner.hear(frame)
        self.runner.hall.greet(self.runner)
        if self.runner.hall.core.closed:
            mouth.room_closed()  # it was ended while its client was away
        self.done()
