"""The files made of one recording: subtitles, the spoken translation, the film that has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import languages
from bridge.cli.order import Order
from bridge.dubbing import Line, Track, dubbed
from bridge.errors import BridgeError, LanguageError
from bridge.types import Audio

if TYPE_CHECKING:
    from bridge.captions import Said
    from bridge.client import Segment


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
        lines = [Line(start, Audio(bytes(voice.pcm), voice.rate)) for start, voice in spoken if voice.pcm]
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


def write(film: Path, name: Path, order: Order, segments: Sequence[Segment], made: Products) -> None:
    """Writes the files of `film`, named after `name`, and notes them in `made`; each is whole or not there.

    Raises BridgeError.
    """
    folder = order.folder(film)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)

    def keep(suffix: str, content: Callable[[Path], object]) -> None:
        made.written[suffix] = _whole(folder / f"{name.stem}.{suffix}", content)

    for target, track in made.tracks.items():
        if track and order.output is not None:
            keep(f"{target}.wav", track.write_wav)
    for suffix, text in _subtitles(order, segments, list(made.tracks)):
        keep(suffix, lambda path, text=text: path.write_text(text, "utf-8"))  # type: ignore[misc]
    if order.dub:
        _films(film, order, segments, made, keep)


def _subtitles(order: Order, segments: Sequence[Segment], targets: list[str]) -> Iterator[tuple[str, str]]:
    from bridge.captions import cues, srt, vtt

    spoken = _spoken(order, segments)
    for language, target in ((spoken, None), *((target, target) for target in targets)):
        if order.srt or order.vtt:
            shown = cues(said(segments, target))
            if order.srt:
                yield f"{language}.srt", srt(shown)
            if order.vtt:
                yield f"{language}.vtt", vtt(shown)


def _films(
    film: Path,
    order: Order,
    segments: Sequence[Segment],
    made: Products,
    keep: Callable[[str, Callable[[Path], object]], None],
) -> None:
    from bridge.dubbing.film import Dub, add, extension
    from bridge.media.tracks import film_code

    spoken = film_code(_spoken(order, segments))
    for target, track in made.tracks.items():
        if track is not None:
            dub = Dub(track, film_code(target), f"{_name(target)} (translated)", spoken)

            def copy(path: Path, dub: Dub = dub) -> None:
                made.left_out[:] = add(film, dub, path)

            keep(f"{target}.{extension(film)}", copy)


def _spoken(order: Order, segments: Sequence[Segment]) -> str:
    return next((segment.language for segment in segments if segment.language), order.source)


def _name(tag: str) -> str:
    try:
        return languages.find(tag).name
    except LanguageError:
        return tag


def _whole(path: Path, content: Callable[[Path], object]) -> Path:
    """Writes a file that is whole whenever it is there."""
    part = path.with_name(f".{path.name}.part")
    with writing(path.parent):
        try:
            content(part)
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    return path


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Makes of an OSError a BridgeError that names what cannot be written."""
    try:
        yield
    except OSError as error:
        raise BridgeError(
            f"{error.filename or folder} cannot be written: {error.strerror}.",
            "Give another folder with -o.",
            code="bad_output",
        ) from None
