// Proves that choices are kept, and that what is kept can never break the page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Preferences, yielding } from "../../../gateway/web/preferences.js";

/** @param {string} [kept] */
function drawer(kept) {
  let value = kept ?? null;
  return { getItem: () => value, setItem: (/** @type {string} */ _, /** @type {string} */ text) => (value = text) };
}

test("what was chosen is there the next time", () => {
  const storage = drawer();
  new Preferences(storage).set({ source: "fr", microphone: { id: "a", label: "Desk" }, surroundings: 3 });
  const { source, target, microphone, surroundings } = new Preferences(storage).choices;
  assert.deepEqual([source, target, microphone, surroundings], ["fr", "es", { id: "a", label: "Desk" }, 3]);
});

test("of a drawer with rubbish only what fits is taken", () => {
  const odd = { source: 5, size: "big", theme: "pink", microphone: { id: 1 }, surroundings: 7, volume: 40, other: 1, bargeIn: "shout" };
  const { choices } = new Preferences(drawer(JSON.stringify(odd)));
  assert.deepEqual(choices, { ...new Preferences(undefined).choices, volume: 40 });
  for (const kept of ["{", "null", "[]", "5", '"x"']) {
    assert.deepEqual(new Preferences(drawer(kept)).choices, new Preferences(undefined).choices);
  }
});

test("a browser that keeps nothing still takes choices for this visit", () => {
  const full = { getItem: () => null, setItem: () => { throw new Error("QuotaExceededError"); } };
  const preferences = new Preferences(full);
  preferences.set({ volume: 10 });
  assert.equal(preferences.choices.volume, 10);
});

test("one's own speech holds what comes out of a loudspeaker, not what is in the ear, unless it was chosen", () => {
  const { choices } = new Preferences(undefined);
  assert.equal(choices.headphones, false);
  assert.deepEqual([yielding(choices), yielding({ ...choices, headphones: true })], ["pause", "off"]);
  for (const bargeIn of /** @type {const} */ (["off", "pause", "stop"])) {
    assert.equal(yielding(new Preferences(drawer(JSON.stringify({ bargeIn }))).choices), bargeIn);
  }
});
