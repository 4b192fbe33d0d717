"""The options of engines behind HTTP: a key, a server, and how long that may take."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import Field, SecretStr

from bridge import languages
from bridge.errors import LanguageError, SettingsError
from bridge.options import Options

URL = r"^https?://[^\s/?#]+[^\s?#]*$"


def connect_ms() -> Any:
    """The field of an option."""
    return Field(1_000, ge=50, description="Milliseconds for a connection to the server.")


def first_byte_ms(default: int) -> Any:
    """The field of an option."""
    return Field(
        default,
        ge=50,
        description="Milliseconds from the request to the answer's first byte, and between two.",
    )


def total_ms(default: int) -> Any:
    """The field of an option."""
    return Field(default, ge=50, description="Milliseconds for a whole answer.")


def patience_ms() -> Any:
    """The field of an option."""
    return Field(
        500,
        ge=0,
        description="Milliseconds of a Retry-After that are waited, once; a longer one fails the segment.",
    )


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Milliseconds. The total is looked at with each piece, so it is overrun by `first_byte` at most."""

    connect: int
    first_byte: int
    total: int
    patience: int


def deadlines(options: Options, provider: str) -> Deadlines:
    """Those of the four fields above, as the options of `provider` name them."""
    connect, first_byte, total, patience = (
        getattr(options, f"{provider}_{name}_ms") for name in ("connect", "first_byte", "total", "patience")
    )
    return Deadlines(connect, first_byte, total, patience)


def key(variable: str, value: SecretStr | None, *, needed: bool) -> str:
    """The key itself, empty where none is needed. Raises SettingsError, which names the variable alone."""
    text = value.get_secret_value().strip() if value else ""
    if not text and needed:
        raise SettingsError(
            f"{variable} is not set.",
            f"Put the key of your account into the environment or .env as {variable}.",
        )
    if not re.fullmatch(r"[!-~]*", text):
        raise SettingsError(
            f"{variable} holds characters that no key has.", "Copy the key again, without quotes and spaces."
        )
    return text


def tags(listed: str, variable: str) -> frozenset[str]:
    """The languages of a list, with their regional forms. Raises LanguageError where it names none."""
    bases = {languages.find(tag).tag for tag in listed.replace(",", " ").split()}
    if not bases:
        raise LanguageError(f"{variable} names no language.", "Name some by their tags, such as en,es.")
    return frozenset(known.tag for known in languages.known() if {known.tag, known.base} & bases)
