"""The rows of text to speech."""

from bridge.providers.row import Row

ROWS: tuple[Row, ...] = (
    Row(
        "tts",
        "espeak",
        "bridge.providers.tts.espeak:Espeak",
        "espeak",
        "GPL-3.0-or-later",
        "robotic and clear, over 100 languages",
    ),
    Row(
        "tts",
        "piper",
        "bridge.providers.tts.piper:Piper",
        "piper",
        "GPL-3.0-or-later",
        "natural, voices of 40 languages to download",
    ),
    Row(
        "tts",
        "kokoro",
        "bridge.providers.tts.kokoro:Kokoro",
        "kokoro",
        "MIT, with phonemizer under GPL-3.0; model: Apache-2.0",
        "natural, seven languages from one model to download",
    ),
    Row(
        "tts",
        "pyttsx3",
        "bridge.providers.tts.pyttsx3:Pyttsx3",
        "pyttsx3",
        "MPL-2.0, with espeak-ng under GPL-3.0-or-later",
        "the package on espeak-ng, a sentence at a time",
    ),
    Row(
        "tts",
        "coqui",
        "bridge.providers.tts.coqui:Coqui",
        "coqui",
        "MPL-2.0; model: CPML, not for commercial use",
        "XTTS, the voice of a recording in 17 languages, wants a GPU",
    ),
    Row(
        "tts",
        "openai",
        "bridge.providers.openai:OpenAiSynthesizer",
        "cloud",
        "OpenAI's terms, or the server's",
        "OpenAI or any compatible server, heard as it comes",
        "cloud",
        "OPENAI_API_KEY",
    ),
    Row(
        "tts",
        "cosyvoice",
        "bridge.providers.tts.cosyvoice:CosyVoice",
        "cloud",
        "Apache-2.0",
        "a CosyVoice server of your own, which lends a recording's voice",
        "server",
    ),
    Row(
        "tts",
        "simulated",
        "bridge.providers.simulated:SimulatedSynthesizer",
        "",
        "Apache-2.0",
        "a set time and a tone, for load tests",
    ),
)
