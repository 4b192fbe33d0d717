// Proves that whoever is heard in any channel is heard in the mix, whatever the cable did to the others.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Framer } from "../../../../gateway/web/audio/framer.js";
import { Mixer } from "../../../../gateway/web/audio/mixer.js";
import { random } from "./signals.js";

const RATE = 16_000;

/** @param {number} hertz @param {number} seconds @param {number} [level] */
const tone = (hertz, seconds, level = 0.3) =>
  Float32Array.from({ length: RATE * seconds }, (_, i) => level * Math.sin((2 * Math.PI * hertz * i) / RATE));

/** @param {number} seconds @param {number} seed */
const noise = (seconds, seed) => {
  const next = random(seed);
  return Float32Array.from({ length: RATE * seconds }, () => 0.002 * (next() - 0.5));
};

/** @param {Float32Array} samples */
const inverted = (samples) => samples.map((sample) => -sample);

/** @param {Float32Array[]} parts */
const joined = (...parts) => Float32Array.from(parts.flatMap((part) => [...part]));

/** @param {Float32Array[]} channels @param {number} [block] */
function mixed(channels, block = 1_600) {
  const mixer = new Mixer(RATE);
  const mono = new Float32Array(channels[0].length);
  for (let at = 0; at < mono.length; at += block) {
    mixer.mix(
      channels.map((channel) => channel.subarray(at, at + block)),
      mono.subarray(at, at + block),
    );
  }
  return mono;
}

/** @param {Float32Array} samples */
const loudness = (samples) => Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);

/** @param {number} given @param {number} wanted @param {number} share */
const near = (given, wanted, share) => assert.ok(Math.abs(given - wanted) <= share * wanted, `${given}, not ${wanted}`);

for (const block of [128, 1_600]) {
  test(`an inverted channel is turned over from the first sample on, in blocks of ${block}`, () => {
    const voice = tone(440, 1);
    const heard = mixed([voice, inverted(voice)], block);
    for (let i = 0; i < voice.length; i++) assert.ok(Math.abs(Math.abs(heard[i]) - Math.abs(voice[i])) < 1e-6);
  });

  test(`an inverted channel behind noise loses nothing of the voice, in blocks of ${block}`, () => {
    const voice = tone(440, 1);
    const heard = mixed([joined(noise(1, 1), voice), joined(noise(1, 2), inverted(voice))], block);
    near(loudness(heard.subarray(RATE + 320)), loudness(voice), 0.03);
  });
}

test("equal channels come through unchanged", () => {
  const voice = tone(440, 0.5);
  assert.deepEqual(mixed([voice, voice]), voice);
});

test("a polarity that changes in the middle does not click", () => {
  const voice = tone(440, 2);
  const heard = mixed([joined(voice, voice), joined(voice, inverted(voice))]);
  /** @param {Float32Array} samples */
  const steepest = (samples) => samples.reduce((most, s, i) => Math.max(most, i ? Math.abs(s - samples[i - 1]) : 0), 0);
  assert.ok(steepest(heard) < 1.5 * steepest(voice));
  near(loudness(heard.subarray(-RATE)), loudness(voice), 0.03);
});

test("one microphone of many is as loud as alone, and a second speaker is heard at once", () => {
  const voice = tone(440, 1);
  const silent = new Float32Array(voice.length);
  const rest = Array.from({ length: 6 }, () => joined(silent, silent));
  const heard = mixed([joined(voice, silent), joined(silent, voice), ...rest]);
  near(loudness(heard.subarray(0, RATE)), loudness(voice), 0.01);
  assert.ok(loudness(heard.subarray(RATE, RATE + 1_600)) > 0.5 * loudness(voice));
});

test("the centre of surround sound is as loud as alone and low effects are left out", () => {
  const voice = tone(440, 1);
  const silent = new Float32Array(voice.length);
  const heard = mixed([silent, silent, voice, tone(40, 1, 0.2), silent, silent]);
  near(loudness(heard), loudness(voice), 0.01);
});

test("a microphone with an inverted channel gives the frames of the other", () => {
  const voice = tone(440, 0.1);
  const left = new Framer(RATE).push([voice]);
  const both = new Framer(RATE).push([voice, inverted(voice)]);
  assert.equal(both.length, left.length);
  for (const [number, frame] of both.entries()) near(frame.rms, left[number].rms, 0.001);
});
