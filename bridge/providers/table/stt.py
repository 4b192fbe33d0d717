"""The rows of speech to text."""

from bridge.providers.row import Row

ROWS: tuple[Row, ...] = (
    Row(
        "stt",
        "pocketsphinx",
        "bridge.providers.stt.pocketsphinx:Pocketsphinx",
        "pocketsphinx",
        "BSD-2-Clause",
        "English, nothing to download",
    ),
    Row(
        "stt",
        "faster_whisper",
        "bridge.providers.stt.faster_whisper:FasterWhisper",
        "faster-whisper",
        "MIT",
        "Whisper, 100 languages, detects which, models to download",
    ),
    Row(
        "stt",
        "openai",
        "bridge.providers.openai.transcriber:OpenAiTranscriber",
        "cloud",
        "OpenAI's terms, or the server's",
        "OpenAI or any compatible server, detects the language",
        "cloud",
        "OPENAI_API_KEY",
    ),
    Row(
        "stt",
        "deepgram",
        "bridge.providers.stt.deepgram:Deepgram",
        "cloud",
        "Deepgram's terms",
        "Deepgram's API with your key, detects 33 of 51 languages",
        "cloud",
        "DEEPGRAM_API_KEY",
    ),
    Row(
        "stt",
        "azure",
        "bridge.providers.azure:AzureTranscriber",
        "cloud",
        "Microsoft's terms",
        "Azure's Speech service with your key, 79 languages and forms",
        "cloud",
        "AZURE_SPEECH_KEY",
    ),
    Row(
        "stt",
        "simulated",
        "bridge.providers.simulated:SimulatedTranscriber",
        "",
        "Apache-2.0",
        "a set time and a made-up text, for load tests",
    ),
)
