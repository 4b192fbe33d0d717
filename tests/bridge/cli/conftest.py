"""The peer that speaks the native protocol from a script."""

from tests.peer import gateway

__all__ = ["gateway"]
