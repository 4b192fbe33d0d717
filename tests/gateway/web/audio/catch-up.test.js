// Proves that late speech is heard faster at the same pitch, without clicks, and is untouched otherwise.
import assert from "node:assert/strict";
import { test } from "node:test";

import { CatchUp, speedFor } from "../../../../gateway/web/audio/catch-up.js";
import { SegmentAudio } from "../../../../gateway/web/audio/segment-audio.js";
import { floats, joined, largestJump, noise, pitchAt, voice } from "./signals.js";

const RATES = [8_000, 24_000, 48_000];
/** Waiting speech (ms) with which it is as fast as ever, 1.1 times as fast, and as fast as it may be. */
const SLOWEST = 4_000;
const FASTER = 7_000;
const FASTEST = 10_000;

/** @param {number} time */
const glide = (time) => 140 + 50 * Math.sin(1.5 * time);

/**
 * What is heard of a segment while so much waits.
 * @param {Int16Array} pcm
 * @param {number} rate
 * @param {number} waitingMs
 */
function heardOf(pcm, rate, waitingMs, kept = 0) {
  const catchUp = new CatchUp(rate);
  const speech = new SegmentAudio(0);
  speech.add(0, pcm, true);
  const out = new Float32Array(pcm.length);
  let heard = 0;
  while (speech.available > 0) {
    catchUp.follow(waitingMs);
    catchUp.trim(speech, speech.available - kept);
    const count = Math.min(speech.available, 128, catchUp.stride);
    speech.take(out, heard, count);
    catchUp.heard(out, heard, heard + count);
    heard += count;
  }
  return out.subarray(0, heard);
}

/** The longest run below -50 dBFS. @param {Float32Array} samples */
function longestSilence(samples) {
  let longest = 0;
  let run = 0;
  for (const sample of samples) {
    run = Math.abs(sample) < 0.00316 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest;
}

test("the speed rises evenly from 1 at 4 s to 1.2 at 10 s of waiting speech", () => {
  const waiting = [0, 4_000, 5_500, 7_000, 10_000, 60_000];
  assert.deepEqual(waiting.map(speedFor), [1, 1, 1.05, 1.1, 1.2, 1.2]);
});

test("up to 4 s of waiting speech nothing is touched: the server speaks faster by itself", () => {
  const pcm = joinedPcm(voice(24_000, 1, glide), new Int16Array(12_000), voice(24_000, 1, glide));
  assert.deepEqual(heardOf(pcm, 24_000, SLOWEST), floats(pcm));
});

for (const rate of RATES) {
  for (const waitingMs of [FASTER, FASTEST]) {
    const speed = speedFor(waitingMs);
    const pcm = voice(rate, 8, glide);
    const heard = heardOf(pcm, rate, waitingMs);

    test(`a voice at ${rate} Hz is heard ${speed} times as fast, within 3 %`, () => {
      const ratio = pcm.length / heard.length;
      assert.ok(Math.abs(ratio / speed - 1) < 0.03, `${ratio}`);
    });

    test(`it has no click at ${rate} Hz and ${speed}`, () => {
      const jump = largestJump(heard) / largestJump(floats(pcm));
      assert.ok(jump <= 1.2, `${jump}`);
    });

    test(`it keeps its pitch at ${rate} Hz and ${speed}`, () => {
      for (let seconds = 0.2; seconds < heard.length / rate - 0.2; seconds += 0.25) {
        const pitch = pitchAt(heard, Math.round(seconds * rate), rate);
        const wanted = glide((seconds + 0.02) * speed);
        assert.ok(Math.abs(pitch / wanted - 1) < 0.05, `${pitch} Hz, not ${wanted}, at ${seconds} s`);
      }
    });
  }
}

test("most samples are those that were there", () => {
  const pcm = voice(24_000, 2, glide);
  const places = new Map(Array.from(pcm, (_, i) => [pcm.subarray(i, i + 4).join(), i]));
  const heard = Array.from(heardOf(pcm, 24_000, FASTEST), (sample) => sample * 32_768);
  const same = heard.filter((_, i) => places.has(heard.slice(i, i + 4).join()));
  assert.ok(same.length > 0.6 * heard.length, `${same.length} of ${heard.length}`);
});

test("noise has no pitch and is heard faster all the same", () => {
  const pcm = noise(10 * 24_000, 5);
  const ratio = pcm.length / heardOf(pcm, 24_000, FASTEST).length;
  assert.ok(ratio > 1.12 && ratio < 1.21, `${ratio}`);
});

test("silence is shortened to 120 ms, and what is around it stays", () => {
  for (const rate of RATES) {
    const loud = voice(rate, 0.5, () => 150);
    const pcm = joinedPcm(loud, noise(rate, 6, 90), loud);
    const heard = heardOf(pcm, rate, FASTER);
    const silence = (longestSilence(heard) / rate) * 1_000;
    assert.ok(silence > 110 && silence < 121, `${silence} ms at ${rate} Hz`);
    const tail = pcm.slice(-Math.round(0.02 * rate));
    assert.deepEqual(heard.slice(-tail.length), floats(tail));
    assert.ok(largestJump(heard) <= 1.2 * largestJump(floats(pcm)));
  }
});

test("the end of a silence is kept: speech may begin softly", () => {
  const soft = noise(1_200, 7, 90);
  const loud = voice(24_000, 0.1, () => 150);
  const heard = heardOf(joinedPcm(new Int16Array(24_000), soft, loud), 24_000, FASTER);
  const onset = heard.findIndex((sample) => Math.abs(sample) > 0.01);
  const before = floats(soft);
  assert.ok(joined([heard.subarray(0, onset)]).join().includes(before.slice(0, 1_100).join()));
});

test("so is its beginning: speech may end softly", () => {
  const soft = noise(1_200, 7, 90);
  const loud = voice(24_000, 0.02, () => 150);
  const heard = heardOf(joinedPcm(loud, soft, new Int16Array(24_000), loud), 24_000, FASTER);
  assert.deepEqual(heard.subarray(0, 1_680), floats(joinedPcm(loud, soft)));
});

test("silence of 120 ms and below stays, several times and at the end", () => {
  const loud = voice(24_000, 0.01, () => 150);
  const silences = [2_000, 1_500, 2_640].map((count) => new Int16Array(count));
  const pcm = joinedPcm(loud, silences[0], loud, silences[1], loud, silences[2]);
  assert.deepEqual(heardOf(pcm, 24_000, FASTER), floats(pcm));
});

test("a place that is not like itself is put off for a while", () => {
  const pcm = noise(2_700, 8);
  assert.deepEqual(heardOf(pcm, 24_000, FASTEST), floats(pcm));
});

/** One that owes as much as it ever can. */
function owing() {
  const catchUp = new CatchUp(24_000);
  catchUp.follow(FASTEST);
  catchUp.heard(new Float32Array(240_000).fill(0.1), 0, 240_000);
  const speech = new SegmentAudio(0);
  speech.add(0, voice(24_000, 1, () => 150), true);
  return { catchUp, speech };
}

test("between two cuts as much is heard as was cut, and the joint before", () => {
  const { catchUp, speech } = owing();
  catchUp.trim(speech, speech.available);
  const lag = 24_000 - speech.available;
  assert.ok(lag > 0);
  catchUp.heard(new Float32Array(2 * lag - 1).fill(0.1), 0, 2 * lag - 1);
  catchUp.trim(speech, speech.available);
  assert.equal(24_000 - speech.available, lag);
  catchUp.heard(new Float32Array(1).fill(0.1), 0, 1);
  catchUp.trim(speech, speech.available);
  assert.ok(24_000 - speech.available > lag);
});

test("no more than 30 ms are made up for later", () => {
  const { catchUp, speech } = owing();
  catchUp.follow(SLOWEST + 1);
  for (let i = 0; i < 100; i++) {
    catchUp.trim(speech, speech.available);
    catchUp.heard(new Float32Array(128).fill(0.1), 0, 128);
  }
  assert.ok(24_000 - speech.available <= 735, `${24_000 - speech.available}`);
});

test("nothing is left out of samples that are to be kept", () => {
  const silence = joinedPcm(voice(24_000, 0.1, glide), new Int16Array(24_000));
  for (const pcm of [voice(24_000, 1, glide), silence]) {
    assert.deepEqual(heardOf(pcm, 24_000, FASTEST, pcm.length), floats(pcm));
  }
});

test("what was owed is forgotten once there is time again", () => {
  const { catchUp, speech } = owing();
  catchUp.follow(0);
  catchUp.follow(SLOWEST + 1);
  catchUp.trim(speech, speech.available);
  assert.equal(speech.available, 24_000);
});

/** @param {Int16Array[]} parts */
function joinedPcm(...parts) {
  return Int16Array.from(parts.flatMap((part) => Array.from(part)));
}
