// Proves that speech is held for who speaks as the server says, sooner where somebody is heard beyond doubt, never for good.

import assert from "node:assert/strict";
import { test } from "node:test";

import { BargeIn } from "../../../../gateway/web/session/barge-in.js";

const FRAME_MS = 20;
/** What is left of the loudspeaker in the microphone, and somebody who speaks. */
const ECHO = 0.01;
const VOICE = 0.12;

/** Somebody with a microphone, before a loudspeaker that speaks. */
function listening(mode = "pause") {
  const bargeIn = new BargeIn();
  bargeIn.mode = /** @type {any} */ (mode);
  let now = 0;
  /** @param {number} ms  @param {number} level  @param {boolean} [sounds] */
  const pass = (ms, level, sounds = true) => {
    for (const end = now + ms; now < end; ) bargeIn.hear(level, (now += FRAME_MS), sounds);
    return bargeIn.holds;
  };
  /** @param {string} kind */
  const told = (kind) =>
    bargeIn.follow(/** @type {any} */ ({ type: `playback.${kind}`, seq: 1, t_ms: 0, latency_ms: 1, reason: "barge_in" }));
  return { bargeIn, pass, told };
}

test("speech is held from the server's word to its next one", () => {
  const { bargeIn, told } = listening();
  told("paused");
  assert.equal(bargeIn.holds, true);
  told("resumed");
  assert.equal(bargeIn.holds, false);
});

test("what the listener asked for is no affair of one's speech", () => {
  const { bargeIn, told } = listening();
  const asked = ["paused", "stopped", "resumed"].map((kind) =>
    bargeIn.follow(/** @type {any} */ ({ type: `playback.${kind}`, seq: 1, t_ms: 0, latency_ms: 1 })));
  assert.deepEqual([...asked, bargeIn.holds], [false, false, false, false]);
  told("paused");
  bargeIn.follow({ type: "playback.resumed", seq: 1, t_ms: 0, latency_ms: 1 });
  assert.equal(bargeIn.holds, true);
});

test("only where one's speech stops it, what was said so far is dropped", () => {
  const { told } = listening("stop");
  assert.deepEqual([told("paused"), told("stopped"), told("resumed")], [false, true, false]);
});

test("a voice is not waited for: 60 ms of it hold the speech, as long as the server confirms", () => {
  const { bargeIn, pass, told } = listening();
  assert.equal(pass(1_000, ECHO), false);
  assert.equal(pass(2 * FRAME_MS, VOICE), false);
  assert.equal(pass(FRAME_MS, VOICE), true);
  told("paused");
  assert.equal(pass(5_000, VOICE), true);
  told("resumed");
  assert.equal(bargeIn.holds, false);
});

test("what the server does not take for speech holds it for 0.6 s, and then less and less often", () => {
  const { pass } = listening();
  pass(1_000, ECHO);
  let held = 0;
  for (let ms = 0; ms < 60_000; ms += FRAME_MS) {
    // A door every half second.
    held += pass(FRAME_MS, ms % 500 < 100 ? VOICE : ECHO) ? FRAME_MS : 0;
  }
  assert.ok(held > 600 && held <= 4 * 620, `${held} ms`);
});

test("a voice that the server did confirm is not doubted the next time", () => {
  const { pass, told } = listening();
  pass(1_000, ECHO);
  for (let time = 0; time < 3; time++) {
    assert.equal(pass(100, VOICE), true);
    told("paused");
    pass(500, VOICE);
    told("resumed");
    pass(500, ECHO);
  }
});

test("the loudspeaker itself holds nothing, loud or soft, nor does anything where nothing sounds", () => {
  for (const level of [0.001, 0.01, 0.1, 0.3]) {
    const { pass } = listening();
    // Speech has gaps and peaks.
    for (let part = 0; part < 100; part++) {
      assert.equal(pass(60, level * (1 + (part % 3))) || pass(40, level / 4), false, `${level}`);
    }
  }
  const { pass } = listening();
  pass(1_000, ECHO);
  assert.equal(pass(1_000, VOICE, false), false);
});

test("where both may speak nothing is held", () => {
  const { bargeIn, pass } = listening("off");
  pass(1_000, ECHO);
  assert.equal(pass(1_000, VOICE), false);
  bargeIn.expect(0);
  assert.equal(bargeIn.holds, false);
});

test("a microphone that is muted says nothing of the loudspeaker", () => {
  const { pass } = listening();
  pass(1_000, VOICE / 3);
  pass(5_000, 0);
  assert.equal(pass(100, VOICE), false);
});

test("somebody who is about to speak is waited for, but not for long", () => {
  const { bargeIn, pass } = listening();
  pass(200, ECHO);
  bargeIn.expect(200);
  assert.equal(pass(500, 0), true);
  assert.equal(pass(200, 0), false);
});

test("without a connection nothing is held", () => {
  const { bargeIn, told } = listening();
  told("paused");
  bargeIn.expect(0);
  bargeIn.forget();
  assert.equal(bargeIn.holds, false);
});
