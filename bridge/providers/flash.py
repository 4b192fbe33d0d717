"""Flash attention of CTranslate2: asked for by a variable, refused where the device or the build has none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import AliasChoices, Field

from bridge.errors import SettingsError
from bridge.types import Stage


def flash_attention(stage: Stage, description: str) -> Any:
    """The option `<stage>_flash_attention`, which FLASH_ATTENTION sets too."""
    return Field(
        False,
        validation_alias=AliasChoices(f"{stage}_flash_attention", "flash_attention"),
        description=description,
    )


def check(stage: Stage, asked: bool, device: str) -> None:
    """Raises SettingsError where it is asked for and `device`, cpu or cuda, is no GPU."""
    if asked and device != "cuda":
        raise SettingsError(
            f"{stage.upper()}_FLASH_ATTENTION=true needs a GPU, and the model would run on the {device}.",
            f"Leave it out, or set {stage.upper()}_DEVICE to a GPU.",
        )


@contextmanager
def tried(stage: Stage) -> Iterator[None]:
    """Around the first use of a model: CTranslate2 finds out only there what its build lacks.

    Raises SettingsError with its own words where they are about flash attention.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if "flash" not in str(error).lower():
            raise
        raise SettingsError(
            f"{stage.upper()}_FLASH_ATTENTION=true cannot be had: {str(error).rstrip('.')}.",
            "It needs a GPU of the Ampere generation or newer, numbers of float16, bfloat16 or int8_float16, "
            "and a CTranslate2 built with it: the packages of 4.4.0 and later are built without.",
        ) from None
