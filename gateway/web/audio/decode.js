/** Makes of a file that somebody drops what the gateway wants: PCM s16 mono 16 kHz. */

import { SPEECH_RATE } from "./framer.js";
import { Mixer } from "./mixer.js";

/** The browser decodes a whole file into memory: 3 h of speech take 700 MB while it does. */
const MOST_BYTES = 2 ** 30;
const MOST_SECONDS = 3 * 3600;
/** 100 ms: what is judged and mixed at a time. */
const WINDOW = SPEECH_RATE / 10;

/** Says in its message what is wrong with the file, and what to do. */
export class FileError extends Error {
  name = "FileError";
}

/**
 * @param {File} file any sound or video that the browser can read
 * @returns {Promise<Int16Array>} mono 16 kHz
 * @throws {FileError} it is none, or too long
 */
export async function decode(file) {
  if (file.size > MOST_BYTES) throw new FileError(`${file.name} is larger than 1 GB: cut it into parts.`);
  const buffer = await sound(file);
  if (buffer.duration > MOST_SECONDS) throw new FileError(`${file.name} is longer than 3 hours: cut it into parts.`);
  return pcm16(mono(buffer));
}

/**
 * @param {File} file
 * @returns {Promise<AudioBuffer>}
 */
async function sound(file) {
  try {
    // The decoder resamples to the rate of its context, which never renders anything here.
    return await new OfflineAudioContext(1, 1, SPEECH_RATE).decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new FileError(`${file.name} holds no sound that this browser can read: try a WAV or MP3 file.`);
  }
}

/** @param {AudioBuffer} buffer */
function mono(buffer) {
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, channel) => buffer.getChannelData(channel));
  if (channels.length === 1) return channels[0];
  const mixer = new Mixer(buffer.sampleRate);
  const mixed = new Float32Array(buffer.length);
  for (let at = 0; at < mixed.length; at += WINDOW) {
    const window = channels.map((channel) => channel.subarray(at, at + WINDOW));
    mixer.mix(window, mixed.subarray(at, at + WINDOW));
  }
  return mixed;
}

/** @param {Float32Array} samples */
function pcm16(samples) {
  const pcm = new Int16Array(samples.length);
  for (let i = 0; i < pcm.length; i++) {
    pcm[i] = Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768)));
  }
  return pcm;
}
