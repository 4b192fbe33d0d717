/**
 * Everything that was said while this page is open, as data: views render it, exports write it.
 *
 * A part is one recording from Start to Stop, or one file. A lost connection changes nothing in it: the server goes
 * on where it was. Only where it cannot is there another session, which counts segments and sound from 0 again.
 */

import { advance, ECHO, fail, giveUp, replace, Session, write } from "./segments.js";

/** @typedef {import("./segments.js").Entry} Entry */
/** @typedef {import("../protocol.js").ServerMessage} ServerMessage */
/** @typedef {import("../protocol.js").Timings} Timings */
/** @typedef {{ stage: string, code: string, message: string, retryable: boolean }} Failure */
/**
 * `final`: no other text follows; until then the first `stable` UTF-16 units of it stay as they are.
 * @typedef {{ text: string, language: string, final: boolean, stable?: number }} Caption
 */
/**
 * One segment of speech and what became of it. `id` rises over the whole page, `segment` is the server's
 * count. `startMs` and `endMs` (of its speech) are places on the part's timeline. `captionMs` and `earMs`
 * go from the end of speech to the translation on the screen and to the first sample that is audible.
 * @typedef {{ id: number, segment: number, state: "listening" | "working" | "done" | "failed",
 *   source: Caption, translation: Caption, startMs?: number, endMs?: number, failure?: Failure,
 *   captionMs?: number, earMs?: number, timings?: Timings }} Line
 */
/**
 * `at` is when place 0 was recorded, in ms since the epoch; `source` is a tag or "auto", `target` a tag. Of a `pair`
 * either is spoken and the other one heard.
 * @typedef {{ id: number, title: string, kind: "live" | "file", at: number, source: string,
 *   target: string, pair?: [string, string], lines: Line[] }} Part
 */
/** @typedef {{ changed: Line[], withdrawn: Line[] }} Change - withdrawn lines are no longer in their part */
/** @type {(changed?: Line[], withdrawn?: Line[]) => Change} */
const change = (changed = [], withdrawn = []) => ({ changed, withdrawn });

export class Transcript {
  /** @type {Part[]} oldest first */
  parts = [];
  /** @type {Map<number, Line>} by id, of all parts */
  #lines = new Map();
  #lastId = 0;
  #session = new Session((ms) => ms);

  /** @returns {Part | undefined} the running part, or the last one */
  get part() {
    return this.parts[this.parts.length - 1];
  }

  /**
   * Begins a part; until `connected` is called, places in a session's audio are places in the part.
   * @param {Omit<Part, "id" | "lines">} about
   * @returns {Part}
   */
  openPart({ title, kind, at, source, target, pair }) {
    const part = { id: this.parts.length + 1, title, kind, at, source, target, pair, lines: [] };
    this.parts.push(part);
    this.#session = new Session((ms) => ms);
    return part;
  }

  /**
   * Begins a session of the running part.
   * @param {(sessionMs: number) => number} placeOf - from the session's audio to the part's timeline
   */
  connected(placeOf) {
    this.#session = new Session(placeOf);
  }

  /**
   * The running session is lost. What of it was not whole comes again with the next one, as far as its sound is
   * still there, and is withdrawn so that it does not stand there twice.
   * @param {number} keptMs - from where on there is sound to be sent again, on the part's timeline
   * @returns {Change & { from: number | undefined }} from where on it has to be sent again
   */
  lose(keptMs) {
    const { againFrom: from, lines: { open, whole } } = this.#session;
    const left = open.filter(({ startMs }) => startMs !== undefined && startMs < keptMs);
    const withdrawn = open.filter((line) => !left.includes(line));
    withdrawn.forEach((line) => this.#remove(line));
    this.#session = new Session((ms) => ms);
    const over = [...whole, ...left].filter((line) => giveUp(line, "lost", "the connection was lost for too long"));
    return { ...change(over, withdrawn), from };
  }

  /**
   * Takes what the server of the running session said. Other types, and other targets, change nothing.
   * @param {ServerMessage} message
   * @returns {Change}
   */
  apply(message) {
    switch (message.type) {
      case "session.started": {
        const { source, targets } = message.config;
        if (this.part) Object.assign(this.part, { source: source?.language ?? "", target: targets[0].language });
        return change();
      }
      case "speech.started":
        return this.#edit(message, () => {});
      case "speech.stopped":
        return this.#edit(message, ({ line }) => advance(line, "working"));
      case "transcript.partial":
        return this.#edit(message, ({ line }) => write(line.source, message, false));
      case "transcript.final":
        return this.#edit(message, (entry) => this.#transcribe(entry, message));
      case "translation.partial":
      case "translation.final":
        return this.#edit(message, ({ line }) => {
          const final = message.type === "translation.final";
          write(line.translation, { ...message, language: message.target }, final);
        });
      case "audio.end":
        return this.#edit(message, (entry) => (entry.whole = true));
      case "segment.failed":
        if (message.code === ECHO) return this.#edit(message, (entry) => this.#withdraw(entry));
        return this.#edit(message, ({ line }) => fail(line, message));
      case "segment.done":
        return this.#edit(message, (entry) => {
          entry.whole = true;
          entry.line.timings = message.timings_ms;
          advance(entry.line, "done");
        });
      default:
        return change();
    }
  }

  /**
   * @param {number} id - of a line, which may be withdrawn by now
   * @param {number | undefined} earMs - from the end of speech until its first sample was audible, if known
   */
  heard(id, earMs) {
    const line = this.#lines.get(id);
    if (line) line.earMs = earMs ?? line.earMs;
  }

  /**
   * @param {number} id - of a line, which may be withdrawn by now
   * @param {number | undefined} captionMs - from the end of speech until its translation was shown
   */
  captioned(id, captionMs) {
    const line = this.#lines.get(id);
    if (line) line.captionMs = captionMs;
  }

  /** @param {number} id - of a line that is not withdrawn */
  byId(id) {
    return this.#lines.get(id);
  }

  /** @param {number} id - of a line that is not withdrawn */
  partOf(id) {
    const line = this.#lines.get(id);
    return line && this.parts.find(({ lines }) => lines.includes(line));
  }

  /**
   * Nothing more will come of the running session: what has no words is withdrawn, what is not done has failed.
   * @returns {Change}
   */
  close() {
    const { open, whole } = this.#session.lines;
    const withdrawn = open.filter(({ source, state }) => !source.final && (state === "listening" || state === "working"));
    withdrawn.forEach((line) => this.#remove(line));
    const left = [...whole, ...open].filter((line) => !withdrawn.includes(line));
    this.#session = new Session((ms) => ms);
    return change(left.filter((line) => giveUp(line, "ended", "it was ended before")), withdrawn);
  }

  /**
   * A line that failed was translated once more, apart.
   * @param {number} id
   * @param {readonly Line[]} lines - what came of it, perhaps in several sentences
   * @returns {Change}
   */
  mend(id, lines) {
    const line = this.#lines.get(id);
    const whole = lines.length > 0 && lines.every(({ translation }) => translation.final);
    if (!line || !whole) return change();
    replace(line, lines);
    return change([line]);
  }

  /** @param {number} segment - as the running session counts; one that is withdrawn has no line */
  line(segment) {
    const entry = this.#session.entries.get(segment);
    return entry?.withdrawn ? undefined : entry?.line;
  }

  /**
   * @param {{ segment: number, target?: string }} message
   * @param {(entry: Entry) => void} step
   * @returns {Change}
   */
  #edit({ segment, target }, step) {
    const { part } = this;
    if (!part || !(part.pair ?? [part.target]).includes(target ?? part.target)) return change();
    const entry = this.#session.entries.get(segment) ?? this.#enter(segment, part);
    if (entry.withdrawn) return change();
    step(entry);
    return entry.withdrawn ? change([], [entry.line]) : change([entry.line]);
  }

  /**
   * @param {number} segment
   * @param {Part} part
   */
  #enter(segment, { lines, source, target }) {
    /** @type {Line} */
    const line = {
      id: (this.#lastId += 1),
      segment,
      state: "listening",
      source: { text: "", language: source, final: false },
      translation: { text: "", language: target, final: false },
    };
    const later = lines.findIndex((other) => other.segment > segment && this.line(other.segment) === other);
    lines.splice(later < 0 ? lines.length : later, 0, line);
    this.#lines.set(line.id, line);
    /** @type {Entry} */
    const entry = { line };
    this.#session.entries.set(segment, entry);
    return entry;
  }

  /**
   * @param {Entry} entry
   * @param {import("../protocol.js").TranscriptFinal} message - without words it withdraws the line
   */
  #transcribe(entry, message) {
    const { line } = entry;
    line.startMs = this.#session.placeOf(message.start_ms);
    line.endMs = this.#session.placeOf(message.end_ms);
    advance(line, "working");
    write(line.source, message, true);
    if (!message.text.trim()) this.#withdraw(entry);
  }

  /** @param {Entry} entry that nobody has to read of */
  #withdraw(entry) {
    entry.withdrawn = entry.whole = true;
    this.#remove(entry.line);
  }

  /** @param {Line} line */
  #remove(line) {
    this.part?.lines.splice(this.part.lines.indexOf(line), 1);
    this.#lines.delete(line.id);
  }
}
