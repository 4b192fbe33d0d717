"""The terms that somebody has to agree to before a model is fetched or used."""

from __future__ import annotations

from pydantic import Field

from bridge.errors import SettingsError
from bridge.options import Options


class CoquiTerms(Options):
    """Whether the operator agrees to the terms of Coqui's models; their package reads the same variable."""

    coqui_tos_agreed: bool = Field(
        False,
        description="1 where you agree to the Coqui Public Model License, which forbids commercial use, or "
        "have bought another.",
    )


def agreed(terms: CoquiTerms) -> None:
    """Raises SettingsError unless the operator agrees."""
    if not terms.coqui_tos_agreed:
        raise SettingsError(
            "COQUI_TOS_AGREED is not set: the models of Coqui are for those who agree to the Coqui Public "
            "Model License, which forbids commercial use.",
            "Read https://tts-hub.github.io/cpml and set COQUI_TOS_AGREED=1, or use another provider.",
        )
