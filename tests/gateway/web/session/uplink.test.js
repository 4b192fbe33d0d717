// Proves that recorded speech is sent on after a lost connection from where the server has it, bounded, with every
// place known.
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

/** A session that the server keeps goes on from this sample on; the numbers of the frames sent then. */
function resumed(line, from, most = Infinity) {
  line.resume(from);
  return sent(line, most);
}

test("a session that goes on is sent what the server asks for, to the sample", () => {
  const line = uplink(10, 5);
  sent(line, 4);
  line.resume(samples(2) + 100);
  assert.equal(line.waiting, samples(3) - 100);
  const rest = line.next();
  assert.deepEqual([rest?.length, rest?.[0]], [FRAME_SAMPLES - 100, 2]);
  assert.deepEqual(sent(line), [3, 4]);
});

test("a server that has all is sent only what is new", () => {
  const line = uplink(10, 5);
  sent(line);
  assert.deepEqual(resumed(line, samples(5)), []);
  record(line, 5, 6);
  assert.deepEqual(sent(line), [5]);
});

test("a new session is sent what the one before did not have", () => {
  const line = uplink(10, 5);
  sent(line, 4);
  line.acknowledge(samples(2));
  assert.equal(line.unsafe, samples(3));
  assert.equal(line.begin(), samples(2));
  assert.deepEqual(sent(line), [2, 3, 4]);
});

test("a new session can be sent again what the one before had, as far as it is kept", () => {
  const line = uplink(4, 4);
  sent(line);
  line.acknowledge(samples(4));
  line.rewind(samples(1) + 7.5);
  assert.equal(line.begin(), samples(1) + 7);
  assert.equal(line.next()?.length, FRAME_SAMPLES - 7);
  record(line, 4, 6);
  line.rewind(0);
  assert.equal(line.begin(), samples(2));
  assert.deepEqual(sent(line), [2, 3, 4, 5]);
});

test("without anything acknowledged a new session begins at the start", () => {
  const line = uplink(10, 2);
  sent(line);
  assert.equal(line.begin(), 0);
  assert.deepEqual(sent(line), [0, 1]);
});

test("what was not sent is not safe, whatever the server says", () => {
  const line = uplink(10, 4);
  sent(line, 2);
  line.acknowledge(samples(4));
  assert.equal(line.unsafe, samples(2));
});

test("an older word of the server takes nothing back", () => {
  const line = uplink(10, 4);
  sent(line);
  line.acknowledge(samples(3));
  line.acknowledge(samples(1));
  assert.equal(line.unsafe, samples(1));
});

test("what waits is what this connection was not sent", () => {
  const line = uplink(10, 4);
  assert.equal(line.waiting, samples(4));
  sent(line, 3);
  assert.equal(line.waiting, samples(1));
  line.resume(samples(1));
  assert.equal(line.waiting, samples(3));
});

test("at the limit the oldest frame goes, and is lost when it was never sent", () => {
  const line = uplink(3, 5);
  assert.equal(line.waiting, samples(3));
  assert.deepEqual(sent(line), [2, 3, 4]);
  assert.equal(line.lost, samples(2));
});

test("what the server asks for and is not kept any more is lost, to the sample and once", () => {
  const line = uplink(3, 3);
  sent(line);
  record(line, 3, 5);
  assert.equal(line.held, samples(2));
  assert.deepEqual(resumed(line, samples(1) + 20), [2, 3, 4]);
  assert.equal(line.lost, samples(1) - 20);
  line.begin();
  assert.equal(line.lost, samples(1) - 20);
});

test("what the server had is no loss when it goes", () => {
  const line = uplink(3, 3);
  sent(line);
  line.acknowledge(samples(2));
  record(line, 3, 5);
  line.begin();
  assert.equal(line.lost, 0);
  record(line, 5, 9);
  line.begin();
  assert.equal(line.lost, samples(4));
});

test("of a server that does not tell what it has only what was never sent counts as lost", () => {
  const line = uplink(3, 3);
  sent(line);
  line.acknowledge(samples(1), false);
  record(line, 3, 6);
  line.begin();
  assert.equal(line.lost, 0);
  record(line, 6, 10);
  line.begin();
  assert.equal(line.lost, samples(4));
});

test("what is held is the first sample that can still be sent, as the session counts", () => {
  const line = uplink(3, 3);
  sent(line, 2);
  assert.equal(line.held, 0);
  record(line, 3, 4);
  assert.equal(line.held, samples(1));
  record(line, 4, 7); // 2 and 3 were never sent, and have no number
  assert.equal(line.held, samples(2));
  sent(line, 1);
  assert.equal(line.held, samples(2));
  line.acknowledge(samples(2));
  line.begin();
  assert.equal(line.held, 0);
});

test("places and the gateway's count are the same until something is dropped", () => {
  const line = uplink(3, 3);
  assert.equal(line.placeOf(777), 777);
});

test("a new session counts from the place where it began", () => {
  const line = uplink(10, 5);
  sent(line);
  line.acknowledge(samples(2));
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
    let count = 0; // samples that the session was sent
    for (let step = 0; step < 400; step++) {
      const act = random(14);
      if (act < 6) record(line, recorded, ++recorded);
      else if (act < 10) {
        const first = line.first;
        const piece = line.next();
        if (!piece) continue;
        ever.add(piece[0]);
        const place = samples(piece[0] + 1) - piece.length;
        assert.ok(place >= first);
        assert.equal(line.placeOf(count), place);
        count += piece.length;
      } else if (act === 10) line.acknowledge(random(count + 1));
      else if (act === 11 && line.held <= count) {
        count = line.held + random(count - line.held + 1);
        line.resume(count);
      } else if (random(8) === 0) {
        line.begin();
        count = 0;
      }
    }
    for (const number of sent(line)) ever.add(number);
    assert.ok(ever.size + line.lost / FRAME_SAMPLES >= recorded, "every frame was sent or counted as lost");
    assert.ok(line.unsafe <= recorded * FRAME_SAMPLES);
  }
});

test("frames of another length and limits below one frame are refused", () => {
  assert.throws(() => new Uplink().push(new Int16Array(FRAME_SAMPLES - 1)), RangeError);
  for (const limit of [0, FRAME_SAMPLES - 1, -5, NaN]) assert.throws(() => new Uplink(limit), RangeError);
});

test("a minute is kept unless told otherwise", () => {
  const line = new Uplink();
  record(line, 0, 3_001);
  assert.equal(line.waiting, 960_000);
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
