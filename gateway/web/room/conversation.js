/**
 * Everything that is said in a room, as one participant gets it: the words of the others in one's own language,
 * and the own words as they were understood.
 *
 * The server numbers segments over the whole room, and repeats after a lost connection what did not arrive, so
 * a line lives on through connections. Only where a session is over does what it left open go.
 */

import { advance, ECHO, fail, write } from "../session/segments.js";

/** @typedef {import("../protocol.js").ServerMessage} ServerMessage */
/** @typedef {import("../session/transcript.js").Failure} Failure */
/**
 * A line as in a transcript, and who says it; `own` lines have no translation. `floor` where the speaker's own
 * voice is heard.
 * @typedef {import("../session/transcript.js").Line & { speaker: number, name: string, own: boolean,
 *   floor: boolean }} Line
 */
/** @typedef {{ changed: Line[], withdrawn: Line[] }} Change */

/** Lines kept: an hour and more of a lively talk. */
const KEPT = 1_000;
/** @type {(changed?: Line[], withdrawn?: Line[]) => Change} */
const change = (changed = [], withdrawn = []) => ({ changed, withdrawn });

export class Conversation {
  /** @type {Map<number, Line>} by id, oldest first */
  #lines = new Map();
  /** @type {Map<number, Line>} by the server's number of the segment */
  #segments = new Map();
  #lastId = 0;
  #self = 0;
  #language = "";

  /** Oldest first. @returns {Line[]} */
  get lines() {
    return [...this.#lines.values()];
  }

  /** What one hears, a tag. */
  get language() {
    return this.#language;
  }

  /**
   * Takes what the server said; other types change nothing.
   * @param {ServerMessage} message
   * @returns {Change}
   */
  apply(message) {
    switch (message.type) {
      case "session.started":
        return this.#start(message);
      case "session.updated":
        this.#language = message.config.targets[0]?.language ?? "";
        return change();
      case "speech.started":
        return this.#edit(message, () => {});
      case "speech.stopped":
        return this.#edit(message, (line) => advance(line, "working"));
      case "transcript.partial":
        return this.#edit(message, (line) => write(line.source, message, false));
      case "transcript.final":
        return this.#transcribe(message);
      case "translation.partial":
      case "translation.final":
        return this.#translate(message);
      case "audio.start":
        return this.#edit(message, (line) => (line.floor = message.floor === true));
      case "segment.failed":
        if (message.code === ECHO) return this.#withdraw(this.#edit(message, () => {}));
        return this.#edit(message, (line) => fail(line, message));
      case "segment.done":
        return this.#finish(message);
      default:
        return change();
    }
  }

  /**
   * The session is over, and another one knows nothing of what it left open.
   * @returns {Change}
   */
  close() {
    const open = this.lines.filter(({ state }) => state === "listening" || state === "working");
    const withdrawn = open.filter((line) => !said(line));
    withdrawn.forEach((line) => this.#remove(line));
    this.#segments.clear();
    return change(open.filter((line) => said(line) && advance(line, "done")), withdrawn);
  }

  /**
   * @param {number} id of a line that is still kept
   * @param {number | undefined} earMs from the end of speech until its first sample was audible, if known
   */
  heard(id, earMs) {
    const line = this.#lines.get(id);
    if (line) line.earMs = earMs ?? line.earMs;
  }

  /** @param {number} id of a line that is still kept */
  byId(id) {
    return this.#lines.get(id);
  }

  /** @param {number} segment as the server counts */
  line(segment) {
    return this.#segments.get(segment);
  }

  /**
   * @param {import("../protocol.js").SessionStarted} message
   * @returns {Change}
   */
  #start({ resumed, participant, config }) {
    // Only a session that goes on sends the rest of what was open.
    const left = resumed ? change() : this.close();
    this.#self = participant ?? 0;
    this.#language = config.targets[0]?.language ?? "";
    return left;
  }

  /**
   * @param {{ segment: number, speaker?: number, name?: string }} message
   * @param {(line: Line) => void} step
   * @returns {Change}
   */
  #edit(message, step) {
    const line = this.#segments.get(message.segment) ?? this.#enter(message);
    if (!this.#lines.has(line.id)) return change();
    line.name = message.name ?? line.name;
    step(line);
    return change([line]);
  }

  /** @param {{ segment: number, speaker?: number, name?: string }} message */
  #enter({ segment, speaker = 0, name = "" }) {
    /** @type {Line} */
    const line = {
      id: (this.#lastId += 1),
      segment,
      state: "listening",
      speaker,
      name,
      own: speaker !== 0 && speaker === this.#self,
      floor: false,
      source: { text: "", language: "", final: false },
      translation: { text: "", language: this.#language, final: false },
    };
    this.#lines.set(line.id, line);
    this.#segments.set(segment, line);
    const oldest = this.#lines.values().next().value;
    if (this.#lines.size > KEPT && oldest) this.#remove(oldest);
    const [first] = this.#segments.keys();
    if (this.#segments.size > KEPT) this.#segments.delete(first);
    return line;
  }

  /**
   * @param {import("../protocol.js").TranscriptFinal} message without words it withdraws the line
   * @returns {Change}
   */
  #transcribe(message) {
    const changed = this.#edit(message, (line) => {
      advance(line, "working");
      write(line.source, message, true);
    });
    return message.text.trim() ? changed : this.#withdraw(changed);
  }

  /**
   * What comes last holds: after another language was chosen a sentence may come in both.
   * @param {import("../protocol.js").TranslationFinal | import("../protocol.js").TranslationPartial} message
   * @returns {Change}
   */
  #translate(message) {
    return this.#edit(message, (line) => {
      const final = message.type === "translation.final";
      if (!final && line.translation.final) return;
      line.translation = { text: "", language: message.target, final: false };
      write(line.translation, message, final);
    });
  }

  /**
   * @param {import("../protocol.js").SegmentDone} message
   * @returns {Change}
   */
  #finish(message) {
    const known = this.#segments.get(message.segment);
    const changed = this.#edit(message, (line) => {
      line.timings = message.timings_ms;
      advance(line, "done");
    });
    // Nobody said a word, or it was in the language before and is not for this one.
    return known && (said(known) || known.state === "failed") ? changed : this.#withdraw(changed);
  }

  /**
   * @param {Change} changed
   * @returns {Change}
   */
  #withdraw({ changed }) {
    changed.forEach((line) => this.#remove(line));
    return change([], changed);
  }

  /** @param {Line} line its segment stays known, so that what still comes of it makes no new one */
  #remove(line) {
    this.#lines.delete(line.id);
  }
}

/** @param {Line} line */
function said({ own, source, translation }) {
  return (own ? source : translation).final;
}
