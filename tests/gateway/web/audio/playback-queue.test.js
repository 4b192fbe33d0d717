// Proves that speech is heard once, in order and without clicks, whatever the network and the listener do.
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
import { floats, joined, noise, random, voice } from "./signals.js";

describe("whole segments", () => {
  test("are heard exactly, one after the other, then silence", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(whole(0, noise(500, 1)));
    queue.push(whole(1, noise(333, 2)));
    const heard = pull(queue, 1_000);
    assert.deepEqual(heard.subarray(0, 833), joined([floats(noise(500, 1)), floats(noise(333, 2))]));
    assert.ok(silent(heard.subarray(833)));
  });

  test("say when they began and ended, in samples pulled", () => {
    const queue = new PlaybackQueue(RATE);
    pull(queue, 100);
    queue.push(whole(7, noise(480, 1)));
    queue.push(whole(8, noise(240, 2)));
    for (let i = 0; i < 10; i++) pull(queue, 128);
    assert.deepEqual(queue.takeEvents(), [
      { type: "began", segment: 7, at: 100 },
      { type: "ended", segment: 7, at: 580, playedMs: 20 },
      { type: "began", segment: 8, at: 580 },
      { type: "ended", segment: 8, at: 820, playedMs: 10 },
    ]);
    assert.deepEqual(queue.takeEvents(), []);
    assert.ok(Object.isFrozen(queue.takeEvents()));
  });

  test("end in the pull that hears the last sample", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(whole(0, noise(128, 1)));
    pull(queue, 128);
    assert.deepEqual(types(queue), ["began", "ended"]);
  });

  test("end without having begun when they have no samples, and hold nothing up", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(whole(0, new Int16Array(0)));
    queue.push(whole(1, noise(100, 1)));
    assert.deepEqual(pull(queue, 100), floats(noise(100, 1)));
    assert.deepEqual(types(queue), ["ended", "began", "ended"]);
  });

  test("are not faster alone, however long they are", () => {
    const queue = new PlaybackQueue(RATE);
    const pcm = voice(RATE, 10, () => 120);
    queue.push(whole(0, pcm));
    assert.deepEqual(pull(queue, pcm.length), floats(pcm));
    assert.equal(queue.stats.speed, 1);
  });

  test("come out the same however they are cut and pulled", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const next = random(seed);
      const upTo = (/** @type {number} */ most) => Math.floor(next() * most);
      const queue = new PlaybackQueue(RATE);
      const all = [];
      const heard = [];
      for (let segment = 0; segment < 6; segment++) {
        const pcm = noise(upTo(4_000), seed * 10 + segment);
        all.push(floats(pcm));
        for (let offset = 0; offset < pcm.length; ) {
          const end = offset + upTo(900);
          const from = Math.max(0, offset - upTo(50));
          queue.push({ segment, offset: from, pcm: pcm.subarray(from, end), last: false });
          offset = end;
        }
        queue.push({ segment, offset: pcm.length, pcm: new Int16Array(0), last: true });
      }
      const wanted = joined(all);
      for (let count = 0; count < wanted.length; count += heard[heard.length - 1].length) {
        heard.push(pull(queue, 1 + upTo(600)));
      }
      assert.deepEqual(joined(heard).subarray(0, wanted.length), wanted, `seed ${seed}`);
      assert.ok(silent(joined(heard).subarray(wanted.length)));
      assert.equal(queue.stats.underruns, 0);
    }
  });
});

describe("a segment that is still coming", () => {
  test("begins when 60 ms of it are there, without a fade", () => {
    const queue = new PlaybackQueue(RATE);
    const pcm = noise(PREBUFFER + 10, 1);
    queue.push(begun(0, pcm.subarray(0, PREBUFFER - 1)));
    assert.ok(silent(pull(queue, 128)));
    assert.equal(queue.stats.playing, false);
    queue.push({ segment: 0, offset: PREBUFFER - 1, pcm: pcm.subarray(PREBUFFER - 1), last: false });
    assert.deepEqual(pull(queue, 128), floats(pcm.subarray(0, 128)));
    assert.equal(queue.stats.playing, true);
  });

  test("begins at once when it is complete", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(begun(0, noise(50, 1)));
    queue.push({ segment: 0, offset: 50, pcm: new Int16Array(0), last: true });
    assert.deepEqual(pull(queue, 50), floats(noise(50, 1)));
  });

  test("that runs dry fades out over what is there, and goes on where it stopped", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(begun(0, loud(PREBUFFER)));
    const first = pull(queue, 2_000);
    assert.ok(loudness(first.subarray(0, PREBUFFER - FADE)).every((level) => level === 1));
    assertFadesOut(first, PREBUFFER - FADE);
    assert.ok(silent(first.subarray(PREBUFFER)));
    assert.deepEqual(queue.takeEvents()[1], { type: "underrun", segment: 0, at: PREBUFFER - FADE });

    queue.push({ segment: 0, offset: PREBUFFER, pcm: loud(2_159), last: false });
    assert.ok(silent(pull(queue, 128)), "90 ms are wanted now");
    queue.push({ segment: 0, offset: PREBUFFER + 2_159, pcm: loud(1), last: true });
    const second = pull(queue, 3_000);
    assertFadesIn(second, 0);
    assert.ok(loudness(second.subarray(FADE, 2_160)).every((level) => level === 1));
    assert.ok(silent(second.subarray(2_160)));
    assert.deepEqual(queue.takeEvents(), [{ type: "ended", segment: 0, at: 4_288, playedMs: 150 }]);
    assert.equal(queue.stats.underruns, 1);
  });

  test("plays to its end unfaded when the end is known before the fade", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(begun(0, loud(PREBUFFER)));
    pull(queue, PREBUFFER - FADE);
    queue.push({ segment: 0, offset: PREBUFFER, pcm: new Int16Array(0), last: true });
    assert.ok(loudness(pull(queue, FADE)).every((level) => level === 1));
    assert.equal(queue.stats.underruns, 0);
  });

  test("that gets its rest while it fades is not silent in between, and counts once", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(begun(0, loud(PREBUFFER)));
    pull(queue, PREBUFFER - FADE + 20);
    queue.push({ segment: 0, offset: PREBUFFER, pcm: loud(3_000), last: true });
    const heard = pull(queue, 3_100);
    assert.ok(loudness(heard).every((level) => level > 0.8));
    assert.equal(queue.stats.underruns, 1);
  });

  test("loses and repeats nothing when it comes with jitter", () => {
    const pcm = Int16Array.from({ length: 40_000 }, (_, i) => 8_000 + i / 4);
    for (let seed = 1; seed <= 10; seed++) {
      const next = random(seed);
      const queue = new PlaybackQueue(RATE);
      const parts = [];
      for (let offset = 0; offset < pcm.length; offset += 600) {
        queue.push({ segment: 0, offset, pcm: pcm.subarray(offset, offset + 600), last: false });
        for (let i = Math.floor(next() * 12); i > 0; i--) parts.push(pull(queue, 128));
      }
      queue.push({ segment: 0, offset: pcm.length, pcm: new Int16Array(0), last: true });
      parts.push(pull(queue, pcm.length));
      assert.ok(queue.stats.underruns > 0, `seed ${seed}`);
      assertAllHeard(joined(parts), pcm);
    }
  });

  test("with a hole keeps later samples in their place, and a repetition is not heard", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(begun(0, loud(10)));
    queue.push(begun(0, loud(8)));
    queue.push({ segment: 0, offset: 15, pcm: loud(5), last: true });
    const levels = loudness(pull(queue, 25));
    levels.forEach((level, i) => assert.equal(level, i < 10 || (i >= 15 && i < 20) ? 1 : 0));
  });

  test("makes the prebuffer larger, and ten calm segments make it small again", () => {
    const queue = new PlaybackQueue(RATE, { prebufferMs: 40, maxPrebufferMs: 50 });
    queue.push(begun(0, loud(1_000)));
    pull(queue, 1_000);
    assert.equal(queue.stats.prebufferMs, 50);
    queue.push({ segment: 0, offset: 1_000, pcm: loud(10), last: true });
    for (let dropped = 11; dropped < 30; dropped++) {
      queue.push(whole(dropped, loud(1_000)));
      pull(queue, 200);
      queue.drop(dropped);
      pull(queue, 200);
    }
    for (let segment = 1; segment <= 10; segment++) {
      pull(queue, 200);
      assert.equal(queue.stats.prebufferMs, 50);
      queue.push(whole(segment, loud(100)));
    }
    pull(queue, 200);
    assert.equal(queue.stats.prebufferMs, 40);
  });
});

describe("a listener who is behind", () => {
  test("hears the speech faster while more than 4 s wait", () => {
    const queue = new PlaybackQueue(RATE);
    const pcm = voice(RATE, 8, (time) => 120 + 10 * time);
    queue.push(whole(0, pcm));
    queue.push(whole(1, voice(RATE, 11, () => 150)));
    for (let i = 0; i < 1_300; i++) pull(queue, 128);
    const ended = queue.takeEvents().find((event) => event.type === "ended");
    assert.ok(ended?.type === "ended" && Math.abs(ended.playedMs / (8_000 / 1.2) - 1) < 0.03);
  });

  test("hears it at the same speed however much is pulled at once", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(whole(0, voice(RATE, 8, () => 120)));
    queue.push(whole(1, voice(RATE, 11, () => 150)));
    pull(queue, 1);
    assert.equal(queue.stats.speed, 1.2);
    assert.equal(queue.stats.waitingMs, 11_000);
    pull(queue, 7 * RATE);
    const ended = queue.takeEvents().find((event) => event.type === "ended");
    assert.ok(ended?.type === "ended" && Math.abs(ended.playedMs / (8_000 / 1.2) - 1) < 0.03);
    assert.equal(queue.stats.speed, 1);
  });

  test("is not sped up where an open segment has no more in store than it should", () => {
    const queue = new PlaybackQueue(RATE);
    const pcm = voice(RATE, 0.1, () => 150);
    queue.push(begun(0, pcm));
    queue.push(whole(1, voice(RATE, 11, () => 150)));
    for (let at = 0; at < pcm.length - 200; at += 100) {
      assert.deepEqual(pull(queue, 100), floats(pcm.subarray(at, at + 100)));
    }
  });

  test("is not sped into an underrun: what an open segment has in store stays", () => {
    const queue = new PlaybackQueue(RATE);
    queue.push(begun(0, new Int16Array(RATE)));
    queue.push(whole(1, voice(RATE, 11, () => 150)));
    for (let i = 0; i < 12; i++) pull(queue, 128);
    const left = queue.stats.queuedMs - queue.stats.waitingMs;
    assert.ok(left > 54 && left <= 60, `${left} ms`);
  });
});

test("beyond the bound the oldest waiting segment is dropped and said so", () => {
  const queue = new PlaybackQueue(RATE, { maxSeconds: 1 });
  queue.push(whole(0, loud(12_000)));
  pull(queue, 100);
  queue.push(whole(1, loud(6_000)));
  queue.push(whole(2, loud(9_000)));
  assert.deepEqual(queue.takeEvents()[1], { type: "dropped", segment: 1, at: 100, ms: 250 });
  assert.equal(queue.stats.waitingMs, 375);
});

test("beyond the bound the one that is heard is cut, and fades", () => {
  const queue = new PlaybackQueue(RATE, { maxSeconds: 1 });
  queue.push(begun(0, loud(24_000)));
  queue.push({ segment: 0, offset: 24_000, pcm: loud(240), last: false });
  queue.push({ segment: 0, offset: 24_240, pcm: loud(240), last: true });
  const heard = pull(queue, 24_100);
  assertFadesOut(heard, 24_000 - FADE);
  assert.deepEqual(queue.takeEvents(), [
    { type: "dropped", segment: 0, at: 0, ms: 10 },
    { type: "began", segment: 0, at: 0 },
    { type: "ended", segment: 0, at: 24_000, playedMs: 1_000 },
  ]);
});

test("what is left of a cut segment is given up when it is too little to fade in and out", () => {
  const queue = new PlaybackQueue(RATE, { maxSeconds: 1 });
  queue.push(begun(0, loud(PREBUFFER)));
  pull(queue, PREBUFFER - FADE - 10);
  queue.pause();
  pull(queue, 200);
  queue.push({ segment: 0, offset: PREBUFFER, pcm: loud(24_000), last: true });
  queue.push(whole(1, loud(100)));
  queue.resume();
  assert.ok(loudness(pull(queue, 100)).every((level) => level === 1));
});

test("without a prebuffer a segment begins as soon as it could fade out again", () => {
  const queue = new PlaybackQueue(RATE, { prebufferMs: 0 });
  queue.push(begun(0, loud(FADE)));
  assert.ok(silent(pull(queue, 128)));
  assert.deepEqual(types(queue), []);
  queue.push({ segment: 0, offset: FADE, pcm: loud(100), last: false });
  assert.ok(loudness(pull(queue, 100)).every((level) => level === 1));
});

test("a pull of 128 samples fills all of it, also when nothing is there", () => {
  assert.ok(silent(pull(new PlaybackQueue(RATE), 128)));
});
