"""Writes docs/configuration.md from the settings themselves, so that neither can say what the other does not.

Run `python scripts/configuration_doc.py` after a change of any option.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bridge.cli.bench.variant import KEYS
from bridge.foreign import INSTEAD
from bridge.options import Options, names
from bridge.providers import TABLE
from bridge.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "configuration.md"

INTRODUCTION = """\
# Configuration

This page is written by `scripts/configuration_doc.py` from the classes that read the variables.

Every option is an environment variable. The strongest source that names one wins:

1. an option of the command line, where the verb has one;
2. the environment;
3. the file `.env` in the current folder;
4. the preset: `config/presets/NAME.env`, chosen by `PRESET=NAME` or `--preset NAME`;
5. the default.

An empty value counts as none. Where a variable has a second name ("also"), the strongest source that holds
either wins, and the first name where one source holds both. `speechbridge config show` prints each value in
force and its source, with secrets masked. A variable that is set and has no effect is pointed out there, by
`up`, `gateway`, `worker` and `doctor`: a misspelt one with the nearest name, one that only other engines than
the chosen ones read with both, and one [from elsewhere](#names-from-elsewhere) with the reason.

Two variables are read before all others: `PRESET`, and `CONFIG_DIR`, the folder with `topology.toml` and
`presets/` (by default `config` in the current folder, else the one that came with the package).
"""

GPU = """
## What guides for GPUs name

- Numbers of 8 bits: `STT_COMPUTE_TYPE`, and `TRANSLATION_PRECISION` of `nllb`, know `int8` and
  `int8_float16`; `auto` takes the fastest that the device is good at.
- Numbers of 4 bits: `TRANSLATION_PRECISION=int4` with `TRANSLATION_PROVIDER=nllb-transformers`, a GPU and the
  extra `nllb-int4` (bitsandbytes, nf4). Whisper and `nllb` run on CTranslate2, which makes none below 8 bits.
- Flash attention: `FLASH_ATTENTION=true` for Whisper and NLLB, or the variable of one stage. It is refused at
  start on a CPU, and where CTranslate2 was built without it, as its packages from 4.4.0 on are.
- CUDA graphs: no variable. A graph is recorded for one shape of input and played back for that shape; each
  segment and each sentence has another length, so each would be recorded anew."""

ELSEWHERE = """
## Names from elsewhere

Operators of similar systems know these. They have no effect here, for the reason beside each.
"""

YAML = """
## Keys of YAML files

Similar systems are configured by nested files. `speechbridge bench ab` reads these keys of them; everywhere
else, write the variable that a key stands for.
"""


def render() -> str:
    """The whole page."""
    parts = [INTRODUCTION, "## Core\n", *_table(Settings)]
    documented: set[type[Options]] = set()
    for row in TABLE:
        options = row.cls().Options
        if options in documented:
            continue
        documented.add(options)
        stages = [other.stage for other in TABLE if other.cls().Options is options]
        chosen = ", ".join(f"`{stage.upper()}_PROVIDER={row.name}`" for stage in stages)
        parts += [f"\n## {row.name}\n", f"In force with {chosen}.\n", *_table(options)]
    parts += [GPU, ELSEWHERE, *(f"- `{name}`: {reason}." for name, reason in INSTEAD.items())]
    parts += [YAML, *(f"- `{key}`: `{variable}`." for key, (variable, _) in KEYS.items())]
    return "\n".join(parts).rstrip() + "\n"


def _table(options: type[Options]) -> Iterator[str]:
    yield "| variable | default | may be | what it does |"
    yield "|---|---|---|---|"
    for name, field in options.model_fields.items():
        variable, *others = names(options, name)
        also = f" (also {', '.join(f'`{other}`' for other in others)})" if others else ""
        cells = (f"`{variable}`{also}", _default(field), _bounds(field), _sentence(field))
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None or value == "" or value == ():
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{','.join(str(one) for one in value)}`"
    return f"`{value}`"


def _bounds(field: FieldInfo) -> str:
    kind = _without_none(field.annotation)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    limits = [limit for part in field.metadata if (limit := _limit(part))]
    return f"{_kind(kind)}{', ' if limits else ''}{' and '.join(limits)}"


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        [kind] = [part for part in get_args(kind) if part is not type(None)]
    return kind


def _kind(kind: Any) -> str:
    names = {
        int: "whole number",
        float: "number",
        bool: "`true` or `false`",
        Path: "path",
        SecretStr: "secret",
    }
    if get_origin(kind) is tuple:
        return "list, comma-separated"
    return names.get(kind, "text")


def _limit(part: Any) -> str:
    for attribute, words in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
        if (bound := getattr(part, attribute, None)) is not None:
            return f"{words} {bound}"
    return ""


def _sentence(field: FieldInfo) -> str:
    example = f" Example: `{field.examples[0]}`." if field.examples else ""
    return f"{field.description}{example}"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
