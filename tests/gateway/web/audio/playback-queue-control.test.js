// Proves that pause, stop and drop fade, lose nothing that is wanted, and say when they are done.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { PlaybackQueue } from "../../../../gateway/web/audio/playback-queue.js";
import {
  FADE,
  PREBUFFER,
  RATE,
  assertAllHeard,
  assertFadesIn,
  assertFadesOut,
  begun,
  loud,
  loudness,
  pull,
  silent,
  types,
  whole,
} from "./listening.js";
import { joined } from "./signals.js";

describe("a pause", () => {
  test("fades out, holds, and goes on at the next sample with a fade in", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(whole(0, Int16Array.from({ length: 4_000 }, (_, i) => 8_000 + i)));
    const parts = [pull(queue, 1_000)];
    queue.pause();
    parts.push(pull(queue, 100));
    assert.deepEqual(types(queue), ["began"]);
    parts.push(pull(queue, 500));
    assert.deepEqual(queue.takeEvents(), [{ type: "paused", at: 1_600 }]);
    assert.ok(silent(parts[2].subarray(20)));
    assert.deepEqual([queue.stats.paused, queue.stats.playing], [true, false]);
    queue.resume();
    parts.push(pull(queue, 100));
    assert.deepEqual(types(queue), []);
    parts.push(pull(queue, 4_000));
    assert.deepEqual(types(queue), ["ended", "resumed"]);
    assertAllHeard(joined(parts), Int16Array.from({ length: 4_000 }, (_, i) => 8_000 + i));
  });

  test("fades within 5 ms both ways", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(whole(0, loud(2_000)));
    pull(queue, 100);
    queue.pause();
    assertFadesOut(pull(queue, 400), 0);
    queue.resume();
    const heard = pull(queue, 400);
    assertFadesIn(heard, 0);
    assert.ok(loudness(heard.subarray(FADE)).every((level) => level === 1));
  });

  test("that is taken back at once is only a dip", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(whole(0, loud(2_000)));
    pull(queue, 100);
    queue.pause();
    pull(queue, 60);
    queue.resume();
    const levels = loudness(pull(queue, 100));
    assert.ok(levels[0] > 0.5 && levels[60] === 1);
    assert.deepEqual(types(queue), ["began", "resumed"]);
  });

  test("when nothing is heard is told at once, and nothing begins until it is over", () => {
    const queue = new PlaybackQueue(RATE);
    queue.pause();
    queue.push(whole(0, loud(100)));
    assert.ok(silent(pull(queue, 200)));
    assert.deepEqual(types(queue), ["paused"]);
    queue.pause();
    pull(queue, 100);
    assert.deepEqual(types(queue), []);
    queue.resume();
    assert.ok(loudness(pull(queue, 100)).every((level) => level === 1));
    assert.deepEqual(types(queue), ["began", "ended", "resumed"]);
    queue.resume();
    pull(queue, 100);
    assert.deepEqual(types(queue), []);
  });

  test("at the end of a segment lets it end and holds the next, which then begins unfaded", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(whole(0, loud(150)));
    queue.push(whole(1, loud(100)));
    pull(queue, 100);
    queue.pause();
    pull(queue, 128);
    assert.deepEqual(types(queue), ["began", "ended", "paused"]);
    queue.resume();
    assert.ok(loudness(pull(queue, 100)).every((level) => level === 1));
  });

  test("that ends shortly before a segment's end fades in across the border", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(whole(0, loud(FADE + 50)));
    queue.push(whole(1, loud(500)));
    pull(queue, 1);
    queue.pause();
    pull(queue, 200);
    queue.resume();
    assertFadesIn(pull(queue, 300), 0);
  });

  test("in the middle of an underrun loses nothing and does not count again", () => {
    const pcm = Int16Array.from({ length: 6_000 }, (_, i) => 8_000 + i);
    const queue = new PlaybackQueue(RATE);
    queue.push(begun(0, pcm.subarray(0, PREBUFFER)));
    const parts = [pull(queue, PREBUFFER - FADE + 60)];
    queue.pause();
    parts.push(pull(queue, 128));
    queue.push({ segment: 0, offset: PREBUFFER, pcm: pcm.subarray(PREBUFFER), last: true });
    parts.push(pull(queue, 128));
    assert.ok(silent(parts[2]));
    queue.resume();
    parts.push(pull(queue, 6_000));
    assertAllHeard(joined(parts), pcm);
    assert.deepEqual(types(queue), ["began", "underrun", "paused", "ended", "resumed"]);
  });
});

describe("stop and drop", () => {
  test("a stop fades out, forgets all, and ignores what comes of it later", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(whole(0, loud(2_000)));
    queue.push(begun(1, loud(2_000)));
    pull(queue, 100);
    queue.stop();
    queue.push({ segment: 1, offset: 2_000, pcm: loud(9_000), last: true });
    queue.push(whole(2, loud(200)));
    const heard = pull(queue, 400);
    assertFadesOut(heard, 0);
    const next = loudness(heard.subarray(FADE, FADE + 200));
    assert.ok(next.every((level) => level === 1), "a new one is heard whole");
    assert.ok(silent(heard.subarray(FADE + 200)));
    assert.deepEqual(types(queue), ["began", "ended", "stopped", "began", "ended"]);
    assert.equal(queue.stats.queuedMs, 0);
  });

  test("a stop near the end of a segment leaves the next one unfaded", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(whole(0, loud(150)));
    pull(queue, 100);
    queue.stop();
    queue.push(whole(1, loud(200)));
    assert.ok(loudness(pull(queue, 250).subarray(50)).every((level) => level === 1));
  });

  test("a stop when nothing is heard is told at once", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(begun(0, loud(100)));
    queue.stop();
    assert.deepEqual(queue.takeEvents(), [{ type: "stopped", at: 0 }]);
    queue.push({ segment: 0, offset: 100, pcm: loud(9_000), last: true });
    assert.ok(silent(pull(queue, 128)));
  });

  test("a stop while paused clears, and stays paused", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(whole(0, loud(2_000)));
    pull(queue, 100);
    queue.pause();
    pull(queue, 200);
    queue.stop();
    assert.deepEqual(types(queue), ["began", "paused", "ended", "stopped"]);
    queue.push(whole(1, loud(100)));
    assert.ok(silent(pull(queue, 200)));
    assert.equal(queue.stats.paused, true);
    queue.resume();
    assert.ok(loudness(pull(queue, 100)).every((level) => level === 1));
  });

  test("a dropped segment fades if it is heard, others go on", () => {
    const queue = new PlaybackQueue(RATE);
    for (const segment of [0, 1, 2]) queue.push(whole(segment, loud(300)));
    pull(queue, 100);
    queue.drop(0);
    queue.drop(1);
    const heard = pull(queue, 500);
    assertFadesOut(heard, 0);
    assert.ok(loudness(heard.subarray(FADE, FADE + 300)).every((level) => level === 1));
    assert.ok(silent(heard.subarray(FADE + 300)));
    const ended = queue.takeEvents().filter((event) => event.type === "ended");
    assert.deepEqual(ended, [
      { type: "ended", segment: 0, at: 220, playedMs: 220 / 24 },
      { type: "ended", segment: 2, at: 520, playedMs: 12.5 },
    ]);
  });

  test("a segment that is dropped while it has run dry, or before it came, is over", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(begun(0, loud(PREBUFFER)));
    pull(queue, 2_000);
    queue.drop(0);
    queue.drop(1);
    assert.deepEqual(types(queue), ["began", "underrun", "ended"]);
    queue.push(whole(0, loud(3_000)));
    queue.push(whole(1, loud(3_000)));
    assert.ok(silent(pull(queue, 128)));
  });
});
