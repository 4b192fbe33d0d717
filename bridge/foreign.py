"""Variables of the tuning guides that others know, and what to use here instead."""

from __future__ import annotations

NO_WAIT = "an idle engine waits for nobody, and a busy one gathers its batch meanwhile; use STT_BATCH_SIZE"

NO_GRPC = "stages talk over Redis, not gRPC"

INSTEAD = {
    "AUDIO_FORMAT": "audio is sent as PCM and files are written as wav",
    "BATCH_MAX_WAIT_MS": NO_WAIT,
    "CUDA_GRAPHS": "a graph is recorded for one shape of input, and each sentence has another",
    "GRPC_HTTP2_MAX_PINGS": f"{NO_GRPC}; use WS_PING_TIMEOUT",
    "GRPC_KEEPALIVE_PERMIT": NO_GRPC,
    "GRPC_KEEPALIVE_TIME": f"{NO_GRPC}; for clients use WS_PING_INTERVAL",
    "GRPC_KEEPALIVE_TIMEOUT": f"{NO_GRPC}; for clients use WS_PING_TIMEOUT",
    "GRPC_MAX_MESSAGE_LENGTH": f"{NO_GRPC}; use VAD_MAX_SEGMENT_MS",
    "INPUT_CHUNK_SAMPLES": "the page sends frames of 20 ms, and the server takes any length",
    "LOAD_IN_4BIT": "use TRANSLATION_PRECISION=int4 with nllb-transformers",
    "LOAD_IN_8BIT": "use STT_COMPUTE_TYPE and TRANSLATION_PRECISION, which know int8",
    "OUTPUT_BUFFER_SAMPLES": "the page holds 60 ms before it plays, and up to 200 ms where its sound ran dry",
    "SENTENCE_SPLITTING": "text is always translated and spoken sentence by sentence",
    "STT_BATCH_MAX_WAIT_MS": NO_WAIT,
    "STT_STREAMING": "use PARTIALS for words and CLAUSE_MS for clauses before the end of speech",
    "TTS_STREAMING": "every voice is heard as its speech comes",
}
"""Names that an operator may bring along from elsewhere; each is pointed out with its reason."""
