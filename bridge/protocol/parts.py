"""What session.started tells of a session: its bounds, and the configuration in force."""

from __future__ import annotations

from bridge.protocol.client_messages import BargeIn, Output, Part, Role, Source, TargetChoice, Vad


class Limits(Part):
    """The bounds of this session. `max_ahead_s` of audio is taken before it is cut; then nothing is read."""

    max_message_bytes: int
    max_segments: int
    max_targets: int = 16
    idle_s: float
    max_ahead_s: float = 60


class Effective(Part):
    """The configuration in force, defaults filled in. Who only listens has no source."""

    source: Source | None = None
    targets: tuple[TargetChoice, ...]
    output: Output
    vad: Vad
    room: str | None = None
    role: Role = "speaker"
    name: str | None = None
    barge_in: BargeIn = "off"
    features: tuple[str, ...] = ()
