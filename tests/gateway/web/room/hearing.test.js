// Proves that speech is played as what it is, in which language too, and how its delay is counted.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation } from "../../../../gateway/web/room/conversation.js";
import { Delay } from "../../../../gateway/web/room/delay.js";
import { Ears } from "../../../../gateway/web/room/ears.js";

/** @param {number} segment @param {number} index @param {string} [target] @returns {any} */
const announced = (segment, index, target = "es") =>
  ({ type: "audio.start", seq: 1, t_ms: 0, segment, target, index, rate: 24_000 });
/** @param {number} segment @param {number} target @returns {any} */
const frame = (segment, target) => ({ seq: 1, segment, target, offset: 0, last: true, pcm: new Int16Array(1) });

function seat() {
  const conversation = new Conversation();
  const said = /** @type {number[]} */ ([]);
  const dropped = /** @type {number[]} */ ([]);
  const delays = /** @type {number[]} */ ([]);
  const voice = /** @type {any} */ ({
    say: (/** @type {number} */ key) => said.push(key),
    drop: (/** @type {{ id: number }[]} */ lines) => dropped.push(...lines.map(({ id }) => id)),
  });
  const ears = new Ears(conversation, { shown: () => {}, delay: (ms) => delays.push(ms) });
  /** @param {any} message */
  const take = (message) => {
    conversation.apply({ seq: 1, t_ms: 0, speaker: 1, ...message });
    ears.follow(message, voice);
  };
  take({ type: "session.started", config: { room: "r", targets: [{ language: "es" }] } });
  return { conversation, ears, voice, said, dropped, delays, take };
}

test("the same sentence in another language is speech of its own", () => {
  const { ears, voice, said, take } = seat();
  take({ type: "speech.started", segment: 7 });
  take(announced(7, 0));
  ears.hear(frame(7, 0), voice, 0);
  take(announced(7, 3, "fr"));
  ears.hear(frame(7, 3), voice, 0);
  ears.hear(frame(7, 0), voice, 0);
  assert.deepEqual(said, [said[0], said[0] + 1, said[0]]);
});

test("speech that is announced again after a lost connection goes on as what it was", () => {
  const { ears, voice, said, take } = seat();
  take({ type: "speech.started", segment: 7 });
  for (let time = 0; time < 2; time++) {
    take(announced(7, time));
    ears.hear(frame(7, time), voice, 0);
  }
  assert.equal(said[0], said[1]);
});

test("speech that nobody announced is not played", () => {
  const { ears, voice, said } = seat();
  ears.hear(frame(7, 0), voice, 0);
  assert.deepEqual(said, []);
});

test("of the language before nothing more is heard", () => {
  const { ears, voice, said, dropped, take } = seat();
  take({ type: "speech.started", segment: 7 });
  take(announced(7, 0));
  ears.hear(frame(7, 0), voice, 0);
  take({ type: "session.updated", config: { room: "r", targets: [{ language: "fr" }] } });
  take(announced(7, 1, "fr"));
  ears.hear(frame(7, 1), voice, 0);
  assert.deepEqual(dropped, [said[0]]);
  take({ type: "session.updated", config: { room: "r", targets: [{ language: "fr" }] } });
  assert.ok(!dropped.includes(said[1]));
});

test("the delay is the server's, half the way there and back, and the wait here", () => {
  const { conversation, ears, voice, delays, take } = seat();
  take({ type: "speech.started", segment: 7 });
  take(announced(7, 0));
  ears.ask(1_000, () => {});
  ears.answered(1_040);
  ears.hear(frame(7, 0), voice, 2_000);
  const line = /** @type {any} */ (conversation.line(7));
  take({ type: "translation.final", segment: 7, target: "es", text: "hola" });
  take({ type: "segment.done", segment: 7, timings_ms: { first_audio: 800 } });
  const heard = ears.since(line, 2_150);
  ears.spoken.heard(1, heard);
  assert.equal(line.earMs, 800 + 20 + 150);
  assert.deepEqual(delays, [970]);
});

test("the server's count may come after the speech is heard", () => {
  const delay = new Delay();
  delay.arrived(1, 100);
  assert.equal(delay.heard(1, 160), undefined);
  assert.equal(delay.served(1, 500), 560);
  assert.equal(delay.typicalMs, 560);
});

test("without a count of the server's no delay is told", () => {
  const delay = new Delay();
  delay.arrived(1, 100);
  delay.heard(1, 160);
  assert.equal(delay.served(1, undefined), undefined);
  assert.equal(delay.typicalMs, undefined);
});

test("a sign that somebody else asked for does not count as the way there and back", () => {
  const { ears } = seat();
  let asked = 0;
  const ask = (/** @type {number} */ now) => ears.ask(now, () => (asked += 1));
  ask(0);
  ask(29_000);
  assert.equal(asked, 1);
  ask(31_000);
  assert.equal(asked, 2);
});
