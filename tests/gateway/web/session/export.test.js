// Proves that exports hold every final word, with times and names that other programs take.

import assert from "node:assert/strict";
import { test } from "node:test";

import { fileName, json, srt, text, vtt } from "../../../../gateway/web/session/export.js";

/** @typedef {import("../../../../gateway/web/session/transcript.js").Line} Line */
/** @typedef {import("../../../../gateway/web/session/transcript.js").Part} Part */
/** @typedef {import("../../../../gateway/web/session/export.js").Which} Which */

/** @type {Which[]} */
const ALL = ["translation", "source", "both"];

/**
 * @param {string} source @param {string} translation @param {number} [startMs] @param {number} [endMs]
 * @param {{ from?: string, to?: string }} [languages]
 * @returns {Line}
 */
function line(source, translation, startMs, endMs, { from = "en", to = "es" } = {}) {
  return {
    id: 1,
    segment: 0,
    state: "done",
    source: { text: source, language: from, final: true },
    translation: { text: translation, language: to, final: true },
    startMs,
    endMs,
  };
}

/** @param {Line[]} lines @param {Partial<Part>} [about] @returns {Part} */
function part(lines, about = {}) {
  return { id: 1, title: "Talk", kind: "live", at: 0, source: "en", target: "es", lines, ...about };
}

const TALK = part([
  line("good morning", "buenos días", 200.4, 1000),
  line("come in", "adelante", 1500, 3_725_042),
]);

/** @param {string} file - in SubRip format */
function cuesIn(file) {
  return file.split("\n\n").filter(Boolean).map((cue) => {
    const [number, times, ...lines] = cue.trimEnd().split("\n");
    const [start, end] = times.split(" --> ").map((clock) => {
      const [hours, minutes, seconds, ms] = clock.split(/[:,]/).map(Number);
      return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
    });
    return { number: Number(number), start, end, lines };
  });
}

/** A generator of numbers from 0 to below 1, the same in each run. @param {number} seed */
function random(seed) {
  return () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
}

test("SubRip numbers its cues and writes times with a comma", () => {
  assert.equal(
    srt(TALK, "translation"),
    "1\n00:00:00,200 --> 00:00:01,200\nbuenos días\n\n2\n00:00:01,500 --> 01:02:05,042\nadelante\n",
  );
});

test("WebVTT has its header, no numbers and times with a point", () => {
  assert.equal(
    vtt(TALK, "source"),
    "WEBVTT\n\n00:00:00.200 --> 00:00:01.200\ngood morning\n\n00:00:01.500 --> 01:02:05.042\ncome in\n",
  );
  assert.equal(vtt(part([]), "source"), "WEBVTT\n");
  assert.equal(srt(part([]), "source"), "");
});

test("both languages share a cue, the source above its translation", () => {
  assert.deepEqual(cuesIn(srt(TALK, "both")).map((cue) => cue.lines), [
    ["good morning", "buenos días"],
    ["come in", "adelante"],
  ]);
});

test("an arrow in a text cannot be read as a time, and markup is escaped where there is any", () => {
  const sly = part([line("a --> b & <i>c</i>", "", 0, 1000)]);
  assert.deepEqual(cuesIn(srt(sly, "source"))[0].lines, ["a → b & <i>c</i>"]);
  assert.ok(vtt(sly, "source").endsWith("\na → b &amp; &lt;i&gt;c&lt;/i&gt;\n"));
});

test("a long text becomes cues of two short lines that share the time by length", () => {
  const long = part([line(Array(34).fill("word").join(" "), "", 3_599_000, 3_609_000)]);
  const [five, six] = ["word word word word word", "word word word word word word"];
  assert.deepEqual(cuesIn(srt(long, "source")), [
    { number: 1, start: 3_599_000, end: 3_602_254, lines: [five, six] },
    { number: 2, start: 3_602_254, end: 3_605_508, lines: [five, six] },
    { number: 3, start: 3_605_508, end: 3_609_000, lines: [six, six] },
  ]);
});

test("a line has at most 42 characters, the space behind it not counted", () => {
  const exact = `${"a".repeat(20)} ${"b".repeat(21)}`;
  const lines = (/** @type {string} */ text) => cuesIn(srt(part([line(text, "", 0, 1000)]), "source"))[0].lines;
  assert.deepEqual(lines(exact), [exact]);
  assert.deepEqual(lines(`${exact} ${exact}`), [exact, exact]);
  assert.deepEqual(lines(`${exact}b`), ["a".repeat(20), "b".repeat(22)]);
});

test("a word that is longer than a line is cut, and no character of it", () => {
  const [cue] = cuesIn(srt(part([line(`a${"😀".repeat(50)}`, "", 0, 1000)]), "source"));
  assert.deepEqual(cue.lines, [`a${"😀".repeat(41)}`, "😀".repeat(9)]);
  const words = `${"😀".repeat(20)} ${"😀".repeat(21)}`;
  assert.deepEqual(cuesIn(srt(part([line(words, "", 0, 1000)]), "source"))[0].lines, [words]);
});

test("no cue and no line is empty, however words and lines meet", () => {
  for (const lengths of [[2, 85, 43], [2, 1, 42, 43], [41, 43, 42, 84, 22, 84, 84, 43]]) {
    const words = lengths.map((length) => "x".repeat(length)).join(" ");
    const cues = cuesIn(srt(part([line(words, "", 0, 9000)]), "source"));
    assert.ok(cues.every((cue) => cue.lines.length && cue.lines.every(Boolean)), `${lengths}`);
  }
});

test("a text in two languages is cut so that both have as many cues", () => {
  const long = part([line(Array(18).fill("word").join(" "), "uno dos tres cuatro", 0, 9000)]);
  const nine = ["word word word word", "word word word word word"];
  assert.deepEqual(cuesIn(srt(long, "both")), [
    { number: 1, start: 0, end: 4416, lines: [...nine, "uno dos"] },
    { number: 2, start: 4416, end: 9000, lines: [...nine, "tres cuatro"] },
  ]);
});

test("what is joined is joined in both languages, or where one has nothing to say", () => {
  const lines = [line("Yes.", "Sí.", 0, 200), line("Come in.", "", 300, 400), line("No.", "No.", 500, 600)];
  assert.deepEqual(cuesIn(srt(part(lines), "both")).map((cue) => cue.lines), [
    ["Yes.", "Sí."],
    ["Come in."],
    ["No.", "No."],
  ]);
  const [, , last] = lines;
  assert.deepEqual(cuesIn(srt(part([lines[0], last]), "both")).map((cue) => cue.lines), [["Yes. No.", "Sí. No."]]);
});

test("scripts without spaces break anywhere where their words are not known", () => {
  const chinese = part([line("天".repeat(41), "", 0, 9000, { from: "zh-Hant" })]);
  assert.deepEqual(cuesIn(srt(chinese, "source")).map((cue) => cue.lines), [
    ["天".repeat(20)],
    ["天".repeat(10), "天".repeat(11)],
  ]);
});

/** Lines at any place, of up to 80 words, each of them once. @param {() => number} next */
function anything(next) {
  let number = 0;
  const words = () => {
    const count = Math.floor(next() ** 3 * 80);
    return Array.from({ length: count }, () => `${(number += 1)}${"x".repeat(next() * 15)}`).join(" ");
  };
  return Array.from({ length: 12 }, () => {
    const startMs = next() * 20_000;
    const [from, to] = next() < 0.3 ? ["ja", "th"] : ["en", "es"];
    return line(words(), words(), startMs, startMs + (next() - 0.2) * 3000, { from, to });
  });
}

test("cues rise, never overlap and have short lines, whatever was said", () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const lines = anything(random(seed));
    for (const which of ALL) {
      cuesIn(srt(part(lines), which)).forEach(({ number, start, end, lines: shown }, index, cues) => {
        const where = `seed ${seed}, ${which}, cue ${index + 1}`;
        assert.ok(number === index + 1 && end > start && start >= (cues[index - 1]?.end ?? 0), where);
        assert.ok(shown.length && shown.length <= (which === "both" ? 4 : 2), where);
        assert.ok(shown.every((each) => each && each.length <= 42), where);
      });
    }
  }
});

test("every word is in every file, in the order in which it was said", () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const lines = anything(random(seed));
    for (const which of /** @type {const} */ (["translation", "source"])) {
      const words = lines.flatMap((each) => each[which].text.split(" ")).filter(Boolean);
      const shown = cuesIn(srt(part(lines), which)).flatMap((cue) => cue.lines.join(" ").split(" "));
      assert.deepEqual(shown, words, `seed ${seed}`);
      const rows = text(part(lines), which).replace(/^\[.*?\]/gm, "");
      assert.deepEqual(rows.split(/\s+/).filter(Boolean), words, `seed ${seed}`);
      const both = cuesIn(srt(part(lines), "both")).flatMap((cue) => cue.lines.join(" ").split(" "));
      const mine = new Set(words);
      assert.deepEqual(both.filter((word) => mine.has(word)), words, `seed ${seed}`);
    }
  }
});

test("only final texts are written, and a line without its place follows the one before", () => {
  const half = line("spoken", "dicho", undefined, undefined);
  half.translation.final = false;
  const lines = [line("first", "primero", 1000, 61_000), half];
  assert.equal(text(part(lines), "translation"), "[00:01] primero\n");
  assert.equal(text(part(lines), "both"), "[00:01] first\nprimero\n\n[01:01] spoken\n");
  const [, second] = cuesIn(srt(part(lines), "both"));
  assert.deepEqual(second, { number: 2, start: 61_000, end: 62_000, lines: ["spoken"] });
  half.source.final = false;
  assert.equal(text(part(lines), "source"), "[00:01] first\n");
});

test("line ends in a text end no paragraph and no cue, and no-break spaces stay", () => {
  const broken = part([line(" Vraiment\u00a0?\r\n\r\n Oui. ", "", 3_725_000, 3_726_000)]);
  assert.equal(text(broken, "source"), "[62:05] Vraiment\u00a0? Oui.\n");
  assert.deepEqual(cuesIn(srt(broken, "source"))[0].lines, ["Vraiment\u00a0? Oui."]);
});

test("JSON tells segments with words and segments that failed, with what is known of them", () => {
  const failure = { stage: "stt", code: "internal", message: "!", retryable: false };
  const latencies = { earMs: 900.06, captionMs: 700, timings: { stt: 80 } };
  const heard = { ...line("good", "bien", 65_000.123, 66_000), ...latencies };
  const failed = { ...line("", ""), failure };
  const at = Date.UTC(2026, 10, 20, 14, 2);
  const file = json(part([line("", "", 0, 1), heard, failed], { at, source: "auto" }));
  assert.ok(file.endsWith("}\n"));
  const told = { language: "en", text: "good", translation: "bien", start_ms: 65_000.1, end_ms: 66_000 };
  assert.deepEqual(JSON.parse(file), {
    title: "Talk",
    at: "2026-11-20T14:02:00.000Z",
    source: "auto",
    target: "es",
    segments: [
      { seq: 0, ...told, ear_ms: 900.1, caption_ms: 700, timings_ms: { stt: 80 } },
      { seq: 1, language: "en", text: "", translation: "", failure },
    ],
  });
});

test("a recording is named by its local time and its languages", (context) => {
  const { TZ = "UTC" } = process.env;
  context.after(() => Object.assign(process.env, { TZ }));
  process.env.TZ = "America/New_York";
  const at = new Date(2026, 10, 20, 14, 2).getTime();
  assert.equal(fileName(part([], { at }), "translation", "srt"), "speechbridge-2026-11-20-1402.es.srt");
  assert.equal(fileName(part([], { at }), "both", "txt"), "speechbridge-2026-11-20-1402.en-es.txt");
  const winter = new Date(2026, 0, 5, 4, 7).getTime();
  assert.equal(fileName(part([], { at: winter }), "source", "vtt"), "speechbridge-2026-01-05-0407.en.vtt");
});

test("a language that was detected is named as it was found", () => {
  const hello = line("hola", "hello", 0, 1, { from: "es", to: "en" });
  const detected = part([hello], { source: "auto", target: "en" });
  assert.match(fileName(detected, "both", "srt"), /\.es-en\.srt$/);
});

test("a file keeps its name without what some system refuses", () => {
  const names = {
    "Treffen 3. Oktober.mp3": "Treffen 3. Oktober",
    "no extension": "no extension",
    'a/b\\c:d*?"<e>|f.wav': "a-b-c-d-e-f",
    "..hidden. .wav": "hidden",
    "Aux.mp4": "_Aux",
    "com1.part.mp4": "_com1.part",
    "console.mp4": "console",
    "\u202egpj.exe\u0000\ud800.mp4": "gpj.exe",
    "Cafe\u0301.wav": "Caf\u00e9",
    "面談.m4a": "面談",
    [`${"😀".repeat(200)}.mp4`]: "😀".repeat(55),
  };
  for (const [title, stem] of Object.entries(names)) {
    const name = fileName(part([], { kind: "file", title }), "translation", "srt");
    assert.equal(name, `${stem}.es.srt`);
    assert.ok(Buffer.byteLength(name) <= 255);
  }
  assert.match(fileName(part([], { kind: "file", title: " ..." }), "source", "srt"), /^speechbridge-/);
});
