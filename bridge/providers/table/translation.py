"""The rows of text to text."""

from bridge.providers.row import Row

ROWS: tuple[Row, ...] = (
    Row(
        "translation",
        "apertium",
        "bridge.providers.translation.apertium:Apertium",
        "",
        "GPL-2.0-or-later",
        "rule-based pairs from the system's packages",
    ),
    Row(
        "translation",
        "nllb",
        "bridge.providers.translation.nllb:Nllb",
        "nllb",
        "MIT, models CC-BY-NC-4.0",
        "neural, 120 languages, on CPU or GPU",
    ),
    Row(
        "translation",
        "nllb-transformers",
        "bridge.providers.translation.nllb_transformers:NllbTransformers",
        "nllb-transformers",
        "Apache-2.0, models CC-BY-NC-4.0",
        "the same on torch: exact and slower",
    ),
    Row(
        "translation",
        "openai",
        "bridge.providers.openai.translator:OpenAiTranslator",
        "cloud",
        "OpenAI's terms, or the server's",
        "OpenAI or any compatible server, a language model",
        "cloud",
        "OPENAI_API_KEY",
    ),
    Row(
        "translation",
        "deepl",
        "bridge.providers.translation.deepl:DeepL",
        "cloud",
        "DeepL's terms",
        "DeepL's API with your key, 33 languages and forms",
        "cloud",
        "DEEPL_API_KEY",
    ),
    Row(
        "translation",
        "libretranslate",
        "bridge.providers.translation.libretranslate:LibreTranslate",
        "cloud",
        "AGPL-3.0 of the server, models their own",
        "a LibreTranslate server, the pairs that it has",
        "server",
    ),
    Row(
        "translation",
        "simulated",
        "bridge.providers.simulated:SimulatedTranslator",
        "",
        "Apache-2.0",
        "a set time and a marked text, for load tests",
    ),
)
