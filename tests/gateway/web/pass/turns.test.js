// Proves whose turn it is: by a button that is held, tapped, or pressed by a key.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Turns } from "../../../../gateway/web/pass/turns.js";

/** @type {string[]} */
let told;
/** @type {Turns} */
let turns;

beforeEach(() => {
  told = [];
  turns = new Turns({ begin: (side) => told.push(`${side} begins`), end: (side) => told.push(`${side} ends`) });
});

test("who holds the button speaks until it is let go", () => {
  turns.press("near", 1_000);
  assert.equal(turns.speaking, "near");
  turns.release("near", 3_000);
  assert.deepEqual([told, turns.speaking], [["near begins", "near ends"], undefined]);
});

test("who taps it speaks until it is tapped again", () => {
  turns.press("far", 1_000);
  turns.release("far", 1_100);
  assert.equal(turns.speaking, "far");
  turns.press("far", 9_000);
  turns.release("far", 9_500);
  assert.deepEqual(told, ["far begins", "far ends"]);
});

test("the button of the other half ends the turn and begins its own", () => {
  turns.press("near", 1_000);
  turns.release("near", 1_100);
  turns.press("far", 5_000);
  assert.deepEqual(told, ["near begins", "near ends", "far begins"]);
  turns.release("near", 6_000);
  assert.equal(turns.speaking, "far", "a finger that was still there takes nothing away");
  turns.release("far", 6_000);
  assert.equal(turns.speaking, undefined);
});

test("a key takes the turn and gives it back", () => {
  turns.toggle("near");
  turns.toggle("far");
  turns.toggle("far");
  assert.deepEqual(told, ["near begins", "near ends", "far begins", "far ends"]);
});

test("a conversation that ends ends the turn, once", () => {
  turns.press("near", 0);
  turns.end();
  turns.end();
  turns.release("near", 5_000);
  assert.deepEqual(told, ["near begins", "near ends"]);
});
