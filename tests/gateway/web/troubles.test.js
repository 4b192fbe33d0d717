// Proves that each way in which it may not work has one sentence, and a button that does something.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as troubles from "../../../gateway/web/troubles.js";

/** @param {string} name @param {string} [message] */
const thrown = (name, message = "") => Object.assign(new Error(message), { name });

test("each failure of a microphone is told apart", () => {
  const codes = [
    thrown("NotAllowedError", "Permission denied"),
    thrown("NotAllowedError", "Permission denied by system"),
    thrown("NotAllowedError", "Permission dismissed"),
    thrown("NotFoundError"),
    thrown("OverconstrainedError"),
    thrown("NotReadableError"),
    thrown("AbortError"),
    thrown("TypeError", "odd"),
    "no error at all",
  ].map((error) => troubles.ofMicrophone(error).code);
  assert.deepEqual(codes, [
    "denied", "system_denied", "dismissed", "no_microphone", "no_microphone", "in_use", "in_use",
    "microphone_failed", "microphone_failed",
  ]);
});

test("what the server waits for itself is tried again by itself", () => {
  for (const code of ["overloaded", "no_worker", "redis_unavailable", "draining"]) {
    const trouble = troubles.ofError({ code, message: "m.", hint: "h.", retryable: true, retry_after_ms: 700 });
    assert.deepEqual([trouble.again, trouble.retryAfterMs, trouble.act], [true, 700, "retry"], code);
  }
});

test("each way in which a room is closed to somebody has a sentence of its own", () => {
  const codes = ["wrong_secret", "unknown_room", "room_ended", "listen_only"];
  const told = codes.map((code) => troubles.ofError({ code, message: "m.", hint: "h." }));
  assert.deepEqual(told.map(({ code }) => code), codes);
  assert.equal(new Set(told.map(({ text }) => text)).size, codes.length);
  assert.deepEqual(told.map(({ act }) => act), ["dismiss", "dismiss", "dismiss", "listen"]);
  assert.ok(told.every(({ again, text }) => !again && /^[A-Z].*\.$/.test(text)));
});

test("a room that is full is tried again when the server says so, and says which bound was met", () => {
  const error = { code: "room_full", message: "All 16 languages are taken.", retry_after_ms: 5_000 };
  const { again, retryAfterMs, text } = troubles.ofError(error);
  assert.deepEqual([again, retryAfterMs], [true, 5_000]);
  assert.match(text, /16 languages/);
});

test("what only a person can mend is not tried again", () => {
  const acts = ["idle", "unsupported_language", "cannot_detect", "protocol_version", "forbidden_origin", "bad_setting"].map((code) => {
    const { again, act } = troubles.ofError({ code, message: "m.", hint: "h." });
    assert.equal(again, undefined, code);
    return act;
  });
  assert.deepEqual(acts, ["retry", "languages", "languages", "reload", "dismiss", "retry"]);
});

test("an error nobody foresaw is told in the server's words, and tried again where the server says so", () => {
  const error = { code: "new", message: "It broke.", hint: "Mend it." };
  assert.equal(troubles.ofError(error).text, "It broke. Mend it.");
  assert.equal(troubles.ofError(error).again, undefined);
  assert.equal(troubles.ofError({ ...error, retryable: true }).again, true);
});

test("a connection that breaks is lost, one that never was has no server", () => {
  assert.equal(troubles.ofClose(1006, true).code, "connection_lost");
  assert.equal(troubles.ofClose(1006, false).code, "no_server");
  assert.equal(troubles.ofClose(1009, true).again, undefined);
});

test("a sentence that failed says what failed and why", () => {
  const late = { stage: "translation", code: "timed_out", message: "The translation stage gave no result: x." };
  assert.equal(troubles.ofSegment(late), "This could not be translated: it took too long.");
  const broken = { stage: "tts", code: "provider_failed", message: "espeak has no voice." };
  assert.equal(troubles.ofSegment(broken), "This could not be spoken: espeak has no voice.");
  const silent = { stage: "tts", code: "too_late", message: "!" };
  assert.equal(troubles.ofSegment(silent), "Its speech came too late and was left out.");
});

test("all that can be shown is one sentence with a button", () => {
  const shown = Object.values(troubles).filter((value) => typeof value === "object");
  assert.ok(shown.length >= 8);
  for (const { code, text, label, act } of shown) {
    assert.match(text, /^[A-Z][^]*\.$/, code);
    assert.ok(label && act && !/\.\s+[A-Z]/.test(text), code);
  }
});
