"""What all connections of one gateway share."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.pipeline import Pipeline
from bridge.settings import Settings
from bridge.streams import Store
from gateway.limits import Places
from gateway.relay import Relay
from gateway.vad import Model


@dataclass(frozen=True, slots=True)
class Backend:
    settings: Settings
    store: Store
    pipeline: Pipeline
    relay: Relay
    vad: Model
    places: Places
