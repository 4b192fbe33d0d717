"""The files of the web client as the gateway hands them out: what they are, and what they may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway import pages

PAGES = [path.replace("{room}", "5f2c9a1be07d") for path in pages.PAGES]
FILES = sorted(path.relative_to(pages.WEB) for path in pages.WEB.rglob("*") if path.is_file())


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = Starlette()
    pages.add(app)
    with TestClient(app) as made:
        yield made


@pytest.mark.parametrize("path", [*PAGES, *(f"/web/{file.as_posix()}" for file in FILES)])
def test_everything_comes_with_the_headers_that_keep_a_page_safe(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    for name, value in pages.HEADERS.items():
        assert answer.headers[name] == value


def test_the_policy_allows_nothing_from_elsewhere_and_no_code_in_strings() -> None:
    allowed = dict(rule.split(" ", 1) for rule in pages.POLICY.split("; "))

    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"] == allowed["connect-src"] == allowed["style-src"] == "'self'"
    assert allowed["frame-ancestors"] == "'none'"
    assert allowed["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in pages.POLICY


@pytest.mark.parametrize("file", [file for file in FILES if file.suffix in (".html", ".css", ".js", ".svg")])
def test_no_file_names_another_host(file: Path) -> None:
    text = (pages.WEB / file).read_text()
    named = set(re.findall(r"(?:https?|wss?)://[\w.-]+", text))

    # The name of a namespace, and what a person is told to open.
    assert named <= {"http://www.w3.org", "http://localhost"}


@pytest.mark.parametrize("name", sorted(set(pages.PAGES.values())))
def test_pages_hold_no_code_and_no_style_of_their_own(name: str) -> None:
    text = (pages.WEB / name).read_text()

    assert not re.search(r"<style|\son\w+=|\sstyle=|javascript:", text)
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("file", [file for file in FILES if file.suffix in (".html", ".css", ".js")])
def test_addresses_are_relative_so_that_the_page_can_live_below_a_path(file: Path) -> None:
    text = (pages.WEB / file).read_text()

    assert not re.search(r"""(?:src|href|action)="/|(?:fetch|URL|import)\(["'`]/|from "/""", text)


@pytest.mark.parametrize("path", PAGES)
def test_what_a_page_is_made_of_is_found_from_where_it_stands(client: TestClient, path: str) -> None:
    text = client.get(path).text
    named = re.findall(r"""<(?:link|script)[^>]* (?:src|href)="([^"]+)""", text)

    assert named
    assert {client.get(urljoin(path, name)).status_code for name in named} == {200}


def test_modules_are_javascript_whatever_the_system_thinks(client: TestClient) -> None:
    assert client.get("/web/main.js").headers["content-type"].startswith("text/javascript")


def test_a_file_that_was_not_changed_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/web/main.js")
    again = client.get("/web/main.js", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/web/", "/web/nothing.js", "/web/../app.py", "/web/%2e%2e/app.py"])
def test_nothing_beside_the_files_is_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
