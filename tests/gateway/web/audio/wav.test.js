// Proves that WAV files are what players expect and that the speech of a part keeps its places.
import assert from "node:assert/strict";
import { test } from "node:test";

import { track, wav } from "../../../../gateway/web/audio/wav.js";

test("a file is a RIFF header of mono PCM16 and the samples, little-endian", () => {
  const file = Buffer.from(wav(Int16Array.of(1, -2, 32_767), 24_000));
  assert.equal(file.toString("latin1", 0, 4), "RIFF");
  assert.equal(file.toString("latin1", 8, 16), "WAVEfmt ");
  assert.equal(file.toString("latin1", 36, 40), "data");
  assert.equal(file.toString("hex", 4, 8), "2a000000"); // 42 bytes follow
  const format = ["10000000", "0100", "0100", "c05d0000", "80bb0000", "0200", "1000"];
  assert.equal(file.toString("hex", 16, 36), format.join(""));
  assert.equal(file.toString("hex", 40), ["06000000", "0100", "feff", "ff7f"].join(""));
});

test("a file without samples is a header", () => {
  const file = Buffer.from(wav(new Int16Array(0), 8_000));
  assert.equal(file.length, 44);
  assert.equal(file.readUInt32LE(4), 36);
});

test("a piece begins where the original one does, silence before it", () => {
  const pieces = [{ startMs: 2, pcm: Int16Array.of(1, 2) }, { startMs: 5, pcm: Int16Array.of(3) }];
  assert.deepEqual([...track(pieces, 1_000)], [0, 0, 1, 2, 0, 3]);
});

test("a piece begins later when the one before is not over", () => {
  const pieces = [{ startMs: 1, pcm: Int16Array.of(1, 2, 3) }, { startMs: 2, pcm: Int16Array.of(4) }];
  assert.deepEqual([...track(pieces, 1_000)], [0, 1, 2, 3, 4]);
});

test("a place between two samples is rounded down", () => {
  assert.deepEqual([...track([{ startMs: 1.99, pcm: Int16Array.of(7) }], 1_000)], [0, 7]);
});

test("no pieces are no samples", () => {
  assert.equal(track([], 24_000).length, 0);
});
