"""What `translate` hears: the files given, the sound track chosen of each, and how far it has got."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import BridgeError

if TYPE_CHECKING:
    from rich.progress import Progress

    from bridge.media import Recording, Track
    from bridge.types import Block


@dataclass(slots=True)
class Heard:
    """One recording to be read with `language` spoken in it, from its `track` if one was named.

    What it says of itself is known once it was looked at: a file before anything runs, a pipe when it
    is read, which happens once.
    """

    path: Path
    language: str
    track: int | None = None
    name: Path = field(init=False)
    duration_ms: float | None = None
    taken: Track | None = None
    tracks: tuple[Track, ...] = ()

    def __post_init__(self) -> None:
        from bridge.media import name_of

        self.name = name_of(self.path)

    def look(self) -> None:
        """Raises AudioError for a file without sound. A pipe is left alone."""
        from bridge.media import is_stream, opened

        if not is_stream(self.path):
            with opened(self.path, self.language, self.track) as recording:
                self._note(recording)

    def blocks(self) -> Iterator[Block]:
        """The speech; the decoder lives and dies in the thread that iterates. Raises AudioError."""
        from bridge.media import opened

        with opened(self.path, self.language, self.track) as recording:
            self._note(recording)
            yield from recording.blocks()

    def choice(self) -> str | None:
        """Which of several sound tracks is heard, in words."""
        if self.taken is None or len(self.tracks) < 2:
            return None
        others = "; ".join(str(track) for track in self.tracks if track is not self.taken)
        return f"sound track {self.taken}; there are also {others}; --track takes another"

    def summary(self) -> dict[str, Any]:
        """The same for programs: nothing where there is no choice."""
        if self.taken is None or len(self.tracks) < 2:
            return {}
        told = [{"track": t.number, "language": t.language, "title": t.title} for t in self.tracks]
        return {"track": self.taken.number, "tracks": told}

    def _note(self, recording: Recording) -> None:
        self.duration_ms, self.taken, self.tracks = recording.duration_ms, recording.track, recording.tracks


@contextmanager
def no_fault_ends_the_run() -> Iterator[None]:
    """Makes of an error that nobody foresaw one that is told of this recording alone."""
    try:
        yield
    except BridgeError:
        raise
    except Exception as error:
        raise BridgeError(
            f"A fault of speechbridge: {type(error).__name__}: {error}.",
            "Please report it with the file; converting it to wav may help.",
        ) from error


class Bar:
    """The progress of one recording, whose header may be wrong about its length or say none."""

    def __init__(self, progress: Progress, heard: Heard) -> None:
        from rich.markup import escape

        self._progress = progress
        self._heard = heard
        self._task = progress.add_task(escape(heard.name.name), total=heard.duration_ms)

    def reach(self, ms: float) -> None:
        """All up to here is finished."""
        total = self._heard.duration_ms
        self._progress.update(self._task, completed=ms, total=None if total is None else max(total, ms))

    def end(self) -> None:
        """All is: also the silence at the end, in which nothing is ever finished."""
        self._progress.update(self._task, completed=1, total=1)

    def leave(self) -> None:
        """It is shown no more."""
        self._progress.remove_task(self._task)
