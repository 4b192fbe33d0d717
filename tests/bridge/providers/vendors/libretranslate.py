"""A LibreTranslate server as its API page documents it: what it has, and translations."""

from __future__ import annotations

from tests.bridge.providers.vendors.server import Answer, Asked, Vendor, said

KEY = "0a1b2c3d-0123-4567-89ab-0123456789AB"

CODES = ("ar", "ca", "de", "en", "es", "fr", "nb", "pb", "pt", "zh", "zt", "xx")
"""The last one is none that anybody else knows."""

LACKING = ("ca", "ar")
"""A pair whose model is not installed there."""


class LibreTranslateApi(Vendor):
    """Translates by marking; `wants_key` as one that was started with --api-keys."""

    wants_key = False

    def reply(self, asked: Asked) -> Answer:
        if asked.path == "/languages":
            assert asked.method == "GET"
            return said([{"code": code, "name": code, "targets": targets(code)} for code in CODES])
        assert (asked.method, asked.path) == ("POST", "/translate")
        sent = asked.json
        if "api_key" in sent and sent["api_key"] != KEY:
            return said({"error": "Invalid API key"}, 403)
        if self.wants_key and "api_key" not in sent:
            return said({"error": "Please contact the server operator to get an API key"}, 400)
        if sent["target"] not in targets(sent["source"]):
            return said({"error": f"{sent['target']} is not available as a target language"}, 400)
        assert sent["format"] == "text"
        return said({"translatedText": f"~{sent['q']}~"})


def targets(code: str) -> list[str]:
    """What a language is translated to: all, itself included."""
    return [other for other in CODES if (code, other) != LACKING]
