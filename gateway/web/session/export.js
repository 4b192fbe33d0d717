/**
 * A part of the transcript as a file: subtitles, plain text or JSON. Only final texts are written.
 */

import { cues } from "./cues.js";

/** @typedef {import("./transcript.js").Part} Part */
/** @typedef {import("./breaks.js").Models} Models */
/** @typedef {import("./transcript.js").Caption} Caption */
/** @typedef {"translation" | "source" | "both"} Which */
/** @typedef {{ startMs: number, endMs: number, captions: Caption[] }} Said - source before translation */

const BLANKS = /[\t-\r ]+/g; // without the no-break spaces that \s has

const NAME_CHARACTERS = 55; // of 4 bytes at most: leaves room for tags below the usual limit of 255 bytes
const EXTENSION = /(?<=.)\.[a-z0-9]{1,5}$/i;
// What Windows refuses, and marks that turn the direction of a name so that it reads like another.
const UNSAFE = /[\p{Cc}\p{Cs}<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;
const EDGES = /^[-. ]+|[-. ]+$/g; // a leading dot hides a file, Windows drops one at the end
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i; // devices of Windows

/**
 * Subtitles in SubRip format.
 * @param {Part} part
 * @param {Which} which
 * @param {Models} [models]
 */
export function srt(part, which, models = {}) {
  const shown = cuesOf(part, which, models).map(({ startMs, endMs, lines }, index) =>
    [index + 1, `${clock(startMs, ",")} --> ${clock(endMs, ",")}`, ...lines, ""].join("\n"),
  );
  return shown.join("\n");
}

/**
 * Subtitles in WebVTT format.
 * @param {Part} part
 * @param {Which} which
 * @param {Models} [models]
 */
export function vtt(part, which, models = {}) {
  const shown = cuesOf(part, which, models).map(({ startMs, endMs, lines }) => {
    const payload = lines.join("\n").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    return `${clock(startMs, ".")} --> ${clock(endMs, ".")}\n${payload}\n`;
  });
  return ["WEBVTT\n", ...shown].join("\n");
}

/**
 * A paragraph for each segment: its place, then each language on a line of its own, because two
 * directions of writing on one line are hard to read.
 * @param {Part} part
 * @param {Which} which
 */
export function text(part, which) {
  const paragraphs = said(part, which).map(({ startMs, captions }) => {
    const seconds = Math.floor(startMs / 1000);
    const place = `[${two(Math.floor(seconds / 60))}:${two(seconds % 60)}]`;
    return `${place} ${captions.map(finalText).join("\n")}\n`;
  });
  return paragraphs.join("\n");
}

/**
 * All that is known of a part, failed segments too; names as in `speechbridge translate --json`.
 * @param {Part} part
 */
export function json({ title, at, source, target, lines }) {
  const told = lines.filter((line) => line.failure || finalText(line.source));
  const segments = told.map((line, index) => ({
    seq: index,
    start_ms: tenths(line.startMs),
    end_ms: tenths(line.endMs),
    language: line.source.language,
    text: finalText(line.source),
    translation: finalText(line.translation),
    ear_ms: tenths(line.earMs),
    caption_ms: tenths(line.captionMs),
    timings_ms: line.timings,
    failure: line.failure,
  }));
  const whole = { title, at: new Date(at).toISOString(), source, target, segments };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
}

/**
 * A name that every system takes, such as speechbridge-2026-11-20-1402.es.srt, in local time.
 * @param {Part} part
 * @param {Which} which
 * @param {string} extension - without a dot
 */
export function fileName({ title, kind, at, source, target, lines }, which, extension) {
  const spoken = lines.find((line) => line.source.final)?.source.language ?? source;
  const language = { source: spoken, translation: target, both: `${spoken}-${target}` }[which];
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString();
  const stamp = local.slice(0, 16).replace("T", "-").replace(":", "");
  const stem = kind === "file" ? safe(title.replace(EXTENSION, "")) : "";
  return `${stem || `speechbridge-${stamp}`}.${language}.${extension}`;
}

/**
 * The segments that have something to show. One without a place follows the one before.
 * @param {Part} part
 * @param {Which} which
 * @returns {Said[]}
 */
function said(part, which) {
  let reachedMs = 0;
  return part.lines.flatMap((line) => {
    const captions = (which === "both" ? [line.source, line.translation] : [line[which]]).filter(finalText);
    if (!captions.length) return [];
    const startMs = line.startMs ?? reachedMs;
    reachedMs = line.endMs ?? startMs;
    return [{ startMs, endMs: reachedMs, captions }];
  });
}

/** @param {Part} part @param {Which} which @param {Models} models */
function cuesOf(part, which, models) {
  const told = said(part, which).map(({ startMs, endMs, captions }) => {
    const texts = captions.map((caption) => ({ text: finalText(caption), language: caption.language }));
    return { startMs, endMs, captions: texts };
  });
  return cues(told, models);
}

/** @param {number} number */
const two = (number) => String(number).padStart(2, "0");

/** @param {number | undefined} ms */
const tenths = (ms) => (ms === undefined ? undefined : Math.round(ms * 10) / 10);

/** @param {Caption} caption */
const finalText = ({ final, text: words }) => (final ? words.replace(BLANKS, " ").trim() : "");

/**
 * @param {number} ms - a whole number
 * @param {string} point - between seconds and milliseconds
 */
function clock(ms, point) {
  const minutes = Math.floor(ms / 60_000);
  const rest = `${two(Math.floor(ms / 1000) % 60)}${point}${String(ms % 1000).padStart(3, "0")}`;
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${rest}`;
}

/** @param {string} title */
function safe(title) {
  const plain = title.normalize("NFC").replace(UNSAFE, "-").replace(EDGES, "");
  const short = Array.from(plain).slice(0, NAME_CHARACTERS).join("").replace(EDGES, "");
  return short.replace(RESERVED, "_$1");
}
