// Proves that captions follow the server's messages, through lost connections, in the order of speech.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Transcript } from "../../../../gateway/web/session/transcript.js";

const ABOUT = { title: "Talk", kind: /** @type {const} */ ("live"), at: 0, source: "en", target: "es" };

function opened() {
  const transcript = new Transcript();
  transcript.openPart(ABOUT);
  return transcript;
}

/** @param {Transcript} transcript @param {string} type @param {object} fields */
function say(transcript, type, fields) {
  return transcript.apply(/** @type {any} */ ({ type, seq: 1, t_ms: 0, ...fields }));
}

/** @param {Transcript} transcript @param {number} segment @param {string} text @param {number} [end_ms] */
function spoken(transcript, segment, text, end_ms = 900) {
  const fields = { segment, text, language: "en", start_ms: end_ms - 400, end_ms };
  return say(transcript, "transcript.final", fields);
}

/** @param {Transcript} transcript @param {number} segment */
function done(transcript, segment) {
  return say(transcript, "segment.done", { segment, timings_ms: { total: 640 } });
}

/** @param {Transcript} transcript */
const texts = (transcript) => transcript.part?.lines.map((line) => line.source.text);

test("a line listens, works and is done, and each message reports it", () => {
  const transcript = opened();
  const states = [
    say(transcript, "speech.started", { segment: 0 }),
    say(transcript, "speech.stopped", { segment: 0 }),
    spoken(transcript, 0, "good morning"),
    say(transcript, "translation.final", { segment: 0, target: "es", text: "buenos días" }),
    done(transcript, 0),
  ].map(({ changed: [line], withdrawn }) => [line === transcript.line(0), withdrawn.length]);
  assert.deepEqual(states, Array(5).fill([true, 0]));
  assert.deepEqual(transcript.part?.lines, [
    {
      id: 1,
      segment: 0,
      state: "done",
      source: { text: "good morning", language: "en", final: true },
      translation: { text: "buenos días", language: "es", final: true },
      startMs: 500,
      endMs: 900,
      timings: { total: 640 },
    },
  ]);
});

test("the state tells what the server does at the moment", () => {
  const transcript = opened();
  say(transcript, "speech.started", { segment: 0 });
  assert.equal(transcript.line(0)?.state, "listening");
  say(transcript, "transcript.partial", { segment: 0, text: "good", language: "en", start_ms: 0, end_ms: 1 });
  assert.equal(transcript.line(0)?.state, "listening");
  say(transcript, "speech.stopped", { segment: 0 });
  assert.equal(transcript.line(0)?.state, "working");
  spoken(transcript, 1, "words");
  assert.equal(transcript.line(1)?.state, "working");
  say(transcript, "audio.end", { segment: 0, target: "es", rate: 24000, duration_ms: 10 });
  assert.equal(transcript.line(0)?.state, "working");
});

test("partials replace each other, and never a final", () => {
  const transcript = opened();
  for (const text of ["good", "good mor"]) {
    say(transcript, "transcript.partial", { segment: 0, text, language: "en", start_ms: 0, end_ms: 1 });
    say(transcript, "translation.partial", { segment: 0, target: "es", text: `${text}!` });
    assert.deepEqual(transcript.line(0)?.source, { text, language: "en", final: false });
    assert.deepEqual(transcript.line(0)?.translation, { text: `${text}!`, language: "es", final: false });
  }
  spoken(transcript, 0, "good morning");
  say(transcript, "translation.final", { segment: 0, target: "es", text: "buenos días" });
  say(transcript, "transcript.partial", { segment: 0, text: "late", language: "fr", start_ms: 0, end_ms: 1 });
  say(transcript, "translation.partial", { segment: 0, target: "es", text: "tarde" });
  assert.deepEqual(transcript.line(0)?.source, { text: "good morning", language: "en", final: true });
  assert.deepEqual(transcript.line(0)?.translation, { text: "buenos días", language: "es", final: true });
});

test("what is certain of a partial is counted in code points by the server, and in UTF-16 units here", () => {
  const transcript = opened();
  const stable = () => [transcript.line(0)?.source.stable, transcript.line(0)?.translation.stable];
  const partial = { segment: 0, language: "en", start_ms: 0, end_ms: 1 };
  say(transcript, "transcript.partial", { ...partial, text: "👋 𠮷野 go", stable: 4 });
  say(transcript, "translation.partial", { segment: 0, target: "es", text: "👨‍👩‍👧 ve", stable: 6 });
  assert.deepEqual(stable(), ["👋 𠮷野".length, "👨‍👩‍👧 ".length]);
  say(transcript, "transcript.partial", { ...partial, text: "👋", stable: 9 });
  say(transcript, "translation.partial", { segment: 0, target: "es", text: "ve" });
  assert.deepEqual(stable(), [2, 0]);
  spoken(transcript, 0, "👋");
  assert.deepEqual(transcript.line(0)?.source, { text: "👋", language: "en", final: true });
});

test("the translation that came back out of the loudspeaker leaves no line", () => {
  const transcript = opened();
  say(transcript, "speech.started", { segment: 0 });
  say(transcript, "transcript.partial", { segment: 0, text: "ve", language: "en", start_ms: 0, end_ms: 1 });
  const line = transcript.line(0);
  const echo = { segment: 0, stage: "stt", code: "echo", message: "!" };
  assert.deepEqual(say(transcript, "segment.failed", echo), { changed: [], withdrawn: [line] });
  assert.deepEqual(done(transcript, 0), { changed: [], withdrawn: [] });
  assert.deepEqual(transcript.part?.lines, []);
});

test("a sentence whose speech was left out is done: its words are there to read", () => {
  const transcript = opened();
  spoken(transcript, 0, "hello");
  say(transcript, "translation.final", { segment: 0, target: "es", text: "hola" });
  say(transcript, "segment.failed", { segment: 0, target: "es", stage: "tts", code: "too_late", message: "!" });
  done(transcript, 0);
  const { state, failure, translation } = transcript.line(0) ?? {};
  assert.deepEqual([state, failure?.code, translation?.text], ["done", "too_late", "hola"]);
  say(transcript, "segment.failed", { segment: 1, stage: "stt", code: "too_late", message: "!" });
  assert.equal(transcript.line(1)?.state, "failed");
});

test("the language spoken is the one found, or the one asked for where none is told", () => {
  const transcript = opened();
  const fields = { text: "bon dia", start_ms: 0, end_ms: 1 };
  say(transcript, "transcript.final", { segment: 0, language: "ca", ...fields });
  say(transcript, "transcript.final", { segment: 1, language: "", ...fields });
  assert.deepEqual(transcript.part?.lines.map((line) => line.source.language), ["ca", "en"]);
});

test("a segment without words is withdrawn for good", () => {
  const transcript = opened();
  say(transcript, "speech.started", { segment: 0 });
  const line = transcript.line(0);
  assert.deepEqual(spoken(transcript, 0, " "), { changed: [], withdrawn: [line] });
  assert.deepEqual(done(transcript, 0), { changed: [], withdrawn: [] });
  assert.deepEqual(say(transcript, "speech.stopped", { segment: 0 }), { changed: [], withdrawn: [] });
  assert.deepEqual([transcript.line(0), transcript.part?.lines], [undefined, []]);
  assert.equal(transcript.byId(1), undefined);
});

test("a message about a segment that never began makes its line, in its place", () => {
  const transcript = opened();
  spoken(transcript, 2, "two");
  spoken(transcript, 0, "zero");
  say(transcript, "translation.final", { segment: 1, target: "es", text: "uno" });
  assert.deepEqual(transcript.part?.lines.map((line) => line.segment), [0, 1, 2]);
  assert.deepEqual(transcript.part?.lines.map((line) => line.id), [2, 3, 1]);
});

test("what is said about other targets changes nothing", () => {
  const transcript = opened();
  const other = { segment: 0, target: "ca", text: "bon dia" };
  const failure = { stage: "tts", code: "internal", message: "!" };
  for (const type of ["translation.partial", "translation.final", "audio.end", "segment.failed"]) {
    assert.deepEqual(say(transcript, type, { ...other, ...failure }), { changed: [], withdrawn: [] });
  }
  assert.deepEqual(transcript.part?.lines, []);
});

test("languages are those that the server names", () => {
  const transcript = opened();
  const config = { source: { language: "ca" }, targets: [{ language: "pt" }, { language: "fr" }] };
  assert.deepEqual(say(transcript, "session.started", { config }), { changed: [], withdrawn: [] });
  assert.deepEqual([transcript.part?.source, transcript.part?.target], ["ca", "pt"]);
  say(transcript, "translation.final", { segment: 0, target: "pt", text: "bom dia" });
  assert.deepEqual(transcript.line(0)?.source.language, "ca");
  assert.deepEqual(transcript.line(0)?.translation, { text: "bom dia", language: "pt", final: true });
});

test("other types change nothing, nor does any before there is a part", () => {
  const transcript = opened();
  for (const type of ["pong", "audio.start", "speech.whispered"]) {
    assert.deepEqual(say(transcript, type, { segment: 0, target: "es" }), { changed: [], withdrawn: [] });
  }
  assert.deepEqual(transcript.part?.lines, []);
  const empty = new Transcript();
  assert.deepEqual(say(empty, "speech.started", { segment: 0 }), { changed: [], withdrawn: [] });
  assert.deepEqual(say(empty, "session.started", { config: { source: {}, targets: [{}] } }).changed, []);
  assert.deepEqual([empty.part, empty.lose(0)], [undefined, { changed: [], withdrawn: [], from: undefined }]);
});

test("a failure for our target or for all is kept with the captions that are there", () => {
  const transcript = opened();
  const failure = { stage: "tts", code: "provider_failed", message: "The voice broke." };
  spoken(transcript, 0, "good morning");
  say(transcript, "segment.failed", { segment: 0, target: "es", retryable: true, ...failure });
  say(transcript, "segment.failed", { segment: 1, ...failure });
  done(transcript, 0);
  assert.deepEqual(transcript.part?.lines.map((line) => line.state), ["failed", "failed"]);
  assert.deepEqual(transcript.line(0)?.failure, { ...failure, retryable: true });
  assert.deepEqual(transcript.line(1)?.failure, { ...failure, retryable: false });
  assert.equal(transcript.line(0)?.source.text, "good morning");
  assert.deepEqual(transcript.line(0)?.timings, { total: 640 });
});

test("a failed line stays failed whatever follows", () => {
  const transcript = opened();
  say(transcript, "segment.failed", { segment: 0, stage: "tts", code: "internal", message: "!" });
  say(transcript, "speech.stopped", { segment: 0 });
  spoken(transcript, 0, "good morning");
  assert.equal(transcript.line(0)?.state, "failed");
});

/** Speech of it is whole. @param {Transcript} transcript @param {number} segment */
function heard(transcript, segment) {
  say(transcript, "audio.end", { segment, target: "es", rate: 24000, duration_ms: 10 });
}

test("a session that is lost is sent again from the end of what came before its first open sentence", () => {
  const transcript = opened();
  transcript.connected((ms) => ms + 500);
  spoken(transcript, 0, "zero", 1000);
  spoken(transcript, 1, "", 2000);
  spoken(transcript, 2, "two", 3000);
  spoken(transcript, 3, "three", 4000);
  done(transcript, 0);
  done(transcript, 3);
  const again = [transcript.line(2), transcript.line(3)];
  const lost = transcript.lose(0);
  assert.deepEqual(lost, { changed: [], withdrawn: again, from: 2500 });
  assert.deepEqual(texts(transcript), ["zero"]);
});

test("where the first sentence is open a session is sent again from its begin", () => {
  const transcript = opened();
  transcript.connected((ms) => ms + 500);
  say(transcript, "speech.started", { segment: 0 });
  say(transcript, "speech.stopped", { segment: 0 });
  assert.equal(transcript.lose(0).from, 500);
});

test("what is only heard so far is not with the server yet, so nothing before it is sent again", () => {
  const transcript = opened();
  spoken(transcript, 0, "zero");
  done(transcript, 0);
  say(transcript, "speech.started", { segment: 1 });
  const [, line] = transcript.part?.lines ?? [];
  assert.deepEqual(transcript.lose(0), { changed: [], withdrawn: [line], from: undefined });
});

test("a sentence whose sound is not kept any more stays: it has failed, or is done where it was translated", () => {
  const transcript = opened();
  for (const segment of [0, 1, 2]) spoken(transcript, segment, "words", 1000 * (segment + 1));
  say(transcript, "translation.final", { segment: 0, target: "es", text: "palabras" });
  const { changed, withdrawn } = transcript.lose(2000);
  assert.deepEqual(changed.map(({ state, failure }) => [state, failure?.code]), [["done", undefined], ["failed", "lost"]]);
  assert.deepEqual(withdrawn.map(({ segment }) => segment), [2]);
});

test("a session that follows a lost one counts from 0 behind the lines that stay", () => {
  const transcript = opened();
  transcript.connected((ms) => ms);
  spoken(transcript, 0, "zero");
  done(transcript, 0);
  spoken(transcript, 2, "two");
  transcript.lose(0);
  assert.equal(transcript.line(0), undefined);
  transcript.connected((ms) => ms + 5000);
  spoken(transcript, 1, "again three");
  spoken(transcript, 0, "again two");
  assert.deepEqual(texts(transcript), ["zero", "again two", "again three"]);
  assert.deepEqual([transcript.line(0)?.startMs, transcript.line(0)?.endMs], [5500, 5900]);
});

test("what was heard whole but not finished in a lost session is done", () => {
  const transcript = opened();
  for (const segment of [0, 1, 2]) {
    spoken(transcript, segment, "words");
    say(transcript, "translation.final", { segment, target: "es", text: "palabras" });
    heard(transcript, segment);
  }
  done(transcript, 0);
  say(transcript, "segment.failed", { segment: 1, stage: "tts", code: "internal", message: "!" });
  const last = transcript.line(2);
  assert.deepEqual(transcript.lose(0), { changed: [last], withdrawn: [], from: undefined });
  assert.deepEqual(transcript.part?.lines.map((line) => line.state), ["done", "failed", "done"]);
});

test("of a pair either is spoken, and each line is in the language that is heard then", () => {
  const transcript = new Transcript();
  transcript.openPart({ ...ABOUT, pair: ["en", "es"] });
  spoken(transcript, 0, "hello");
  say(transcript, "translation.final", { segment: 0, target: "es", text: "hola" });
  say(transcript, "transcript.final", { segment: 1, text: "adiós", language: "es", start_ms: 0, end_ms: 1 });
  say(transcript, "translation.final", { segment: 1, target: "en", text: "bye" });
  say(transcript, "translation.final", { segment: 2, target: "fr", text: "salut" });
  assert.deepEqual(transcript.part?.lines.map(({ source, translation }) => [source.language, translation.language]), [
    ["en", "es"],
    ["es", "en"],
  ]);
});

test("a new part keeps the old ones, and starts a session of its own", () => {
  const transcript = opened();
  spoken(transcript, 0, "first");
  const second = transcript.openPart({ ...ABOUT, title: "film.mp4", kind: "file" });
  assert.equal(transcript.line(0), undefined);
  assert.deepEqual(transcript.lose(0), { changed: [], withdrawn: [], from: undefined });
  spoken(transcript, 0, "second");
  assert.equal(transcript.part, second);
  assert.deepEqual(transcript.parts.map((part) => part.lines.map((line) => [line.id, line.source.text])), [
    [[1, "first"]],
    [[2, "second"]],
  ]);
  assert.deepEqual(transcript.parts.map(({ id, title, kind }) => [id, title, kind]), [
    [1, "Talk", "live"],
    [2, "film.mp4", "file"],
  ]);
});

test("latencies are kept by the line's number, in every part", () => {
  const transcript = opened();
  spoken(transcript, 0, "first");
  transcript.openPart(ABOUT);
  transcript.captioned(1, 700);
  transcript.heard(1, 900);
  transcript.heard(7, 1);
  transcript.captioned(7, 1);
  const [{ captionMs, earMs }] = transcript.parts[0].lines;
  assert.deepEqual([captionMs, earMs], [700, 900]);
});
