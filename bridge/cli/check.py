"""What one look of `speechbridge doctor` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """`found` is what there is; a failed check has an `error` and as `fix` an exact command or setting."""

    name: str
    ok: bool
    found: str = ""
    required: bool = True
    error: str = ""
    fix: str = ""
