// Proves that what was recorded and captioned goes on through lost connections: nothing missing, nothing twice.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FRAME_SAMPLES } from "../../../../gateway/web/audio/framer.js";
import { Course } from "../../../../gateway/web/session/course.js";
import { Transcript } from "../../../../gateway/web/session/transcript.js";

const FRAME_MS = 20;
const CONFIG = { source: { language: "en" }, targets: [{ language: "es" }] };

/** A conversation that has begun, and a link that takes everything. */
function begun() {
  const transcript = new Transcript();
  const course = new Course(transcript);
  /** @type {number[]} samples sent, each frame filled with its number */
  const sent = [];
  const link = /** @type {any} */ ({ ready: true, sendAudio: (/** @type {Int16Array} */ pcm) => sent.push(...pcm) });
  let recorded = 0;
  /** @param {number} frames */
  const record = (frames) => {
    for (let n = 0; n < frames; n++) course.recording.push(new Int16Array(FRAME_SAMPLES).fill(recorded++), 0);
  };
  /** @param {string} type @param {object} fields */
  const say = (type, fields) => course.take(/** @type {any} */ ({ type, seq: 1, t_ms: 0, ...fields }));
  const started = (fields = {}) =>
    course.started(/** @type {any} */ ({ type: "session.started", seq: 1, t_ms: 0, config: CONFIG, ...fields }));
  /** The numbers of the frames that a new connection is sent. */
  const sentNow = () => {
    sent.length = 0;
    course.recording.sendTo(link);
    return sent.length ? [sent[0], sent[sent.length - 1], sent.length / FRAME_SAMPLES] : [];
  };
  course.openPart(/** @type {any} */ ({ source: "en", target: "es" }));
  return { course, transcript, record, say, started, sentNow };
}

/** @param {ReturnType<typeof begun>} talk @param {number} segment @param {number} from @param {number} to frames */
function spoken({ say }, segment, from, to) {
  say("speech.stopped", { segment });
  const times = { start_ms: from * FRAME_MS, end_ms: to * FRAME_MS };
  say("transcript.final", { segment, text: `said ${segment}`, language: "en", ...times });
}

/** @param {ReturnType<typeof begun>} talk @param {number} segment */
function whole({ say }, segment) {
  say("translation.final", { segment, target: "es", text: `dicho ${segment}` });
  say("segment.done", { segment, timings_ms: {} });
}

test("where the session goes on, no caption changes and only the rest is sent", () => {
  const talk = begun();
  talk.started();
  talk.record(100);
  talk.sentNow();
  spoken(talk, 0, 10, 50);
  talk.say("speech.started", { segment: 1 });
  talk.record(5);

  assert.deepEqual(talk.started({ resumed: true, samples: 90 * FRAME_SAMPLES }), { changed: [], withdrawn: [] });
  assert.deepEqual(talk.sentNow(), [90, 104, 15]);
  whole(talk, 0);
  spoken(talk, 1, 80, 100);
  assert.deepEqual(talk.transcript.part?.lines.map(({ state, startMs }) => [state, startMs]), [
    ["done", 200],
    ["working", 1600],
  ]);
});

test("where it does not, what was open is withdrawn and sent again from the end of what was whole", () => {
  const talk = begun();
  talk.started();
  talk.record(100);
  talk.sentNow();
  spoken(talk, 0, 10, 50);
  whole(talk, 0);
  talk.say("audio.ack", { samples: 100 * FRAME_SAMPLES });
  spoken(talk, 1, 60, 90);

  const { withdrawn } = talk.started();
  assert.deepEqual(withdrawn.map(({ source }) => source.text), ["said 1"]);
  assert.deepEqual(talk.sentNow(), [50, 99, 50]);
  spoken(talk, 0, 10, 40);
  assert.deepEqual(talk.transcript.part?.lines.map(({ startMs, endMs }) => [startMs, endMs]), [
    [200, 1000],
    [1200, 1800],
  ]);
  assert.equal(talk.course.recording.takeLost(), 0);
});

test("a sentence that was not cut is sent again from where the server had it", () => {
  const talk = begun();
  talk.started();
  talk.record(100);
  talk.sentNow();
  talk.say("audio.ack", { samples: 64 * FRAME_SAMPLES });
  talk.say("speech.started", { segment: 0 });
  assert.equal(talk.started().withdrawn.length, 1);
  assert.deepEqual(talk.sentNow(), [64, 99, 36]);
});

test("a server that never says what it has is sent again what it has not understood", () => {
  const talk = begun();
  talk.started();
  talk.record(100);
  talk.sentNow();
  spoken(talk, 0, 10, 50);
  whole(talk, 0);
  talk.started();
  assert.deepEqual(talk.sentNow(), [50, 99, 50]);
});

test("what was away for longer than is kept is told in seconds", () => {
  const talk = begun();
  talk.started();
  talk.record(50);
  talk.sentNow();
  talk.say("audio.ack", { samples: 50 * FRAME_SAMPLES });
  talk.record(3_000 + 100);
  talk.started();
  assert.deepEqual(talk.sentNow().slice(1), [3_149, 3_000]);
  assert.deepEqual([talk.course.recording.takeLost(), talk.course.recording.takeLost()], [2, 0]);
});

test("a server that goes on from further back than is kept makes no secret of the rest", () => {
  const talk = begun();
  talk.started();
  talk.record(3_000);
  talk.sentNow();
  talk.record(150);
  talk.started({ resumed: true, samples: 100 * FRAME_SAMPLES });
  assert.equal(talk.course.recording.takeLost(), 1);
  assert.equal(talk.course.recording.held, 100 * FRAME_SAMPLES);
});

test("other languages begin a part with what the session before leaves open", () => {
  const talk = begun();
  talk.started();
  talk.record(100);
  talk.sentNow();
  spoken(talk, 0, 10, 50);
  whole(talk, 0);
  spoken(talk, 1, 60, 90);
  talk.course.lose();
  talk.course.openPart(/** @type {any} */ ({ source: "en", target: "ca" }));
  talk.started();
  assert.deepEqual(talk.sentNow(), [50, 99, 50]);
  assert.deepEqual(talk.transcript.parts.map(({ lines }) => lines.length), [1, 0]);
  spoken(talk, 0, 10, 40);
  assert.equal(talk.transcript.part?.lines[0].startMs, 200);
});
