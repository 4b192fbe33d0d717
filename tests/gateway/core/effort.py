"""How hard the property tests of this folder try."""

from __future__ import annotations

from hypothesis import settings

EFFORT = settings(deadline=None, max_examples=25)
"""A busy machine is no failure, and each property takes less than a second."""
