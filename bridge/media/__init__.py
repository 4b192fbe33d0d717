"""What people bring to be translated: files and streams of any format, to mono speech with its true times."""

from bridge.media.recording import Recording, decode, opened, origin
from bridge.media.source import STDIN, is_stream, name_of, source
from bridge.media.tracks import Track

__all__ = ["STDIN", "Recording", "Track", "decode", "is_stream", "name_of", "opened", "origin", "source"]
