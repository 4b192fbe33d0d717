"""The sound tracks of a film, and which of them is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.errors import AudioError, LanguageError
from bridge.languages import TABLE, find

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

CODES = {
    "alb": "sq", "arm": "hy", "baq": "eu", "bur": "my", "chi": "zh", "cze": "cs", "dut": "nl", "fre": "fr",
    "geo": "ka", "ger": "de", "gre": "el", "ice": "is", "mac": "mk", "may": "ms", "per": "fa", "rum": "ro",
    "slo": "sk", "tib": "bo", "wel": "cy",
    "ara": "ar", "aze": "az", "est": "et", "fas": "fa", "lav": "lv", "mlg": "mg", "mon": "mn", "msa": "ms",
    "nor": "no", "ori": "or", "pus": "ps", "sqi": "sq", "swa": "sw", "uzb": "uz", "yid": "yi", "zho": "zh",
}  # fmt: skip
"""What films call languages, where the table of languages has another code: ISO 639-2/B, and 639-2/T for
languages of which the table has the code of one part."""
FILM_CODES = {tag: code for code, tag in reversed(CODES.items())} | {
    "an": "arg", "br": "bre", "ku": "kur", "la": "lat", "ne": "nep", "om": "orm", "qu": "que", "yue": "chi",
}  # fmt: skip
"""What films call languages by their tags, where the table of languages has another code."""
ASIDE = ("comment", "hearing_impaired", "visual_impaired", "karaoke")
"""Tracks that speak about the film, or beside it."""


@dataclass(frozen=True, slots=True)
class Track:
    """A sound track: `number` counts from 1, `language` is a tag of ours or what the file says."""

    number: int
    language: str = ""
    title: str = ""
    codec: str = ""
    default: bool = False
    aside: bool = False

    def __str__(self) -> str:
        marks = (self.language or "no language", self.title, self.codec, "default" if self.default else "")
        return f"{self.number} ({', '.join(mark for mark in marks if mark)})"


def listed(streams: Sequence[AudioStream]) -> tuple[Track, ...]:
    """What a file says of its sound tracks."""
    return tuple(_track(number, stream) for number, stream in enumerate(streams, 1))


def choose(path: object, tracks: Sequence[Track], language: str | None, number: int | None) -> Track:
    """The track asked for by number; else the one in the language spoken, the default one, the first.

    Between tracks of one language the same order holds; those beside the film come last. Raises
    AudioError, with the tracks that exist, where there is none of that number or none can be decoded.
    """
    there = "; ".join(map(str, tracks))
    if number is not None:
        if not 1 <= number <= len(tracks):
            raise AudioError(f"{path} has no sound track {number}.", f"Give --track one of: {there}")
        if not tracks[number - 1].codec:
            raise AudioError(
                f"Sound track {number} of {path} is in a format that cannot be decoded.",
                f"There are: {there}",
            )
        return tracks[number - 1]
    spoken = _tag(language) if language and language != "auto" else None
    usable = [track for track in tracks if track.codec]
    if not usable:
        raise AudioError(
            "Its sound is in a format that cannot be decoded.", "Convert it to wav, flac or mp3."
        )

    def rank(track: Track) -> tuple[bool, bool, bool, int]:
        matches = spoken is not None and _tag(track.language) == spoken
        return (not matches, track.aside, not track.default, track.number)

    return min(usable, key=rank)


def _track(number: int, stream: AudioStream) -> Track:
    from av.stream import Disposition

    said = stream.metadata.get("language") or ""
    return Track(
        number,
        "" if said in ("und", "mis", "zxx", "mul") else _tag(said),
        stream.metadata.get("title") or "",
        stream.codec_context.name if stream.codec_context is not None else "",
        bool(stream.disposition & Disposition.default),
        any(bool(stream.disposition & Disposition[name]) for name in ASIDE),
    )


def _tag(said: str) -> str:
    """The base tag of a language that a film names by two or three letters."""
    base = said.lower().replace("_", "-").partition("-")[0]
    if known := CODES.get(base):
        return known
    try:
        return find(base).base
    except LanguageError:
        by_three = {row.nllb[:3]: row.base for row in reversed(TABLE) if row.nllb}
        return by_three.get(base, base)


def film_code(tag: str) -> str:
    """What a film calls a language: three letters of ISO 639-2/B, `und` where there are none."""
    try:
        language = find(tag)
    except LanguageError:
        return "und"
    code = FILM_CODES.get(language.base) or (language.nllb or language.base)[:3]
    return code if len(code) == 3 else "und"
