"""The Python client of the native protocol: the command line, the benchmarks and the tests speak with it."""

from bridge.client.collector import Collector, Result, Segment, Spoken
from bridge.client.connection import Client
from bridge.client.link import RoomLink
from bridge.client.opening import stream_url
from bridge.client.recording import translate_recording
from bridge.client.translate import Seat, Wish, translate

__all__ = [
    "Client",
    "Collector",
    "Result",
    "RoomLink",
    "Seat",
    "Segment",
    "Spoken",
    "Wish",
    "stream_url",
    "translate",
    "translate_recording",
]
