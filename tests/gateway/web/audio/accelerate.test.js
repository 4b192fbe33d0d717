// Proves that a stretch is left out by whole pitch periods, joined smoothly, and only where it fits.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Accelerator } from "../../../../gateway/web/audio/accelerate.js";
import { largestJump, noise, voice } from "./signals.js";

const RATES = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000];

test("what is left out is a pitch period or several, between 5 and 15 ms", () => {
  for (const rate of RATES) {
    for (const pitch of [80, 100, 137, 180, 220, 310]) {
      const samples = voice(rate, 0.1, () => pitch);
      const lag = new Accelerator(rate).leaveOut(samples, 20);
      const periods = (lag / rate) * pitch;
      const error = (Math.abs(periods - Math.round(periods)) / pitch) * rate;
      assert.ok(Math.round(periods) >= 1 && error < 1.01, `${periods} periods of ${pitch} Hz at ${rate} Hz`);
      assert.ok(lag >= 0.00499 * rate && lag <= 0.01501 * rate, `${lag} at ${rate} Hz`);
    }
  }
});

test("after it a steady voice goes on as if nothing were missing", () => {
  const samples = voice(24_000, 0.2, () => 120);
  const before = samples.slice();
  const start = 1_000;
  const lag = new Accelerator(24_000).leaveOut(samples, start);
  assert.ok(lag === 200 || lag === 199 || lag === 201, `${lag}`);
  for (let i = 0; i < lag; i++) assert.ok(Math.abs(samples[start + lag + i] - before[start + i]) < 2);
});

test("the joint blends from what would have been next to what comes later", () => {
  const samples = voice(24_000, 0.1, (time) => 100 + 200 * time);
  const before = samples.slice();
  const lag = new Accelerator(24_000).leaveOut(samples, 0);
  const near = (/** @type {number} */ i, /** @type {number} */ weight) =>
    assert.ok(Math.abs(samples[lag + i] - (1 - weight) * before[i] - weight * before[lag + i]) < 60);
  near(0, 0);
  near(Math.floor(lag / 2), 0.5);
  near(lag - 1, 1);
  const heard = samples.subarray(lag);
  assert.ok(largestJump(heard) <= 1.2 * largestJump(before));
});

test("all other samples stay as they are", () => {
  const samples = voice(24_000, 0.2, () => 150);
  const before = samples.slice();
  const lag = new Accelerator(24_000).leaveOut(samples, 500);
  assert.deepEqual(samples.subarray(0, 500 + lag), before.subarray(0, 500 + lag));
  assert.deepEqual(samples.subarray(500 + 2 * lag), before.subarray(500 + 2 * lag));
});

test("it looks no further than its reach", () => {
  for (const rate of RATES) {
    const accelerator = new Accelerator(rate);
    const samples = voice(rate, 0.1, () => 90);
    const short = samples.slice(0, 7 + accelerator.reach);
    assert.equal(accelerator.leaveOut(short, 7), accelerator.leaveOut(samples, 7));
    assert.deepEqual(short, samples.subarray(0, short.length));
  }
});

test("where nothing is alike enough all stays as it is", () => {
  const accelerator = new Accelerator(24_000);
  const samples = noise(2_000, 3);
  assert.equal(accelerator.leaveOut(samples, 0, 0.7), 0);
  assert.deepEqual(samples, noise(2_000, 3));
  const lag = accelerator.leaveOut(samples, 0);
  assert.ok(lag >= accelerator.leastLag && lag <= accelerator.mostLag);
});

test("what is quieter than -50 dBFS has no period", () => {
  const accelerator = new Accelerator(24_000);
  const samples = voice(24_000, 0.1, () => 100).map((sample) => sample / 200);
  assert.equal(accelerator.leaveOut(samples, 0), 0);
  assert.equal(accelerator.leaveOut(new Int16Array(2_000), 0), 0);
});
