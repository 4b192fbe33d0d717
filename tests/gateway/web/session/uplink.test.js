// Proves that recorded speech is sent again after a lost connection, bounded, with every place known.
import assert from "node:assert/strict";
import { test } from "node:test";

import { FRAME_SAMPLES } from "../../../../gateway/web/audio/framer.js";
import { Uplink } from "../../../../gateway/web/session/uplink.js";

/** A frame that carries its number. @param {number} number */
const frame = (number) => new Int16Array(FRAME_SAMPLES).fill(number);
/** @param {number} count of frames */
const samples = (count) => count * FRAME_SAMPLES;

/** @param {number} limit in frames  @param {number} [recorded] frames, numbered from 0 */
function uplink(limit, recorded = 0) {
  const made = new Uplink(samples(limit));
  record(made, 0, recorded);
  return made;
}

function record(to, from, until) {
  for (let n = from; n < until; n++) to.push(frame(n));
}

/** The numbers of up to `most` frames sent now. */
function sent(from, most = Infinity) {
  const numbers = [];
  while (numbers.length < most) {
    const pcm = from.next();
    if (pcm === undefined) break;
    numbers.push(pcm[0]);
  }
  return numbers;
}

test("frames are sent in order, each once", () => {
  const line = uplink(10, 3);
  assert.deepEqual(sent(line), [0, 1, 2]);
  assert.equal(line.next(), undefined);
  record(line, 3, 4);
  assert.deepEqual(sent(line), [3]);
  assert.equal(line.end, samples(4));
});

test("a new connection is sent again what is not settled", () => {
  const line = uplink(10, 5);
  sent(line, 4);
  line.settle(samples(2));
  assert.equal(line.begin(), samples(2));
  assert.deepEqual(sent(line), [2, 3, 4]);
});

test("without anything settled a new connection begins at the start", () => {
  const line = uplink(10, 2);
  sent(line);
  assert.equal(line.begin(), 0);
  assert.deepEqual(sent(line), [0, 1]);
});

test("settling frees whole frames only", () => {
  const line = uplink(10, 4);
  sent(line);
  line.settle(samples(2) - 1);
  assert.equal(line.kept, samples(3));
  line.settle(samples(2));
  assert.equal(line.kept, samples(2));
});

test("what this connection was not sent is never settled, though another one sent it", () => {
  const line = uplink(10, 4);
  sent(line);
  line.begin();
  sent(line, 1);
  line.settle(samples(4));
  assert.equal(line.kept, samples(3));
  assert.deepEqual(sent(line), [1, 2, 3]);
});

test("an older place settles nothing more", () => {
  const line = uplink(10, 4);
  sent(line);
  line.settle(samples(3));
  line.settle(samples(1));
  assert.equal(line.kept, samples(1));
});

test("what waits is what this connection was not sent", () => {
  const line = uplink(10, 4);
  assert.equal(line.waiting, samples(4));
  sent(line, 3);
  assert.equal(line.waiting, samples(1));
  line.begin();
  assert.equal(line.waiting, samples(4));
});

test("at the limit the oldest frame goes, and is lost when it was never sent", () => {
  const line = uplink(3, 5);
  assert.equal(line.kept, samples(3));
  assert.equal(line.lost, samples(2));
  assert.equal(line.waiting, samples(3));
  assert.deepEqual(sent(line), [2, 3, 4]);
});

test("at the limit a frame that any connection was sent is no loss", () => {
  const line = uplink(3, 3);
  sent(line, 2);
  record(line, 3, 4);
  assert.equal(line.begin(), samples(1));
  record(line, 4, 5);
  assert.equal(line.lost, 0);
  record(line, 5, 6);
  assert.equal(line.lost, samples(1));
});

test("places and the gateway's count are the same until something is dropped", () => {
  const line = uplink(3, 3);
  assert.equal(line.placeOf(777), 777);
});

test("a new connection counts from the place where it began", () => {
  const line = uplink(10, 5);
  sent(line);
  line.settle(samples(2));
  line.begin();
  assert.equal(line.placeOf(10), samples(2) + 10);
});

test("behind dropped frames the places go on exactly", () => {
  const line = uplink(3, 3);
  sent(line, 1);
  record(line, 3, 6); // 1 and 2 are dropped
  sent(line, 1);
  assert.equal(line.placeOf(samples(1) - 1), samples(1) - 1);
  assert.equal(line.placeOf(samples(1)), samples(3));
});

test("what is dropped before the first frame leaves moves the beginning", () => {
  const line = uplink(3, 3);
  line.begin();
  record(line, 3, 5);
  line.next();
  assert.equal(line.placeOf(0), samples(2));
});

test("however much is dropped, the places of the last frames sent are exact and memory is bounded", () => {
  const limit = 4;
  const line = uplink(limit, limit);
  const places = [];
  for (let n = limit; n < 2_000; n += 2) {
    record(line, n, n + 2);
    places.push(samples(line.next()[0]));
  }
  for (let back = 1; back <= limit; back++) {
    const session = places.length - back;
    assert.equal(line.placeOf(samples(session)), places[session]);
  }
  const forgotten = places.length - limit - 1;
  assert.notEqual(line.placeOf(samples(forgotten)), places[forgotten], "older jumps are not kept");
});

test("in any order of calls, what is sent has the place that is told of it", () => {
  let state = 7;
  const random = (below) => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % 65_536 % below;
  for (let round = 0; round < 50; round++) {
    const line = uplink(1 + random(20));
    const ever = new Set();
    let recorded = 0;
    let count = 0;
    for (let step = 0; step < 400; step++) {
      const act = random(12);
      if (act < 6) record(line, recorded, ++recorded);
      else if (act < 10) {
        for (const number of sent(line, 1)) {
          ever.add(number);
          assert.equal(line.placeOf(samples(count)), samples(number));
          count++;
        }
      } else if (act === 10) line.settle(line.placeOf(random(samples(count) + 1)));
      else if (random(8) === 0) {
        line.begin();
        count = 0;
      }
    }
    const left = line.waiting / FRAME_SAMPLES;
    for (const number of sent(line)) ever.add(number);
    assert.ok(left <= line.kept / FRAME_SAMPLES || left === 0);
    assert.equal(ever.size + line.lost / FRAME_SAMPLES, recorded, "every frame was sent or counted as lost");
  }
});

test("frames of another length and limits below one frame are refused", () => {
  assert.throws(() => new Uplink().push(new Int16Array(FRAME_SAMPLES - 1)), RangeError);
  for (const limit of [0, FRAME_SAMPLES - 1, -5, NaN]) assert.throws(() => new Uplink(limit), RangeError);
});

test("half a minute is kept unless told otherwise", () => {
  const line = new Uplink();
  record(line, 0, 1_501);
  assert.equal(line.kept, 480_000);
});

test("a slice is what lies between two places, in whole frames, as far as it is kept", () => {
  const line = uplink(4, 6);
  const numbers = (from, to) => [...new Set(line.slice(from, to))];
  assert.deepEqual(numbers(samples(3), samples(5)), [3, 4]);
  assert.deepEqual(numbers(samples(3) + 1, samples(4) + 1), [3, 4]);
  assert.deepEqual(numbers(0, samples(3)), [2]);
  assert.deepEqual(numbers(samples(5), samples(99)), [5]);
  assert.equal(line.slice(samples(9), samples(12)).length, 0);
  assert.equal(line.slice(samples(4), samples(3)).length, 0);
});
