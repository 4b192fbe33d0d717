/**
 * A part of the transcript as a file: subtitles, plain text or JSON. Only final texts are written.
 */

/** @typedef {import("./transcript.js").Part} Part */
/** @typedef {import("./transcript.js").Caption} Caption */
/** @typedef {"translation" | "source" | "both"} Which */
/** @typedef {{ startMs: number, endMs: number, captions: Caption[] }} Said - source before translation */
/** @typedef {{ startMs: number, endMs: number, lines: string[] }} Cue - in whole milliseconds */

// Two lines of 42 characters are what a viewer reads at a glance, by common subtitling guides;
// of scripts without spaces, whose characters say more or are wider, it is half as many.
const CUE_LINES = 2;
const LINE_CHARACTERS = 42;
const SPACELESS_LINE_CHARACTERS = 20;
const SPACELESS = new Set(["bo", "ja", "km", "lo", "my", "th", "yue", "zh"]);

const BLANKS = /[\t-\r ]+/g; // without the no-break spaces that \s has
const JOINS_BEFORE = /^[\s\p{Pe}\p{Pf}\p{Po}]/u; // a line does not begin with closing punctuation

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
 */
export function srt(part, which) {
  const cues = cuesOf(part, which).map(({ startMs, endMs, lines }, index) =>
    [index + 1, `${clock(startMs, ",")} --> ${clock(endMs, ",")}`, ...lines, ""].join("\n"),
  );
  return cues.join("\n");
}

/**
 * Subtitles in WebVTT format.
 * @param {Part} part
 * @param {Which} which
 */
export function vtt(part, which) {
  const cues = cuesOf(part, which).map(({ startMs, endMs, lines }) => {
    const payload = lines.join("\n").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    return `${clock(startMs, ".")} --> ${clock(endMs, ".")}\n${payload}\n`;
  });
  return ["WEBVTT\n", ...cues].join("\n");
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

/**
 * A long text becomes several cues that share the segment's time by their length. Cues rise and never
 * overlap: one begins at the end of the one before if its own place is earlier.
 * @param {Part} part
 * @param {Which} which
 * @returns {Cue[]}
 */
function cuesOf(part, which) {
  let reachedMs = 0;
  return said(part, which).flatMap(({ startMs, endMs, captions }) => {
    const shown = screens(captions);
    const first = Math.max(Math.round(startMs), reachedMs);
    const lengthMs = Math.round(endMs) - first;
    const whole = size(shown.flat().join(""));
    return shown.map((lines, index) => {
      const from = index ? reachedMs : first;
      const end = first + Math.round((lengthMs * size(shown.slice(0, index + 1).flat().join(""))) / whole);
      reachedMs = Math.max(end, from + 1);
      return { startMs: from, endMs: reachedMs, lines };
    });
  });
}

/**
 * The fewest screens of two lines for each caption, on which all captions have about the same progress.
 * @param {Caption[]} captions
 * @returns {string[][]} the lines of each screen
 */
function screens(captions) {
  const broken = captions.map(pieces);
  for (let count = 1; ; count += 1) {
    const parted = broken.map(({ parts, width }) => shares(parts, count).map((share) => wrap(share, width)));
    if (parted.flat().some((lines) => lines.length > CUE_LINES)) continue;
    const all = Array.from({ length: count }, (_, index) => parted.flatMap((lines) => lines[index]));
    return all.filter((lines) => lines.length);
  }
}

/**
 * What a caption may be broken into, no part longer than a line.
 * @param {Caption} caption
 */
function pieces(caption) {
  const spaceless = SPACELESS.has(caption.language.split("-")[0]);
  const width = spaceless ? SPACELESS_LINE_CHARACTERS : LINE_CHARACTERS;
  const whole = finalText(caption).replaceAll("-->", "→");
  const parts = spaceless ? words(whole, caption.language) : whole.split(/(?<= )/);
  const fitting = new RegExp(`.{1,${width}} ?`, "gsu");
  return { parts: parts.flatMap((part) => part.match(fitting) ?? []), width };
}

/**
 * @param {string} whole - in a script without spaces between words
 * @param {string} language
 */
function words(whole, language) {
  if (!Intl.Segmenter) return Array.from(whole);
  /** @type {string[]} */
  const found = [];
  for (const { segment } of new Intl.Segmenter(language, { granularity: "word" }).segment(whole)) {
    if (found.length && JOINS_BEFORE.test(segment)) found[found.length - 1] += segment;
    else found.push(segment);
  }
  return found;
}

/**
 * Deals parts out, in their order, into shares of about the same length, some of which may be empty.
 * @param {string[]} parts
 * @param {number} count - of the shares
 */
function shares(parts, count) {
  const whole = size(parts.join(""));
  const dealt = Array.from({ length: count }, () => /** @type {string[]} */ ([]));
  let before = 0;
  for (const part of parts) {
    dealt[Math.floor((count * (before + size(part) / 2)) / whole)].push(part);
    before += size(part);
  }
  return dealt;
}

/**
 * @param {string[]} parts
 * @param {number} width - in characters
 */
function wrap(parts, width) {
  /** @type {string[]} */
  const lines = [];
  for (const part of parts) {
    const longer = (lines[lines.length - 1] ?? "") + part;
    if (lines.length && size(longer.trimEnd()) <= width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines.map((line) => line.trim());
}

/** @param {string} string */
const size = (string) => Array.from(string).length;

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
