"""Odd terminals, pipes, disks and surroundings: each verb does its work, and says what it could not write."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge import cli
from bridge.cli.terminal import as_json
from bridge.models import library
from tests.stack import REPOSITORY, free_port

CLIP = REPOSITORY / "tests" / "data" / "speech" / "cards_001.wav"


def told(peer: Any) -> None:
    peer.open()
    peer.hear()
    peer.two_segments()
    peer.end()


class Shell:
    """Standard output and standard error on real descriptors, in one encoding."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._patch = monkeypatch
        self._output, self._complaints = folder / "printed", folder / "complained"
        self._closing = False
        self.encoding = "utf-8"

    def to(self, output: str) -> None:
        """Prints there."""
        self._output = Path(output)

    def into_a_pipe_that_closes(self) -> None:
        self._closing = True

    def run(self, *arguments: object) -> int:
        """The exit code of the command, run in this process."""
        self._patch.setattr("sys.argv", ["speechbridge", *map(str, arguments)])
        with self._opened() as output, io.FileIO(self._complaints, "w") as complaints:
            for name, raw in (("stdout", output), ("stderr", complaints)):
                stream = io.TextIOWrapper(io.BufferedWriter(raw), self.encoding)
                self._patch.setattr(f"sys.{name}", stream)
            with pytest.raises(SystemExit) as end:
                cli.main()
        return int(end.value.code or 0)

    def _opened(self) -> io.FileIO:
        if not self._closing:
            return io.FileIO(self._output, "w")
        reader, writer = os.pipe()
        os.close(reader)
        return io.FileIO(writer, "w")

    @property
    def printed(self) -> str:
        return self._output.read_bytes().decode(self.encoding)

    @property
    def complained(self) -> str:
        return self._complaints.read_bytes().decode(self.encoding)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(monkeypatch, tmp_path)


@pytest.fixture
def oddly_named(tmp_path: Path) -> Path:
    """A recording whose name is no text: a byte that is no UTF-8, letters, markup and a line's end."""
    path = Path(os.fsdecode(bytes(tmp_path) + "/ж\n[red]".encode() + b"\xff.wav"))
    shutil.copy(CLIP, path)
    return path


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8"])
def test_a_terminal_that_lacks_letters_gets_them_spelt_and_the_next_file_its_turn(
    shell: Shell, gateway: Callable[..., str], encoding: str
) -> None:
    shell.encoding = encoding
    assert shell.run("translate", "нет.wav", CLIP, "--to", "es,ca", "--url", gateway(told)) == 1

    assert ("→" if encoding == "utf-8" else "->") in shell.complained
    assert ("нет.wav" if encoding == "utf-8" else "\\u043d\\u0435\\u0442.wav") in shell.complained
    assert "cards_001.wav" in shell.printed


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_json_is_json_whatever_the_file_is_called(
    shell: Shell, gateway: Callable[..., str], oddly_named: Path, encoding: str
) -> None:
    shell.encoding = encoding
    to = ("--to", "es,ca", "--json", "-o", "out", "--url", gateway(told))
    assert shell.run("translate", oddly_named, "missing\udcff.wav", *to) == 1

    missing, made = map(json.loads, shell.printed.splitlines())
    assert missing["file"] == "missing\udcff.wav"
    assert made["file"] == str(oddly_named)
    assert Path(made["translations"]["es"]["audio"]).is_file()


def test_letters_stay_in_json_where_the_terminal_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, line in (("utf-8", '{"é": "→"}'), ("latin-1", '{"\\u00e9": "\\u2192"}')):
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding))
        assert as_json({"é": "→"}) == line


def test_a_reader_that_leaves_early_is_told_and_what_was_asked_is_done(
    shell: Shell, gateway: Callable[..., str], tmp_path: Path
) -> None:
    other = tmp_path / "other.wav"
    shutil.copy(CLIP, other)
    shell.into_a_pipe_that_closes()
    url = gateway(told)
    assert shell.run("translate", CLIP, other, "--to", "es,ca", "-o", tmp_path / "out", "--url", url) == 0

    assert shell.complained == "warning: nobody reads the output any more, what follows is not shown\n"
    assert {path.name for path in (tmp_path / "out").glob("*.es.wav")} == {
        "cards_001.es.wav",
        "other.es.wav",
    }


@pytest.mark.parametrize(
    "verb", [["config", "show"], ["config", "show", "--json"], ["--help"], ["models", "list"]]
)
def test_every_verb_outlives_a_full_disk_and_a_pipe_that_closes(shell: Shell, verb: list[str]) -> None:
    shell.to("/dev/full")
    assert shell.run(*verb) == 1
    assert "cannot be written: No space left on device" in shell.complained
    shell.into_a_pipe_that_closes()
    assert shell.run(*verb) == 0


def test_closed_standard_output_and_error_are_no_reason_to_fail(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["speechbridge", "config", "show"])
    for closed in ("sys.stdout", "sys.stderr"):
        monkeypatch.setattr(closed, None)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code


@pytest.mark.parametrize(
    "surroundings",
    [
        {"HOME": None, "LANG": None, "LC_ALL": None, "TERM": None},
        {"LC_ALL": "xx_YY.none", "TZ": "Nowhere/Land:+99", "COLUMNS": "0", "TERM": "none"},
        {"COLUMNS": "wide", "LINES": "-1", "TZ": "", "NO_COLOR": "1"},
    ],
)
def test_odd_surroundings_change_nothing(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, surroundings: dict[str, str | None]
) -> None:
    for name, value in surroundings.items():
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    assert shell.run("config", "show") == 0
    assert "REDIS_URL" in shell.printed


SOCKS = {name: "socks5://127.0.0.1:1" for name in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "SOCKS_PROXY")}


@pytest.mark.parametrize("proxies", [SOCKS, dict.fromkeys(SOCKS, "foo:bar")])
def test_a_proxy_that_cannot_be_used_is_told_and_none_is_asked_for_this_machine(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, gateway: Callable[..., str], proxies: dict[str, str]
) -> None:
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    assert shell.run("translate", CLIP, "--url", "http://talk.invalid") == 1
    assert "The proxy on the way to ws://talk.invalid/v1/stream cannot be used" in shell.complained
    assert "NO_PROXY=talk.invalid" in shell.complained
    assert shell.run("translate", CLIP, "--to", "es,ca", "--url", gateway(told)) == 0


@pytest.mark.parametrize("proxies", [SOCKS, dict.fromkeys(SOCKS, "foo:bar")])
def test_a_proxy_that_cannot_fetch_models_is_told(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxies: dict[str, str]
) -> None:
    hub = pytest.importorskip("huggingface_hub")
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    hub.close_session()  # the library keeps one, and with it the proxies that it was made with
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))
    assert shell.run("models", "pull", "whisper", "tiny") == 1
    hub.close_session()
    assert "ALL_PROXY" in shell.complained
    assert library.pulled() == []


@pytest.mark.parametrize("content", [b"\xff\xfe=1\n", None])
def test_settings_that_cannot_be_read_are_named(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    (tmp_path / ".env").write_bytes(content or b"")
    if content is None:
        monkeypatch.setattr("bridge.options.DOTENV", Path("/proc/self/mem"))  # readable by no reading
    assert shell.run("config", "show") == 1
    assert "cannot be read" in shell.complained
    assert "Traceback" not in shell.complained


@pytest.mark.parametrize("folder", ["/proc/nowhere", "file/below", "locked"])
@pytest.mark.parametrize("verb", [["up"], ["translate", CLIP]])
def test_a_folder_that_cannot_be_written_is_named_with_the_variable(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, verb: list[str]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "locked" / "lock").mkdir(parents=True)
    (tmp_path / "locked" / "stacks").touch()
    monkeypatch.setenv("DATA_DIR", folder)
    monkeypatch.setenv("PORT", str(free_port()))
    assert shell.run(*verb) == 1
    assert "Set DATA_DIR to a writable folder." in shell.complained
