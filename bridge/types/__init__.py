"""The nouns that travel between gateway, Redis and workers. Standard library only."""

from bridge.types.engines import (
    SAMPLE_BYTES,
    SPEECH_RATE,
    Audio,
    Block,
    Hypothesis,
    Phrase,
    Rate,
    Sound,
    Speech,
    Transcript,
    Translation,
    Utterance,
)
from bridge.types.flight import Ear, Flight, Leg, Outcome
from bridge.types.journal import Attendant, Decision, DecisionKind, Entry, Event, EventKind, Presence
from bridge.types.work import STAGES, Floor, Stage, Target, Work, item_name

__all__ = [
    "SAMPLE_BYTES",
    "SPEECH_RATE",
    "STAGES",
    "Attendant",
    "Audio",
    "Block",
    "Decision",
    "DecisionKind",
    "Ear",
    "Entry",
    "Event",
    "EventKind",
    "Flight",
    "Floor",
    "Hypothesis",
    "Leg",
    "Outcome",
    "Phrase",
    "Presence",
    "Rate",
    "Sound",
    "Speech",
    "Stage",
    "Target",
    "Transcript",
    "Translation",
    "Utterance",
    "Work",
    "item_name",
]
