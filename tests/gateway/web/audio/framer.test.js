// Proves that frames hold 20 ms of mono speech at 16 kHz with its levels, whatever the microphone gives.
import assert from "node:assert/strict";
import { test } from "node:test";

import { FRAME_SAMPLES, Framer, SPEECH_RATE } from "../../../../gateway/web/audio/framer.js";

/** @param {...number} values */
const frameOf = (...values) =>
  Float32Array.from({ length: FRAME_SAMPLES }, (_, i) => values[i % values.length]);

/** @param {Float32Array[]} channels */
const framed = (...channels) => new Framer(SPEECH_RATE).push(channels);

test("a frame is 20 ms", () => {
  assert.equal(FRAME_SAMPLES / SPEECH_RATE, 0.02);
});

test("at the gateway's rate the samples are only rounded", () => {
  const [{ pcm }] = framed(frameOf(0, 0.5, -0.5, 0.7 / 32_768, -0.7 / 32_768, 0.4 / 32_768));
  assert.deepEqual([...pcm.subarray(0, 6)], [0, 16_384, -16_384, 1, -1, 0]);
  assert.equal(pcm.length, FRAME_SAMPLES);
});

test("what is too loud is clipped, not wrapped", () => {
  const [{ pcm, peak, rms }] = framed(frameOf(1, -1, 1.5, -7));
  assert.deepEqual([...pcm.subarray(0, 4)], [32_767, -32_768, 32_767, -32_768]);
  assert.deepEqual([peak, rms], [1, 1]);
});

test("peak is the largest magnitude and rms the root of the mean power, of one frame", () => {
  const [first, second] = framed(Float32Array.from([...frameOf(0.25, -0.75), ...frameOf(0.5, 0)]));
  assert.equal(first.peak, 0.75);
  assert.ok(Math.abs(first.rms - Math.sqrt((0.25 ** 2 + 0.75 ** 2) / 2)) < 1e-12);
  assert.equal(second.peak, 0.5);
  assert.ok(Math.abs(second.rms - Math.sqrt(0.125)) < 1e-12);
});

test("channels are mixed to one as loud as the loudest", () => {
  const [alike] = framed(frameOf(0.5, -0.25), frameOf(0.5, -0.25), frameOf(0.5, -0.25));
  assert.deepEqual([...alike.pcm.subarray(0, 2)], [16_384, -8_192]);
  const [alone] = framed(frameOf(0, 0), frameOf(0.5, -0.25));
  assert.deepEqual([...alone.pcm.subarray(0, 2)], [16_384, -8_192]);
});

test("the number of channels and the length of blocks may change between pushes", () => {
  const framer = new Framer(SPEECH_RATE);
  const half = (value) => new Float32Array(FRAME_SAMPLES / 2).fill(value);
  const stereo = [half(0.25), half(0.25)];
  assert.equal(framer.push(stereo).length, 0);
  const rest = [new Float32Array(10).fill(0.5), new Float32Array(10).fill(0.5)];
  assert.equal(framer.push(rest).length, 0);
  const [{ pcm }] = framer.push([half(1)]);
  assert.deepEqual([pcm[0], pcm[FRAME_SAMPLES / 2], pcm[FRAME_SAMPLES / 2 + 10]], [8_192, 16_384, 32_767]);
});

test("the channels are left as they were and may be used again", () => {
  const framer = new Framer(SPEECH_RATE);
  const block = new Float32Array(FRAME_SAMPLES / 2).fill(0.5);
  framer.push([block, block]);
  assert.equal(block[0], 0.5);
  block.fill(0.25);
  const [{ pcm }] = framer.push([block, block]);
  assert.deepEqual([pcm[0], pcm[FRAME_SAMPLES - 1]], [16_384, 8_192]);
});

test("no channels give no frame and no time", () => {
  const framer = new Framer(SPEECH_RATE);
  framer.push([frameOf(0.5).subarray(1)]);
  assert.equal(framer.push([]).length, 0);
  assert.equal(framer.push([Float32Array.of(0.5)]).length, 1);
});

for (const rate of [8_000, 44_100, 48_000, 96_000]) {
  test(`a second of ${rate} Hz in blocks of 128 becomes 50 frames but for the filter's delay`, () => {
    const framer = new Framer(rate);
    const pcm = [];
    for (let at = 0; at < rate; at += 128) {
      const block = Float32Array.from({ length: Math.min(128, rate - at) }, (_, i) =>
        0.5 * Math.sin((2 * Math.PI * 1_000 * (at + i)) / rate));
      for (const frame of framer.push([block])) pcm.push(...frame.pcm);
    }
    assert.equal(pcm.length, 49 * FRAME_SAMPLES);
    for (let i = 400; i < pcm.length; i++) {
      const expected = 16_384 * Math.sin((2 * Math.PI * 1_000 * i) / SPEECH_RATE);
      assert.ok(Math.abs(pcm[i] - expected) < 20, `sample ${i}`);
    }
  });
}

test("frames are independent of each other and of the framer", () => {
  const [first, second] = framed(Float32Array.from([...frameOf(0.5), ...frameOf(0.25)]));
  assert.notEqual(first.pcm.buffer, second.pcm.buffer);
  assert.equal(first.pcm.buffer.byteLength, 2 * FRAME_SAMPLES);
  assert.equal(first.pcm[0], 16_384);
});
