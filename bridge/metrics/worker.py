"""The series of a worker process. One worker serves one stage with one provider."""

from __future__ import annotations

from bridge.metrics import LATENCY, RATIO, Place, counter, distribution, duration, gauge

AT: Place = "worker"

QUEUED = duration(
    "bridge_stage_queue_seconds",
    "How long work waited in the queue of its stage, also what is late; looks at speech that goes on do not "
    "wait, and are left out here and in all that follows but bridge_tasks_total.",
    {"stage": ()},
    at=AT,
    begins="it was sent: by the gateway, or by the stage before",
    ends="a worker took it",
)
RAN = duration(
    "bridge_stage_duration_seconds",
    "How long work took that was done, where an engine or the cache was asked.",
    {"stage": (), "provider": ()},
    at=AT,
    begins="a worker took it",
    ends="its last result stands in the journal",
)
REASONS = (
    *("timeout", "unavailable", "rate_limited", "quota", "auth", "bad_answer", "provider_failed"),
    *("provider_busy", "internal", "open", "broke_off"),
)
FALLBACKS = counter(
    "bridge_fallbacks_total",
    "Work that went to the next provider of a list, by the one that was left and why: the code of its error, "
    "`open` where its breaker was, or `broke_off` in mid-speech.",
    {"stage": (), "provider": (), "reason": ()},
    at=AT,
    needs="a list of providers",
)
FIRST = duration(
    "bridge_stage_first_result_seconds",
    "How long it took for the first result: the transcript, the first sentences, the first piece of speech.",
    {"stage": (), "provider": ()},
    at=AT,
    begins="a worker took it",
    ends="its first result stands in the journal",
)
REAL_TIME = distribution(
    "bridge_real_time_factor",
    "Engine time for each second of speech heard (stt) or spoken (tts), where the work was done; the time to "
    "write its results is left out.",
    {"stage": ()},
    at=AT,
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0),
)
TASKS = counter(
    "bridge_tasks_total",
    "Tasks by what became of them: `late` was taken after its deadline, `gone` and `superseded` were not "
    "wanted any more, `taken` was delivered twice, `cancelled` called off in mid-work; `partial` was a look "
    "at speech that goes on, whatever came of it.",
    {
        "stage": (),
        "outcome": (),  # bridge.tasks.course.Outcome
    },
    at=AT,
)
FAILURES = counter(
    "bridge_task_errors_total",
    "Tasks that failed, by code; `redis_unavailable` is no fault of the engine.",
    {"stage": (), "type": ()},
    at=AT,
    needs="a fault",
)
SESSIONS = gauge("bridge_worker_sessions_active", "Sessions whose work runs here now.", {"worker": ()}, at=AT)
THREADS = gauge(
    "bridge_worker_threads",
    "Tasks that this worker runs at once: busy, and idle for more.",
    {"state": ("busy", "idle")},
    at=AT,
)
HEARD = counter("bridge_transcribed_audio_seconds_total", "Speech given to the stt engine.", at=AT)
CHARACTERS = counter(
    "bridge_translated_characters_total",
    "Characters of text that were translated, by the engine or from the cache.",
    at=AT,
)
SPOKEN = counter("bridge_synthesized_audio_seconds_total", "Speech made by the tts engine.", at=AT)
COST = counter(
    "bridge_provider_cost_dollars_total",
    "About what vendors charge for what they did, by the price lists in bridge/data/prices.toml.",
    {"stage": (), "provider": ()},
    at=AT,
    needs="a vendor whose price is known",
)
STT_CONFIDENCE = distribution(
    "bridge_stt_confidence_ratio",
    "How sure the stt engine is of a transcript: the geometric mean of the probabilities of its tokens.",
    at=AT,
    buckets=RATIO,
    needs="an engine that scores (faster-whisper)",
)
TRANSLATION_CONFIDENCE = distribution(
    "bridge_translation_confidence_ratio",
    "How sure the translation engine is: the geometric mean of the probabilities of its tokens.",
    at=AT,
    buckets=RATIO,
    needs="an engine that scores (nllb)",
)
CACHE = counter(
    "bridge_cache_requests_total",
    "Translations looked up in the cache.",
    {"outcome": ("hit", "miss")},
    at=AT,
    needs="an engine slow enough for the cache (nllb)",
)
MODELS = gauge(
    "bridge_models_resident",
    "Models that this worker holds, as it names them.",
    {"stage": ()},
    at=AT,
    needs="an engine with models to choose from (faster-whisper, nllb, piper)",
)
LOAD = duration(
    "bridge_model_load_seconds",
    "How long models take to load; of an engine that has none to choose from, the engine.",
    {"stage": ()},
    at=AT,
    begins="the engine began to load one",
    ends="it is ready",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60),
)
GPU_MEMORY = gauge(
    "bridge_gpu_memory_bytes",
    "Memory of the worker's GPU: used by all, and in total.",
    {"device": (), "kind": ()},
    at=AT,
    needs="a GPU",
)
GPU_BUSY = gauge(
    "bridge_gpu_utilization_ratio",
    "Share of the time in which the GPU computed.",
    {"device": ()},
    at=AT,
    needs="a GPU",
)
OBEYED = duration(
    "bridge_worker_control_seconds",
    "How fast this worker heard of a pause, a resume or a stop.",
    at=AT,
    begins="the gateway decided it",
    ends="this worker heard of it",
    buckets=LATENCY,
)
