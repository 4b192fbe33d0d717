"""Repositories of a hub, and what a pull tells and asks of it."""

from __future__ import annotations

from random import Random

from tests.hub import Hub

CHUNK = 10 * 1024 * 1024
"""Bytes that the hub's library writes at once: what is cut off within them is not on the disk yet."""


TINY = "Systran/faster-whisper-tiny"


VOICE = "es_ES-sol-medium"


ABOVE = "es/es_ES/sol/medium"


def whisper() -> dict[str, bytes]:
    """The files of such a repository, with two that no engine reads."""
    return {
        "model.bin": Random(1).randbytes(50_000),
        "config.json": b"{}",
        "tokenizer.json": b'{"model": 1}',
        "vocabulary.txt": b"a\nb\n",
        "preprocessor_config.json": b"{}",
        "README.md": b"read me",
        ".gitattributes": b"*.bin",
        "demo.wav": b"RIFF",
    }


def voices() -> dict[str, bytes]:
    return {
        f"{ABOVE}/{VOICE}.onnx": Random(2).randbytes(20_000),
        f"{ABOVE}/{VOICE}.onnx.json": b'{"audio": {"sample_rate": 22050}}',
        f"{ABOVE}/MODEL_CARD": b"# Model card for sol\n\n## Dataset\n\n* URL: none\n* License: CC0\n",
        f"{ABOVE}/samples/speaker_0.mp3": b"ID3",
    }


class Told:
    """What a pull tells of its progress."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []

    def __call__(self, name: str, done: int, total: int) -> None:
        self.steps.append((name, done, total))


def downloads(hub: Hub) -> list[tuple[str, str]]:
    """The files asked for, each with its range."""
    return [(path.rpartition("/")[2], part) for _, path, part in hub.asked if "/resolve/" in path]


def large() -> bytes:
    return Random(3).randbytes(3 * CHUNK // 2)
