/** The microphone: opened within a tap, framed in a worklet, and got back when it was lost. */

import { Clock } from "./clock.js";
import { resumed } from "./context.js";
import { devices, find } from "./devices.js";

/**
 * @typedef {import("../preferences.js").Device} Device
 * @typedef {{microphone: Device | null, headphones: boolean, cleanup: boolean}} Wanted
 * @typedef {{pcm: Int16Array, peak: number, rms: number, at: number}} Heard 20 ms of 16 kHz; `at` is when
 *   its last sample was recorded, in ms of performance.now()
 * @typedef {object} Handlers
 * @property {(frame: Heard) => void} frame
 * @property {() => void} lost the device is gone
 * @property {(label: string) => void} regained another one, or the same, is in its place
 * @property {() => void} suspended the browser has stopped the sound
 * @property {() => void} running it lets it sound, at first or again
 */

export class Microphone {
  #handlers;
  #context = new AudioContext({ latencyHint: "interactive" });
  #clock = new Clock();
  #original;
  /** @type {AudioWorkletNode | undefined} */
  #worklet;
  /** @type {MediaStream | undefined} */
  #stream;
  /** @type {MediaStreamAudioSourceNode | undefined} */
  #source;
  /** @type {Wanted | undefined} */
  #wanted;
  #opening = false;
  #muted = false;

  /**
   * To be made within a tap or key, or the browser lets nothing sound.
   * @param {Handlers} handlers
   */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#original = new GainNode(this.#context, { gain: 0 });
    this.#original.connect(this.#context.destination);
    this.#context.onstatechange = () => this.#stateChanged();
    navigator.mediaDevices.addEventListener("devicechange", this.#devicesChanged);
  }

  get #closed() {
    return this.#context.state === "closed";
  }

  get label() {
    return this.#stream?.getAudioTracks()[0]?.label ?? "";
  }

  /**
   * Opens the device wanted, or the default where it is away.
   * @param {Wanted} wanted
   * @throws {DOMException} as getUserMedia
   */
  async open(wanted) {
    const { headphones, cleanup } = this.#wanted ?? wanted;
    // Chromium treats a device as it did before for as long as that stream of it is open.
    if (headphones !== wanted.headphones || cleanup !== wanted.cleanup) this.#release();
    this.#wanted = wanted;
    const [stream] = await Promise.all([listen(wanted), this.#load()]);
    this.#release();
    if (this.#closed) {
      stream.getTracks().forEach((track) => track.stop());
      return;
    }
    this.#stream = stream;
    stream.getAudioTracks()[0].onended = () => this.#ended();
    this.#source = new MediaStreamAudioSourceNode(this.#context, { mediaStream: stream });
    this.#source.connect(/** @type {AudioWorkletNode} */ (this.#worklet));
    this.#source.connect(this.#original);
    // Without a tap, as on a captions page that starts by itself, the browser may not let it run.
    if (!(await this.wake()) && !this.#closed) this.#handlers.suspended();
  }

  /** @param {boolean} on while on, silence is sent and the level still shown */
  mute(on) {
    this.#muted = on;
    this.#worklet?.port.postMessage({ type: "mute", on });
  }

  /** @param {number} volume of the own voice in the speaker, 0 to 1 */
  playOriginal(volume) {
    this.#original.gain.setTargetAtTime(volume, this.#context.currentTime, 0.02);
  }

  /** Goes on after the browser has stopped the sound; resolves to whether it did. */
  wake() {
    return resumed(this.#context);
  }

  close() {
    navigator.mediaDevices.removeEventListener("devicechange", this.#devicesChanged);
    this.#release();
    // Frames that are still on their way would come after the last word.
    if (this.#worklet) this.#worklet.port.onmessage = null;
    this.#context.onstatechange = null;
    if (!this.#closed) void this.#context.close();
  }

  async #load() {
    if (this.#worklet) return;
    await this.#context.audioWorklet.addModule(new URL("capture-worklet.js", import.meta.url));
    this.#worklet = new AudioWorkletNode(this.#context, "capture", { numberOfOutputs: 0 });
    this.mute(this.#muted);
    this.#worklet.port.onmessage = ({ data }) => {
      this.#clock.note(data.time, performance.now());
      const at = this.#clock.toPage(data.time) ?? performance.now();
      this.#handlers.frame({ pcm: new Int16Array(data.pcm), peak: data.peak, rms: data.rms, at });
    };
  }

  #release() {
    this.#source?.disconnect();
    for (const track of this.#stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.#source = this.#stream = undefined;
  }

  #stateChanged() {
    // While it stood still its clock did too.
    this.#clock = new Clock();
    if (this.#context.state === "running") this.#handlers.running();
    else if (this.#context.state !== "closed") this.#handlers.suspended();
  }

  async #ended() {
    this.#release();
    this.#handlers.lost();
    await this.#regain();
  }

  /** A device came or went: the one that was chosen may be back, or any where there was none. */
  #devicesChanged = async () => {
    const present = await devices("audioinput");
    const chosen = find(this.#wanted?.microphone ?? null, present);
    const back = chosen !== undefined && chosen.label !== this.label;
    if (back || (!this.#stream && present.length > 0)) await this.#regain();
  };

  async #regain() {
    if (!this.#wanted || this.#opening) return;
    this.#opening = true;
    try {
      await this.open(this.#wanted);
      if (this.#stream) this.#handlers.regained(this.label);
    } catch {
      // Still away; devicechange tells when it is back.
    } finally {
      this.#opening = false;
    }
  }
}

/**
 * @param {Wanted} wanted
 * @returns {Promise<MediaStream>}
 */
async function listen(wanted) {
  const chosen = find(wanted.microphone, await devices("audioinput")) ?? wanted.microphone;
  const sound = {
    echoCancellation: !wanted.headphones,
    noiseSuppression: wanted.cleanup,
    autoGainControl: wanted.cleanup,
  };
  try {
    const deviceId = chosen ? { exact: chosen.id } : undefined;
    return await navigator.mediaDevices.getUserMedia({ audio: { ...sound, deviceId } });
  } catch (error) {
    const away = error instanceof Error && ["OverconstrainedError", "NotFoundError"].includes(error.name);
    if (!chosen || !away) throw error;
    return navigator.mediaDevices.getUserMedia({ audio: sound });
  }
}
