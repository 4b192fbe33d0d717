"""The series of a gateway process."""

from __future__ import annotations

from bridge.metrics import SHORT, Place, counter, distribution, duration, gauge
from bridge.types import STAGES

AT: Place = "gateway"
ROLES = ("alone", "speaker", "listener", "both")
DIRECTIONS = ("in", "out")
SPOKEN = "end of speech: its last voiced sample arrived"

# Who is here
SESSIONS = gauge("bridge_sessions_active", "Sessions held, by role.", {"role": ROLES}, at=AT)
STARTED = counter("bridge_sessions_started_total", "Sessions that began here.", {"role": ROLES}, at=AT)
ENDED = counter(
    "bridge_sessions_ended_total",
    "Sessions that ended here: the client was done, was refused more, left and did not come back, or went to "
    "another gateway.",
    {"reason": ("done", "refused", "lost", "moved")},
    at=AT,
)
RESUMED = counter(
    "bridge_sessions_resumed_total", "Sessions whose client came back, here or from elsewhere.", at=AT
)
SESSION = duration(
    "bridge_session_duration_seconds",
    "How long sessions last that began and ended at one gateway.",
    at=AT,
    begins="session.started was sent",
    ends="the session ended",
    buckets=(1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400),
)
CONNECTIONS = gauge("bridge_connections", "Open WebSocket connections.", at=AT)
CLOSES = counter(
    "bridge_closes_total",
    "Connections that ended, by the close code of whoever closed them; 1006 where nobody did.",
    {"code": ("1000", "1001", "1006", "1011", "1013", "4503")},
    at=AT,
)
REQUESTS = counter(
    "bridge_requests_total",
    "HTTP requests answered, by route and status.",
    {"route": (), "status": ()},
    at=AT,
)
BYTES = counter(
    "bridge_ws_bytes_total", "Bytes of messages over WebSockets.", {"direction": DIRECTIONS}, at=AT
)
MESSAGES = counter("bridge_ws_messages_total", "Messages over WebSockets.", {"direction": DIRECTIONS}, at=AT)
AUDIO = counter(
    "bridge_audio_seconds_total", "Speech taken in and sent out.", {"direction": DIRECTIONS}, at=AT
)
PENDING = gauge(
    "bridge_output_queue_bytes",
    "What waits to leave to clients that read slowly.",
    at=AT,
    needs="such a client",
)
SNR = distribution(
    "bridge_input_snr_db",
    "Loudness of the speech of a segment above that of its pauses.",
    at=AT,
    buckets=(0, 5, 10, 15, 20, 25, 30, 40, 50),
)

# What they wait for
FIRST_AUDIO = duration(
    "bridge_first_audio_seconds",
    "What a listener waits for the first sound of a sentence.",
    {"target": ()},
    at=AT,
    begins=SPOKEN,
    ends="the first frame of its translation left for a listener",
)
LATENCY = duration(
    "bridge_segment_latency_seconds",
    "The same without the silence that ends a segment: what SLO_SEGMENT_MS is about.",
    {"target": ()},
    at=AT,
    begins="the segment was cut",
    ends="the first frame of its translation left for a listener",
)
ENDPOINT = duration(
    "bridge_endpoint_seconds",
    "The silence until a segment was cut.",
    at=AT,
    begins=SPOKEN,
    ends="the segment was cut",
)
EAR = duration(
    "bridge_ear_latency_seconds",
    "What a listener waits, by the clock of their ear.",
    at=AT,
    begins=SPOKEN,
    ends="the client says that it was played",
)
DISPATCH = duration(
    "bridge_dispatch_seconds",
    "How long live speech waits in the gateway's own fair order.",
    at=AT,
    begins="the segment was cut, or sent as a draft",
    ends="its chain of tasks was handed to Redis",
)
BARGE_IN = duration(
    "bridge_barge_in_seconds",
    "How fast a worker obeys who is interrupted.",
    at=AT,
    begins="the gateway decided to pause, resume or stop",
    ends="the worker that speaks acknowledged it",
    buckets=SHORT,
)
CONTROL = duration(
    "bridge_control_seconds",
    "How fast a client's wish is in force.",
    at=AT,
    begins="playback.pause, .resume or .stop arrived, or the listener's own speech was heard",
    ends="it was acknowledged",
    buckets=SHORT,
)
JITTER = duration(
    "bridge_frame_jitter_seconds",
    "How late audio frames leave that are paced (PACING=realtime).",
    at=AT,
    begins="the frame was due",
    ends="it left, and all that was due with it",
    buckets=SHORT,
    needs="PACING=realtime",
)

# What becomes of speech
SEGMENTS = counter(
    "bridge_segments_total",
    "Segments that are over: heard, without words, stopped by their listener, failed in part or wholly.",
    {"outcome": ("heard", "silent", "stopped", "partly", "failed")},
    at=AT,
)
ERRORS = counter(
    "bridge_errors_total",
    "What clients were told of: segments that failed (by stage), messages and connections refused.",
    {"stage": (), "type": ()},
    at=AT,
)
AGAIN = counter("bridge_redispatches_total", "Work that was sent again.", {"stage": STAGES}, at=AT)
DRAFTS = counter(
    "bridge_drafts_total",
    "Drafts by what became of them: promoted, dropped as speech went on, not sent as engines were busy.",
    {"outcome": ("promoted", "dropped", "unsent")},
    at=AT,
)
PARTIALS = counter(
    "bridge_partials_total",
    "Looks at speech that goes on: shown to a client, merged into the next one as no engine was free.",
    {"outcome": ("shown", "coalesced")},
    at=AT,
)
SHED = counter(
    "bridge_shed_total",
    "What was left out since it would come too late: whole segments, the speech of one in a language.",
    {"what": ("segment", "speech")},
    at=AT,
)
PRESSURE = gauge(
    "bridge_pressure_level",
    "What is left out now: 0 nothing, 1 partials, 2 drafts, 3 quality. Speech is left out by the segment.",
    at=AT,
)
SLOW = counter(
    "bridge_skipped_segments_total",
    "Segments that a listener who reads too slowly was spared.",
    at=AT,
    needs="such a listener",
)
ECHO = counter(
    "bridge_echoes_total",
    "Segments of our own speech that came back by a microphone and were not translated.",
    at=AT,
    needs="an echo",
)

# The engines as the gateway sees them, read when somebody scrapes
QUEUE_WORKERS = gauge(
    "bridge_queue_workers",
    "Workers that take work from each queue that the topology names or somebody serves; 0: nobody does.",
    {"queue": ()},
    at=AT,
)
QUEUE_SLOTS = gauge(
    "bridge_queue_slots", "Tasks that the workers of a queue run at once.", {"queue": ()}, at=AT
)
QUEUE_RUNNING = gauge("bridge_queue_running", "Tasks that they run now.", {"queue": ()}, at=AT)
QUEUE_LENGTH = gauge("bridge_queue_length", "Tasks that wait in a queue.", {"queue": ()}, at=AT)
QUEUE_OLDEST = gauge(
    "bridge_queue_oldest_seconds",
    "Since when the oldest of them waits; 0 where none does.",
    {"queue": ()},
    at=AT,
)
WAITING = gauge("bridge_waiting_segments", "Segments that wait in this gateway's own fair order.", at=AT)
WORKER = gauge(
    "bridge_worker_info",
    "1 for each live worker, also one that only ends what it runs.",
    {"worker": (), "stage": (), "device": (), "provider": ()},
    at=AT,
)
BREAKER = gauge(
    "bridge_breaker_state",
    "Whether a provider of a live worker is asked: 0 it is, 1 one call is let through to find out, 2 nobody "
    "asks it; the same at every gateway.",
    {"stage": (), "provider": ()},
    at=AT,
    needs="a provider that fails",
)
REDIS_UP = gauge("bridge_redis_up", "Whether Redis answers: 1 or 0.", at=AT)
REDIS_MEMORY = gauge(
    "bridge_redis_memory_bytes", "Memory of Redis: used, and its limit where it has one.", {"kind": ()}, at=AT
)
REDIS_CONNECTIONS = gauge("bridge_redis_connections", "Clients connected to Redis.", at=AT)

# This process
LAG = duration(
    "bridge_event_loop_lag_seconds",
    "How late the event loop runs what is due.",
    at=AT,
    begins="a timer was due",
    ends="it ran",
    buckets=SHORT,
)
SLO = gauge("bridge_slo_seconds", "The objectives in force (SLO_*), in seconds.", {"slo": ()}, at=AT)
