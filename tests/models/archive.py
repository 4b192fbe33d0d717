"""Packs a model's folder so that the same files always make the same archive."""

from __future__ import annotations

import tarfile
from pathlib import Path

MODELS = Path(__file__).parent


def pack(folder: Path, name: str) -> Path:
    """Writes tests/models/`name`.tar.xz with the files of `folder`, dates and owners left out."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() else 0o644
        return member

    made = MODELS / f"{name}.tar.xz"
    with tarfile.open(made, "w:xz", preset=9) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.add(file, f"{name}/{file.relative_to(folder)}", filter=plain)
    return made


def unpack(name: str, into: Path) -> Path:
    """The folder `into`/`name` with the files of tests/models/`name`.tar.xz."""
    with tarfile.open(MODELS / f"{name}.tar.xz") as archive:
        archive.extractall(into, filter="data")
    return into / name
