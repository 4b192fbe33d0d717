"""The files made of one recording: subtitles, the spoken translation, the film that has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import languages
from bridge.cli import ledger
from bridge.cli.files import write_whole, writing
from bridge.cli.order import Order
from bridge.dubbing import Line, Track, dubbed
from bridge.errors import BridgeError, LanguageError

if TYPE_CHECKING:
    from bridge.captions import Said
    from bridge.client import Segment

Content = Callable[[Path], object]
"""Writes a file of the path given."""


@dataclass(frozen=True, slots=True)
class Products:
    """What became of one recording: the speech of each target, and the files by what is behind the stem.

    `left_out` is what of a film its copy cannot hold.
    """

    tracks: Mapping[str, Track | None]
    written: dict[str, Path] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def tracks(
    segments: Sequence[Segment], targets: Sequence[str], end_ms: float | None
) -> dict[str, Track | None]:
    """The spoken translation of a recording that ends at `end_ms`, for each target; None where none came."""
    if end_ms is not None and segments:
        end_ms = max(end_ms, segments[-1].end_ms)  # headers may be wrong
    made = {}
    for target in targets:
        spoken = [
            (each.start_ms, each.translations[target]) for each in segments if target in each.translations
        ]
        lines = [Line(start, voice.audio) for start, voice in spoken if voice.audio_ms]
        made[target] = dubbed(lines, end_ms)
    return made


def said(segments: Sequence[Segment], target: str | None = None) -> Iterator[Said]:
    """The words spoken, or their translation, for subtitles."""
    from bridge.captions import Said

    for segment in segments:
        spoken = segment.translations.get(target) if target else segment
        if spoken is not None:
            language = target or segment.language
            yield Said(segment.start_ms, segment.end_ms, spoken.text, language)


def check(film: Path, name: Path, order: Order) -> None:
    """Raises BridgeError if a file beside `film` that is not ours would be written over."""
    subtitles = [kind for kind, wanted in (("srt", order.srt), ("vtt", order.vtt)) if wanted]
    suffixes = [f"{tag}.{kind}" for tag in (order.source, *order.targets) for kind in subtitles]
    films = [f"{tag}.{kind}" for tag in order.targets for kind in ("mkv", "mka") if order.dub]
    _spare(order, film, [f"{name.stem}.{suffix}" for suffix in (*suffixes, *films)])


def write(film: Path, name: Path, order: Order, segments: Sequence[Segment], made: Products) -> None:
    """Writes the files of `film`, named after `name`, and notes them in `made`; each is whole or not there.

    Raises BridgeError.
    """
    folder = order.folder(film)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    contents: dict[str, Content] = {}
    for target, track in made.tracks.items():
        if track and order.output is not None:
            contents[f"{target}.wav"] = track.write_wav
    contents |= _subtitles(order, segments, list(made.tracks))
    if order.dub:
        contents |= _films(film, order, segments, made)
    paths = {suffix: folder / f"{name.stem}.{suffix}" for suffix in contents}
    names = [path.name for path in paths.values()]
    _spare(order, film, names)
    ledger.begin(folder, names)
    for suffix, path in paths.items():
        write_whole(path, contents[suffix])
        made.written[suffix] = path


def _spare(order: Order, film: Path, names: Iterable[str]) -> None:
    """Beside a film lie the files of others, too."""
    folder = order.folder(film)
    there = [name for name in names if order.output is None and (folder / name).exists()]
    if not there:
        return
    ours = ledger.ours(folder)
    for name in there:
        if name not in ours:
            raise BridgeError(
                f"{folder / name} would be written over, and speechbridge did not write it.",
                "Move it away, or give another folder with -o.",
                code="bad_output",
            )


def _subtitles(order: Order, segments: Sequence[Segment], targets: list[str]) -> dict[str, Content]:
    from bridge.captions import cues, srt, vtt

    made: dict[str, Content] = {}
    spoken = _spoken(order, segments)
    for language, target in ((spoken, None), *((target, target) for target in targets)):
        for kind, wanted, file in (("srt", order.srt, srt), ("vtt", order.vtt, vtt)):
            if wanted:
                made[f"{language}.{kind}"] = _text(file(cues(said(segments, target))))
    return made


def _text(content: str) -> Content:
    return lambda path: path.write_text(content, "utf-8", newline="\n")


def _films(film: Path, order: Order, segments: Sequence[Segment], made: Products) -> dict[str, Content]:
    from bridge.dubbing.film import Dub, add, extension
    from bridge.media.tracks import film_code

    spoken = film_code(_spoken(order, segments))

    def copy(dub: Dub) -> Content:
        def content(path: Path) -> None:
            made.left_out[:] = add(film, dub, path)

        return content

    kind = extension(film)
    return {
        f"{target}.{kind}": copy(Dub(track, film_code(target), f"{_name(target)} (translated)", spoken))
        for target, track in made.tracks.items()
        if track is not None
    }


def _spoken(order: Order, segments: Sequence[Segment]) -> str:
    return next((segment.language for segment in segments if segment.language), order.source)


def _name(tag: str) -> str:
    try:
        return languages.find(tag).name
    except LanguageError:
        return tag
