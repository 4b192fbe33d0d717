// Proves that the page reads the audio frames of the golden vectors and ignores unknown text.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decode, encode, unpackAudio, WireError } from "../../../gateway/web/wire.js";

const vectors = JSON.parse(readFileSync(new URL("../../data/wire_vectors.json", import.meta.url), "utf-8"));

/** @param {string} hex */
const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16)).buffer;

for (const { name, hex, fields, samples } of [...vectors.frames, ...vectors.tolerated]) {
  test(`the frame is read: ${name}`, () => {
    const { pcm, ...rest } = unpackAudio(bytes(hex));
    assert.deepEqual(rest, fields);
    assert.deepEqual([...pcm], samples);
  });
}

for (const { name, hex } of vectors.refused) {
  test(`the frame is refused: ${name}`, () => {
    assert.throws(() => unpackAudio(bytes(hex)), WireError);
  });
}

test("a refusal has the code that the protocol gives to it", () => {
  assert.throws(() => unpackAudio(new ArrayBuffer(0)), { name: "WireError", code: "bad_audio_frame" });
});

test("the samples have a buffer of their own, without the header", () => {
  const { pcm } = unpackAudio(bytes(vectors.frames[0].hex));
  assert.equal(pcm.buffer.byteLength, 6);
});

test("a message of a known type comes as it is, fields of a newer server included", () => {
  const text = '{"type": "speech.started", "seq": 2, "t_ms": 912.4, "segment": 0, "newer": 1}';
  assert.deepEqual(decode(text), JSON.parse(text));
});

test("types of a newer server and all that is no object are ignored", () => {
  const texts = [
    '{"type": "newer.message"}', '{"type": "toString"}', '{"type": 1}', '{"type": ["pong"]}', "{}",
    "[]", "null", "7", '"pong"', '["pong"]', "", "no JSON", '{"type": "pong"',
  ];
  for (const text of texts) assert.equal(decode(text), undefined, text);
});

test("a message is sent as one JSON object, without the fields that have no value", () => {
  const text = encode({ type: "session.update", barge_in: "stop", vad: undefined });
  assert.deepEqual(JSON.parse(text), { type: "session.update", barge_in: "stop" });
});
