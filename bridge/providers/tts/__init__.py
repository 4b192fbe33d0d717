"""Engines of the tts stage."""
