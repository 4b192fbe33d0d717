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
        "openai",
        "bridge.providers.openai.synthesizer:OpenAiSynthesizer",
        "cloud",
        "OpenAI's terms, or the server's",
        "OpenAI or any compatible server, heard as it comes",
        "cloud",
        "OPENAI_API_KEY",
    ),
    Row(
        "tts",
        "azure",
        "bridge.providers.azure:AzureSynthesizer",
        "cloud",
        "Microsoft's terms",
        "Azure's neural voices with your key, heard as it comes",
        "cloud",
        "AZURE_SPEECH_KEY",
    ),
    Row(
        "tts",
        "elevenlabs",
        "bridge.providers.tts.elevenlabs:ElevenLabs",
        "cloud",
        "ElevenLabs' terms",
        "ElevenLabs' voices with your key, heard as it comes",
        "cloud",
        "ELEVENLABS_API_KEY",
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
