"""A glossary follows its file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge.errors import SettingsError
from bridge.glossary import LOOK_SECONDS, Glossary

ONE, TWO, BAD = '[en.es]\na = "b"\n', '[en.es]\na = "b"\nc = "d"\n', "[en.es\n"


class Scene:
    """A file, and a clock that stands still."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "terms.toml"
        self.now = 100.0
        self.written = 0
        self.write(ONE)
        self.glossary = Glossary(self.path, lambda: self.now)

    def write(self, text: str) -> None:
        self.path.write_text(text)
        self.written += 1
        os.utime(self.path, (self.written, self.written))

    def terms(self, after: float) -> int:
        self.now += after
        return len(self.glossary.book())


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_file_that_changed_is_read_again_but_not_at_each_use(scene: Scene) -> None:
    scene.write(TWO)
    assert scene.terms(LOOK_SECONDS / 2) == 1
    with capture_logs() as lines:
        assert scene.terms(LOOK_SECONDS) == 2
    assert [line["event"] for line in lines] == ["glossary read again"]


def test_of_a_new_version_that_is_broken_or_gone_the_old_terms_stay_and_it_is_told_once(scene: Scene) -> None:
    scene.write(BAD)
    with capture_logs() as lines:
        assert [scene.terms(LOOK_SECONDS) for _ in range(3)] == [1, 1, 1]
        scene.path.unlink()
        assert [scene.terms(LOOK_SECONDS) for _ in range(2)] == [1, 1]
        scene.write(TWO)
        assert scene.terms(LOOK_SECONDS) == 2
    assert [line["log_level"] for line in lines] == ["warning", "warning", "info"]
    assert str(scene.path) in lines[0]["error"]


def test_a_broken_file_is_refused_at_start_and_none_is_no_glossary(tmp_path: Path) -> None:
    assert Glossary.of(None) is None
    with pytest.raises(SettingsError, match="GLOSSARY"):
        Glossary.of(tmp_path / "missing.toml")
