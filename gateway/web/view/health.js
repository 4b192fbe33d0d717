/** How well it goes, for who wonders: latency, gaps, what is kept ready, lost connections. */

import { byId, make } from "./dom.js";
import { seconds } from "./row.js";

const EVERY_MS = 500;
/** Sentences whose latency is looked at. */
const RECENT = 20;

export class Health {
  #list = byId("health", HTMLElement);
  #transcript;
  #talk;

  /**
   * @param {import("../session/transcript.js").Transcript} transcript
   * @param {import("../session/talk.js").Talk} talk
   */
  constructor(transcript, talk) {
    this.#transcript = transcript;
    this.#talk = talk;
    const sheet = byId("settings", HTMLDialogElement);
    window.setInterval(() => sheet.open && this.#show(), EVERY_MS);
  }

  #show() {
    const { underruns, prebufferMs, queuedMs, speed } = this.#talk.sound.voice?.stats ?? {};
    this.#list.replaceChildren(
      ...entry("Latency, median of the last sentences", seconds(this.#latency()) || "–"),
      ...entry("Gaps in the translated speech", underruns ?? "–"),
      ...entry("Kept ready against gaps", prebufferMs === undefined ? "–" : `${Math.round(prebufferMs)} ms`),
      ...entry("Waiting to be heard", seconds(queuedMs) || "–"),
      ...entry("Speed of the speech", speed === undefined ? "–" : `${speed.toFixed(2)} ×`),
      ...entry("Lost connections", this.#talk.losses),
    );
  }

  #latency() {
    const lines = this.#transcript.part?.lines.slice(-RECENT) ?? [];
    const known = lines.flatMap(({ earMs, captionMs }) => earMs ?? captionMs ?? []).sort((a, b) => a - b);
    return known[Math.floor(known.length / 2)];
  }
}

/**
 * @param {string} name
 * @param {string | number} value
 */
function entry(name, value) {
  return [make("dt", "", name), make("dd", "", String(value))];
}
