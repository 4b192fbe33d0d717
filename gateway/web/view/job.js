/** A recording that is dropped on the page: progress, captions as they come, its speech to hear and keep. */

import { decode, FileError } from "../audio/decode.js";
import { track, wav } from "../audio/wav.js";
import { fileName } from "../session/export.js";
import { Errand } from "../session/errand.js";
import { sessionStart } from "../session/start.js";
import { byId } from "./dom.js";

/**
 * @typedef {import("../preferences.js").Choices} Choices
 * @typedef {import("../session/transcript.js").Line} Line
 * @typedef {object} Handlers
 * @property {() => Choices | undefined} choices undefined where no file can be taken now
 * @property {(change: import("../session/transcript.js").Change) => void} lines
 * @property {(trouble: import("../troubles.js").Trouble | undefined, againAt?: number) => void} trouble
 * @property {(name: string) => void} begins
 * @property {(busy: boolean) => void} busy
 */

export class Job {
  #element = byId("job", HTMLElement);
  #name = byId("job-name", HTMLElement);
  #progress = byId("job-progress", HTMLProgressElement);
  #state = byId("job-state", HTMLElement);
  #audio = byId("job-audio", HTMLAudioElement);
  #download = byId("job-download", HTMLAnchorElement);
  #closing = byId("job-close", HTMLButtonElement);
  #drop = byId("drop", HTMLElement);
  #input = byId("file", HTMLInputElement);
  #transcript;
  #handlers;
  /** @type {Errand | undefined} */
  #errand;
  /** @type {Map<Line, Int16Array[]>} the speech of each line, in pieces */
  #speech = new Map();
  #rate = 0;
  #generation = 0;

  /**
   * @param {import("../session/transcript.js").Transcript} transcript
   * @param {Handlers} handlers
   */
  constructor(transcript, handlers) {
    this.#transcript = transcript;
    this.#handlers = handlers;
    this.#closing.addEventListener("click", () => this.#close());
    byId("choose-file", HTMLButtonElement).addEventListener("click", () => this.#input.click());
    this.#input.addEventListener("change", () => this.#take(this.#input.files));
    document.addEventListener("dragover", (event) => this.#hover(event));
    document.addEventListener("dragleave", (event) => event.relatedTarget === null && this.#letGo());
    document.addEventListener("drop", (event) => this.#dropped(event));
  }

  /** Tries again now what waits for the connection. */
  retry() {
    this.#errand?.retry();
  }

  get busy() {
    return this.#errand !== undefined;
  }

  /** @param {DragEvent} event */
  #hover(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.#drop.hidden = false;
  }

  #letGo() {
    this.#drop.hidden = true;
  }

  /** @param {DragEvent} event */
  #dropped(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.#letGo();
    void this.#take(event.dataTransfer.files);
  }

  /** @param {FileList | null} files of which the first is taken */
  async #take(files) {
    const file = files?.[0];
    const choices = this.#handlers.choices();
    this.#input.value = "";
    if (!file || !choices) return;
    this.#close();
    const generation = this.#generation;
    this.#open(file.name);
    try {
      const pcm = await decode(file);
      if (generation === this.#generation) this.#run(file.name, pcm, choices);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#close();
      this.#handlers.trouble({ code: "bad_file", text: error.message, label: "Understood", act: "dismiss" });
    }
  }

  /** @param {string} name */
  #open(name) {
    this.#element.hidden = false;
    this.#name.textContent = name;
    this.#progress.hidden = false;
    this.#progress.removeAttribute("value");
    this.#state.textContent = "Reading";
    this.#closing.textContent = "Cancel";
    this.#handlers.busy(true);
  }

  /**
   * @param {string} name
   * @param {Int16Array} pcm
   * @param {Choices} choices
   */
  #run(name, pcm, choices) {
    const { source, target } = choices;
    this.#transcript.openPart({ title: name, kind: "file", at: Date.now(), source, target });
    this.#handlers.begins(name);
    this.#show(0);
    this.#errand = new Errand(this.#transcript, pcm, {
      start: () => sessionStart(choices),
      lines: (change) => {
        for (const line of change.withdrawn) this.#speech.delete(line);
        this.#handlers.lines(change);
      },
      audio: (line, { pcm }) => this.#speech.set(line, [...(this.#speech.get(line) ?? []), pcm]),
      rate: (rate) => (this.#rate = rate),
      progress: (share) => this.#show(share),
      trouble: (trouble, againAt) => {
        if (trouble && againAt === undefined) this.#close();
        this.#handlers.trouble(trouble, againAt);
      },
      done: () => this.#done(),
    });
  }

  /** @param {number} share 0 to 1 */
  #show(share) {
    const percent = Math.min(100, Math.floor(share * 100));
    this.#progress.value = percent;
    this.#state.textContent = `${percent} %`;
  }

  #done() {
    this.#errand = undefined;
    this.#handlers.busy(false);
    this.#progress.hidden = true;
    this.#closing.textContent = "Close";
    const { part } = this.#transcript;
    const pieces = [...this.#speech].map(([{ startMs = 0 }, parts]) => ({ startMs, pcm: joined(parts) }));
    const count = part?.lines.length ?? 0;
    this.#state.textContent = count ? `${count} ${count === 1 ? "sentence" : "sentences"}` : "No words were found";
    if (!part || pieces.length === 0) return;
    const url = URL.createObjectURL(new Blob([wav(track(pieces, this.#rate), this.#rate)], { type: "audio/wav" }));
    this.#audio.src = this.#download.href = url;
    this.#download.download = fileName(part, "translation", "wav");
    this.#audio.hidden = this.#download.hidden = false;
  }

  #close() {
    this.#generation += 1;
    if (this.#errand) {
      this.#errand.cancel();
      this.#errand = undefined;
      this.#handlers.trouble(undefined);
    }
    this.#speech = new Map();
    if (this.#audio.src) URL.revokeObjectURL(this.#audio.src);
    this.#audio.removeAttribute("src");
    this.#element.hidden = this.#audio.hidden = this.#download.hidden = true;
    this.#handlers.busy(false);
  }
}

/** @param {readonly Int16Array[]} pieces */
function joined(pieces) {
  const whole = new Int16Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
