// Proves what becomes of lines when a session ends for good, and when a sentence is translated once more.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Transcript } from "../../../../gateway/web/session/transcript.js";

function opened() {
  const transcript = new Transcript();
  transcript.openPart({ title: "", kind: "live", at: 0, source: "en", target: "es" });
  return transcript;
}

/** @param {Transcript} transcript @param {string} type @param {object} fields */
function say(transcript, type, fields) {
  return transcript.apply(/** @type {any} */ ({ type, seq: 1, t_ms: 0, ...fields }));
}

/** @param {Transcript} transcript @param {number} segment @param {string} text */
function spoken(transcript, segment, text) {
  say(transcript, "transcript.final", { segment, text, language: "en", start_ms: 0, end_ms: 900 });
}

/** @param {Transcript} transcript @param {number} segment @param {string} text */
function translated(transcript, segment, text) {
  say(transcript, "translation.final", { segment, target: "es", text });
}

/** @param {Transcript} transcript @param {number} segment */
function failed(transcript, segment) {
  say(transcript, "segment.failed", { segment, target: "es", stage: "translation", code: "timed_out", message: "late" });
}

test("an ended session leaves no line at work: it has failed, is done, or said nothing", () => {
  const transcript = opened();
  spoken(transcript, 0, "only heard");
  spoken(transcript, 1, "translated");
  translated(transcript, 1, "traducido");
  say(transcript, "speech.started", { segment: 2 });
  const { changed, withdrawn } = transcript.close();
  assert.deepEqual(changed.map(({ segment, state, failure }) => [segment, state, failure?.code]), [
    [0, "failed", "ended"],
    [1, "done", undefined],
  ]);
  assert.deepEqual(withdrawn.map(({ segment }) => segment), [2]);
  assert.deepEqual(transcript.part?.lines.map(({ segment }) => segment), [0, 1]);
});

test("an end after the last word changes nothing, nor does a second one", () => {
  const transcript = opened();
  spoken(transcript, 0, "hello");
  translated(transcript, 0, "hola");
  say(transcript, "segment.done", { segment: 0, timings_ms: {} });
  assert.deepEqual(transcript.close(), { changed: [], withdrawn: [] });
  spoken(transcript, 0, "again");
  transcript.close();
  assert.deepEqual(transcript.close(), { changed: [], withdrawn: [] });
});

test("a line that failed is mended by what came of its speech, in one sentence or several", () => {
  const transcript = opened();
  spoken(transcript, 0, "bad");
  failed(transcript, 0);
  const apart = opened();
  spoken(apart, 0, "good");
  assert.deepEqual(transcript.mend(1, apart.part?.lines ?? []).changed, []);
  translated(apart, 0, "bueno");
  spoken(apart, 1, "better");
  translated(apart, 1, "mejor");
  const [line] = transcript.mend(1, apart.part?.lines ?? []).changed;
  assert.deepEqual([line.id, line.state, line.failure], [1, "done", undefined]);
  assert.deepEqual([line.source.text, line.translation.text], ["good better", "bueno mejor"]);
});

test("a line that is gone, or speech in which nothing was found, mends nothing", () => {
  const transcript = opened();
  spoken(transcript, 0, "bad");
  failed(transcript, 0);
  assert.deepEqual(transcript.mend(1, []).changed, []);
  assert.deepEqual(transcript.mend(9, transcript.part?.lines ?? []).changed, []);
  assert.equal(transcript.byId(1)?.state, "failed");
});

test("a line is found by its id, and the part it belongs to", () => {
  const transcript = opened();
  spoken(transcript, 0, "first");
  const [first] = transcript.parts;
  transcript.openPart({ title: "b", kind: "live", at: 0, source: "en", target: "es" });
  spoken(transcript, 0, "second");
  assert.equal(transcript.byId(2)?.source.text, "second");
  assert.equal(transcript.partOf(1), first);
  assert.equal(transcript.partOf(2), transcript.part);
  assert.equal(transcript.partOf(3), undefined);
});
