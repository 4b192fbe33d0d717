"""Scores the silence that ends a segment: how long it is, and how often it cuts within a sentence.

    python scripts/endpoint_score.py [--speech FOLDER --words FILE]... [--pauses 1,2] [--between 0,400]

Clips of human speech are joined at random, with the silence at their own ends and `--between` ms more, their
inner pauses made longer or shorter. Nothing but the engine is simulated: the windows are judged by the
product's own network, cut by its segmenter and its endpoint, and a draft's text, the words spoken so far, is
there after DRAFT_SILENCE_MS and `--stt` ms. `--words` has lines `clip: Its words, with marks.`; a clip is
left out if the recogniser that places the words does not know one. A cut is false if the sentence goes on
before the upper bound has passed, and `beyond` if it goes on later. No clause is cut off (CLAUSE_MS=0).
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bridge.settings import Settings  # noqa: E402
from bridge.types import SPEECH_RATE  # noqa: E402
from gateway.core import cuts  # noqa: E402
from gateway.core.endpoint import Endpoint  # noqa: E402
from gateway.core.quiet import WINDOW, windows  # noqa: E402
from gateway.core.segmenter import Segmenter  # noqa: E402
from gateway.core.terms import SegmenterConfig  # noqa: E402
from gateway.runtime.vad import Model  # noqa: E402
from scripts.joined_speech import MS, Clip, Pcm, Word, clips, joined, judged, within  # noqa: E402


@dataclass(slots=True)
class Score:
    """What came of some streams. `ends`: milliseconds of silence behind each sentence cut at its end; `late`:
    the same of all, from the midst of the last word of those that were run together with the next.
    """

    ends: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    false: int = 0
    beyond: int = 0

    def add(self, other: Score) -> None:
        """Counts those of another."""
        self.ends += other.ends
        self.late += other.late
        self.false += other.false
        self.beyond += other.beyond

    def row(self, name: str) -> str:
        """One line of the table."""
        cut = len(self.ends) + self.false + self.beyond
        share = f"{self.false} ({self.false / max(1, cut):.1%})"
        p50, p95 = np.percentile(self.ends or [0], [50, 95])
        together = len(self.late) - len(self.ends)
        all50, all75 = np.percentile(self.late or [0], [50, 75])
        cells = [
            name,
            cut,
            share,
            self.beyond,
            f"{p50:.0f} / {p95:.0f}",
            together,
            f"{all50:.0f} / {all75:.0f}",
        ]
        return f"| {' | '.join(map(str, cells))} |"


# Policies

Text = Callable[[Sequence[Word]], str]


def bare(words: Sequence[Word]) -> str:
    """As pocketsphinx writes."""
    return " ".join(re.sub("[^a-z' ]", "", word.written.lower()) for word in words)


def marked(words: Sequence[Word]) -> str:
    """As an engine writes that punctuates as the whole text is punctuated."""
    return " ".join(word.written for word in words)


def stopped(words: Sequence[Word]) -> str:
    """As an engine writes that sets a full stop behind whatever it is given."""
    text = marked(words)
    return text if text[-1:] in ("", ".", "!", "?") else text.rstrip(",;:") + "."


@dataclass(slots=True)
class Listener:
    """Cuts a stream as a speaker does; the text of its drafts is there after `delay` samples of silence."""

    config: SegmenterConfig
    words: Sequence[Word]
    text: Text | None
    delay: int
    found: list[tuple[cuts.Cut, int]] = field(default_factory=list)
    onsets: list[int] = field(default_factory=list)
    draft: cuts.Draft | None = None

    def hear(self, stream: Stream) -> None:
        """Goes through the whole of it, window by window."""
        judge, endpoint = iter(stream.speech), Endpoint(self.config)
        segmenter = Segmenter(self.config, lambda _: next(judge))
        for at in range(0, len(stream.pcm) - WINDOW, WINDOW):
            silence = segmenter.silence
            self._follow(segmenter.feed(stream.pcm[at : at + WINDOW].tobytes()), endpoint, silence)
            if self.draft and self.text and segmenter.received >= self.draft.speech_end + self.delay:
                passed = segmenter.received - self.draft.speech_end
                endpoint.understood(self.text(self._said(self.draft)), "en", passed)
                self.draft, silence = None, endpoint.required(self.config)
                segmenter.silence = silence
                self._follow(segmenter.feed(b""), endpoint, max(silence, passed))
            segmenter.silence = endpoint.required(self.config)

    def _follow(self, reports: Iterable[cuts.Report], endpoint: Endpoint, silence: int) -> None:
        for report in reports:
            endpoint.follow(report)
            match report:
                case cuts.Draft():
                    self.draft = report
                    if self.text:
                        endpoint.asked()
                case cuts.Started():
                    self.onsets.append(report.at)
                case cuts.Cut():
                    self.found.append((report, silence))
                    self.draft = None
                case cuts.Resumed():
                    self.draft = None

    def _said(self, draft: cuts.Draft) -> Sequence[Word]:
        places = [word.at for word in self.words]
        return self.words[bisect(places, draft.start) : bisect(places, draft.speech_end)]

    def score(self, beyond_ms: int) -> Score:
        """Holds the cuts against the words; at longer pauses none is false."""
        score, places = Score(), [word.at for word in self.words]
        for cut, silence in self.found:
            first, behind = bisect(places, cut.start), bisect(places, cut.speech_end)
            if not behind:
                continue
            at = cut.speech_end + (silence if cut.reason == "silence" else 0)
            score.late += [(at - word.at) / MS for word in self.words[first : behind - 1] if word.ends]
            if cut.reason != "silence":
                continue
            if self.words[behind - 1].ends:
                score.ends.append(silence / MS)
                score.late.append(silence / MS)
            elif self._next(cut) - cut.speech_end >= windows(beyond_ms):
                score.beyond += 1
            else:
                score.false += 1
        return score

    def _next(self, cut: cuts.Cut) -> int:
        """Where speech began again."""
        return self.onsets[cut.segment + 1] if cut.segment + 1 < len(self.onsets) else cut.speech_end


# The table


@dataclass(frozen=True, slots=True)
class Stream:
    """Clips joined in some order, judged."""

    pcm: Pcm
    speech: tuple[float, ...]
    words: list[Word]


@dataclass(frozen=True, slots=True)
class Policy:
    """A way to end segments: bounds in milliseconds, and what is known of the text."""

    name: str
    least: int
    most: int
    text: Text | None = None

    def score(self, stream: Stream, stt_ms: int, beyond_ms: int) -> Score:
        """What it makes of a stream."""
        settings = Settings.read(endpoint_least_ms=self.least)
        config = replace(SegmenterConfig.of(settings), min_silence_ms=self.most, clause_ms=0)
        listener = Listener(config, stream.words, self.text, (settings.draft_silence_ms + stt_ms) * MS)
        listener.hear(stream)
        return listener.score(beyond_ms)


HEAD = (
    "| endpoint | cuts | false | beyond | silence p50 / p95, ms | run together | with these p50 / p75, ms |\n"
    f"|{'---|' * 7}"
)


def policies(least: int, most: int) -> list[Policy]:
    """Fixed ones, and the adaptive one with less and more of a text."""
    texts: dict[str, Text | None] = {
        "no text": None,
        "words": bare,
        "words, all stopped": stopped,
        "words and marks": marked,
    }
    fixed = [Policy(f"fixed {ms}", ms, ms) for ms in range(least, most + 1, 50)]
    return fixed + [Policy(f"adaptive, {name}", least, most, text) for name, text in texts.items()]


def streams(model: Model, of: Sequence[Clip], times: float, between: int, seeds: int) -> list[Stream]:
    """The clips in as many orders."""
    found = []
    for seed in range(seeds):
        order = random.Random(seed).sample(of, len(of))
        pcm, words = joined(order, times, between)
        found.append(Stream(pcm, judged(model, pcm), words))
    return found


def described(of: Sequence[Clip]) -> str:
    """How little it is."""
    seconds = sum(len(clip.pcm) for clip in of) / SPEECH_RATE
    inner = sorted(ms for clip in of for ms in within(clip))
    sentences = sum(word.ends for clip in of for word in clip.words)
    longest = ", ".join(f"{ms:.0f}" for ms in inner[-8:]) or "none"
    return (
        f"{len(of)} clips, {seconds:.0f} s, {sentences} sentences, {len(inner)} pauses of 96 ms or more"
        f" within a sentence, the longest: {longest} ms"
    )


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    folder = ROOT / "tests" / "data" / "speech"
    parser.add_argument("--speech", type=Path, action="append", help=f"folder of clips ({folder})")
    parser.add_argument("--words", type=Path, action="append", help="what is said in them")
    parser.add_argument("--seeds", type=int, default=3, help="orders in which they are joined (3)")
    parser.add_argument("--pauses", default="0.5,1,1.5,2,3", help="times as long as they are")
    parser.add_argument("--between", default="0,400", help="ms between two clips, more than is theirs")
    parser.add_argument("--stt", type=int, default=140, help="ms until a draft's text is there (140)")
    parser.add_argument("--least", type=int, default=250, help="ENDPOINT_LEAST_MS (250)")
    parser.add_argument("--most", type=int, default=500, help="VAD_MIN_SILENCE_MS (500)")
    given = parser.parse_args()
    given.speech = given.speech or [folder]
    given.words = given.words or [folder / "transcripts.json"]
    return given


def main() -> None:
    given = asked()
    model = Model()
    of = [clip for pair in zip(given.speech, given.words, strict=True) for clip in clips(model, *pair)]
    print(described(of))  # noqa: T201
    chosen = policies(given.least, given.most)
    total = {policy.name: Score() for policy in chosen}
    cases = list(product(given.between.split(","), given.pauses.split(",")))
    for between, times in cases:
        print(f"\npauses {times} times as long, {between} ms between clips\n\n{HEAD}")  # noqa: T201
        each = streams(model, of, float(times), int(between), given.seeds)
        for policy in chosen:
            score = Score()
            for stream in each:
                score.add(policy.score(stream, given.stt, given.most))
            print(score.row(policy.name))  # noqa: T201
            total[policy.name].add(score)
    if len(cases) > 1:
        print(f"\nall of these\n\n{HEAD}")  # noqa: T201
        print("\n".join(score.row(name) for name, score in total.items()))  # noqa: T201


if __name__ == "__main__":
    main()
