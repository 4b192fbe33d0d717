// Proves that who sits in a room reads the others in one language, oneself as understood, and nothing twice.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation } from "../../../../gateway/web/room/conversation.js";

/** @typedef {Conversation} C */
const ME = 2;
const ANA = { speaker: 1, name: "Ana" };
const BLOCK = 1 << 20;

/** @param {C} talk @param {string} type @param {object} fields */
function say(talk, type, fields) {
  return talk.apply(/** @type {any} */ ({ type, seq: 1, t_ms: 0, ...fields }));
}

/** @param {C} talk @param {{ language?: string, resumed?: boolean, participant?: number }} [about] */
function join(talk, { language = "es", resumed = false, participant = ME } = {}) {
  const config = { room: "r", targets: language ? [{ language }] : [] };
  return say(talk, "session.started", { participant, resumed, config });
}

function joined() {
  const talk = new Conversation();
  join(talk);
  return talk;
}

/** @param {C} talk @param {number} segment @param {string} text @param {object} [who] */
function understood(talk, segment, text, who = ANA) {
  return say(talk, "transcript.final", { segment, text, language: "en", start_ms: 0, end_ms: 900, ...who });
}

/** @param {C} talk @param {number} segment @param {string} text @param {string} [target] */
function translated(talk, segment, text, target = "es") {
  return say(talk, "translation.final", { segment, text, target, ...ANA });
}

/** @param {C} talk @param {number} segment @param {object} [who] */
function done(talk, segment, who = ANA) {
  return say(talk, "segment.done", { segment, timings_ms: { first_audio: 700 }, ...who });
}

/** @param {C} talk */
const read = (talk) => talk.lines.map((line) => [line.name, line.own ? line.source.text : line.translation.text]);

test("words still coming say how much of them is certain, and never take the place of final ones", () => {
  const talk = joined();
  const about = { segment: BLOCK, target: "es", ...ANA };
  say(talk, "translation.partial", { ...about, text: "👋 buenos", stable: 2 });
  assert.deepEqual(talk.line(BLOCK)?.translation, { text: "👋 buenos", language: "es", final: false, stable: 3 });
  translated(talk, BLOCK, "buenos días");
  say(talk, "translation.partial", { ...about, text: "tarde", stable: 5 });
  assert.deepEqual(talk.line(BLOCK)?.translation, { text: "buenos días", language: "es", final: true });
});

test("what one's loudspeaker said leaves no line, and speech that was left out is no failure", () => {
  const talk = joined();
  const me = { speaker: ME, name: "Ben" };
  say(talk, "speech.started", { segment: ME * BLOCK, ...me });
  say(talk, "segment.failed", { segment: ME * BLOCK, stage: "stt", code: "echo", message: "!", ...me });
  done(talk, ME * BLOCK, me);
  translated(talk, BLOCK, "hola");
  say(talk, "segment.failed", { segment: BLOCK, target: "es", stage: "tts", code: "too_late", message: "!", ...ANA });
  done(talk, BLOCK);
  assert.deepEqual(read(talk), [["Ana", "hola"]]);
  assert.equal(talk.line(BLOCK)?.state, "done");
});

test("others are read by name in one's language, and oneself as one was understood", () => {
  const talk = joined();
  say(talk, "speech.started", { segment: BLOCK, ...ANA });
  understood(talk, BLOCK, "good morning");
  translated(talk, BLOCK, "buenos días");
  done(talk, BLOCK);
  const me = { speaker: ME, name: "Ben" };
  understood(talk, ME * BLOCK, "hello", me);
  done(talk, ME * BLOCK, me);
  assert.deepEqual(read(talk), [["Ana", "buenos días"], ["Ben", "hello"]]);
  assert.deepEqual(talk.lines.map(({ own, state }) => [own, state]), [[false, "done"], [true, "done"]]);
});

test("a listener, who is nobody's speaker, reads everybody as somebody else", () => {
  const talk = new Conversation();
  join(talk, { participant: undefined });
  understood(talk, BLOCK, "hello");
  assert.deepEqual(talk.lines.map(({ own }) => own), [false]);
});

test("where the language is the same, the voice is the floor and the words are the same", () => {
  const talk = new Conversation();
  join(talk, { language: "en" });
  understood(talk, BLOCK, "hello");
  translated(talk, BLOCK, "hello", "en");
  say(talk, "audio.start", { segment: BLOCK, target: "en", index: 0, rate: 24_000, floor: true, speaker: 1 });
  assert.deepEqual(talk.lines.map(({ floor, translation }) => [floor, translation.text]), [[true, "hello"]]);
});

test("speech without words leaves no line, whatever still comes of it", () => {
  const talk = joined();
  say(talk, "speech.started", { segment: BLOCK, ...ANA });
  const { withdrawn } = understood(talk, BLOCK, " ");
  assert.deepEqual(withdrawn.map(({ segment }) => segment), [BLOCK]);
  assert.deepEqual(done(talk, BLOCK), { changed: [], withdrawn: [] });
  assert.deepEqual(read(talk), []);
});

test("a session that goes on keeps its open lines, and what comes twice is one line", () => {
  const talk = joined();
  understood(talk, BLOCK, "good morning");
  assert.deepEqual(join(talk, { resumed: true }), { changed: [], withdrawn: [] });
  understood(talk, BLOCK, "good morning");
  translated(talk, BLOCK, "buenos días");
  assert.deepEqual(read(talk), [["Ana", "buenos días"]]);
});

test("a session that begins anew withdraws what the one before had not translated", () => {
  const talk = joined();
  understood(talk, BLOCK, "one");
  translated(talk, BLOCK, "uno");
  understood(talk, BLOCK + 1, "two");
  const { changed, withdrawn } = join(talk);
  assert.deepEqual([changed.map(({ state }) => state), withdrawn.length], [["done"], 1]);
  assert.deepEqual(read(talk), [["Ana", "uno"]]);
});

test("after another language was chosen the last sentence is read in it", () => {
  const talk = joined();
  understood(talk, BLOCK, "good morning");
  translated(talk, BLOCK, "buenos días");
  say(talk, "session.updated", { config: { room: "r", targets: [{ language: "fr" }] } });
  translated(talk, BLOCK, "bonjour", "fr");
  assert.equal(talk.language, "fr");
  assert.deepEqual(talk.lines.map(({ translation }) => [translation.text, translation.language]), [["bonjour", "fr"]]);
});

test("a sentence that failed says so, and is not taken away when it is over", () => {
  const talk = joined();
  understood(talk, BLOCK, "good morning");
  say(talk, "segment.failed", { segment: BLOCK, stage: "translation", code: "timed_out", message: "No.", speaker: 1 });
  done(talk, BLOCK);
  assert.deepEqual(talk.lines.map(({ state, failure }) => [state, failure?.code]), [["failed", "timed_out"]]);
});

test("an endless talk is kept in bounds, its newest lines whole", () => {
  const talk = joined();
  for (let segment = BLOCK; segment < BLOCK + 1_500; segment++) {
    understood(talk, segment, `${segment}`);
    translated(talk, segment, `${segment}`);
  }
  assert.equal(talk.lines.length, 1_000);
  assert.equal(talk.lines.at(-1)?.translation.text, `${BLOCK + 1_499}`);
  assert.equal(talk.line(BLOCK), undefined);
});
