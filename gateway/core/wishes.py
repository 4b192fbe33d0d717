"""What a session's wishes (pause, resume, stop, end) do to the order of what it hears."""

from __future__ import annotations

from math import inf

from bridge.types import Decision
from gateway.core.sequencer import Release, Sequencer
from gateway.core.tuning import Tuning


def heeded(sequencer: Sequencer, tuning: Tuning, decision: Decision) -> tuple[list[Release], float | None]:
    """What may be heard now, and before which segment all that has not left is dropped, None for nothing."""
    match decision.kind:
        case "paused":
            sequencer.pause(decision.code)
        case "resumed":
            return sequencer.resume(decision.code), None
        case "ended":
            # A pause ends here: nobody could resume after it.
            return sequencer.resume(), None
        case "stopped" if tuning.hears == "itself":
            return sequencer.stop(decision.segment), decision.segment
        case "stopped":
            # One who speaks against it has heard of what began, and of nothing else.
            return sequencer.interrupt() if decision.code else sequencer.stop(inf), inf
    return [], None
