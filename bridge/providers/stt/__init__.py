"""Engines of the stt stage."""
