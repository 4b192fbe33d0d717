// Proves that samples of a segment keep their place and are taken once, however the pieces come.
import assert from "node:assert/strict";
import { test } from "node:test";

import { SegmentAudio } from "../../../../gateway/web/audio/segment-audio.js";
import { floats, joined, noise } from "./signals.js";

/** @param {SegmentAudio} speech */
function taken(speech, count = speech.available) {
  const out = new Float32Array(count);
  speech.take(out, 0, count);
  return out;
}

test("pieces in order come out as they went in, divided by full scale", () => {
  const speech = new SegmentAudio(4);
  speech.add(0, Int16Array.of(-32_768, 16_384), false);
  speech.add(2, Int16Array.of(32_767), false);
  assert.equal(speech.segment, 4);
  assert.equal(speech.available, 3);
  assert.deepEqual([...taken(speech)], [-1, 0.5, 32_767 / 32_768]);
  assert.equal(speech.available, 0);
  assert.equal(speech.played, 3);
});

test("a repetition adds only what is new", () => {
  const speech = new SegmentAudio(0);
  speech.add(0, Int16Array.of(1, 2, 3), false);
  speech.add(0, Int16Array.of(9, 9, 9), false);
  speech.add(1, Int16Array.of(9, 9, 4, 5), false);
  assert.equal(speech.growth(1, 4), 0);
  assert.deepEqual([...speech.samples.subarray(speech.start, speech.end)], [1, 2, 3, 4, 5]);
});

test("what is missing becomes silence, and later samples keep their place", () => {
  const speech = new SegmentAudio(0);
  speech.add(0, Int16Array.of(1, 2), false);
  taken(speech, 1);
  assert.equal(speech.growth(4, 1), 3);
  speech.add(4, Int16Array.of(5), false);
  assert.deepEqual([...taken(speech)], [...floats(Int16Array.of(2, 0, 0, 5))]);
});

test("silence for what is missing is silent where the store held other samples before", () => {
  const speech = new SegmentAudio(0);
  speech.add(0, noise(100, 1), false);
  speech.cutAfter(10);
  speech.add(120, Int16Array.of(7), false);
  assert.ok([...taken(speech)].slice(10, 30).every((sample) => sample === 0));
});

test("any number of pieces and takes in turn give the same samples", () => {
  const pcm = noise(5_000, 2);
  const speech = new SegmentAudio(0);
  const parts = [];
  for (let offset = 0; offset < pcm.length; offset += 100) {
    speech.add(offset, pcm.subarray(offset, offset + 100), offset === 4_900);
    parts.push(taken(speech, Math.min(speech.available, 70 + (offset % 300) / 10)));
  }
  parts.push(taken(speech));
  assert.deepEqual(joined(parts), floats(pcm));
});

test("the store does not grow with what was heard, and is used again", () => {
  const speech = new SegmentAudio(0);
  const stores = new Set();
  for (let offset = 0; offset < 1_000_000; offset += 1_000) {
    speech.add(offset, new Int16Array(1_000), false);
    taken(speech);
    stores.add(speech.samples);
  }
  assert.ok(speech.samples.length <= 4_000);
  assert.ok(stores.size <= 2);
});

test("what is taken is put where it is wanted", () => {
  const speech = new SegmentAudio(0);
  speech.add(0, Int16Array.of(1, 2, 3), false);
  speech.skip(1);
  const out = new Float32Array(4);
  speech.take(out, 2, 2);
  assert.deepEqual([...out], [0, 0, 2 / 32_768, 3 / 32_768]);
  assert.equal(speech.played, 2);
});

test("the last piece makes it whole, also without samples", () => {
  const speech = new SegmentAudio(0);
  speech.add(0, Int16Array.of(1), false);
  assert.ok(!speech.whole && !speech.closed);
  speech.add(1, new Int16Array(0), true);
  assert.ok(speech.whole && speech.closed && !speech.cut);
});

test("a cut leaves the next samples only and is not whole", () => {
  const speech = new SegmentAudio(0);
  speech.add(0, Int16Array.of(1, 2, 3, 4), true);
  speech.skip(1);
  speech.cutAfter(2);
  assert.ok(speech.cut && speech.closed && !speech.whole);
  assert.deepEqual([...taken(speech)], [...floats(Int16Array.of(2, 3))]);
  speech.cutAfter(5);
  assert.equal(speech.available, 0);
});
