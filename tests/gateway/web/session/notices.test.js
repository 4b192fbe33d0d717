// Proves which words of the server go away by themselves, which stand as long as they hold, and which nobody reads.

import assert from "node:assert/strict";
import { test } from "node:test";

import { tell } from "../../../../gateway/web/session/notices.js";

/** What is shown of a message, and whether that is all of it. @param {object} message */
function shown(message) {
  const notices = /** @type {string[]} */ ([]);
  const remarks = /** @type {unknown[]} */ ([]);
  const told = tell(/** @type {any} */ ({ seq: 1, t_ms: 0, ...message }), {
    notice: (text) => notices.push(text),
    remark: (...remark) => remarks.push(remark),
  });
  return { told, notices, remarks };
}

test("a server that leaves out speech is remarked until it says that this is over", () => {
  for (const code of ["captions_only", "late"]) {
    const { told, notices, remarks: [[about, text, seconds]] } = /** @type {any} */ (
      shown({ type: "warning", code, message: "Busy.", hint: "More workers." }));
    assert.deepEqual([told, notices, about, seconds], [true, [], code, undefined]);
    assert.match(text, /^[A-Z].* for now: the server is busy/);
    assert.deepEqual(shown({ type: "warning", code, message: "Again.", over: true }).remarks, [[code, ""]]);
  }
});

test("other warnings and errors go away by themselves, and what no server does yet is no news", () => {
  const { told, notices } = shown({ type: "warning", code: "no_speech", message: "Nothing was heard.", hint: "Speak." });
  assert.deepEqual([told, notices], [true, ["Nothing was heard. Speak."]]);
  assert.deepEqual(shown({ type: "error", code: "rate", message: "Too many." }).notices, ["Too many. "]);
  assert.equal(shown({ type: "playback.skipped", segments: 1, ms: 9 }).notices.length, 1);
  for (const quiet of ["not_available", "ending"]) {
    assert.deepEqual(shown({ type: "error", code: quiet, message: "!" }), { told: true, notices: [], remarks: [] });
  }
});

test("one's own loudspeaker is remarked for a moment, and the line is told of it as well", () => {
  const { told, notices, remarks } = shown({ type: "segment.failed", segment: 0, stage: "stt", code: "echo", message: "!" });
  assert.deepEqual([told, notices, remarks.length], [false, [], 1]);
  assert.ok(/** @type {any} */ (remarks[0])[2] > 0);
  const late = { type: "segment.failed", segment: 0, stage: "tts", code: "too_late", message: "!" };
  assert.deepEqual(shown(late), { told: false, notices: [], remarks: [] });
});
