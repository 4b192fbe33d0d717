"""The process in which pyttsx3 speaks: a JSON object per line comes in and goes out, speech is in a file.

It is run by its path and imports nothing else of this package. pyttsx3 sets the voice and the call back of
espeak's library for a whole process, of which the espeak engine would fall silent, and it prints.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import Any


def load_library() -> None:
    """Loads espeak-ng from its wheel; pyttsx3 finds it by its name, and without it looks for the system's."""
    try:
        import espeakng_loader
    except ImportError:
        return
    os.environ["ESPEAK_DATA_PATH"] = str(espeakng_loader.get_data_path())
    ctypes.CDLL(espeakng_loader.get_library_path(), ctypes.RTLD_GLOBAL)


def speak(asked: dict[str, Any], failures: list[str]) -> None:
    """Writes the file; what goes wrong in the engine, which keeps it to itself, is put into `failures`.

    Each text has an engine of its own, which costs nothing. `runAndWait` would cancel the setting of the
    rate, or the next text, where the library has not come to rest; this loop ends when the file is whole.
    """
    import pyttsx3

    engine = pyttsx3.init("espeak")
    # As a text: an exception would keep the engine, and with it its loop, for the next text.
    engine.connect("error", lambda name, exception: failures.append(str(exception)))
    for name in ("voice", "rate", "volume"):
        engine.setProperty(name, asked[name])
    engine.save_to_file(asked["text"], asked["file"])
    engine.startLoop()


def voices() -> list[str]:
    """The languages of the package's voices."""
    import pyttsx3

    offered = pyttsx3.init("espeak").getProperty("voices")
    return sorted({code for voice in offered for code in voice.languages or ()})


def main() -> None:
    """Tells which voices there are, or why there are none; then speaks until its input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def answer(**said: object) -> None:
        answers.write(json.dumps(said) + "\n")
        answers.flush()

    try:
        load_library()
        answer(voices=voices())
    except Exception as error:  # the package raises whatever the library does
        return answer(missing=f"{type(error).__name__}: {error}")
    for line in sys.stdin:
        failures: list[str] = []
        try:
            speak(json.loads(line), failures)
        except Exception as error:
            failures.append(str(error))
        answer(error=failures[0] if failures else "")


if __name__ == "__main__":
    main()
