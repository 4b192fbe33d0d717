"""What a client wants of its running session, as inputs of the core."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bridge.protocol import client_messages
from bridge.store.registry import WorkerRecord
from gateway.core import inputs
from gateway.protocols.native import agreement
from gateway.protocols.native.voice import Voice
from gateway.runtime.offers import Offer
from gateway.runtime.runner import Runner


def obey(
    message: client_messages.ClientMessage, runner: Runner, voice: Voice, workers: Sequence[WorkerRecord]
) -> None:
    """Passes a message on. Raises as `agreement.amend` for an update that cannot be served."""
    match message:
        case client_messages.SegmentCommit():
            runner.ordered(inputs.Commit())
        case client_messages.SessionEnd():
            runner.ordered(inputs.End())
        case client_messages.PlaybackPause():
            _wish(inputs.Pause(), runner, voice)
        case client_messages.PlaybackResume():
            _wish(inputs.Resume(), runner, voice)
        case client_messages.PlaybackStop():
            _wish(inputs.Stop(), runner, voice)
        case client_messages.SessionUpdate():
            terms = agreement.amend(runner.terms, message, Offer.of(workers))
            runner.ordered(inputs.Update(terms))
            voice.warn(message)


def _wish(wish: inputs.Input, runner: Runner, voice: Voice) -> None:
    since = time.monotonic()
    if (number := runner.handle(wish)) is not None:
        voice.asked(number, since)
