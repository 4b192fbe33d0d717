// Proves that a listener finds their language: by its own name, chosen before, or the browser's.

import assert from "node:assert/strict";
import { test } from "node:test";

import { choose, labels, nameIn } from "../../../../gateway/web/room/offer.js";
import { changedMeanwhile, sessionStart } from "../../../../gateway/web/room/start.js";
import { path } from "../../../../gateway/web/view/qr.js";

const OFFERED = [
  { tag: "en", name: "English", rtl: false },
  { tag: "es", name: "Spanish", rtl: false },
  { tag: "pt-BR", name: "Brazilian Portuguese", rtl: false },
  { tag: "ar", name: "Arabic", rtl: true },
];

test("what was chosen before comes before what the browser speaks", () => {
  assert.equal(choose(OFFERED, ["ar", "es-MX"]), "ar");
  assert.equal(choose(OFFERED, ["", "es-MX", "en"]), "es");
});

test("another region of the same language will do, and any language rather than none", () => {
  assert.equal(choose(OFFERED, ["pt-PT"]), "pt-BR");
  assert.equal(choose(OFFERED, ["pt-br"]), "pt-BR");
  assert.equal(choose(OFFERED, ["zu"]), "en");
  assert.equal(choose([], ["en"]), "");
});

test("each language stands there by its own name, for who reads no other", () => {
  const found = Object.fromEntries(labels(OFFERED).map(({ tag, label }) => [tag, label]));
  assert.equal(found.en, "English");
  assert.equal(found.es, "Español · Spanish");
  assert.match(found.ar, /العربية · Arabic/);
});

test("a language that the browser does not know keeps the server's name", () => {
  assert.deepEqual(labels([{ tag: "xx-nonsense-tag", name: "Xx", rtl: false }]), [{ tag: "xx-nonsense-tag", label: "Xx" }]);
  assert.equal(nameIn("qqq", "en"), "");
});

test("each role says only what it does", () => {
  const wish = { room: "r", secret: "s", name: "Ana", source: "en", language: "es" };
  const start = (/** @type {any} */ role, language = "es") =>
    JSON.parse(JSON.stringify(sessionStart({ ...wish, role, language }, { surroundings: 2 })));
  const listener = start("listener");
  assert.deepEqual([listener.source, listener.name, listener.vad], [undefined, undefined, undefined]);
  assert.deepEqual(listener.targets, [{ language: "es" }]);
  const speaker = start("speaker", "");
  assert.deepEqual([speaker.source, speaker.targets, speaker.name], [{ language: "en" }, undefined, "Ana"]);
  const both = start("both");
  assert.deepEqual([both.source, both.targets, both.vad], [{ language: "en" }, [{ language: "es" }], { aggressiveness: 2 }]);
});

test("what one's speech does to the speech of others is asked for by who does both, and speech as soon as it is made", () => {
  const wish = { room: "r", secret: "s", name: "Ana", source: "en", language: "es" };
  const choices = { surroundings: null, headphones: false, bargeIn: /** @type {"stop"} */ ("stop") };
  const asked = (/** @type {any} */ role) => sessionStart({ ...wish, role }, choices);
  assert.deepEqual(["listener", "speaker", "both"].map((role) => asked(role).barge_in), [undefined, undefined, "stop"]);
  assert.deepEqual(asked("both").output, { rate: 24_000, pacing: "burst" });
  assert.deepEqual(asked("listener").features, ["partials"]);
});

test("what was chosen while there was no connection is asked for when it is back", () => {
  const wish = { room: "r", secret: "s", name: "", source: "en", language: "fr" };
  const config = /** @type {any} */ ({ source: { language: "en" }, targets: [{ language: "es" }] });
  assert.deepEqual(changedMeanwhile({ ...wish, role: "both" }, config), { language: "fr" });
  assert.deepEqual(changedMeanwhile({ ...wish, role: "both", source: "de", language: "es" }, config), { source: "de" });
  assert.equal(changedMeanwhile({ ...wish, role: "listener", source: "", language: "es" }, config), undefined);
  assert.equal(changedMeanwhile({ ...wish, role: "speaker", language: "" }, { ...config, targets: [] }), undefined);
});

test("a QR code is drawn dark where its rows say so, within a margin of four", () => {
  assert.equal(path(["110", "001"]), "M4 4h2v1h-2zM6 5h1v1h-1z");
});
