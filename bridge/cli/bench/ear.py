"""What one session of a load test heard, segment by segment, and what was wrong. Times are arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from typing import Any, Self

TWICE = 1.995
"""Heard so many times its length, speech was heard twice; less is a sentence that was begun again."""
ROUNDED_MS = 0.1
"""To this the length in `audio.end` is rounded."""


@dataclass(slots=True)
class Account:
    """What came of one segment in the one target of its session.

    `start_ms` and `end_ms` are places in the audio sent, `said_at` is when its last sample was spoken,
    `first_audio_at` when the first translated one arrived, `translated_at` when its translated text did,
    all in seconds of time.monotonic().
    `again` counts samples that had arrived before, `skipped` those that never did. `disordered`: a later
    segment was heard first. `client_late_ms`: how much too late the frame with the end of speech was sent.
    """

    session: str
    segment: int
    text: str = ""
    start_ms: float = 0.0
    end_ms: float = 0.0
    said_at: float = 0.0
    first_audio_at: float | None = None
    translated_at: float | None = None
    rate: int = 0
    samples: int = 0
    again: int = 0
    skipped: int = 0
    ends: int = 0
    disordered: bool = False
    done: bool = False
    failed: str = ""
    client_late_ms: float = 0.0
    drafts_dropped: int = 0
    timings_ms: dict[str, float] = field(default_factory=dict)

    @property
    def first_audio_ms(self) -> float | None:
        """End of speech to the arrival of its first translated sample."""
        return None if self.first_audio_at is None else (self.first_audio_at - self.said_at) * 1000

    @property
    def heard_ms(self) -> float:
        """Length of all speech that arrived, repetitions included."""
        return (self.samples + self.again) * 1000 / self.rate if self.rate else 0.0

    @property
    def whole(self) -> bool:
        return self.ends > 0 and self.samples > 0 and not self.skipped

    def message(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """The account in a message; what else stands there is ignored."""
        return cls(**{each.name: message[each.name] for each in fields(cls) if each.name in message})


class Ear:
    """Follows one session. `began` is when its sample 0 was spoken."""

    def __init__(self, session: str, began: float) -> None:
        self.session = session
        self.began = began
        self.accounts: dict[int, Account] = {}
        self._latest = -1

    def take(self, message: Mapping[str, Any], now: float) -> Account | None:
        """Notes a text frame; returns the account that it ends, if it does.

        Where speech is paced, what ends it comes after `segment.done`.
        """
        seq = message.get("segment")
        kind = message["type"]
        if seq is None or kind not in _NOTED:
            return None
        account = self._account(seq)
        if kind == "transcript.final":
            account.text = message["text"]
            account.start_ms, account.end_ms = message["start_ms"], message["end_ms"]
            account.said_at = self.began + account.end_ms / 1000
        elif kind == "translation.final":
            account.translated_at = account.translated_at or now
        elif kind == "audio.start":
            account.rate = message["rate"]
        elif kind == "audio.end":
            account.ends += 1
            lacking = round(message["duration_ms"] * account.rate / 1000) - account.samples
            account.skipped += lacking if lacking > account.rate * ROUNDED_MS / 1000 else 0
        elif kind == "segment.failed":
            account.failed = message["code"] or "unnamed"
        else:
            account.done, account.timings_ms = True, message["timings_ms"]
            account.drafts_dropped = message.get("drafts_dropped", 0)
        spoken = account.ends > 0 or "first_audio" not in account.timings_ms
        ended = kind in ("audio.end", "segment.done") and account.done and spoken
        return account if ended else None

    def hear(self, segment: int, offset: int, samples: int, now: float) -> None:
        """Notes `samples` of speech that arrived, `offset` samples into the speech of `segment`."""
        account = self._account(segment)
        if samples and account.first_audio_at is None:
            account.first_audio_at = now
            account.disordered = segment < self._latest
            self._latest = max(self._latest, segment)
        again = max(0, min(account.samples, offset + samples) - offset)
        account.again += again
        account.skipped += max(0, offset - account.samples)
        account.samples = max(account.samples, offset + samples)

    def _account(self, seq: int) -> Account:
        return self.accounts.setdefault(seq, Account(self.session, seq))


_NOTED = frozenset(
    {"transcript.final", "translation.final", "audio.start", "audio.end", "segment.failed", "segment.done"}
)


@dataclass(slots=True)
class Tally:
    """Utterances spoken, and of them those not heard whole (`missing`; `failed` are those of these that
    were announced), heard twice, after a later one, or with a sentence that was begun again."""

    segments: int = 0
    missing: int = 0
    failed: int = 0
    doubled: int = 0
    out_of_order: int = 0
    begun_again: int = 0


def tally(
    accounts: Iterable[Account], spoken: Mapping[str, int], utterance_ms: float, spoken_ms: float | None
) -> Tally:
    """Compares what was heard with the utterances that each session spoke.

    An utterance takes `utterance_ms` of the audio sent, its silence included; its translation is
    `spoken_ms` long, None where that is not known.
    """
    heard: dict[tuple[str, int], list[Account]] = {}
    for account in accounts:
        if account.end_ms:
            heard.setdefault((account.session, int(account.end_ms // utterance_ms)), []).append(account)
    counts = Tally(segments=sum(spoken.values()))
    for session, utterances in spoken.items():
        for utterance in range(utterances):
            parts = heard.get((session, utterance), [])
            worded = [part for part in parts if part.text]
            if not worded or not all(part.whole for part in worded):
                counts.missing += 1
                counts.failed += any(part.failed for part in parts)
            doubled = _overlap(worded) or any(_doubled(part, spoken_ms) for part in worded)
            counts.doubled += doubled
            counts.out_of_order += any(part.disordered for part in worded)
            counts.begun_again += not doubled and any(_longer(part, spoken_ms) for part in worded)
    return counts


def _doubled(account: Account, spoken_ms: float | None) -> bool:
    length = spoken_ms * account.rate / 1000 if spoken_ms else account.samples
    return account.ends > 1 or bool(length and account.samples + account.again >= TWICE * length)


def _longer(account: Account, spoken_ms: float | None) -> bool:
    return account.again > 0 or bool(spoken_ms and account.heard_ms > spoken_ms + ROUNDED_MS)


def _overlap(parts: list[Account]) -> bool:
    ordered = sorted(parts, key=lambda part: part.start_ms)
    return any(after.start_ms < before.end_ms for before, after in pairwise(ordered))
