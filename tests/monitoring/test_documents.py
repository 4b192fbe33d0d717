"""What the documents tell an operator to type, to look for and to set exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from bridge.cli import app
from bridge.settings import Settings
from tests.monitoring.promql import ours
from tests.stack import REPOSITORY

PAGES = ("operations.md", "troubleshooting.md")
TEXT = {page: (REPOSITORY / "docs" / page).read_text() for page in PAGES}
OTHERS = {
    "GRAFANA_PASSWORD",
    "COMPOSE_FILE",
    "EXTRAS",
    "SERVICE",
    "SESSION",
    "NAME",
    "PID",
    "SERVER",
    "VOICE",
    "N",
}
"""Words in capitals that are no variable of ours: Compose's, and what the reader puts in."""
CODE = re.compile(r"```sh\n(.*?)```|`([^`\n]+)`", re.S)
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")


def code(text: str) -> Iterator[str]:
    """Each command and word in code, without what a `#` explains."""
    for block, span in CODE.findall(text):
        yield from (line.partition("  #")[0].strip() for line in (block or span).splitlines())


def everywhere(pattern: str) -> list[str]:
    return [found for text in TEXT.values() for line in code(text) for found in re.findall(pattern, line)]


def known_variables() -> set[str]:
    page = (REPOSITORY / "docs/configuration.md").read_text()
    return {
        name
        for line in page.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([A-Z_]+)`", line)
    }


def complaint(command: str) -> str:
    """What the command line would not take of it; empty if it takes all."""
    verb: Any = typer.main.get_command(app)
    words = command.split()[1:]
    while words and hasattr(verb, "commands"):
        if words[0] not in verb.commands:
            return f"no verb {words[0]}"
        verb = verb.commands[words.pop(0)]
    options = {option for parameter in verb.params for option in parameter.opts}
    return " ".join(f"no option {word}" for word in words if word.startswith("-") and word not in options)


@pytest.mark.parametrize("command", sorted(set(everywhere(r"^speechbridge .*"))))
def test_a_command_that_is_named_exists_with_its_options(command: str) -> None:
    assert complaint(command) == ""


def test_a_command_that_does_not_exist_is_found() -> None:
    assert complaint("speechbridge profil cpu") == "no verb profil"
    assert complaint("speechbridge profile cpu --wrker NAME") == "no option --wrker"


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_that_is_named_is_read(page: str) -> None:
    named = {name for line in code(TEXT[page]) for name in VARIABLE.findall(line)}

    assert named - OTHERS <= known_variables()


@pytest.mark.parametrize(("name", "value"), sorted(set(everywhere(r"\b([A-Z][A-Z_]+)=([\w:.-]+)"))))
def test_a_variable_takes_the_value_that_is_advised(name: str, value: str) -> None:
    if name.lower() in Settings.model_fields and name != "PRESET":
        assert getattr(Settings.read(**{name.lower(): value}), name.lower()) is not None
    elif name == "PRESET":
        assert (REPOSITORY / f"config/presets/{value}.env").is_file()
    else:
        assert name in known_variables() | OTHERS


def test_every_line_of_a_log_that_is_looked_for_is_written_somewhere() -> None:
    looked = set(everywhere(r'grep[^"|]* "([^"]+)"'))
    looked |= {"redis is back", "session failed", "room failed", "connection cut that answers no ping"}
    sources = [path for part in ("bridge", "gateway") for path in (REPOSITORY / part).rglob("*.py")]
    written = "\n".join(path.read_text() for path in sources)

    assert {words for words in looked if f'"{words}' not in written} == set()


def test_every_series_that_is_named_is_exported() -> None:
    named = set(everywhere(r"\b(?:bridge|process)_\w+")) | set(everywhere(r"metrics \| grep (\w+)"))
    known = ours()

    assert named
    assert {name for name in named if not any(name in series for series in known)} == set()


def test_every_panel_that_is_named_is_on_a_dashboard() -> None:
    dashboards = (REPOSITORY / "config/grafana/dashboards").glob("*.json")
    titles = [panel["title"] for file in dashboards for panel in json.loads(file.read_text())["panels"]]
    named = {name for text in TEXT.values() for name in re.findall(r'"([^"\n]+)"', CODE.sub("", text))}

    assert named
    assert {name for name in named if not any(title.startswith(name) for title in titles)} == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_page_and_a_section(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]*(?:#[^)]+)?)\)", TEXT[page]):
        file, _, section = target.partition("#")
        text = (REPOSITORY / "docs" / (file or page)).read_text()
        anchors = {
            re.sub(r"[^\w -]", "", head).lower().replace(" ", "-")
            for head in re.findall(r"^#+ (.+)$", text, re.M)
        }
        assert not section or section in anchors, target
