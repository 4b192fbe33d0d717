"""DeepL's API as its reference documents it: the translation of texts."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from tests.bridge.providers.vendors.server import Answer, Asked, Vendor, said

KEY = "0123456789-ABCDEF:fx"

TARGETS = {"AR", "EN-US", "EN-GB", "ES", "ES-419", "DE", "PT-BR", "PT-PT", "ZH-HANS", "ZH-HANT", "NB"}


class DeepLApi(Vendor):
    """Translates by marking, all but what stands in a tag to be ignored."""

    def reply(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"DeepL-Auth-Key {KEY}":
            return said({"message": f"Forbidden for {KEY}"}, 403)
        assert asked.path == "/v2/translate"
        sent = asked.json
        if sent["target_lang"] not in TARGETS or "-" in sent["source_lang"]:
            return said({"message": "Value for 'target_lang' not supported."}, 400)
        made = [
            {"detected_source_language": sent["source_lang"], "text": _marked(text, sent)}
            for text in sent["text"]
        ]
        return said({"translations": made})


def _marked(text: str, sent: dict[str, Any]) -> str:
    if "tag_handling" not in sent:
        return f"~{text}~"
    ElementTree.fromstring(f"<text>{text}</text>")  # version 2 refuses what is not well-formed
    (tag,) = sent["ignore_tags"]
    kept = re.findall(f"<{tag}>.*?</{tag}>", text)
    rest = [part.upper() for part in re.split(f"<{tag}>.*?</{tag}>", text)]
    return "".join(part for pair in zip(rest, [*kept, ""], strict=True) for part in pair)
