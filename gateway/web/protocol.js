/**
 * The messages of `bridge.v1` as types, and which of them a server sends.
 *
 * A field is optional here where docs/protocol.schema.json does not require it. Fields without a value
 * are left out, never null. Units stand in the names; docs/protocol.md tells what each message means.
 */

/** @typedef {"stt" | "translation" | "tts"} Stage */
/** @typedef {"speaker" | "listener" | "both"} Role */
/** @typedef {"off" | "pause" | "stop"} BargeIn */
/** @typedef {8000 | 16000 | 22050 | 24000 | 44100 | 48000} Rate Hz */

/** @typedef {{ language: string, among?: string[] }} Source a language tag or "auto" */
/** @typedef {{ language: string, voice?: string }} TargetChoice */
/** @typedef {"burst" | "realtime"} Pacing */
/** @typedef {{ rate?: Rate, pacing?: Pacing }} Output */
/** @typedef {{ target: string, seq: number, samples?: number }} Heard speech that arrived, where it is sent in realtime */
/** @typedef {{ session_id: string, token: string, last_seq: number, samples?: number, heard?: Heard[] }} Resume */
/**
 * @typedef {{ threshold?: number, aggressiveness?: number, min_speech_ms?: number, min_silence_ms?: number,
 *   padding_ms?: number, max_segment_ms?: number }} Vad
 */

/**
 * @typedef {{ type: "session.start", protocol: 1, source?: Source, targets?: TargetChoice[], output?: Output,
 *   room?: string, role?: Role, secret?: string, name?: string, vad?: Vad, barge_in?: BargeIn, features?: string[],
 *   resume?: Resume }} SessionStart
 */
/**
 * @typedef {{ type: "session.update", source?: Source, targets?: TargetChoice[], vad?: Vad,
 *   barge_in?: BargeIn, features?: string[] }} SessionUpdate
 */
/** @typedef {{ type: "segment.commit" }} SegmentCommit */
/** @typedef {{ type: "playback.pause" }} PlaybackPause */
/** @typedef {{ type: "playback.resume" }} PlaybackResume */
/** @typedef {{ type: "playback.stop" }} PlaybackStop */
/** @typedef {{ type: "playback.mark", segment: number, played_ms: number, backlog_ms?: number }} PlaybackMark */
/** @typedef {{ type: "ping" }} Ping */
/** @typedef {{ type: "session.end" }} SessionEnd */

/**
 * What the page sends as text.
 * @typedef {SessionStart | SessionUpdate | SegmentCommit | PlaybackPause | PlaybackResume | PlaybackStop
 *   | PlaybackMark | Ping | SessionEnd} ClientMessage
 */

/** @typedef {{ seq: number, t_ms: number }} Numbered `t_ms`: since the connection opened */

/**
 * @typedef {{ max_message_bytes: number, max_segments: number, max_targets?: number,
 *   idle_s: number, max_ahead_s?: number }} Limits
 */
/**
 * @typedef {{ source?: Source, targets: TargetChoice[], output: Output, vad: Vad, room?: string, role?: Role,
 *   name?: string, barge_in?: BargeIn, features?: string[] }} Effective the configuration in force, defaults filled in
 */
/**
 * @typedef {{ endpoint?: number, draft?: number, queue?: number, stt?: number, translation?: number, tts?: number,
 *   first_audio?: number, total?: number }} Timings milliseconds; what did not happen is missing
 */

/**
 * @typedef {Numbered & { type: "session.started", session_id: string, resume_token?: string,
 *   resume_window_s?: number, resumed?: boolean, samples?: number, participant?: number, limits: Limits, config: Effective,
 *   providers: Partial<Record<Stage, string>> }} SessionStarted
 */
/** @typedef {Numbered & { type: "session.updated", config: Effective }} SessionUpdated */
/** @typedef {Numbered & { type: "audio.ack", samples: number }} AudioAck */
/** @typedef {{ id: number, name?: string, language: string, away?: boolean }} Speaker */
/**
 * @typedef {Numbered & { type: "room.updated", speakers: Speaker[],
 *   listeners: Record<string, number> }} RoomUpdated
 */
/**
 * @typedef {Numbered & { type: "speech.started", segment: number, speaker?: number,
 *   name?: string }} SpeechStarted
 */
/** @typedef {Numbered & { type: "speech.stopped", segment: number, speaker?: number }} SpeechStopped */
/**
 * @typedef {Numbered & { type: "transcript.partial", segment: number, text: string, stable?: number,
 *   language: string, start_ms: number, end_ms: number, confidence?: number, speaker?: number, name?: string }} TranscriptPartial
 */
/**
 * @typedef {Numbered & { type: "transcript.final", segment: number, text: string, language: string,
 *   start_ms: number, end_ms: number, confidence?: number, speaker?: number, name?: string, provider?: string }} TranscriptFinal
 */
/**
 * @typedef {Numbered & { type: "translation.partial", segment: number, target: string,
 *   text: string, stable?: number, speaker?: number, name?: string }} TranslationPartial
 */
/**
 * @typedef {Numbered & { type: "translation.final", segment: number, target: string,
 *   text: string, confidence?: number, speaker?: number, name?: string, provider?: string }} TranslationFinal
 */
/**
 * @typedef {Numbered & { type: "audio.start", segment: number, target: string, index: number,
 *   rate: number, floor?: boolean, speaker?: number }} AudioStart
 */
/**
 * @typedef {Numbered & { type: "audio.end", segment: number, target: string, rate: number,
 *   duration_ms: number, speaker?: number }} AudioEnd
 */
/**
 * @typedef {Numbered & { type: "segment.done", segment: number, timings_ms: Timings, drafts_dropped?: number,
 *   speaker?: number }} SegmentDone
 */
/**
 * @typedef {Numbered & { type: "segment.failed", segment: number, target?: string, stage: Stage,
 *   code: string, message: string, retryable?: boolean, speaker?: number }} SegmentFailed
 */
/** @typedef {"barge_in"} Reason the listener's own speech; absent where the listener asked for it */
/** @typedef {Numbered & { type: "playback.paused", latency_ms: number, reason?: Reason }} PlaybackPaused */
/** @typedef {Numbered & { type: "playback.resumed", latency_ms: number, reason?: Reason }} PlaybackResumed */
/** @typedef {Numbered & { type: "playback.stopped", latency_ms: number, reason?: Reason }} PlaybackStopped */
/** @typedef {Numbered & { type: "playback.skipped", segments: number, ms: number }} PlaybackSkipped */
/** @typedef {Numbered & { type: "warning", code: string, message: string, hint?: string, over?: boolean }} Warning */
/**
 * @typedef {Numbered & { type: "error", code: string, message: string, hint?: string, fatal?: boolean,
 *   retryable?: boolean, retry_after_ms?: number, close_code?: number }} ServerError
 */
/**
 * @typedef {Numbered & { type: "session.ended", code?: string, message?: string,
 *   hint?: string }} SessionEnded
 */
/** @typedef {Numbered & { type: "pong" }} Pong */

/**
 * What the gateway sends as text.
 * @typedef {SessionStarted | SessionUpdated | AudioAck | RoomUpdated | SpeechStarted | SpeechStopped
 *   | TranscriptPartial | TranscriptFinal
 *   | TranslationPartial | TranslationFinal | AudioStart | AudioEnd | SegmentDone | SegmentFailed
 *   | PlaybackPaused | PlaybackResumed | PlaybackStopped | PlaybackSkipped | Warning | ServerError | SessionEnded
 *   | Pong} ServerMessage
 */

/** @satisfies {Record<ServerMessage["type"], true>} */
const KNOWN = {
  "session.started": true,
  "session.updated": true,
  "audio.ack": true,
  "room.updated": true,
  "speech.started": true,
  "speech.stopped": true,
  "transcript.partial": true,
  "transcript.final": true,
  "translation.partial": true,
  "translation.final": true,
  "audio.start": true,
  "audio.end": true,
  "segment.done": true,
  "segment.failed": true,
  "playback.paused": true,
  "playback.resumed": true,
  "playback.stopped": true,
  "playback.skipped": true,
  "warning": true,
  "error": true,
  "session.ended": true,
  "pong": true,
};

/**
 * Every `type` that the gateway sends. An object is its origin because the type checker can tell
 * of an object, not of a list, that a type is missing.
 * @type {ReadonlySet<string>}
 */
export const SERVER_TYPES = new Set(Object.keys(KNOWN));
