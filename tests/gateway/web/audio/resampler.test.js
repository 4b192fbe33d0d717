// Proves that resampling keeps tones, removes what does not fit, keeps time, and is deaf to how input is cut.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Resampler } from "../../../../gateway/web/audio/resampler.js";

const RATES = [[48_000, 16_000], [44_100, 16_000], [16_000, 48_000], [24_000, 44_100], [192_000, 8_000]];

/** A quarter of a second of a tone. @param {number} hertz  @param {number} rate */
const tone = (hertz, rate) =>
  Float32Array.from({ length: rate / 4 }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate));

/** @param {number} power */
const decibels = (power) => 10 * Math.log10(power);

/** Mean power between the ends, where the filter sees nothing but tone. @param {Float32Array} samples */
function power(samples) {
  const middle = samples.subarray(samples.length >> 3, -(samples.length >> 3));
  return middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length;
}

/** The same tone at the other rate, and what came out of the resampler. */
function resampled(hertz, from, to) {
  const resampler = new Resampler(from, to);
  return { expected: tone(hertz, to), found: resampler.push(tone(hertz, from)) };
}

/** Numbers from 0 to 1, the same each time. @param {number} seed */
function* random(seed) {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

/** @param {Resampler} resampler  @param {Float32Array} input  @param {() => number} length of the next cut */
function inCuts(resampler, input, length) {
  const output = [];
  for (let at = 0; at < input.length; ) {
    const cut = length();
    output.push(...resampler.push(input.subarray(at, at + cut)));
    at += cut;
  }
  output.push(...resampler.flush());
  return Float32Array.from(output);
}

for (const [from, to] of RATES) {
  const nyquist = Math.min(from, to) / 2;

  test(`${from} to ${to}: tones below 0.9 of the Nyquist frequency keep amplitude and phase`, () => {
    for (const share of [0.01, 0.13, 0.5, 0.77, 0.9]) {
      const { expected, found } = resampled(share * nyquist, from, to);
      const error = found.map((sample, i) => sample - expected[i]);
      const level = decibels(power(found) / power(expected.subarray(0, found.length)));
      assert.ok(Math.abs(level) < 0.1, `${share}: level ${level} dB`);
      assert.ok(decibels(power(error) / 0.5) < -70, `${share}: error ${decibels(power(error) / 0.5)} dB`);
    }
  });

  test(`${from} to ${to}: a constant stays one`, () => {
    const found = new Resampler(from, to).push(new Float32Array(from / 4).fill(0.5));
    for (const sample of found.subarray(found.length >> 2)) assert.ok(Math.abs(sample - 0.5) < 1e-6);
  });

  test(`${from} to ${to}: an impulse stays at its time`, () => {
    const at = from / 50; // 20 ms is a whole sample at all of these rates
    const input = new Float32Array(from / 10);
    input[at] = 1;
    const resampler = new Resampler(from, to);
    const found = [...resampler.push(input), ...resampler.flush()];
    const center = to / 50;
    assert.equal(found.indexOf(Math.max(...found)), center);
    for (let i = 1; i < center / 2; i++) assert.ok(Math.abs(found[center - i] - found[center + i]) < 1e-6);
  });

  test(`${from} to ${to}: with flush the output is as long as the input`, () => {
    for (const length of [0, 1, 127, 128, 1_000, 4_801]) {
      const resampler = new Resampler(from, to);
      const pushed = resampler.push(new Float32Array(length)).length;
      assert.equal(pushed + resampler.flush().length, Math.ceil((length * to) / from));
    }
  });

  test(`${from} to ${to}: the output does not depend on how the input is cut`, () => {
    const numbers = random(from + to);
    const number = () => numbers.next().value;
    const input = Float32Array.from({ length: 9_000 }, () => number() - 0.5);
    const whole = inCuts(new Resampler(from, to), input, () => input.length);
    for (const longest of [1, 3, 128, 3_000]) {
      const cut = inCuts(new Resampler(from, to), input, () => Math.floor(number() * (longest + 1)));
      assert.deepEqual(cut, whole);
    }
  });
}

for (const [from, to] of [[48_000, 16_000], [44_100, 16_000], [192_000, 8_000]]) {
  test(`${from} to ${to}: tones from the new Nyquist frequency on vanish`, () => {
    for (const share of [1, 1.05, 1.3, 2, 2.7]) {
      const { found } = resampled(Math.min((share * to) / 2, 0.49 * from), from, to);
      assert.ok(decibels(power(found) / 0.5) < -70, `${share}: ${decibels(power(found) / 0.5)} dB`);
    }
  });
}

test("rates without a common measure are resampled with the nearest of many phases", () => {
  const { expected, found } = resampled(1_000, 44_101 * 4, 48_000);
  const error = found.map((sample, i) => sample - expected[i]);
  assert.ok(decibels(power(error) / 0.5) < -70);
});

test("equal rates pass the samples through at once, as a copy", () => {
  const input = Float32Array.of(0.1, -1, 2);
  const resampler = new Resampler(16_000, 16_000);
  const output = resampler.push(input);
  assert.deepEqual(output, input);
  assert.notEqual(output.buffer, input.buffer);
  assert.equal(resampler.flush().length, 0);
});

test("a stream is answered with no more delay than 3 ms of a microphone at 48 kHz", () => {
  const resampler = new Resampler(48_000, 16_000);
  assert.ok(resampler.push(new Float32Array(4_800)).length >= 1_600 - 48);
});

test("pushing into memory of the caller writes what push returns, and no more", () => {
  const input = tone(440, 48_000);
  const expected = new Resampler(48_000, 16_000).push(input);
  const resampler = new Resampler(48_000, 16_000);
  const output = new Float32Array(expected.length + 1).fill(9);
  assert.equal(resampler.due(input.length), expected.length);
  assert.equal(resampler.pushInto(input, output), expected.length);
  assert.deepEqual(output.subarray(0, -1), expected);
  assert.equal(output.at(-1), 9);
});

test("after a flush the resampler is as new", () => {
  const input = tone(440, 44_100).subarray(100); // ends between two samples of the output
  const resampler = new Resampler(44_100, 16_000);
  const first = [...resampler.push(input), ...resampler.flush()];
  assert.deepEqual([...resampler.push(input), ...resampler.flush()], first);
});

test("rates that are no positive integers are refused", () => {
  for (const rate of [0, -8_000, 44_100.5, NaN, Infinity, "48000"]) {
    assert.throws(() => new Resampler(rate, 16_000), RangeError);
    assert.throws(() => new Resampler(48_000, rate), RangeError);
  }
});
